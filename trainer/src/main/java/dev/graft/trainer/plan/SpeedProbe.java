package dev.graft.trainer.plan;

import dev.graft.bindings.Recompute;
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
  /**
   * Tokens of the passes, each size tried while the one before leaves time: the first maps the file, and the larger they are, the
   * less unpacking the weights, paid once for up to 512 tokens, hides the speed.
   */
  private static final int[] TOKENS = {32, 128};
  /** Seconds that passes of the last size should take, and the most that all together take as a rule. */
  private static final double WANTED_SECONDS = 5;

  /** Tokens up to which a batch gets faster: see docs/matmul.md. */
  private static final int BAND = 512;

  private static final int MOST_REPEATS = 10;

  private final Model model;
  private final Adapter adapter;
  private final Recompute recompute;
  private final float dropout;
  private final ModelCost cost;
  private final double targetShare;
  private final long longest;

  /**
   * @param adapter to train a little, by a rate of 0; stays as it is
   * @param dropout of the run, whose masks take time too
   * @param targetShare targets for each token  @param longest tokens of a row
   */
  SpeedProbe(Model model, Adapter adapter, Recompute recompute, float dropout, double targetShare, long longest) {
    this.model = model;
    this.adapter = adapter;
    this.recompute = recompute;
    this.dropout = dropout;
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
    int tokens = (int) Math.min(TOKENS[0], maxTokens);
    List<Round> rounds = rounds(tokens, 0); // maps the file
    int few = tokens;
    List<Round> ofFew = rounds;
    for (int next : TOKENS) {
      if (last(rounds) < WANTED_SECONDS) {
        few = tokens;
        ofFew = rounds;
        tokens = (int) Math.min(next, maxTokens);
        rounds = rounds(tokens, 0);
      }
    }
    int affordable = (int) Math.min(maxTokens, tokens * WANTED_SECONDS / last(rounds));
    if (affordable >= 1.5 * tokens || affordable == maxTokens) {
      few = tokens;
      ofFew = rounds;
      tokens = affordable;
      rounds = rounds(tokens, WANTED_SECONDS / 2);
    }
    int usual = (int) Math.min(maxTokens, BAND);
    Line line = new Line(few, ofFew, tokens, rounds, Math.max(usual, tokens));
    BatchShape shape = shape(line.at());
    Flops flops = cost.train(shape, recompute.again());
    String from = "measured on " + tokens + " tokens" + (line.at() > tokens ? ", continued to " + line.at() : "");
    return new Speed(flops.allForward() / line.of(Round::forward), flops.allBackward() / line.of(Round::backward), cost.score(shape).total() / line.of(Round::scoring),
        median(rounds, Round::optimizer), from);
  }

  /** Times of a larger batch, by the line through two smaller ones: a part is paid once, whatever the tokens. */
  private record Line(int few, List<Round> ofFew, int tokens, List<Round> rounds, int at) {
    double of(ToDoubleFunction<Round> figure) {
      double time = median(rounds, figure);
      double slope = few < tokens ? (time - median(ofFew, figure)) / (tokens - few) : time / tokens;
      double most = time / tokens; // nothing is paid once
      return time + (at - tokens) * Math.max(most / 4, Math.min(most, slope));
    }
  }

  /** Bytes that the measurement may take beside the mapped file. */
  long bytes(int rank, String targets, long maxTokens) {
    return TrainingSession.memoryBytes(model, rank, targets, options(maxTokens));
  }

  private SessionOptions options(long tokens) {
    return new SessionOptions(true, tokens, Math.max(1, shape((int) tokens).targets()), recompute, dropout, 0);
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

  private static double last(List<Round> rounds) {
    return Math.max(1e-9, rounds.get(rounds.size() - 1).total());
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    double[] sorted = rounds.stream().mapToDouble(figure).sorted().toArray();
    return Math.max(1e-9, sorted[sorted.length / 2]);
  }
}
