package dev.graft.trainer.preference;

import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.run.RowSet;

/** How large the session is that fills the reference cache: large batches, but no more memory than training itself will take. */
public final class ReferenceSize {
  /** Tokens of a scoring batch: products reach their speed, and no activations are kept. */
  private static final long TOKENS = 2048;

  private ReferenceSize() {}

  /** @param rank of the adapter, 0 for none  @param set rows to score  @param training the session that training will open */
  public static SessionOptions of(Model model, int rank, RowSet set, SessionOptions training) {
    long room = TrainingSession.memoryBytes(model, rank, "all-linear", training);
    long tokens = Math.max(set.longest(), Math.min(Math.max(TOKENS, training.maxTokens()), set.mostTokens(set.rows())));
    while (true) {
      SessionOptions scoring = SessionOptions.scoring(tokens, Math.max(1, (long) Math.ceil(set.targetShare() * tokens)));
      if (tokens <= set.longest() || TrainingSession.memoryBytes(model, rank, "all-linear", scoring) <= room) {
        return scoring;
      }
      tokens = Math.max(set.longest(), tokens / 2);
    }
  }
}
