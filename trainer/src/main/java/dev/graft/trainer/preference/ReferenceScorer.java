package dev.graft.trainer.preference;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.run.LineNames;
import dev.graft.trainer.run.MicroBatches;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;

/** The frozen reference as a session that only scores, by the numerics of training. One thread; the maker closes it. */
final class ReferenceScorer implements AutoCloseable {
  private final TrainingSession session;

  /** @param adapter null for the bare base; stays open */
  ReferenceScorer(Model model, Adapter adapter, long maxTokens, long maxTargets) {
    session = TrainingSession.open(model, adapter, SessionOptions.scoring(maxTokens, maxTargets));
  }

  /** Scores batches of rows. @param file that they are from  @param sink gets each row  @return false when stopped */
  boolean score(PreferenceBatches batches, List<int[]> plan, Path file, BiConsumer<Integer, float[]> sink, StopRequest stop) {
    return new MicroBatches(batches, file, () -> "").score(plan, session::rehearse, (rows, batch) -> {
      float[] logps = batch.logps();
      int at = 0;
      for (int row : rows) {
        sink.accept(row, Arrays.copyOfRange(logps, at, at += batches.targets(row)));
      }
    }, lines -> RunException.failed(file + ": the reference's log-probabilities are not finite (" + LineNames.of(lines) + "); the adapter or the model is broken", null), stop);
  }

  @Override
  public void close() {
    session.close();
  }
}
