package dev.graft.eval.bench;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Losses;
import dev.graft.bindings.Model;
import dev.graft.bindings.ModelInfo;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.PreferenceLoss;
import dev.graft.bindings.PreferenceOptions;
import dev.graft.bindings.PreferenceSequences;
import dev.graft.bindings.PreferenceState;
import dev.graft.bindings.RuntimeInfo;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.plan.BatchShape;
import dev.graft.trainer.plan.Flops;
import dev.graft.trainer.plan.ModelCost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Trains on pairs of random tokens, three ways in turn, so that a slow moment of the machine meets all of them. One thread. */
final class DpoBench {
  /** Small, so that log-probabilities stay sensible however many rounds there are. */
  private static final float LEARNING_RATE = 1e-6f;

  /**
   * What to measure.
   *
   * @param model a GGUF  @param prompt tokens of it  @param response tokens of each answer
   * @param pairs of an optimizer step; 0: as many as one micro-batch of {@link DpoBenchMethod#DPO} takes
   * @param microBatchTokens most tokens computed at once, though always at least one pair
   * @param rounds measured, after one that is not  @param rank of the adapter  @param targets of the adapter
   * @param recompute blocks are computed again in the backward pass  @param seed of adapter and tokens
   */
  record Settings(Path model, int prompt, int response, int pairs, int microBatchTokens, int rounds, int rank, String targets, Recompute recompute, long seed) {
    /** The same with the number of pairs found. */
    Settings resolved() {
      long fits = Math.max(1, microBatchTokens / Math.max(1, DpoBenchMethod.DPO.shape(new PreferenceExample(1, new int[prompt], new int[response], new int[response])).rows()));
      return new Settings(model, prompt, response, pairs > 0 ? pairs : (int) fits, microBatchTokens, rounds, rank, targets, recompute, seed);
    }
  }

  /**
   * How a method's optimizer step is put together.
   *
   * @param pairsOfBatches pairs of each micro-batch  @param perPair what a pair's training passes compute  @param flops of a pair, reference included
   */
  record Composition(List<Integer> pairsOfBatches, BatchShape perPair, Flops flops) {
    /** Tokens of the largest micro-batch. */
    long mostTokens() {
      return perPair.rows() * pairsOfBatches.get(0);
    }

    /** Targets of the largest micro-batch. */
    long mostTargets() {
      return perPair.targets() * pairsOfBatches.get(0);
    }
  }

