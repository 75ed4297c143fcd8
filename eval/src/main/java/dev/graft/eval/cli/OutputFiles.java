package dev.graft.eval.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds out before the work what cannot be written after it. */
final class OutputFiles {
  private OutputFiles() {}

  /**
   * Refuses a folder, a missing or read-only folder around the file, and a file that is also an input.
   *
   * @param flag names it in the message
   * @param inputs may hold nulls
   * @throws CliException with the line for the user
   */
  static void check(String flag, Path output, Path... inputs) {
    if (Files.isDirectory(output)) {
      throw CliException.usage(flag + " " + output + " is a folder; give a file");
    }
    checkFolder(flag, output, output.toAbsolutePath().getParent());
    for (Path input : inputs) {
      try {
        if (input != null && Files.exists(output) && Files.exists(input) && Files.isSameFile(output, input)) {
          throw CliException.usage(flag + " " + output + " is also an input; choose another name");
        }
      } catch (IOException e) {
        throw CliException.failed(flag + " " + output + ": cannot be compared with " + input + ": " + e.getMessage(), e);
      }
    }
  }

  /** Refuses a folder to be made where none can be, or that is a file. */
  static void checkNewFolder(String flag, Path output) {
    if (Files.exists(output) && !Files.isDirectory(output)) {
      throw CliException.usage(flag + " " + output + " is a file; give a folder");
    }
    Path folder = output.toAbsolutePath();
    while (folder != null && !Files.exists(folder)) {
      folder = folder.getParent();
    }
    checkFolder(flag, output, folder);
  }

  private static void checkFolder(String flag, Path output, Path folder) {
    if (folder == null || !Files.isDirectory(folder)) {
      throw CliException.failed(flag + " " + output + ": there is no folder " + folder + "; make it first", null);
    } else if (!Files.isWritable(folder)) {
      throw CliException.failed(flag + " " + output + ": the folder " + folder + " cannot be written; check its owner and mode, or choose another", null);
    }
  }

  /** The name of a file without its folder and {@code .gguf}. */
  static String baseName(Path file) {
    Path name = file.toAbsolutePath().normalize().getFileName();
    return name == null ? "model" : name.toString().replaceFirst("(?i)\\.gguf$", "");
  }
}
