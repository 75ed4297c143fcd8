package dev.graft.trainer.preference;

import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Computes the reference's log-probabilities when they are asked for, and forgets those before. */
final class OnlineReference implements Reference {
  private final ReferenceScorer scorer;
  private final PreferenceBatches batches;
  private final Path file;
  private final long maxTokens;
  private final Map<Integer, float[]> current = new HashMap<>();

  /** @param scorer stays open  @param file that the rows are from */
  OnlineReference(ReferenceScorer scorer, PreferenceBatches batches, Path file, long maxTokens) {
    this.scorer = scorer;
    this.batches = batches;
    this.file = file;
    this.maxTokens = maxTokens;
  }

  @Override
  public boolean ready(int[] rows, StopRequest stop) {
    current.clear();
    return scorer.score(batches, batches.plan(rows, maxTokens), file, current::put, stop);
  }

  @Override
  public float[] logps(int row) {
    return current.get(row);
  }
}
