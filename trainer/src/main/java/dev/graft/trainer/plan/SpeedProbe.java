package dev.graft.trainer.plan;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.Losses;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/** Measures a model on this machine: real forward, backward and scoring passes over random tokens, in a session of its own. One thread. */
final class SpeedProbe {
  /** Tokens of the first, small pass, which maps the file and tells how many more can be afforded. */
  private static final int FIRST_TOKENS = 32;
  /** Seconds that the measured passes should take together. */
  private static final double WANTED_SECONDS = 4;

  private static final int MOST_REPEATS = 10;

  private final Model model;
  private final Adapter adapter;
  private final boolean recompute;
  private final ModelCost cost;
  private final double targetShare;
  private final long longest;

  /**
   * @param adapter to train a little, by a rate of 0; stays as it is
   * @param targetShare targets for each token  @param longest tokens of a row
   */
  SpeedProbe(Model model, Adapter adapter, boolean recompute, double targetShare, long longest) {
    this.model = model;
    this.adapter = adapter;
    this.recompute = recompute;
    this.cost = ModelCost.of(model.info());
    this.targetShare = targetShare;
    this.longest = longest;
  }

  /** What one round of passes took, in seconds. */
  private record Round(double forward, double backward, double scoring, double optimizer) {
    double total() {
      return forward + backward + scoring + optimizer;
    }
  }

  /** @param maxTokens most tokens of a micro-batch of the run */
  Speed measure(long maxTokens) {
    int first = (int) Math.min(FIRST_TOKENS, maxTokens);
    rounds(first, 0); // the first touch of the file
    double each = median(rounds(first, 0), Round::total) / first;
    int tokens = (int) Math.max(first, Math.min(maxTokens, WANTED_SECONDS / each));
    List<Round> rounds = rounds(tokens, WANTED_SECONDS / 2);
    Flops flops = cost.train(shape(tokens), recompute);
    double scored = cost.score(shape(tokens)).total();
    return new Speed(flops.allForward() / median(rounds, Round::forward), flops.allBackward() / median(rounds, Round::backward),
        scored / median(rounds, Round::scoring), median(rounds, Round::optimizer), "measured on " + tokens + " tokens");
  }

  /** Bytes that the measurement may take beside the mapped file. */
  long bytes(int rank, String targets, long maxTokens) {
    return TrainingSession.memoryBytes(model, rank, targets, options(maxTokens));
  }

  private SessionOptions options(long tokens) {
    return new SessionOptions(true, tokens, Math.max(1, shape((int) tokens).targets()), recompute, 0, 0);
  }

  /** One round, and more until so many seconds are spent. */
  private List<Round> rounds(int tokens, double seconds) {
    List<Round> rounds = new ArrayList<>();
    try (TrainingSession session = TrainingSession.open(model, adapter, options(tokens));
        PackedBatch batch = batch(tokens)) {
      double spent = 0;
      do {
        Round round = round(session, batch);
        rounds.add(round);
        spent += round.total();
      } while (spent < seconds && rounds.size() < MOST_REPEATS);
    }
    return rounds;
  }

  private static Round round(TrainingSession session, PackedBatch batch) {
    long start = System.nanoTime();
    session.rehearse(batch);
    long scored = System.nanoTime();
    session.forward(batch, true);
    Losses.sft(batch, batch.targets());
    long forward = System.nanoTime();
    session.backward(batch);
    long backward = System.nanoTime();
    session.step(0, 0, 0);
    long end = System.nanoTime();
    return new Round((forward - scored) * 1e-9, (backward - forward) * 1e-9, (scored - start) * 1e-9, (end - backward) * 1e-9);
  }

  /** Lengths of the segments that so many tokens are cut into. */
  private int[] lengths(int tokens) {
    int each = (int) Math.max(2, Math.min(longest, tokens));
    int[] lengths = new int[(tokens + each - 1) / each];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = Math.min(each, tokens - i * each);
    }
    return lengths;
  }

  private int targets(int length) {
    return (int) Math.max(1, Math.min(length, Math.round(targetShare * length)));
  }

  private BatchShape shape(int tokens) {
    BatchShape shape = BatchShape.EMPTY;
    for (int length : lengths(tokens)) {
      shape = shape.plus(BatchShape.segment(0, length, targets(length)));
    }
    return shape;
  }

  private PackedBatch batch(int tokens) {
    SplittableRandom random = new SplittableRandom(1);
    int vocabulary = model.info().vocabulary();
    PackedBatch.Builder builder = new PackedBatch.Builder();
    for (int length : lengths(tokens)) {
      int segment = builder.addSegment(-1, random.ints(length, 0, vocabulary).toArray());
      for (int i = length - targets(length); i < length; i++) {
        builder.addTarget(segment, i, random.nextInt(vocabulary));
      }
    }
    return builder.build();
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
    return Math.max(1e-9, sorted[sorted.length / 2]);
  }
}
