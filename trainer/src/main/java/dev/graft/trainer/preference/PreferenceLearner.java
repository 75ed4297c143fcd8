package dev.graft.trainer.preference;

import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.PreferenceLoss;
import dev.graft.bindings.PreferenceResult;
import dev.graft.bindings.PreferenceSequences;
import dev.graft.bindings.PreferenceState;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.run.Learner;
import dev.graft.trainer.run.LineNames;
import dev.graft.trainer.run.MicroBatches;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.StopRequest;
import dev.graft.trainer.run.Task;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A preference loss over the rows of a step. Where the rows of a step depend on each other and do not fit one micro-batch, all are scored
 * first; else forward, loss and backward follow one another. One thread.
 */
final class PreferenceLearner implements Learner {
  private final PreferenceLoss loss;
  private final PreferenceBatches train;
  private final PreferenceBatches eval;
  private final Task.Setup setup;
  private final Map<PreferenceBatches, Reference> references = new HashMap<>();
  private final Deque<AutoCloseable> closed = new ArrayDeque<>();
  private PreferenceState state = PreferenceState.START;

  /** @param eval may be null */
  PreferenceLearner(PreferenceLoss loss, PreferenceBatches train, PreferenceBatches eval, Task.Setup setup) {
    this.loss = loss;
    this.train = train;
    this.eval = eval;
    this.setup = setup;
  }

  /** Gives the reference of a set of rows; each set needs one unless the loss has none. */
  void reference(PreferenceBatches set, Reference reference) {
    references.put(set, reference);
  }

  /** Something to close with this, before what was given earlier. */
  void closeLater(AutoCloseable what) {
    closed.push(what);
  }

  @Override
  public Optional<Part> accumulate(TrainingSession session, long step, int[] rows, StopRequest stop) {
    if (!ready(train, rows, stop)) {
      return Optional.empty();
    }
    RowMetrics metrics = new RowMetrics();
    PreferenceState before = state;
    if (loss.traits().needsKl()) {
      Optional<Double> kl = divergence(session, train, rows, bad -> failure(step, bad), stop);
      if (kl.isEmpty()) {
        return Optional.empty();
      }
      metrics.divergence(Math.max(0, kl.get()));
      before = PreferenceState.kl(kl.get());
    }
    MicroBatches micro = new MicroBatches(train, setup.options().files().data(), setup.lastGood());
    List<int[]> plan = train.plan(rows, setup.maxTokens());
    Totals totals = new Totals(rows.length, chosenTokens(train, rows), before);
    boolean coupled = loss.traits().wholeStep() || loss.traits().runningMean();
    Optional<Double> sum = coupled && plan.size() > 1
        ? together(micro, session, step, plan, totals, metrics, stop)
        : micro.train(session, step, plan, (part, batch) -> weigh(part, batch, totals, metrics), stop);
    sum.ifPresent(done -> state = loss.traits().runningMean() ? totals.state : state);
    return sum.map(value -> new Part(value, metrics.means()));
  }

  /** What the parts of a step share. */
  private static final class Totals {
    private final long units;
    private final long chosenTokens;
    private PreferenceState state;

    Totals(long units, long chosenTokens, PreferenceState state) {
      this.units = units;
      this.chosenTokens = chosenTokens;
      this.state = state;
    }
  }

  /** Loss and weights of a micro-batch whose rows are computed. */
  private double weigh(int[] part, PackedBatch batch, Totals totals, RowMetrics metrics) {
    PreferenceSequences sequences = new PreferenceSequences();
    List<AnswerScores> answers = AnswerScores.of(train, part, batch);
    add(sequences, train, part, answers);
    PreferenceResult result = loss.compute(sequences, totals.units, totals.chosenTokens, totals.state, true);
    totals.state = result.state();
    metrics.add(train, part, answers, result.rewards());
    set(batch, result.weights(), 0);
    return result.loss();
  }

  /** Scores all micro-batches, then computes them again with the weights that the whole step gives. */
  private Optional<Double> together(MicroBatches micro, TrainingSession session, long step, List<int[]> plan, Totals totals, RowMetrics metrics, StopRequest stop) {
    PreferenceSequences sequences = new PreferenceSequences();
    List<AnswerScores> answers = new ArrayList<>();
    boolean all = micro.score(plan, session::rehearse, (rows, batch) -> {
      List<AnswerScores> mine = AnswerScores.of(train, rows, batch);
      add(sequences, train, rows, mine);
      answers.addAll(mine);
    }, bad -> failure(step, bad), stop);
    if (!all) {
      return Optional.empty();
    }
    PreferenceResult result = loss.compute(sequences, totals.units, totals.chosenTokens, totals.state, true);
    totals.state = result.state();
    metrics.add(train, plan.stream().flatMapToInt(Arrays::stream).toArray(), answers, result.rewards());
    int[] at = {0};
    return micro.train(session, step, plan, (rows, batch) -> {
      at[0] = set(batch, result.weights(), at[0]);
      return 0;
    }, stop).map(zero -> result.loss());
  }

