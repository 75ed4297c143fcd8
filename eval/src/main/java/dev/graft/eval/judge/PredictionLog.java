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
import java.util.function.IntFunction;

/**
 * {@code predictions.jsonl} as it grows: a whole line at a time, in an order known beforehand, so that whatever is there after a crash is a
 * beginning of the whole, but for a last line without its end, which is cut. One thread.
 */
final class PredictionLog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;
  private final List<Prediction> kept;

  private PredictionLog(Path file, FileChannel channel, List<Prediction> kept) {
    this.file = file;
    this.channel = channel;
    this.kept = kept;
  }

  /** Which row and system a line must be of. */
  record Place(String id, String system, String gold) {}

  /**
   * Opens the file for more lines.
   *
   * @param keep whether lines that are there stay  @param places what lines there will be  @param count how many
   * @throws DataException naming a line that is not the one expected there
   */
  static PredictionLog open(Path file, boolean keep, IntFunction<Place> places, int count) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        List<Prediction> kept = new ArrayList<>();
        long bytes = keep ? read(file, places, count, kept) : 0;
        channel.truncate(bytes).position(bytes);
        return new PredictionLog(file, channel, kept);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Checks the lines; returns the bytes of whole ones. */
  private static long read(Path file, IntFunction<Place> places, int count, List<Prediction> kept) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int begin = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] != '\n') {
        continue;
      }
      int line = kept.size() + 1;
      Prediction p = PredictionFile.parse(file, line, new String(bytes, begin, i - begin, StandardCharsets.UTF_8), true);
      Place place = line <= count ? places.apply(line - 1) : null;
      if (place == null || !new Place(p.key(), p.system(), p.gold()).equals(place)) {
        throw new DataException(file, line, "is not what this evaluation writes there (" + (place == null ? "nothing" : "id '" + place.id() + "' of '" + place.system() + "'")
            + "); start anew with --overwrite, or choose another folder");
      }
      kept.add(p);
      begin = i + 1;
    }
    return begin;
  }

  /** The predictions that were there. */
  List<Prediction> kept() {
    return kept;
  }

  /** Appends one line. */
  void add(ObjectNode prediction) {
    try {
      ByteBuffer line = ByteBuffer.wrap((JSON.writeValueAsString(prediction) + "\n").getBytes(StandardCharsets.UTF_8));
      while (line.hasRemaining()) {
        channel.write(line);
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