  /**
   * What came out; times are seconds for each pair.
   *
   * @param rounds of each method  @param cacheRounds of computing the reference cache, before training
   * @param shareError largest difference of a log-probability with and without sharing the prompt, before any step
   */
  record Result(Settings settings, RuntimeInfo runtime, ModelInfo model, Map<DpoBenchMethod, Composition> compositions,
      Map<DpoBenchMethod, List<DpoBenchTimes>> rounds, List<Double> cacheRounds, double shareError) {
    double seconds(DpoBenchMethod method) {
      return DpoBenchTimes.median(rounds.get(method), DpoBenchTimes::total);
    }

    double cacheSeconds() {
      return DpoBenchTimes.median(cacheRounds.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** Median time of one over that of another. */
    double ratio(DpoBenchMethod of, DpoBenchMethod to) {
      return seconds(of) / seconds(to);
    }

    /** The same of processor time. */
    double cpuRatio(DpoBenchMethod of, DpoBenchMethod to) {
      return DpoBenchTimes.median(rounds.get(of), DpoBenchTimes::cpu) / DpoBenchTimes.median(rounds.get(to), DpoBenchTimes::cpu);
    }

    /** Share of the threads' time that this process had; well below 1 on a machine that does other things too. */
    double processorShare() {
      double cpu = rounds.values().stream().flatMap(List::stream).mapToDouble(DpoBenchTimes::cpu).sum();
      double wall = rounds.values().stream().flatMap(List::stream).mapToDouble(DpoBenchTimes::total).sum();
      return cpu / wall / runtime.threads();
    }

    /** Operations of one over those of another: what the ratio would be if each operation took as long as any other. */
    double floor(DpoBenchMethod of, DpoBenchMethod to) {
      return compositions.get(of).flops().total() / compositions.get(to).flops().total();
    }

    /** Seconds of a pair with the cache's cost spread over so many epochs. */
    double amortized(double epochs) {
      return seconds(DpoBenchMethod.DPO) + cacheSeconds() / epochs;
    }
  }

  private final Settings settings;
  private final List<PreferenceExample> pairs;
  private final Map<DpoBenchMethod, Composition> compositions;
  private final TrainingSession training;
  private final TrainingSession scoring;
  private final PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults("sigmoid"));
  private float[][] cache;

  private DpoBench(Settings settings, List<PreferenceExample> pairs, Map<DpoBenchMethod, Composition> compositions, TrainingSession training, TrainingSession scoring) {
    this.settings = settings;
    this.pairs = pairs;
    this.compositions = compositions;
    this.training = training;
    this.scoring = scoring;
  }

  static Result run(GraftRuntime runtime, Settings asked, Consumer<String> note) {
    Settings s = asked.resolved();
    try (Model model = Model.open(runtime, s.model);
        Adapter adapter = Adapter.create(model, new LoraSpec(s.rank, 2f * s.rank, false, s.targets, s.seed))) {
      List<PreferenceExample> pairs = randomPairs(s, model.info().vocabulary());
      Map<DpoBenchMethod, Composition> compositions = new EnumMap<>(DpoBenchMethod.class);
      for (DpoBenchMethod method : DpoBenchMethod.values()) {
        compositions.put(method, composition(s, method, pairs.get(0), ModelCost.of(model.info())));
      }
      long tokens = compositions.values().stream().mapToLong(Composition::mostTokens).max().orElseThrow();
      long targets = compositions.values().stream().mapToLong(Composition::mostTargets).max().orElseThrow();
      try (TrainingSession training = TrainingSession.open(model, adapter, new SessionOptions(true, tokens, targets, s.recompute, 0, s.seed));
          TrainingSession scoring = TrainingSession.open(model, null, SessionOptions.scoring(tokens, targets))) {
        return new DpoBench(s, pairs, compositions, training, scoring).run(runtime.info(), model.info(), note);
      }
    }
  }

  private Result run(RuntimeInfo runtime, ModelInfo info, Consumer<String> note) {
    List<Double> cacheRounds = new ArrayList<>();
    computeCache(); // warms up: maps the file
    double shareError = shareError();
    Map<DpoBenchMethod, List<DpoBenchTimes>> rounds = new EnumMap<>(DpoBenchMethod.class);
    for (DpoBenchMethod method : DpoBenchMethod.values()) {
      rounds.put(method, new ArrayList<>());
      step(method);
    }
    for (int round = 1; round <= settings.rounds; round++) {
      StringBuilder line = new StringBuilder("round ").append(round).append(" of ").append(settings.rounds).append(", seconds a pair:");
      for (int i = 0; i < rounds.size(); i++) { // another one begins each round
        DpoBenchMethod method = DpoBenchMethod.values()[(i + round) % rounds.size()];
        DpoBenchTimes times = step(method);
        rounds.get(method).add(times);
        line.append(String.format(Locale.ROOT, " %s %.3f", method.key(), times.total()));
      }
      cacheRounds.add(computeCache());
      note.accept(line.append(String.format(Locale.ROOT, " cache %.3f", cacheRounds.get(round - 1))).toString());
    }
    return new Result(settings, runtime, info, compositions, rounds, cacheRounds, shareError);
  }

  private static Composition composition(Settings s, DpoBenchMethod method, PreferenceExample pair, ModelCost cost) {
    BatchShape shape = method.shape(pair);
    int fits = (int) Math.max(1, s.microBatchTokens / shape.rows());
    List<Integer> batches = new ArrayList<>();
    for (int left = s.pairs; left > 0; left -= fits) {
      batches.add(Math.min(fits, left));
    }
    Flops flops = cost.train(shape, s.recompute.again());
    return new Composition(List.copyOf(batches), shape, method == DpoBenchMethod.PLAIN_DPO ? flops.plus(cost.score(shape)) : flops);
  }

  /** The reference's log-probabilities of all pairs, forward only; seconds for each pair. */
  private double computeCache() {
    long start = System.nanoTime();
    cache = new float[settings.pairs][];
    int at = 0;
    for (int count : compositions.get(DpoBenchMethod.DPO).pairsOfBatches) {
      try (PackedBatch batch = batch(DpoBenchMethod.DPO, at, count)) {
        scoring.rehearse(batch);
        spread(batch.logps(), cache, at, count);
      }
      at += count;
    }
    return (System.nanoTime() - start) * 1e-9 / settings.pairs;
  }

  /** Largest difference between the policy's log-probabilities with and without sharing. */
  private double shareError() {
    double worst = 0;
    try (PackedBatch shared = batch(DpoBenchMethod.DPO, 0, 1);
        PackedBatch apart = batch(DpoBenchMethod.PLAIN_DPO, 0, 1)) {
      training.forward(shared, true);
      training.forward(apart, true);
      for (int i = 0; i < shared.targets(); i++) {
        worst = Math.max(worst, Math.abs(shared.logp(i) - apart.logp(i)));
      }
    }
    return worst;
  }

  private DpoBenchTimes step(DpoBenchMethod method) {
    double[] spent = new double[4]; // forward, loss, backward, reference
    double cpu = cpuSeconds();
    int at = 0;
    for (int count : compositions.get(method).pairsOfBatches) {
      try (PackedBatch batch = batch(method, at, count)) {
        batch(method, batch, at, count, spent);
      }
      at += count;
    }
    long updating = System.nanoTime();
    training.step(LEARNING_RATE, 0, 1);
    double optimizer = (System.nanoTime() - updating) * 1e-9;
    return new DpoBenchTimes(spent[0], spent[1], spent[2], spent[3], optimizer, cpuSeconds() - cpu).dividedBy(settings.pairs);
  }

  private void batch(DpoBenchMethod method, PackedBatch batch, int at, int count, double[] spent) {
    float[][] reference = method == DpoBenchMethod.DPO ? Arrays.copyOfRange(cache, at, at + count) : new float[count][];
    if (method == DpoBenchMethod.PLAIN_DPO) {
      long start = System.nanoTime();
      scoring.rehearse(batch);
      spread(batch.logps(), reference, 0, count);
      spent[3] += (System.nanoTime() - start) * 1e-9;
    }
    long begun = System.nanoTime();
    training.forward(batch, true);
    long scored = System.nanoTime();
    if (method == DpoBenchMethod.SFT) {
      Losses.sft(batch, (long) settings.pairs * settings.response);
    } else {
      weigh(batch, reference);
    }
    long weighted = System.nanoTime();
    training.backward(batch);
    long end = System.nanoTime();
    spent[0] += (scored - begun) * 1e-9;
    spent[1] += (weighted - scored) * 1e-9;
    spent[2] += (end - weighted) * 1e-9;
  }

  private PackedBatch batch(DpoBenchMethod method, int from, int count) {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    pairs.subList(from, from + count).forEach(pair -> method.add(builder, pair));
    return builder.build();
  }

  private void spread(float[] logps, float[][] to, int from, int count) {
    int each = 2 * settings.response;
    for (int i = 0; i < count; i++) {
      to[from + i] = Arrays.copyOfRange(logps, i * each, (i + 1) * each);
    }
  }

  /** Sets the weights of a batch's pairs. */
  private void weigh(PackedBatch batch, float[][] reference) {
    float[] policy = batch.logps();
    int n = settings.response;
    PreferenceSequences sequences = new PreferenceSequences();
    for (int pair = 0; pair < reference.length; pair++) {
      sequences.addPair(Arrays.copyOfRange(policy, 2 * n * pair, 2 * n * pair + n), Arrays.copyOfRange(policy, 2 * n * pair + n, 2 * n * (pair + 1)),
          Arrays.copyOf(reference[pair], n), Arrays.copyOfRange(reference[pair], n, 2 * n));
    }
    float[][] weights = loss.compute(sequences, settings.pairs, 0, PreferenceState.START, true).weights();
    for (int i = 0; i < policy.length; i++) {
      batch.setWeight(i, weights[i / n][i % n]);
    }
  }

  private static List<PreferenceExample> randomPairs(Settings s, int vocabulary) {
    SplittableRandom random = new SplittableRandom(s.seed);
    List<PreferenceExample> pairs = new ArrayList<>();
    for (int i = 0; i < s.pairs; i++) {
      pairs.add(new PreferenceExample(i + 1, ids(random, s.prompt, vocabulary), ids(random, s.response, vocabulary), ids(random, s.response, vocabulary)));
    }
    return pairs;
  }

  private static int[] ids(SplittableRandom random, int count, int vocabulary) {
    return random.ints(count, 0, vocabulary).toArray();
  }

  /** Processor time of this process so far, 0 where the system does not say. */
  private static double cpuSeconds() {
    return ProcessHandle.current().info().totalCpuDuration().map(d -> d.toNanos() * 1e-9).orElse(0.0);
  }
}
