package dev.graft.bindings;

import java.util.Objects;

/**
 * The size of a generator.
 *
 * @param sequences most at work at once
 * @param context most tokens of each
 * @param cacheTokens tokens in the cache, of all together; 0 for as many as all sequences may come to
 * @param cacheType how they are stored
 * @param passRows most tokens computed together, at least {@code sequences}; 0 for 512
 */
public record GeneratorOptions(int sequences, int context, long cacheTokens, CacheType cacheType, int passRows) {
  /** Checks that there is a type; the numbers are checked where a generator is opened. */
  public GeneratorOptions {
    Objects.requireNonNull(cacheType, "cacheType");
  }

  /** A cache in F32 with room for all. */
  public GeneratorOptions(int sequences, int context) {
    this(sequences, context, 0, CacheType.F32, 0);
  }
}
