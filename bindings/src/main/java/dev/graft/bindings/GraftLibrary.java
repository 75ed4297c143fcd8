package dev.graft.bindings;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.FloatByReference;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The raw mapping of native/include/graft.h, one native method for each function, in its order; contracts stand there.
 *
 * <p>Loaded from the class path ({@code linux-x86-64/libgraft.so} and the like, extracted by JNA), or from the file or folder that
 * the system property {@code graft.library.path} names. Call {@link #require()} before any other method.
 */
final class GraftLibrary {
  static final String PATH_PROPERTY = "graft.library.path";

  /** Why the library could not be loaded; null when it was. */
  private static final String FAILURE = load();

  private GraftLibrary() {}

  /** @throws NativeFailureException when the library is missing or cannot be loaded */
  static void require() {
    if (FAILURE != null) {
      throw new NativeFailureException(FAILURE);
    }
  }

  private static String load() {
    try {
      String configured = System.getProperty(PATH_PROPERTY);
      boolean own = configured == null || configured.isEmpty();
      File file = own ? Native.extractFromResourcePath("graft", GraftLibrary.class.getClassLoader()) : configuredFile(configured);
      NativeLibrary library = NativeLibrary.getInstance(
          file.getAbsolutePath(), Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
      Native.register(GraftLibrary.class, library);
      if (own && file.getName().startsWith("jna")) {
        Files.deleteIfExists(file.toPath()); // JNA's temporary copy; the mapping stays
      }
      return null;
    } catch (IOException | LinkageError | RuntimeException e) {
      String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
      return "cannot load Graft's native library for " + Platform.RESOURCE_PREFIX + " (" + reason
          + "); build it with 'mvn -B -ntp package -DskipTests', or point -D" + PATH_PROPERTY + " at libgraft";
    }
  }

  private static File configuredFile(String configured) throws IOException {
    Path path = Path.of(configured);
    if (Files.isDirectory(path)) {
      path = path.resolve(System.mapLibraryName("graft"));
    }
    if (!Files.isRegularFile(path)) {
      throw new IOException("no file " + path);
    }
    return path.toFile();
  }

  static native String graft_version();

  static native void graft_cuda_library(String path);

  static native int graft_runtime_open(String device, String isa, int threads, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_runtime_describe(Pointer runtime, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_runtime_peak(Pointer runtime, DoubleByReference fmaFlops, DoubleByReference copyBytes, DoubleByReference readBytes, byte[] message, long messageBytes);

  static native int graft_runtime_memory(Pointer runtime, LongByReference used, LongByReference peak, LongByReference freeNow, LongByReference total, byte[] message, long messageBytes);

  static native void graft_runtime_close(Pointer runtime);

  static native int graft_dequantize(Pointer runtime, int type, Pointer source, long sourceBytes, Pointer values, long count, byte[] message, long messageBytes);

  static native int graft_quantize(int type, Pointer values, long count, Pointer target, long targetBytes, byte[] message, long messageBytes);

  static native int graft_quantize_rows(Pointer runtime, int type, Pointer values, long rows, long width, Pointer importance, Pointer target, long targetBytes,
      byte[] message, long messageBytes);

  static native int graft_gguf_open(String path, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_gguf_describe(Pointer gguf, int maxItems, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_gguf_string(Pointer gguf, String key, long index, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_gguf_write_tokenizer(Pointer gguf, String path, byte[] message, long messageBytes);

  static native void graft_gguf_close(Pointer gguf);

  static native int graft_types(Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_mix_type(String mix, String tensor, long row, int dimensions, int layers, int tied, IntByReference type, IntByReference fileType,
      byte[] message, long messageBytes);

  static native int graft_gguf_writer_open(Pointer source, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_gguf_writer_set(Pointer writer, String key, int type, long count, byte[] data, long bytes, byte[] message, long messageBytes);

  static native int graft_gguf_writer_tensor(Pointer writer, String name, int type, int dimensions, long[] shape, byte[] message, long messageBytes);

  static native int graft_gguf_writer_begin(Pointer writer, String path, byte[] message, long messageBytes);

  static native int graft_gguf_writer_write(Pointer writer, Pointer data, long bytes, byte[] message, long messageBytes);

  static native int graft_gguf_writer_commit(Pointer writer, byte[] message, long messageBytes);

  static native void graft_gguf_writer_close(Pointer writer);

  static native int graft_write_vocabulary(String path, String name, String pre, int tokenCount, byte[] tokens, long tokenBytes, int[] types, int mergeCount,
      byte[] merges, long mergeBytes, int bos, int eos, int eot, int pad, int addBos, String chatTemplate, byte[] message, long messageBytes);

  static native int graft_write_random_model(String path, String architecture, int layers, int width, int heads, int kvHeads, int headWidth, int feedForward,
      int vocabularySize, int contextLength, int tied, String mix, String vocabulary, long seed, float deviation, float ropeBase, String name,
      byte[] message, long messageBytes);

  static native int graft_importance_open(String path, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_importance_save(Pointer importance, String path, String source, byte[] message, long messageBytes);

  static native int graft_importance_describe(Pointer importance, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_importance_values(Pointer importance, String weight, Pointer values, long count, byte[] message, long messageBytes);

  static native void graft_importance_close(Pointer importance);

  static native int graft_quantizer_open(Pointer runtime, Pointer gguf, String path, String type, String outputType, String embeddingType, int pure, Pointer importance,
      PointerByReference out, byte[] message, long messageBytes);

  static native int graft_quantizer_describe(Pointer quantizer, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_quantizer_step(Pointer quantizer, LongByReference doneBytes, IntByReference finished, byte[] message, long messageBytes);

  static native void graft_quantizer_close(Pointer quantizer);

  static native int graft_model_open(Pointer runtime, String path, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_model_describe(Pointer model, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native void graft_model_close(Pointer model);

  static native int graft_adapter_create(Pointer model, int rank, float alpha, int rslora, String targets, long seed, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_adapter_open(Pointer model, String path, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_adapter_clone(Pointer adapter, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_adapter_save(Pointer adapter, String path, String name, byte[] message, long messageBytes);

  static native int graft_adapter_describe(Pointer adapter, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_adapter_tensor(Pointer adapter, String name, int write, Pointer values, long count, byte[] message, long messageBytes);

  static native void graft_adapter_close(Pointer adapter);

  static native int graft_weights_open(Pointer model, PointerByReference out, byte[] message, long messageBytes);

  static native int graft_weights_save(Pointer weights, String path, String type, String name, byte[] message, long messageBytes);

  static native int graft_weights_describe(Pointer weights, Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);

  static native int graft_weights_tensor(Pointer weights, String name, int write, Pointer values, long count, byte[] message, long messageBytes);

  static native void graft_weights_close(Pointer weights);

  static native int graft_trainer_open(Pointer model, Pointer adapter, Pointer weights, int trainable, long maxTokens, long maxTargets, int recompute, float dropout, long seed,
      PointerByReference out, byte[] message, long messageBytes);

  static native int graft_trainer_memory(Pointer model, int rank, String targets, int trainable, long maxTokens, long maxTargets, int recompute,
      float dropout, LongByReference bytes, byte[] message, long messageBytes);

  static native int graft_trainer_memory_of_weights(Pointer model, long maxTokens, long maxTargets, int recompute, LongByReference bytes, byte[] message, long messageBytes);

  static native int graft_trainer_forward(Pointer trainer, int segments, Pointer lengths, Pointer prefixes, Pointer tokens, long targets, Pointer targetRows,
      Pointer targetIds, int training, Pointer logps, Pointer meanLogits, Pointer logSquares, byte[] message, long messageBytes);

  static native int graft_trainer_distributions(Pointer trainer, long begin, long n, Pointer logps, long count, byte[] message, long messageBytes);

  static native int graft_trainer_backward(Pointer trainer, Pointer weights, byte[] message, long messageBytes);

  static native int graft_trainer_step(Pointer trainer, float learningRate, float weightDecay, float maxGradNorm, float beta2, DoubleByReference gradNorm, byte[] message, long messageBytes);

  static native int graft_trainer_gradient(Pointer trainer, String name, Pointer values, long count, byte[] message, long messageBytes);

  static native int graft_trainer_save(Pointer trainer, String path, byte[] message, long messageBytes);

  static native int graft_trainer_load(Pointer trainer, String path, byte[] message, long messageBytes);

  static native int graft_trainer_observe(Pointer trainer, Pointer importance, byte[] message, long messageBytes);

  static native void graft_trainer_close(Pointer trainer);

  static native int graft_loss_sft(long n, Pointer logps, long total, Pointer weights, DoubleByReference loss, byte[] message, long messageBytes);

  static native String graft_preference_kinds();

  static native int graft_preference_describe(String kind, double[] defaults, int options, IntByReference traits, byte[] message, long messageBytes);

  static native int graft_preference_check(String kind, double[] options, int count, byte[] message, long messageBytes);

  static native int graft_preference_loss(String kind, double[] options, int count, long units, Pointer labels, Pointer lengths, Pointer logps, Pointer reference,
      Pointer alignment, long totalUnits, long totalSftTokens, int updateState, double[] state, Pointer weights, Pointer losses, Pointer rewards,
      byte[] message, long messageBytes);

  static native int graft_generator_open(Pointer model, int sequences, int context, long cacheTokens, int cacheType, int pageTokens, int passRows,
      PointerByReference out, byte[] message, long messageBytes);

  static native int graft_generator_add_adapter(Pointer generator, Pointer adapter, IntByReference index, byte[] message, long messageBytes);

  static native int graft_generator_remove_adapter(Pointer generator, int index, byte[] message, long messageBytes);

  static native int graft_generator_begin(Pointer generator, int sequence, int adapterCount, int[] adapters, float[] scales, long n, int[] tokens, long most, int reuse,
      IntByReference reused, byte[] message, long messageBytes);

  static native int graft_generator_append(Pointer generator, int n, int[] sequenceOf, int[] lengths, int[] tokens, int[] keep, byte[] message, long messageBytes);

  static native int graft_generator_sample(Pointer generator, int sequence, float temperature, int topK, float topP, float minP, float repetitionPenalty,
      float presencePenalty, float frequencyPenalty, int biasCount, int[] biasIds, float[] biases, long[] mask, long maskWords, double random, IntByReference token,
      byte[] message, long messageBytes);

  static native int graft_sampler_check(int vocabulary, float temperature, int topK, float topP, float minP, float repetitionPenalty, float presencePenalty,
      float frequencyPenalty, int biasCount, int[] biasIds, float[] biases, byte[] message, long messageBytes);

  static native int graft_generator_logps(Pointer generator, int sequence, int token, FloatByReference logp, int n, int[] topIds, float[] topLogps,
      byte[] message, long messageBytes);

  static native int graft_generator_embedding(Pointer generator, int sequence, float[] values, long count, byte[] message, long messageBytes);

  static native int graft_generator_end(Pointer generator, int sequence, byte[] message, long messageBytes);

  static native int graft_generator_cache(Pointer generator, IntByReference pageTokens, IntByReference pages, IntByReference used, IntByReference kept,
      byte[] message, long messageBytes);

  static native void graft_generator_close(Pointer generator);
}
