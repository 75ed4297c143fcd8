package dev.graft.eval.judge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A file of JSON lines as it grows: a group of whole lines at a time, in an order known beforehand, so that whatever is there after a crash is a
 * beginning of the whole, but for a last group that is not, which is cut. One thread.
 */
final class OrderedLog<T> implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;
  private final List<T> kept;

  private OrderedLog(Path file, FileChannel channel, List<T> kept) {
    this.file = file;
    this.channel = channel;
    this.kept = kept;
  }

  /** Reads a line that is there. */
  interface Parser<T> {
    /** @param line its number, from 1  @throws DataException when it is not what must be there */
    T parse(int line, String text);
  }

  /**
   * Opens the file for more lines.
   *
   * @param keep whether lines that are there stay  @param group lines that belong together
   * @throws DataException as the parser says
   */
  static <T> OrderedLog<T> open(Path file, boolean keep, int group, Parser<T> parser) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        List<T> kept = new ArrayList<>();
        long bytes = keep ? read(file, group, parser, kept) : 0;
        channel.truncate(bytes).position(bytes);
        return new OrderedLog<>(file, channel, kept);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Checks the lines; returns the bytes of whole groups. */
  private static <T> long read(Path file, int group, Parser<T> parser, List<T> kept) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    List<T> read = new ArrayList<>();
    int begin = 0;
    int whole = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        read.add(parser.parse(read.size() + 1, new String(bytes, begin, i - begin, StandardCharsets.UTF_8)));
        begin = i + 1;
        whole = read.size() % group == 0 ? begin : whole;
      }
    }
    kept.addAll(read.subList(0, read.size() - read.size() % group));
    return whole;
  }

  /** What was there. */
  List<T> kept() {
    return kept;
  }

  /** Appends one group. */
  void add(List<ObjectNode> group) {
    try {
      StringBuilder lines = new StringBuilder();
      for (ObjectNode line : group) {
        lines.append(JSON.writeValueAsString(line)).append('\n');
      }
      ByteBuffer bytes = ByteBuffer.wrap(lines.toString().getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write a prediction as JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.force(true);
      channel.close();
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  private static RunException failed(Path file, IOException e) {
    return RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e) + "; make room, then go on with --resume", e);
  }
}
