package dev.graft.trainer.plan;

import dev.graft.bindings.Recompute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.RandomModel;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.Schedule;
import dev.graft.trainer.run.SftBatches;
import dev.graft.trainer.score.PairBatches;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plans for {@link RandomModel#tiny}: 2 layers, width 64, 4 heads of 16 and 2 of keys, feed-forward 128, 320 tokens. */
class PlannerTest {
  /** q and o 64x64, k and v 32x64, gate, up and down 128x64; two layers. */
  private static final double BLOCKS = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64);
  private static final double DOWN = 2 * 128 * 64;
  private static final double HEAD = 320 * 64;
  /** Scores and values: a multiply-add each for 4 heads of 16, two layers. */
  private static final double PAIR = 2 * 2 * 4 * 16 * 2;
  private static final Speed SPEED = new Speed(1e6, 2e6, 4e6, 0.25, "a test");
  private static final Way SHARED = new Way(Way.Method.DPO, true, Way.Reference.CACHE);
  private static final Way ONLINE = new Way(Way.Method.DPO, true, Way.Reference.ONLINE);
  private static final Way APART = new Way(Way.Method.DPO, false, Way.Reference.ONLINE);

  /** Prompt 3, answers of 2 and 4; then prompt 1, answers of 1 and 2. */
  private static final List<PreferenceExample> PAIRS =
      List.of(new PreferenceExample(1, new int[3], new int[2], new int[4]), new PreferenceExample(2, new int[1], new int[1], new int[2]));

  @TempDir static Path folder;
  private static GraftRuntime runtime;
  private static Model model;
  private static Adapter adapter;

  @BeforeAll
  static void open() {
    Path file = folder.resolve("tiny.gguf");
    RandomModel.tiny().write(file);
    runtime = GraftRuntime.open("cpu", null, 1);
    model = Model.open(runtime, file);
    adapter = Adapter.create(model, new LoraSpec(4, 8, false, "all-linear", 1));
  }

  @AfterAll
  static void close() {
    adapter.close();
    model.close();
    runtime.close();
  }

  private static RunOptions options(int batch, int microBatchTokens, boolean recompute) {
    return options(batch, microBatchTokens, recompute, 0, 0, 0);
  }

  private static RunOptions options(int batch, int microBatchTokens, boolean recompute, int maxLength, double dropout, long evalSteps) {
    return new RunOptions(new RunOptions.Files(model.path(), Path.of("rows.jsonl"), Path.of("eval.jsonl"), null, null),
        new RunOptions.Lora(4, 8, dropout, false, "all-linear"), null,
        new RunOptions.Optimizer(1e-4, Schedule.CONSTANT, 0, 0, 1, 0.999), new RunOptions.Batching(batch, 1, microBatchTokens, recompute ? Recompute.BLOCK : Recompute.NONE, maxLength, true),
        new RunOptions.Length(0, 3), new RunOptions.Cadence(evalSteps, 100, 2, 0, false), "auto", 42, false, false);
  }

  private static Planner planner(long available, int microBatchTokens, boolean recompute) {
    return new Planner(model, adapter, available, options(1, microBatchTokens, recompute), PAIRS, List.of());
  }

  @Test
  void countsOperationsAsByHand() {
    ModelCost cost = ModelCost.of(model.info());
    assertThat(cost).isEqualTo(new ModelCost(2 * BLOCKS, 2 * HEAD, PAIR, 2 * DOWN));
    Flops flops = cost.train(new BatchShape(10, 3, 55), false);
    assertThat(flops.forward()).isEqualTo(2 * BLOCKS * 10 + 2 * HEAD * 3);
    assertThat(flops.backward()).isEqualTo(flops.forward());
    assertThat(flops.forwardAttention()).isEqualTo(PAIR * 55);
    assertThat(flops.backwardAttention()).isEqualTo(2 * PAIR * 55);
    Flops again = cost.train(new BatchShape(10, 3, 55), true);
    assertThat(again.backward() - flops.backward()).isEqualTo(2 * (BLOCKS - DOWN) * 10);
    assertThat(again.backwardAttention()).isEqualTo(3 * PAIR * 55);
    assertThat(cost.score(new BatchShape(10, 3, 55)).total()).isEqualTo(flops.allForward());
  }

  /** The first pair shared: prompt 1+2+3 keys, then 1 row seeing 3+1, then 3 rows seeing 3+1, 3+2, 3+3. */
  @Test
  void countsRowsTargetsAndPairsOfSegmentsAsByHand() {
    PreferenceExample pair = PAIRS.get(0);
    assertThat(BatchShape.shared(pair)).isEqualTo(new BatchShape(3 + 1 + 3, 2 + 4, 6 + 4 + 15));
    assertThat(BatchShape.apart(pair)).isEqualTo(new BatchShape(4 + 6, 6, 10 + 21));
    assertThat(BatchShape.ofChosen(pair)).isEqualTo(new BatchShape(4, 2, 10));
    assertThat(BatchShape.shared(PAIRS.get(1))).isEqualTo(new BatchShape(1 + 1, 3, 1 + 2));
    for (PreferenceExample each : PAIRS) {
      assertThat(BatchShape.shared(each).rows()).isEqualTo(PairBatches.inputsTogether(each.prompt(), each.chosen(), each.rejected()));
      assertThat(BatchShape.apart(each).rows()).isEqualTo(PairBatches.inputsApart(each.prompt(), each.chosen(), each.rejected()));
    }
  }

  @Test
  void rowsOfSupervisedTrainingAreThoseThatTrainingSees() {
    List<SftExample> rows = List.of(sft(7, 4, 6), sft(5, 3, 5), sft(3, 1, 2));
    SftBatches trained = new SftBatches(rows);
    PlannedRows planned = new PlannedRows(rows, Way.SFT, 0);
    int[] all = {0, 1, 2};
    assertThat(planned.rows()).isEqualTo(trained.rows());
    assertThat(planned.longest()).isEqualTo(trained.longest());
    assertThat(planned.mostTokens(5)).isEqualTo(trained.mostTokens(5));
    assertThat(planned.targetShare()).isEqualTo(trained.targetShare());
    assertThat(planned.tokens(all)).isEqualTo(trained.tokens(all));
    assertThat(planned.targets(all)).isEqualTo(trained.targets(all));
    assertThat(planned.microBatches(options(3, 8, false), 8)).isEqualTo(trained.plan(all, 8).size());
  }

  private static SftExample sft(int length, int from, int to) {
    BitSet learnt = new BitSet();
    learnt.set(from, to);
    return new SftExample(1, new int[length], learnt, from);
  }

  @Test
  void plansAsByHand() {
    Planner planner = planner(0, 1024, false);
    assertThat(planner.steps()).isEqualTo(6);
    assertThat(planner.epochs()).isEqualTo(3);
    WayPlan plan = planner.plan(SHARED, SPEED);
    assertThat(plan.promptTokens()).isEqualTo(4);
    assertThat(plan.completionTokens()).isEqualTo(9);
    assertThat(plan.perEpoch()).isEqualTo(new BatchShape(9, 9, 28));
    assertThat(plan.maxTokens()).isEqualTo(7); // a step has one pair, and the longer one takes 7
    assertThat(plan.microBatches()).isEqualTo(2);
    double forward = 2 * BLOCKS * 9 + 2 * HEAD * 9 + PAIR * 28;
    double backward = forward + PAIR * 28;
    assertThat(plan.allEpochFlops()).isEqualTo(forward + backward);
    assertThat(plan.onceFlops()).isEqualTo(forward);
    assertThat(plan.onceSeconds()).isCloseTo(forward / 4e6, within(1e-9));
    double epoch = forward / 1e6 + backward / 2e6 + 2 * 0.25;
    assertThat(plan.epochSeconds()).isCloseTo(epoch, within(1e-9));
    assertThat(plan.stepSeconds()).isCloseTo(epoch / 2, within(1e-9));
    assertThat(plan.totalSeconds()).isCloseTo(3 * epoch + forward / 4e6, within(1e-9));

    WayPlan online = planner.plan(ONLINE, SPEED);
    assertThat(online.onceFlops()).isZero();
    assertThat(online.epochSeconds()).isCloseTo(epoch + forward / 4e6, within(1e-9));
    assertThat(planner.plan(new Way(Way.Method.DPO, true, Way.Reference.NONE), SPEED).totalSeconds()).isCloseTo(3 * epoch, within(1e-9));
    assertThat(planner.plan(APART, SPEED).perEpoch()).isEqualTo(new BatchShape(10 + 3, 9, 31 + 1 + 3));
    assertThat(planner.plan(Way.SFT, SPEED).perEpoch()).isEqualTo(new BatchShape(4 + 1, 3, 10 + 1));
  }

  /** Prompts of 3 and 1, answers of 2 and 4: each step also scores 3 + 4 - 1 and 1 + 2 - 1 tokens, the answers changed round. */
  @Test
  void ktoScoresMismatchedAnswersToo() {
    List<LabelledExample> rows = List.of(new LabelledExample(1, new int[3], new int[2], true), new LabelledExample(2, new int[1], new int[4], false));
    Way cached = new Way(Way.Method.KTO, true, Way.Reference.CACHE);
    Planner planner = new Planner(model, adapter, 0, options(2, 1024, false, 0, 0, 2), rows, rows.subList(0, 1));
    WayPlan plan = planner.plan(cached, SPEED);
    BatchShape learnt = new BatchShape(4 + 4, 2 + 4, 10 + 10);
    BatchShape mismatched = new BatchShape(6 + 2, 4 + 2, 21 + 3);
    ModelCost cost = ModelCost.of(model.info());
    assertThat(plan.perEpoch()).isEqualTo(learnt);
    assertThat(plan.promptTokens()).isEqualTo(4);
    assertThat(plan.completionTokens()).isEqualTo(6);
    assertThat(plan.maxTokens()).isEqualTo(8);
    double trained = cost.train(learnt, false).total();
    double kl = cost.score(mismatched).total();
    double reference = cost.score(learnt).total() + kl;
    BatchShape evaluated = new BatchShape(8, 4, 20); // the only row is its own companion
    double evaluation = cost.score(evaluated).total();
    assertThat(plan.allEpochFlops()).isEqualTo(trained + kl);
    assertThat(plan.onceFlops()).isEqualTo(reference + evaluation);
    assertThat(plan.evaluation().flops().total()).isEqualTo(evaluation);
    assertThat(plan.evaluation().count()).isEqualTo(2); // after steps 2 and 3 of 3
    assertThat(plan.totalFlops(3)).isCloseTo(3 * (trained + kl) + reference + 3 * evaluation, within(1e-3));
    double epoch = cost.train(learnt, false).allForward() / 1e6 + cost.train(learnt, false).allBackward() / 2e6 + kl / 4e6 + 0.25;
    assertThat(plan.epochSeconds()).isCloseTo(epoch, within(1e-9));
    assertThat(plan.totalSeconds()).isCloseTo(3 * epoch + (reference + 3 * evaluation) / 4e6, within(1e-9));
    WayPlan online = planner.plan(new Way(Way.Method.KTO, true, Way.Reference.ONLINE), SPEED);
    assertThat(online.onceFlops()).isZero();
    assertThat(online.allEpochFlops()).isEqualTo(trained + kl + reference);
    assertThat(online.evaluation().flops().total()).isEqualTo(2 * evaluation);
    Planner cut = new Planner(model, adapter, 0, options(2, 1024, false, 5, 0, 0), rows, List.of());
    assertThat(cut.plan(cached, SPEED).klFlops()).isEqualTo(cost.score(new BatchShape(4 + 2, 2 + 2, 10 + 3)));
    assertThat(cut.plan(cached, SPEED).evaluation().count()).isZero();
    WayPlan smallest = new Planner(model, adapter, 0, options(1, 1, false), rows, List.of()).plan(cached, SPEED);
    assertThat(smallest.maxTokens()).isEqualTo(6); // the first row's companion is longer than any row
    assertThat(cached.text()).isEqualTo("kto, cached reference");
  }

  @Test
  void evaluationsAndDropoutCountForSupervisedTrainingToo() {
    List<SftExample> rows = List.of(sft(7, 4, 6), sft(5, 3, 5), sft(3, 1, 2));
    List<SftExample> eval = List.of(sft(9, 4, 9));
    WayPlan plan = new Planner(model, adapter, 0, options(2, 1024, false, 0, 0.25, 0), rows, eval).plan(Way.SFT, SPEED);
    ModelCost cost = ModelCost.of(model.info());
    assertThat(plan.evaluation()).isEqualTo(new EvaluationPlan(1, 3, cost.score(BatchShape.of(eval.get(0))), Flops.NONE, cost.score(BatchShape.of(eval.get(0))).total() / 4e6));
    double perStep = plan.stepSeconds();
    assertThat(plan.totalSeconds()).isCloseTo(5 * perStep + 3 * plan.evaluation().seconds(), within(1e-9)); // 4.5 steps of 2 rows, made 5
    assertThat(plan.maxTokens()).isEqualTo(9);
    WayPlan dry = new Planner(model, adapter, 0, options(2, 1024, false, 0, 0, 0), rows, eval).plan(Way.SFT, SPEED);
    assertThat(plan.memory().session() - dry.memory().session()).isEqualTo(9 * 128 * Float.BYTES); // the widest input of 9 tokens
  }

  @Test
  void memoryIsWhatTheSessionWouldTake() {
    MemoryPlan memory = planner(0, 1024, false).plan(SHARED, SPEED).memory();
    SessionOptions session = new SessionOptions(true, 7, 11, Recompute.NONE, 0, 42); // the second pair has 3 targets in 2 tokens: 7 * 3 / 2, rounded up
    assertThat(memory.session() + memory.adapterAndOptimizer()).isEqualTo(TrainingSession.memoryBytes(model, 4, "all-linear", session));
    // A and B of rank 4: 4 (64+64) for q and o, 4 (64+32) for k and v, 4 (64+128) thrice; two layers; itself, gradient, two moments
    assertThat(memory.adapterAndOptimizer()).isEqualTo(4 * 4 * 2 * 4 * (2 * 128 + 2 * 96 + 3 * 192));
    assertThat(memory.reference()).isZero();
    assertThat(memory.peak()).isEqualTo(model.info().fileBytes() + memory.session() + memory.adapterAndOptimizer() + MemoryCheck.JAVA_BYTES);
    assertThat(memory.cachePass()).isEqualTo(TrainingSession.memoryBytes(model, 4, "all-linear", SessionOptions.scoring(9, 14))); // both pairs: 9 tokens * 3 / 2
    assertThat(new MemoryPlan(1, 20, 30, 0, 60, 4, 64).peak()).isEqualTo(65);
    assertThat(new MemoryPlan(1, 20, 30, 0, 60, 4, 64).fits()).isFalse();
    assertThat(memory.fits()).isTrue();
    assertThat(planner(0, 1024, false).plan(ONLINE, SPEED).memory().reference()).isEqualTo(TrainingSession.memoryBytes(model, 4, "all-linear", SessionOptions.scoring(7, 11)));
  }

  @Test
  void adviseOnlyWhereMemoryIsShort() {
    long needed = planner(0, 1024, false).plan(APART, SPEED).memory().peak();
    assertThat(planner(needed, 1024, false).advice(APART)).isEmpty();
    Planner tight = planner(needed - 1, 1024, false);
    assertThat(tight.plan(APART, SPEED).memory().fits()).isFalse();
    assertThat(tight.advice(APART)).anyMatch(line -> line.startsWith("--recompute block: ") && line.endsWith("which fits"))
        .anyMatch(line -> line.startsWith("--reference cache: ") && line.endsWith("which fits"))
        .anyMatch(line -> line.startsWith("leaving --no-prefix-sharing out: "));
    assertThat(planner(1 << 20, 1024, false).advice(SHARED)).anyMatch(line -> line.endsWith("still too much")).anyMatch(line -> line.contains("--max-length"));
  }

  @Test
  void measuresTheMachine() {
    float[] before = adapter.get("blk.0.attn_q.weight.lora_a");
    Speed speed = planner(0, 1024, false).measure(SHARED, () -> 1e9, line -> { });
    assertThat(speed.forward()).isPositive();
    assertThat(speed.backward()).isPositive();
    assertThat(speed.scoring()).isPositive();
    assertThat(speed.source()).contains("7 tokens");
    assertThat(adapter.get("blk.0.attn_q.weight.lora_a")).isEqualTo(before);
    assertThat(planner(1 << 20, 1024, false).measure(SHARED, () -> 1e9, line -> { }).forward()).isEqualTo(1e9);
  }

  @Test
  void waysAreToldApart() {
    assertThat(Way.preference(true)).hasSize(4).doesNotContain(new Way(Way.Method.DPO, true, Way.Reference.NONE));
    assertThat(Way.preference(false)).hasSize(2);
    assertThat(Way.preference(true).get(0)).isEqualTo(SHARED);
    assertThatThrownBy(() -> SHARED.shape(sft(3, 1, 2))).isInstanceOf(IllegalArgumentException.class);
  }
}
