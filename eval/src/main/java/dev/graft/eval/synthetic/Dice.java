package dev.graft.eval.synthetic;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Choices from a {@link SplittableRandom}. Takes nothing from it but {@code nextLong}, whose values the algorithm fixes (Steele, Lea
 * and Flood 2014), and derives bounds here, so that every Java version makes the same rows. One thread.
 */
public final class Dice {
  private final SplittableRandom random;

  /** Draws from the generator given. */
  public Dice(SplittableRandom random) {
    this.random = random;
  }

  /** A stream of its own for each name, seed, row and attempt. */
  public static SplittableRandom stream(String name, long seed, int row, int attempt) {
    long h = mix(seed + 0x9E3779B97F4A7C15L);
    for (int i = 0; i < name.length(); i++) {
      h = mix(h ^ (name.charAt(i) * 0xD1342543DE82EF95L));
    }
    return new SplittableRandom(mix(mix(h ^ (row * 0xC2B2AE3D27D4EB4FL)) ^ attempt));
  }

  /** A well mixed 64-bit function of a number: chance that depends on an index alone. */
  public static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Uniform in [0, bound). */
  public int below(int bound) {
    return (int) (((random.nextLong() >>> 32) * bound) >>> 32);
  }

  /** Uniform in [low, high], both included. */
  public int between(int low, int high) {
    return low + below(high - low + 1);
  }

  /** True with the probability given. */
  public boolean chance(double probability) {
    return (random.nextLong() >>> 11) * 0x1.0p-53 < probability;
  }

  /** One of the list, all alike likely. */
  public <T> T pick(List<T> from) {
    return from.get(below(from.size()));
  }

  /** One of the arguments. */
  @SafeVarargs
  public final <T> T of(T... from) {
    return from[below(from.length)];
  }

  /** An index, drawn in proportion to the weights. */
  public int weighted(int... weights) {
    int total = 0;
    for (int w : weights) {
      total += w;
    }
    int at = below(total);
    for (int i = 0; ; i++) {
      at -= weights[i];
      if (at < 0) {
        return i;
      }
    }
  }

  /** At most {@code count} of the list, without repetition, in random order. */
  public <T> List<T> some(List<T> from, int count) {
    List<T> all = shuffled(from);
    return new ArrayList<>(all.subList(0, Math.max(0, Math.min(count, all.size()))));
  }

  /** A shuffled copy. */
  public <T> List<T> shuffled(List<T> from) {
    List<T> all = new ArrayList<>(from);
    for (int i = all.size() - 1; i > 0; i--) {
      int j = below(i + 1);
      T moved = all.get(i);
      all.set(i, all.get(j));
      all.set(j, moved);
    }
    return all;
  }
}
