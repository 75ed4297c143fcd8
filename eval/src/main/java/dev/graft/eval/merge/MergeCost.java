package dev.graft.eval.merge;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.eval.convert.Converter;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.score.PairBatches;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Evaluates a base, the base with its adapter, and merged models on the same rows, side by side. The loss is the mean negative
 * log-likelihood of a token; for rows of preferences, DPO's sigmoid loss of a pair with the bare base as the reference. The
 * divergence is KL(base + adapter ‖ system) over the whole vocabulary, the mean over positions of the answers.
 */
public final class MergeCost {
  /** Most positions of a row at which whole distributions are compared. */
  private static final int ROW_POSITIONS = 16;

  private final EvaluationRows rows;
  private final int mostRows;
  private final int mostPositions;

  /** @param mostRows 0 for all  @param mostPositions at which whole distributions are compared, over all rows */
  public MergeCost(EvaluationRows rows, int mostRows, int mostPositions) {
    this.rows = rows;
    this.mostRows = mostRows;
    this.mostPositions = mostPositions;
  }

  /**
   * How one system did.
   *
   * @param loss mean over tokens, or pairs  @param divergence from base + adapter, in nats; null when no positions were compared
   */
  public record Score(double loss, Double divergence) {}

  /**
   * How all did.
   *
   * @param kind "sft" or "dpo"  @param rows count  @param tokens predicted  @param positions compared
   * @param systems base, adapter and the merged ones, by the names they were given
   * @param erased the part of the adapter's gain that the last system lost; null when there was no gain
   */
  public record Report(String data, String kind, int rows, long tokens, int positions, Map<String, Score> systems, Double erased) {
    /** Whether more than a tenth of the gain is lost. */
    public boolean warns() {
      return erased != null && erased > 0.1;
    }
  }

  /** A system while it is measured. */
  private static final class Measured {
    private final Model model;
    private final TrainingSession session;
    private double loss;
    private double divergence;
    private double[] sums;

    Measured(Model model, TrainingSession session) {
      this.model = model;
      this.session = session;
    }
  }

  /** A row and where in it whole distributions are compared. */
  private record Batch(Example row, int targets, int first, int positions) {}

  /**
   * Measures.
   *
   * @param merged paths of merged models by name, the one that is to be judged last
   * @param progress is told how many rows are done
   */
  public Report measure(GraftRuntime runtime, Path base, Path adapter, Map<String, Path> merged, Converter.Progress progress) {
    List<AutoCloseable> open = new ArrayList<>();
    try {
      Model plain = opened(open, Model.open(runtime, base));
      Adapter lora = opened(open, Adapter.open(plain, adapter));
      List<Example> examples = rows.read(base, plain.info().vocabulary(), plain.info().contextLength(), mostRows);
      List<Batch> batches = plan(examples);
      SessionOptions options = SessionOptions.scoring(examples.stream().mapToLong(MergeCost::inputs).max().orElse(1), batches.stream().mapToLong(Batch::targets).max().orElse(1));
      Map<String, Measured> systems = new LinkedHashMap<>();
      systems.put("base", new Measured(plain, opened(open, TrainingSession.open(plain, null, options))));
      systems.put("base + adapter", new Measured(plain, opened(open, TrainingSession.open(plain, lora, options))));
      merged.forEach((name, path) -> {
        Model model = opened(open, Model.open(runtime, path));
        systems.put(name, new Measured(model, opened(open, TrainingSession.open(model, null, options))));
      });
      List<Measured> all = List.copyOf(systems.values());
      for (int i = 0; i < batches.size(); i++) {
        measure(batches.get(i), all);
        progress.done(i + 1, batches.size());
      }
      return report(systems, batches);
    } finally {
      for (int i = open.size() - 1; i >= 0; i--) {
        close(open.get(i));
      }
    }
  }

  private static <T extends AutoCloseable> T opened(List<AutoCloseable> open, T handle) {
    open.add(handle);
    return handle;
  }

  private static void close(AutoCloseable handle) {
    try {
      handle.close();
    } catch (Exception e) {
      throw new IllegalStateException(e); // none of them declares one
    }
  }

