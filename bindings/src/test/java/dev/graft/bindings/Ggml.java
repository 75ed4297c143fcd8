package dev.graft.bindings;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Assumptions;

/** ggml itself, from within the java-llama.cpp jar: the oracle of the weight formats. */
final class Ggml {
  private static Ggml loaded;

  private final NativeLibrary library;

  /** struct ggml_init_params. */
  @Structure.FieldOrder({"memorySize", "memoryBuffer", "noAlloc"})
  public static final class InitParams extends Structure implements Structure.ByValue {
    public long memorySize = 1024;
    public Pointer memoryBuffer;
    public byte noAlloc;
  }

  private Ggml(NativeLibrary library) {
    this.library = library;
    library.getFunction("ggml_init").invokePointer(new Object[] {new InitParams()}); // fills ggml's tables
  }

  /** Loads it from the class path, once and for good: a second copy, or closing the first, ends in the C library's abort. Skips the test where the jar has none for this machine. */
  static synchronized Ggml load() throws IOException {
    if (loaded == null) {
      String arch = System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
      String resource = "/de/kherud/llama/Linux/" + arch + "/libjllama.so";
      try (InputStream in = System.getProperty("os.name").equals("Linux") ? Ggml.class.getResourceAsStream(resource) : null) {
        Assumptions.assumeTrue(in != null, "the java-llama.cpp jar has no library for this machine");
        Path file = Files.createTempFile("libjllama", ".so");
        file.toFile().deleteOnExit();
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        loaded = new Ggml(NativeLibrary.getInstance(file.toString()));
      }
    }
    return loaded;
  }

  /** {@code name}(blocks, values, count), whose signature all of ggml's row conversions share. */
  void dequantize(String name, Pointer blocks, Pointer values, long count) {
    Function function = library.getFunction(name);
    function.invokeVoid(new Object[] {blocks, values, count});
  }

  /** One row of values into a type; the bytes written. */
  long quantize(int type, Pointer values, Pointer target, long count) {
    return library.getFunction("ggml_quantize_chunk").invokeLong(new Object[] {type, values, target, 0L, 1L, count, Pointer.NULL});
  }

  /** Rows of values into a type, under importance weights or null; the bytes written. */
  long quantize(int type, Pointer values, Pointer target, long rows, long width, Pointer importance) {
    return library.getFunction("ggml_quantize_chunk").invokeLong(new Object[] {type, values, target, 0L, rows, width, importance});
  }
}
