package dev.graft.eval.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * JSON lines for {@code --output}: the file appears whole at {@link #commit}, or not at all; {@code -} is standard output. One
 * thread.
 */
final class OutputLines implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final Path temporary;
  private final Writer writer;

  private OutputLines(Path file, Path temporary, Writer writer) {
    this.file = file;
    this.temporary = temporary;
    this.writer = writer;
  }

  /** @param inputs files that must not be overwritten */
  static OutputLines open(Path file, PrintWriter stdout, Path... inputs) {
    if (file.toString().equals("-")) {
      return new OutputLines(null, null, stdout);
    }
    try {
      for (Path input : inputs) {
        if (input != null && Files.exists(file) && Files.exists(input) && Files.isSameFile(file, input)) {
          throw CliException.usage("--output " + file + " is also an input; choose another name");
        }
      }
      if (Files.isDirectory(file)) {
        throw CliException.usage("--output " + file + " is a folder; give a file, or - for standard output");
      }
      if (Files.exists(file) && !Files.isRegularFile(file)) { // a device or a pipe cannot be replaced by renaming
        return new OutputLines(file, null, Files.newBufferedWriter(file));
      }
      Path temporary = SafeFiles.temporaryFor(file);
      return new OutputLines(file, temporary, Files.newBufferedWriter(temporary));
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Adds a value as a line. */
  void add(Object value) {
    try {
      writer.write(JSON.writeValueAsString(value));
      writer.write('\n');
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write a result as JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Puts the file in its place. */
  void commit() {
    try {
      writer.flush();
      if (file != null) {
        writer.close();
      }
      if (temporary != null) {
        SafeFiles.moveIntoPlace(temporary, file);
      }
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Drops what was not committed. */
  @Override
  public void close() {
    try {
      if (file != null) {
        writer.close();
      }
    } catch (IOException e) {
      return; // the failure that brought us here has been told
    } finally {
      if (temporary != null) {
        temporary.toFile().delete();
      }
    }
  }

  private static CliException failed(Path file, IOException e) {
    return CliException.failed("--output " + file + ": cannot be written: " + SafeFiles.reason(e), e);
  }
}
