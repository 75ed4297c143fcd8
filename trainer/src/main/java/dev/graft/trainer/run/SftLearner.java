package dev.graft.trainer.run;

import dev.graft.bindings.Losses;
import dev.graft.bindings.TrainingSession;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Supervised fine-tuning of the rows of a step. One thread. */
final class SftLearner implements Learner {
  private final SftBatches train;
  private final MicroBatches micro;
  private final long maxTokens;
  private final SftBatches eval;
  private final MicroBatches evalMicro;
  private final List<int[]> evalPlan;

  SftLearner(SftBatches train, SftBatches eval, Task.Setup setup) {
    this.train = train;
    this.eval = eval;
    maxTokens = setup.maxTokens();
    micro = new MicroBatches(train, setup.options().files().data(), setup.lastGood());
    evalMicro = eval == null ? null : new MicroBatches(eval, setup.options().files().evalData(), setup.lastGood());
    evalPlan = eval == null ? List.of() : eval.plan(IntStream.range(0, eval.rows()).toArray(), maxTokens);
  }

  @Override
  public Optional<Part> accumulate(TrainingSession session, long step, int[] rows, StopRequest stop) {
    long targets = train.targets(rows);
    return micro.train(session, step, train.plan(rows, maxTokens), (part, batch) -> Losses.sft(batch, targets), stop).map(loss -> new Part(loss, Map.of()));
  }

  @Override
  public Optional<Evaluation> evaluate(TrainingSession session, long step, StopRequest stop, RunListener listener) {
    double[] sum = {0};
    int[] done = {0};
    boolean all = evalMicro.score(evalPlan, batch -> session.forward(batch, false), (rows, batch) -> {
      for (float logp : batch.logps()) {
        sum[0] -= logp;
      }
      listener.evaluating(++done[0], evalPlan.size());
    }, lines -> RunException.failed("step " + step + ": the evaluation loss is not finite (" + LineNames.of(lines) + " of --eval-data); lower --learning-rate", null), stop);
    long targets = eval.targets(IntStream.range(0, eval.rows()).toArray());
    return all ? Optional.of(new Evaluation(sum[0] / targets, targets, Map.of())) : Optional.empty();
  }

  @Override
  public void close() {}
}
