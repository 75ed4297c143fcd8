package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.DataSetException;
import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.ShingleIndex;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A corpus to pretrain a small model on: plain text (notes, reference paragraphs, messages of patients), tables of what a note finds, and
 * questions about notes with short answers. It shares the clinic's lexicon and writer with the tasks, but draws from
 * streams of its own, and never asks what a task asks. Stateless.
 */
public final class CorpusMaker {
  /** Rows when nothing is asked for: about twelve million characters. */
  public static final int DEFAULT_ROWS = 25000;

  /** One row in so many is held out. */
  static final int HELD_OUT = 100;

  private static final int ATTEMPTS = 100;

  private CorpusMaker() {}

  /** The rows of a corpus, in order; no two are the same text. */
  public static List<CorpusRow> rows(CorpusMix mix, int n, long seed) {
    List<CorpusRow> rows = new ArrayList<>(n);
    Set<String> texts = new HashSet<>();
    for (int i = 0; i < n; i++) {
      CorpusRow row = null;
      for (int attempt = 0; row == null; attempt++) {
        if (attempt == ATTEMPTS) {
          throw new DataSetException("the corpus has not enough different rows for --n " + n + "; give a smaller --n", false);
        }
        CorpusRow candidate = CorpusKind.make(mix, new Dice(Dice.stream(mix.stream(), seed, i, attempt)));
        row = texts.add(ShingleIndex.normalized(candidate.text())) ? candidate : null;
      }
      rows.add(row);
    }
    return rows;
  }

  /** Checks that a corpus of that size can be made. @throws DataSetException when it has too few rows */
  public static void check(int n) {
    if (n < 2) {
      throw new DataSetException("--n " + n + " is too small: the corpus needs a row to train on and one to hold out; give at least 2", true);
    }
  }

  /** Makes a corpus and writes {@code train.jsonl}, {@code heldout.jsonl} and the manifest, which it returns. */
  public static Map<String, Object> write(CorpusMix mix, int n, long seed, DataFolder folder) throws IOException {
    check(n);
    List<CorpusRow> rows = rows(mix, n, seed);
    int heldOut = Math.max(1, n / HELD_OUT);
    folder.clear();
    folder.writeLines("train.jsonl", rows.subList(0, n - heldOut).stream().map(CorpusRow::json).toList());
    folder.writeLines("heldout.jsonl", rows.subList(n - heldOut, n).stream().map(CorpusRow::json).toList());
    Map<String, Object> splits = new LinkedHashMap<>();
    splits.put("train", n - heldOut);
    splits.put("heldout", heldOut);
    Map<String, long[]> kinds = new TreeMap<>();
    for (CorpusRow row : rows) {
      long[] count = kinds.computeIfAbsent(row.kind(), k -> new long[2]);
      count[0]++;
      count[1] += row.text().length();
    }
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("task", mix.label());
    manifest.put("seed", seed);
    manifest.put("generator_version", DataFolder.GENERATOR_VERSION);
    manifest.put("rows", n);
    manifest.put("splits", splits);
    manifest.put("characters", rows.stream().mapToLong(r -> r.text().length()).sum());
    Map<String, Object> shares = new LinkedHashMap<>();
    kinds.forEach(
        (kind, count) -> {
          Map<String, Object> share = new LinkedHashMap<>();
          share.put("rows", count[0]);
          share.put("characters", count[1]);
          shares.put(kind, share);
        });
    manifest.put("kinds", shares);
    return folder.finish(manifest);
  }
}