  private List<Batch> plan(List<Example> examples) {
    List<Batch> batches = new ArrayList<>();
    int left = mostPositions;
    for (int i = 0; i < examples.size(); i++) {
      Example row = examples.get(i);
      boolean pair = row instanceof PreferenceExample;
      int answer = pair ? ((PreferenceExample) row).chosen().length : ((SftExample) row).targets();
      int skipped = pair && answer > 1 ? 1 : 0; // its first token shares its row with the rejected answer's
      int share = (left + examples.size() - i - 1) / (examples.size() - i);
      int positions = Math.min(Math.min(share, ROW_POSITIONS), answer - skipped);
      int start = (int) ((i * 7919L) % (answer - skipped - positions + 1)); // another place in each row
      left -= positions;
      int targets = pair ? answer + ((PreferenceExample) row).rejected().length : answer;
      batches.add(new Batch(row, targets, start + 2 * skipped, positions));
    }
    return batches;
  }

  private static int inputs(Example example) {
    return example instanceof PreferenceExample pair ? PairBatches.inputs(pair) : ((SftExample) example).learnt().length() - 1;
  }

  private void measure(Batch plan, List<Measured> systems) {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    if (plan.row instanceof PreferenceExample pair) {
      PairBatches.add(builder, pair);
    } else {
      SftExample row = (SftExample) plan.row;
      int segment = builder.addSegment(-1, Arrays.copyOf(row.tokens(), inputs(row)));
      for (int position : row.targetPositions()) {
        builder.addTarget(segment, position - 1, row.tokens()[position]);
      }
    }
    try (PackedBatch batch = builder.build()) {
      for (Measured system : systems) {
        system.session.forward(batch, false);
        system.sums = sums(plan.row, batch.logps());
      }
      for (Measured system : systems) {
        system.loss += loss(plan.row, system.sums, systems.get(0).sums);
      }
      if (plan.positions > 0) {
        compare(plan, systems);
      }
    }
  }

  /** Sum of log-probabilities of the answer, or of both. */
  private double[] sums(Example row, float[] logps) {
    int first = row instanceof PreferenceExample pair ? pair.chosen().length : logps.length;
    double[] sums = new double[2];
    for (int i = 0; i < logps.length; i++) {
      if (!Float.isFinite(logps[i])) {
        throw RunException.badData(rows.data() + ":" + row.line() + ": a log-probability is not finite; the weights of the model or the adapter are broken", null);
      }
      sums[i < first ? 0 : 1] += logps[i];
    }
    return sums;
  }

  private double loss(Example row, double[] sums, double[] reference) {
    if (row instanceof SftExample) {
      return -sums[0];
    }
    double margin = rows.beta() * (sums[0] - reference[0] - sums[1] + reference[1]);
    return margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin));
  }

  private static void compare(Batch plan, List<Measured> systems) {
    float[] adapter = null;
    for (int i = 1; i <= systems.size(); i++) { // base + adapter first, base last: only two distributions at a time
      Measured system = systems.get(i % systems.size());
      float[] logps = system.session.distributions(system.model, plan.first, plan.positions);
      if (adapter == null) {
        adapter = logps;
      } else if (logps.length != adapter.length) {
        throw new IllegalStateException("models of different vocabularies");
      }
      for (int v = 0; v < logps.length; v++) {
        system.divergence += Math.exp(adapter[v]) * ((double) adapter[v] - logps[v]);
      }
    }
  }

  private Report report(Map<String, Measured> systems, List<Batch> batches) {
    boolean pairs = batches.get(0).row instanceof PreferenceExample;
    long tokens = batches.stream().mapToLong(Batch::targets).sum();
    int positions = batches.stream().mapToInt(Batch::positions).sum();
    double count = pairs ? batches.size() : tokens;
    Map<String, Score> scores = new LinkedHashMap<>();
    systems.forEach((name, system) -> scores.put(name, new Score(system.loss / count, positions == 0 ? null : (Double) (Math.max(0, system.divergence) / positions))));
    List<Score> all = List.copyOf(scores.values());
    double gain = all.get(0).loss - all.get(1).loss;
    Double erased = gain > 0 ? (Double) ((all.get(all.size() - 1).loss - all.get(1).loss) / gain) : null;
    return new Report(rows.data().toString(), pairs ? "dpo" : "sft", batches.size(), tokens, positions, scores, erased);
  }
}
