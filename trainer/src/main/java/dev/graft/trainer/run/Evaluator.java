package dev.graft.trainer.run;

import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.TrainingSession;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** Mean negative log-likelihood of a data set under the adapter as it stands. One thread. */
final class Evaluator {
  private final SftBatches batches;
  private final List<int[]> plan;
  private final long targets;
  private final Checkpoints checkpoints;

  Evaluator(SftBatches batches, long maxTokens, Checkpoints checkpoints) {
    this.batches = batches;
    this.checkpoints = checkpoints;
    int[] all = IntStream.range(0, batches.rows()).toArray();
    plan = batches.plan(all, maxTokens);
    targets = batches.targets(all);
  }

  long targets() {
    return targets;
  }

  /** Empty when a stop was requested on the way. @throws RunException naming the rows when the loss is not finite */
  OptionalDouble loss(TrainingSession session, long step, StopRequest stop, RunListener listener) {
    double sum = 0;
    for (int i = 0; i < plan.size(); i++) {
      if (stop.requested()) {
        return OptionalDouble.empty();
      }
      try (PackedBatch batch = batches.build(plan.get(i))) {
        session.forward(batch, false);
        int[] bad = batches.notFinite(plan.get(i), batch);
        if (bad.length > 0) {
          throw RunException.failed("step " + step + ": the evaluation loss is not finite (" + SftBatches.lineNames(bad)
              + " of --eval-data); lower --learning-rate", null);
        }
        for (float logp : batch.logps()) {
          sum -= logp;
        }
      }
      listener.evaluating(i + 1, plan.size());
    }
    return OptionalDouble.of(sum / targets);
  }
}