  @Override
  public Optional<Evaluation> evaluate(TrainingSession session, long step, StopRequest stop, RunListener listener) {
    int[] all = eval.all();
    if (!ready(eval, all, stop)) {
      return Optional.empty();
    }
    RowMetrics metrics = new RowMetrics();
    PreferenceState with = state;
    if (loss.traits().needsKl()) {
      Optional<Double> kl = divergence(session, eval, all, bad -> evalFailure(step, bad), stop);
      if (kl.isEmpty()) {
        return Optional.empty();
      }
      metrics.divergence(Math.max(0, kl.get()));
      with = PreferenceState.kl(kl.get());
    }
    List<int[]> plan = eval.plan(all, setup.maxTokens());
    PreferenceSequences sequences = new PreferenceSequences();
    List<AnswerScores> answers = new ArrayList<>();
    int[] done = {0};
    boolean finished = new MicroBatches(eval, setup.options().files().evalData(), setup.lastGood()).score(plan, session::rehearse, (rows, batch) -> {
      List<AnswerScores> mine = AnswerScores.of(eval, rows, batch);
      add(sequences, eval, rows, mine);
      answers.addAll(mine);
      listener.evaluating(++done[0], plan.size());
    }, bad -> evalFailure(step, bad), stop);
    if (!finished) {
      return Optional.empty();
    }
    PreferenceResult result = loss.compute(sequences, all.length, chosenTokens(eval, all), with, false);
    metrics.add(eval, plan.stream().flatMapToInt(Arrays::stream).toArray(), answers, result.rewards());
    return Optional.of(new Evaluation(result.loss(), eval.targets(all), metrics.means()));
  }

  /** KTO's estimate of KL(policy || reference): the mean over rows of the log ratio of a mismatched answer. Empty when stopped. */
  private Optional<Double> divergence(TrainingSession session, PreferenceBatches set, int[] rows, java.util.function.Function<int[], RunException> bad, StopRequest stop) {
    PreferenceBatches mismatched = set.mismatched();
    Reference reference = references.get(mismatched);
    if (!reference.ready(rows, stop)) {
      return Optional.empty();
    }
    double[] sum = {0};
    boolean all = new MicroBatches(mismatched, setup.options().files().data(), setup.lastGood()).score(mismatched.plan(rows, setup.maxTokens()), session::rehearse, (part, batch) -> {
      float[] logps = batch.logps();
      int at = 0;
      for (int row : part) {
        for (float of : reference.logps(row)) {
          sum[0] += (double) logps[at++] - of;
        }
      }
    }, bad, stop);
    return all ? Optional.of(sum[0] / rows.length) : Optional.empty();
  }

  private boolean ready(PreferenceBatches set, int[] rows, StopRequest stop) {
    Reference reference = references.get(set);
    return reference == null ? !loss.traits().needsReference() : reference.ready(rows, stop);
  }

  private static long chosenTokens(PreferenceBatches set, int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> set.row(row).chosenTokens()).sum();
  }

  private void add(PreferenceSequences sequences, PreferenceBatches set, int[] rows, List<AnswerScores> answers) {
    Reference reference = references.get(set);
    int at = 0;
    for (int row : rows) {
      PreferenceRow r = set.row(row);
      List<float[]> of = reference == null ? null : AnswerScores.split(set, new int[] {row}, reference.logps(row));
      if (r.answers().length == 1) {
        sequences.addRow(answers.get(at).logps(), of.get(0), r.desirable());
      } else {
        addPair(sequences, answers.get(at), answers.get(at + 1), of);
      }
      at += r.answers().length;
    }
  }

  private void addPair(PreferenceSequences sequences, AnswerScores chosen, AnswerScores rejected, List<float[]> reference) {
    if (reference == null) {
      sequences.addPair(chosen.logps(), rejected.logps());
    } else {
      sequences.addPair(chosen.logps(), rejected.logps(), reference.get(0), reference.get(1));
    }
    if (loss.options().wpo()) {
      sequences.align(chosen.logSquares(), rejected.logSquares());
    }
  }

  /** Sets a batch's weights from those of answer {@code at} on; returns the answer after them. */
  private static int set(PackedBatch batch, float[][] weights, int at) {
    int target = 0;
    while (target < batch.targets()) {
      for (float weight : weights[at]) {
        batch.setWeight(target++, weight);
      }
      at++;
    }
    return at;
  }

  private RunException failure(long step, int[] lines) {
    return new MicroBatches(train, setup.options().files().data(), setup.lastGood()).failure(step, "the loss", lines, null);
  }

  private static RunException evalFailure(long step, int[] lines) {
    return RunException.failed("step " + step + ": the evaluation loss is not finite (" + LineNames.of(lines) + " of --eval-data); lower --learning-rate", null);
  }

  @Override
  public Map<String, Double> state() {
    return loss.traits().runningMean() ? Map.of("reward_mean", state.value(), "reward_count", state.count()) : Map.of();
  }

  @Override
  public void restore(Map<String, Double> saved) {
    if (loss.traits().runningMean() && saved.containsKey("reward_mean")) {
      state = new PreferenceState(saved.get("reward_mean"), saved.getOrDefault("reward_count", 0.0));
    }
  }

  @Override
  public void close() {
    while (!closed.isEmpty()) {
      try {
        closed.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
