package dev.graft.eval.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds out before the work what cannot be written after it. */
final class OutputFile {
  private OutputFile() {}

  /**
   * Refuses a file that cannot be written, or that is one of the inputs, which are still read while it is written.
   *
   * @param inputs null ones are passed over
   */
  static void check(Path output, Path... inputs) {
    if (Files.isDirectory(output)) {
      throw CliException.usage("--output " + output + " is a folder; give a file");
    }
    checkFolder(output, output.toAbsolutePath().getParent());
    for (Path input : inputs) {
      try {
        if (input != null && Files.exists(output) && Files.exists(input) && Files.isSameFile(output, input)) {
          throw CliException.usage("--output " + output + " is also an input; choose another name");
        }
      } catch (IOException e) {
        throw CliException.failed("--output " + output + ": cannot be compared with " + input + ": " + e.getMessage(), e);
      }
    }
  }

  /** Refuses a folder to be made where none can be, or that is a file. */
  static void checkNewFolder(Path output) {
    if (Files.exists(output) && !Files.isDirectory(output)) {
      throw CliException.usage("--output " + output + " is a file; give a folder");
    }
    Path folder = output.toAbsolutePath();
    while (folder != null && !Files.exists(folder)) {
      folder = folder.getParent();
    }
    checkFolder(output, folder);
  }

  private static void checkFolder(Path output, Path folder) {
    if (folder == null || !Files.isDirectory(folder)) {
      throw CliException.failed("--output " + output + ": there is no folder " + folder + "; make it first", null);
    } else if (!Files.isWritable(folder)) {
      throw CliException.failed("--output " + output + ": the folder " + folder + " cannot be written; check its owner and mode, or choose another", null);
    }
  }

  /** The name of a file without its folder and {@code .gguf}. */
  static String baseName(Path file) {
    Path name = file.toAbsolutePath().normalize().getFileName();
    return name == null ? "model" : name.toString().replaceFirst("(?i)\\.gguf$", "");
  }
}
