package dev.graft.trainer.run;

import dev.graft.bindings.GraftRuntime;
import java.util.Locale;
import java.util.OptionalLong;

/** Refuses what cannot fit into memory before any of it is taken. */
public final class MemoryCheck {
  /** The Java side: heap in use, code, stacks, and the tokenizer's vocabulary. */
  public static final long JAVA_BYTES = 96L << 20;

  private MemoryCheck() {}

  /**
   * @param runtime on whose device it has to fit
   * @param fileBytes the mapped model  @param workBytes memory beside it
   * @param advice which flags would help
   * @return bytes that the machine has left, or 0 when it cannot say
   * @throws RunException when it does not fit
   */
  public static long require(GraftRuntime runtime, long fileBytes, long workBytes, String advice) {
    OptionalLong available = available(runtime);
    if (available.isEmpty()) {
      return 0;
    }
    boolean gpu = runtime.deviceMemory().isPresent();
    long needed = fileBytes + workBytes + javaBytes(runtime);
    if (needed > available.getAsLong()) {
      throw RunException.failed(
          "not enough " + (gpu ? "GPU memory" : "memory") + ": needs " + gib(needed) + " (" + gib(fileBytes) + " model file, " + gib(workBytes) + " beside it) and "
              + gib(available.getAsLong()) + " are available; " + advice,
          null);
    }
    return available.getAsLong();
  }

  /**
   * Bytes that a model, and what is computed with it, may take on the runtime's device: what is free and what the runtime has taken already; on the CPU the host's,
   * page cache included. Empty when the system cannot say.
   */
  public static OptionalLong available(GraftRuntime runtime) {
    return runtime.deviceMemory().map(memory -> OptionalLong.of(memory.free() + memory.used())).orElseGet(HostMemory::available);
  }

  /** What the Java side takes of the memory that is counted: nothing of a GPU's. */
  public static long javaBytes(GraftRuntime runtime) {
    return runtime.deviceMemory().isPresent() ? 0 : JAVA_BYTES;
  }

  /** "1.25 GiB", or "12.0 MiB" when that is shorter. */
  public static String gib(long bytes) {
    return bytes < 1L << 28 ? String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0) : String.format(Locale.ROOT, "%.2f GiB", bytes / 1073741824.0);
  }
}
