package dev.graft.trainer.llama;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** ggml's own quantizer, out of the java-llama.cpp jar and loaded into this process: to be measured beside ours. Any thread. */
public final class Ggml {
  private final Function quantizeChunk;

  /** struct ggml_init_params. */
  @Structure.FieldOrder({"memorySize", "memoryBuffer", "noAlloc"})
  public static final class InitParams extends Structure implements Structure.ByValue {
    public long memorySize = 1024;
    public Pointer memoryBuffer;
    public byte noAlloc;
  }

  private Ggml(NativeLibrary library) {
    library.getFunction("ggml_init").invokePointer(new Object[] {new InitParams()}); // fills ggml's tables
    quantizeChunk = library.getFunction("ggml_quantize_chunk");
  }

  /** Loads it; empty where the jar has none for this system. */
  public static Optional<Ggml> load() throws IOException {
    Optional<Path> folder = LlamaLibrary.folder();
    return folder.map(found -> new Ggml(NativeLibrary.getInstance(found.resolve(System.mapLibraryName("jllama")).toString())));
  }

  /** llama.cpp's version in that jar. */
  public static String version() {
    return "llama.cpp b4916";
  }

  /**
   * Rows into a type, on the calling thread.
   *
   * @param values the whole matrix  @param target of the whole matrix
   * @param first the row to begin with
   * @param importance weights of the columns, or null
   * @return bytes written
   */
  public long quantize(int type, Pointer values, Pointer target, long first, long rows, long width, Pointer importance) {
    return quantizeChunk.invokeLong(new Object[] {type, values, target, first * width, rows, width, importance});
  }
}
