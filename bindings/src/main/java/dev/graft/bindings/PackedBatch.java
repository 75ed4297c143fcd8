package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.DoubleByReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Segments of tokens laid end to end, without padding, and the targets predicted from their rows; off the Java heap. A segment may
 * continue an earlier one, so that several share a prompt. Closed by who built it. Any thread may use it, one at a time.
 */
public final class PackedBatch implements AutoCloseable {
  private final int segments;
  private final int tokens;
  private final int targets;
  /** Where the native side, which wants targets in order of their rows, keeps target i. */
  private final int[] place;
  private final Memory memory;
  private final Pointer lengths;
  private final Pointer prefixes;
  private final Pointer tokenIds;
  private final Pointer targetRows;
  private final Pointer targetIds;
  private final Pointer logps;
  private final Pointer weights;
  /** Statistics of the targets' rows; null when the batch was built without. */
  private final Pointer meanLogits;
  private final Pointer logSquares;
  private boolean closed;

  private PackedBatch(Builder b) {
    segments = b.segments.size();
    tokens = b.tokens;
    targets = b.targets.size();
    long words = 2L * segments + tokens + (b.statistics ? 6L : 4L) * targets;
    memory = new Memory(4 * Math.max(1, words));
    memory.clear();
    lengths = memory.share(0);
    prefixes = lengths.share(4L * segments);
    tokenIds = prefixes.share(4L * segments);
    targetRows = tokenIds.share(4L * tokens);
    targetIds = targetRows.share(4L * targets);
    logps = targetIds.share(4L * targets);
    weights = logps.share(4L * targets);
    meanLogits = b.statistics ? weights.share(4L * targets) : null;
    logSquares = b.statistics ? meanLogits.share(4L * targets) : null;
    place = new int[targets];

    long row = 0;
    for (int s = 0; s < segments; s++) {
      Segment segment = b.segments.get(s);
      lengths.setInt(4L * s, segment.tokens.length);
      prefixes.setInt(4L * s, segment.prefix);
      tokenIds.write(4 * row, segment.tokens, 0, segment.tokens.length);
      row += segment.tokens.length;
    }
    int[] order = IntStream.range(0, targets).boxed().sorted(Comparator.comparingInt(i -> b.targets.get(i).row)).mapToInt(i -> i).toArray();
    for (int k = 0; k < targets; k++) {
      Target target = b.targets.get(order[k]);
      place[order[k]] = k;
      targetRows.setInt(4L * k, target.row);
      targetIds.setInt(4L * k, target.id);
    }
  }

  /** Tokens of all segments. */
  public int tokens() {
    return tokens;
  }

  /** Number of targets. */
  public int targets() {
    return targets;
  }

  /** Number of segments. */
  public int segments() {
    return segments;
  }

  /** Natural log-probability of target {@code i} (in the order of {@link Builder#addTarget}) as the last forward left it; 0 before. */
  public synchronized float logp(int i) {
    check();
    return logps.getFloat(4L * place[i]);
  }

  /** Sets d loss / d logp of target {@code i}, for the backward pass. */
  public synchronized void setWeight(int i, float weight) {
    check();
    weights.setFloat(4L * place[i], weight);
  }

  /** d loss / d logp of target {@code i}. */
  public synchronized float weight(int i) {
    check();
    return weights.getFloat(4L * place[i]);
  }

  /** A copy of all log-probabilities, in the order of {@link Builder#addTarget}. */
  public synchronized float[] logps() {
    check();
    return inOrder(logps);
  }

  /**
   * A copy of the mean over the vocabulary of the logits that each target is drawn from, in the order of {@link Builder#addTarget}.
   *
   * @throws IllegalStateException when the batch was built without {@link Builder#statistics}
   */
  public synchronized float[] meanLogits() {
    check();
    return inOrder(statistics(meanLogits));
  }

  /**
   * A copy of log Σ p² over the vocabulary of the distribution that each target is drawn from, in the order of {@link Builder#addTarget}.
   *
   * @throws IllegalStateException when the batch was built without {@link Builder#statistics}
   */
  public synchronized float[] logSquares() {
    check();
    return inOrder(statistics(logSquares));
  }

