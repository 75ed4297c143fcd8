package dev.graft.trainer.run;

/**
 * A small seeded generator (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"); written out here so that
 * every Java version draws the same numbers. Not for several threads.
 */
public final class SplitMix64 {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /** A stream of its own for each pair of seed and index. */
  public SplitMix64(long seed, long index) {
    state = mix(mix(seed + GAMMA) ^ mix(index * GAMMA + 1));
  }

  /** 64 random bits. */
  public long next() {
    state += GAMMA;
    return mix(state);
  }

  /** Uniform in [0, 1), 53 bits. */
  public double nextDouble() {
    return (next() >>> 11) * 0x1.0p-53;
  }

  /** Uniform in [0, bound), without bias. */
  public int nextInt(int bound) {
    long limit = Long.MAX_VALUE - Long.MAX_VALUE % bound;
    long bits = next() >>> 1;
    while (bits >= limit) {
      bits = next() >>> 1;
    }
    return (int) (bits % bound);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
