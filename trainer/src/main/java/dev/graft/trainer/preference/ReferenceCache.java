package dev.graft.trainer.preference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.SafeFiles;
import dev.graft.trainer.run.StopRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * The reference's log-probabilities of a data file, computed once, in large batches, and kept on disk for resuming and for other runs. What
 * is there but was computed from other things, or is damaged, is computed again. What was begun is gone on with. One thread.
 */
final class ReferenceCache {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SAVE_EVERY_NANOS = 60_000_000_000L;

  private final Path own;
  private final Path shared;
  private final Map<String, String> key;
  private final RunListener listener;
  private final StopRequest stop;

  /**
   * @param own the run's folder  @param shared folder that runs share, or null: the run's own is used
   * @param key what the reference is computed from, beside the rows
   */
  ReferenceCache(Path own, Path shared, Map<String, String> key, RunListener listener, StopRequest stop) {
    this.own = own;
    this.shared = shared;
    this.key = key;
    this.listener = listener;
    this.stop = stop;
  }

  /**
   * The table of all rows, or null when a stop was requested on the way; then what was done is on disk.
   *
   * @param name of the rows: "train", "eval", ...  @param data file that they are from
   * @param maxTokens of a batch  @param scorer opens the reference, only called when something must be computed
   */
  float[][] table(String name, PreferenceBatches batches, Path data, long maxTokens, Supplier<ReferenceScorer> scorer) {
    Map<String, String> full = new TreeMap<>(key);
    full.put("rows", batches.sha256());
    Path file = shared == null ? own.resolve("reference-" + name + ".bin") : shared.resolve("reference-" + hash(full) + ".bin");
    int[] counts = Arrays.stream(batches.all()).map(batches::targets).toArray();
    float[][] rows = new float[counts.length][];
    int done = 0;
    if (Files.exists(file)) {
      ReferenceFile.Loaded loaded = ReferenceFile.read(file, full, counts);
      done = loaded.rows().length;
      System.arraycopy(loaded.rows(), 0, rows, 0, done);
      listener.note(file + ": the reference's log-probabilities are "
          + (loaded.problem() != null ? loaded.problem() + "; computing them again" : done == counts.length ? "reused" : "there for " + done + " of " + counts.length + " rows; going on"));
    }
    return done == counts.length || compute(file, full, batches, data, rows, done, maxTokens, scorer) ? rows : null;
  }

  private boolean compute(Path file, Map<String, String> full, PreferenceBatches batches, Path data, float[][] rows, int from, long maxTokens, Supplier<ReferenceScorer> scorer) {
    long start = System.nanoTime();
    long saved = start;
    int done = from;
    int[] left = Arrays.copyOfRange(batches.all(), from, rows.length);
    try (ReferenceScorer reference = scorer.get()) {
      for (int[] batch : batches.planInOrder(left, maxTokens)) {
        if (!reference.score(batches, List.of(batch), data, (row, logps) -> rows[row] = logps, stop)) {
          break;
        }
        done += batch.length;
        listener.preparing("reference", done, rows.length);
        if (System.nanoTime() - saved > SAVE_EVERY_NANOS) {
          write(file, full, rows, done);
          saved = System.nanoTime();
        }
      }
    }
    if (done > from) {
      write(file, full, rows, done);
      double seconds = (System.nanoTime() - start) / 1e9;
      listener.note(String.format(Locale.ROOT, "reference: %d rows, %d tokens in %.1f s, kept in %s", done - from, batches.tokens(Arrays.copyOf(left, done - from)), seconds, file));
    }
    return done == rows.length;
  }

  private static void write(Path file, Map<String, String> full, float[][] rows, int done) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      ReferenceFile.write(file, full, rows, done);
    } catch (IOException e) {
      throw RunException.failed(file + ": the reference's log-probabilities cannot be kept: " + SafeFiles.reason(e) + "; make room, choose another --reference-cache, or give --reference online", e);
    }
  }

  private static String hash(Map<String, String> full) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(JSON.writeValueAsString(full).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 12);
    } catch (NoSuchAlgorithmException | JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