  private static Pointer statistics(Pointer values) {
    if (values == null) {
      throw new IllegalStateException("this batch was built without statistics");
    }
    return values;
  }

  private float[] inOrder(Pointer values) {
    float[] byPlace = values.getFloatArray(0, targets);
    float[] result = new float[targets];
    for (int i = 0; i < targets; i++) {
      result[i] = byPlace[place[i]];
    }
    return result;
  }

  /** Frees the memory. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      memory.close();
    }
  }

  /** @param training as in graft_trainer_forward */
  synchronized void forward(Pointer trainer, int training) {
    check();
    Calls.run((m, n) -> GraftLibrary.graft_trainer_forward(trainer, segments, lengths, prefixes, tokenIds, targets, targetRows, targetIds,
        training, logps, meanLogits, logSquares, m, n));
  }

  synchronized void backward(Pointer trainer) {
    check();
    Calls.run((m, n) -> GraftLibrary.graft_trainer_backward(trainer, weights, m, n));
  }

  synchronized double sft(long total) {
    check();
    DoubleByReference loss = new DoubleByReference();
    Calls.run((m, n) -> GraftLibrary.graft_loss_sft(targets, logps, total, weights, loss, m, n));
    return loss.getValue();
  }

  private void check() {
    if (closed) {
      throw new IllegalStateException("this batch is closed");
    }
  }

  private record Segment(int prefix, int[] tokens, int firstRow) {}

  private record Target(int row, int id) {}

  /** Collects segments and targets. Used by one thread. */
  public static final class Builder {
    private final List<Segment> segments = new ArrayList<>();
    private final List<Target> targets = new ArrayList<>();
    private int tokens;
    private boolean statistics;

    /**
     * Adds a segment after those before.
     *
     * @param prefix index of the earlier segment that this one continues, which must not itself continue another; -1 for none
     * @param ids at least one token; copied
     * @return the segment's index
     * @throws IllegalArgumentException when prefix is no such segment, or there are no tokens
     */
    public int addSegment(int prefix, int[] ids) {
      Objects.requireNonNull(ids, "tokens");
      if (ids.length == 0) {
        throw new IllegalArgumentException("a segment needs at least one token");
      }
      if (prefix < -1 || prefix >= segments.size()) {
        throw new IllegalArgumentException("prefix " + prefix + " is not an earlier segment of " + segments.size());
      }
      if (prefix >= 0 && segments.get(prefix).prefix >= 0) {
        throw new IllegalArgumentException("prefix " + prefix + " itself continues a segment");
      }
      int total = Math.addExact(tokens, ids.length);
      segments.add(new Segment(prefix, Arrays.copyOf(ids, ids.length), tokens));
      tokens = total;
      return segments.size() - 1;
    }

    /**
     * Asks for the log-probability of an id as the next token after a row.
     *
     * @param segment index that {@link #addSegment} gave
     * @param position row within the segment, from 0
     * @param id the token predicted
     * @throws IllegalArgumentException when there is no such row
     */
    public Builder addTarget(int segment, int position, int id) {
      if (segment < 0 || segment >= segments.size()) {
        throw new IllegalArgumentException("there is no segment " + segment + " among " + segments.size());
      }
      Segment s = segments.get(segment);
      if (position < 0 || position >= s.tokens.length) {
        throw new IllegalArgumentException("segment " + segment + " has " + s.tokens.length + " tokens, no position " + position);
      }
      targets.add(new Target(s.firstRow + position, id));
      return this;
    }

    /** Has forward passes fill in {@link PackedBatch#meanLogits} and {@link PackedBatch#logSquares} too; log-probabilities stay the same bits. */
    public Builder statistics() {
      statistics = true;
      return this;
    }

    /** Tokens so far. */
    public int tokens() {
      return tokens;
    }

    /** Targets so far. */
    public int targets() {
      return targets.size();
    }

    /**
     * The batch, which the caller closes.
     *
     * @throws IllegalArgumentException when there is no segment
     */
    public PackedBatch build() {
      if (segments.isEmpty()) {
        throw new IllegalArgumentException("a batch needs at least one segment");
      }
      return new PackedBatch(this);
    }
  }
}
