package dev.graft.trainer.score;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.Packer;
import dev.graft.trainer.run.RunException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** Log-probabilities of the completions of a data set, in large forward-only batches. One thread. */
public final class Scorer {
  private final Dataset data;
  private final int[] inputs;
  private final List<int[]> plan;
  private final long maxTokens;
  private final long maxTargets;
  private final Sums first = new Sums();
  private final Sums second = new Sums();

  /**
   * @param data read with all rows kept, so that a position is the row's index
   * @param batchTokens most tokens computed at once; a longer row gets a batch to itself
   */
  public Scorer(Dataset data, long batchTokens) {
    this.data = data;
    this.inputs = data.examples().stream().mapToInt(Scorer::inputs).toArray();
    this.plan = Packer.inOrder(inputs, batchTokens);
    this.maxTokens = Math.max(1, plan.stream().mapToLong(rows -> Arrays.stream(rows).mapToLong(row -> inputs[row]).sum()).max().orElse(1));
    this.maxTargets = Math.max(1, plan.stream().mapToLong(rows -> Arrays.stream(rows).mapToLong(row -> targets(data.examples().get(row))).sum()).max().orElse(1));
  }

  /**
   * Scores every row.
   *
   * @param adapter null for the bare base
   * @param runtime the model's
   * @param sink gets the rows in order
   * @param progress gets the number of rows done, after each batch
   * @throws RunException when memory does not suffice or a log-probability is not finite
   */
  public ScoreSummary run(Model model, Adapter adapter, GraftRuntime runtime, Consumer<ScoredRow> sink, IntConsumer progress) {
    long start = System.nanoTime();
    SessionOptions options = SessionOptions.scoring(maxTokens, maxTargets);
    int rank = adapter == null ? 1 : adapter.info().rank();
    MemoryCheck.require(runtime, model.info().fileBytes(), TrainingSession.memoryBytes(model, rank, "all-linear", options),
        "a lower --micro-batch-tokens or --max-length would help");
    try (TrainingSession session = TrainingSession.open(model, adapter, options)) {
      for (int[] rows : plan) {
        score(session, rows, sink);
        progress.accept(rows[rows.length - 1] + 1);
      }
    }
    return summary((System.nanoTime() - start) / 1e9);
  }

  private void score(TrainingSession session, int[] rows, Consumer<ScoredRow> sink) {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    for (int row : rows) {
      if (inputs[row] > 0) {
        add(builder, data.examples().get(row), inputs[row]);
      }
    }
    float[] logps = new float[0];
    if (builder.targets() > 0) {
      try (PackedBatch batch = builder.build()) {
        session.forward(batch, false);
        logps = batch.logps();
      }
    }
    int at = 0;
    for (int row : rows) {
      Example example = data.examples().get(row);
      int n = inputs[row] > 0 ? targets(example) : 0;
      float[] mine = Arrays.copyOfRange(logps, at, at + n);
      at += n;
      check(example, mine);
      sink.accept(scored(row, example, mine));
    }
  }

  private ScoredRow scored(int index, Example example, float[] logps) {
    if (example instanceof PreferenceExample pair) {
      float[] chosen = Arrays.copyOf(logps, Math.min(pair.chosen().length, logps.length));
      float[] rejected = Arrays.copyOfRange(logps, chosen.length, logps.length);
      first.add(chosen);
      second.add(rejected);
      return new ScoredRow(index, null, chosen, rejected);
    }
    first.add(logps);
    return new ScoredRow(index, logps, null, null);
  }

  private void check(Example example, float[] logps) {
    for (float logp : logps) {
      if (!Float.isFinite(logp)) {
        throw RunException.badData(data.file() + ":" + example.line() + ": a log-probability is not finite; the weights of the model or the adapter are broken", null);
      }
    }
  }

  private static void add(PackedBatch.Builder batch, Example example, int inputs) {
    if (example instanceof PreferenceExample pair) {
      PairBatches.add(batch, pair);
    } else if (example instanceof SftExample row) {
      int segment = batch.addSegment(-1, Arrays.copyOf(row.tokens(), inputs));
      for (int position : row.targetPositions()) {
        batch.addTarget(segment, position - 1, row.tokens()[position]);
      }
    }
  }

  private static int inputs(Example example) {
    if (targets(example) == 0) {
      return 0;
    } else if (example instanceof PreferenceExample pair) {
      return PairBatches.inputs(pair);
    }
    return ((SftExample) example).learnt().length() - 1;
  }

  private static int targets(Example example) {
    if (example instanceof PreferenceExample pair) {
      return pair.chosen().length + pair.rejected().length;
    }
    return ((SftExample) example).targets();
  }

  private ScoreSummary summary(double seconds) {
    boolean pairs = data.kind() == Dataset.Kind.PREFERENCE;
    long scored = first.count + second.count;
    Double mean = scored == 0 ? null : (Double) (-(first.sum + second.sum) / scored);
    long tokens = Arrays.stream(inputs).asLongStream().sum();
    int empty = (int) Arrays.stream(inputs).filter(n -> n == 0).count();
    return new ScoreSummary(inputs.length, empty, tokens, scored, mean, mean == null ? null : (Double) Math.exp(mean), pairs ? first.nll() : null,
        pairs ? second.nll() : null, seconds, tokens / Math.max(1e-9, seconds));
  }

  /** Sum and count of log-probabilities, in double. */
  private static final class Sums {
    private double sum;
    private long count;

    void add(float[] logps) {
      for (float logp : logps) {
        sum += logp;
      }
      count += logps.length;
    }

    Double nll() {
      return count == 0 ? null : (Double) (-sum / count);
    }
  }
}
