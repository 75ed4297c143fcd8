package dev.graft.eval.convert;

import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufWriter;
import dev.graft.bindings.Quantizer;
import dev.graft.bindings.WeightType;
import dev.graft.eval.safetensors.Dtype;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Turns a Hugging Face folder into a GGUF, a few rows at a time. */
public final class Converter {
  private static final float HALF_MAX = 65504;

  private Converter() {}

  /**
   * What is wanted.
   *
   * @param type F32, F16, BF16 or Q8_0; null for that which most weights have
   * @param pre llama.cpp's name of the pre-tokenizer, or null to find it
   * @param name general.name
   * @param threads 0 for every core
   */
  public record Options(String type, String pre, String name, int threads) {}

  /**
   * What was written.
   *
   * @param tensors count  @param parameters elements of all tensors
   * @param type of the matrices
   * @param shards files read
   * @param notes sentences for the user
   */
  public record Result(String architecture, int tensors, long parameters, String type, int vocabulary, String tokenizer, int shards, List<String> notes) {}

  /**
   * Converts.
   *
   * @param progress gets the number of tensors done and all of them, now and then
   * @throws BadFileException naming the file and the field, token or tensor that is not as it should be
   */
  public static Result run(Path folder, Path output, Options options, Progress progress) throws IOException {
    HfConfig config = HfConfig.read(folder);
    List<String> notes = new ArrayList<>(config.notes());
    HfTokenizer.Vocabulary vocabulary = HfTokenizer.read(folder, config.vocabulary(), options.pre(), notes);
    try (Checkpoint checkpoint = Checkpoint.open(folder); GgufWriter writer = GgufWriter.create()) {
      List<TensorPlan.Item> items = TensorPlan.of(config, checkpoint);
      String type = options.type() == null ? commonType(items) : options.type();
      writer.set("general.architecture", config.architecture()).set("general.type", "model").set("general.name", options.name());
      config.write(writer);
      SpecialIds.write(writer, folder, config, vocabulary);
      List<WeightType> types = types(items, type, config, writer, notes);
      writer.begin(output);
      progress.done(0, items.size());
      try (RowPipeline pipeline = new RowPipeline(writer, options.threads())) {
        for (int i = 0; i < items.size(); i++) {
          write(pipeline, config, items.get(i), types.get(i));
          progress.done(i + 1, items.size());
        }
        pipeline.finish();
      }
      writer.commit();
      long parameters = items.stream().filter(item -> item.source() != null).mapToLong(item -> item.rows() * item.columns()).sum();
      return new Result(config.architecture(), items.size(), parameters, type, config.vocabulary(), vocabulary.kind() + " (" + vocabulary.pre() + ")", checkpoint.shards(), notes);
    }
  }

  /** Told how far the work is. */
  @FunctionalInterface
  public interface Progress {
    void done(int items, int of);
  }

  private static String commonType(List<TensorPlan.Item> items) {
    Map<Dtype, Long> elements = new HashMap<>();
    items.stream().filter(item -> item.source() != null).forEach(item -> elements.merge(item.dtype(), item.rows() * item.columns(), Long::sum));
    Dtype most = elements.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    return most == Dtype.F64 ? "F32" : most.name();
  }

  private static List<WeightType> types(List<TensorPlan.Item> items, String mix, HfConfig config, GgufWriter writer, List<String> notes) {
    List<WeightType> types = new ArrayList<>();
    int fallbacks = 0;
    WeightType other = null;
    for (TensorPlan.Item item : items) {
      WeightType.Choice choice = WeightType.inMix(mix, item.name(), item.columns(), item.shape().size(), config.layers(), config.tied());
      if (item.shape().size() > 1 && !choice.type().label().equalsIgnoreCase(mix)) {
        fallbacks++;
        other = choice.type();
      }
      types.add(choice.type());
      writer.tensor(item.name(), choice.type(), item.shape());
      writer.set("general.file_type", (long) choice.fileType());
    }
    writer.set("general.quantization_version", 2L);
    if (fallbacks > 0) {
      notes.add(fallbacks + " matrices have rows that are no whole number of " + mix + "'s blocks; they are written as " + other.label());
    }
    return types;
  }

  private static void write(RowPipeline pipeline, HfConfig config, TensorPlan.Item item, WeightType type) throws IOException {
    if (item.source() == null) {
      float[] factors = config.ropeScaling().llama3().factors(config.ropeTheta(), config.headWidth());
      pipeline.tensor(1, factors.length, 1, (first, count) -> bytes(factors));
      return;
    }
    Dtype dtype = item.dtype();
    SafetensorsFile file = item.source().file();
    boolean vector = item.shape().size() == 1; // a bias has an order too: its numbers are its rows
    long rows = vector ? item.columns() : item.rows();
    long columns = vector ? 1 : item.columns();
    int group = item.order().same() ? 1 : item.order().headWidth();
    pipeline.tensor(rows, columns, group, (first, count) -> {
      int n = Math.toIntExact(count * columns);
      byte[] raw = item.order().move(file.bytes(item.source().tensor(), first * columns, n), (int) columns * dtype.bytes(), false);
      float[] values = dtype.floats(raw);
      check(file, item, type, values);
      return type.label().equals(dtype.name()) ? raw : type.label().equals("F32") ? bytes(values)
          : Quantizer.quantize(type.number(), values, Math.toIntExact(type.bytes(n)));
    });
  }

  private static void check(SafetensorsFile file, TensorPlan.Item item, WeightType type, float[] values) {
    boolean half = type.label().equals("F16") || type.label().equals("Q8_0");
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new BadFileException(file.path() + ": tensor " + item.source().tensor().name() + " holds a NaN or infinity");
      } else if (half && !(Math.abs(value) <= HALF_MAX)) {
        throw new BadFileException(file.path() + ": tensor " + item.source().tensor().name() + " holds " + value + ", which " + type.label() + " cannot; take --type BF16 or F32");
      }
    }
  }

  private static byte[] bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }
}
