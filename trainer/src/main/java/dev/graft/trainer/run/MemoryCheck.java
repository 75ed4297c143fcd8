package dev.graft.trainer.run;

import java.util.Locale;
import java.util.OptionalLong;

/** Refuses what cannot fit into memory before any of it is taken. */
public final class MemoryCheck {
  /** The Java side: heap in use, code, stacks, and the tokenizer's vocabulary. */
  public static final long JAVA_BYTES = 96L << 20;

  private MemoryCheck() {}

  /**
   * @param device of the runtime; only the host's memory is checked here, a GPU's allocation fails by itself
   * @param fileBytes the mapped model  @param workBytes memory beside it
   * @param advice which flags would help
   * @return bytes that the machine has left, or 0 when it cannot say
   * @throws RunException when it does not fit
   */
  public static long require(String device, long fileBytes, long workBytes, String advice) {
    OptionalLong available = HostMemory.available();
    if (!device.startsWith("cpu") || available.isEmpty()) {
      return available.orElse(0);
    }
    long needed = fileBytes + workBytes + JAVA_BYTES;
    if (needed > available.getAsLong()) {
      throw RunException.failed(
          "not enough memory: needs " + gib(needed) + " (" + gib(fileBytes) + " model file, " + gib(workBytes) + " beside it) and "
              + gib(available.getAsLong()) + " are available; " + advice,
          null);
    }
    return available.getAsLong();
  }

  /** "1.25 GiB", or "12.0 MiB" when that is shorter. */
  public static String gib(long bytes) {
    return bytes < 1L << 28 ? String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0) : String.format(Locale.ROOT, "%.2f GiB", bytes / 1073741824.0);
  }
}
