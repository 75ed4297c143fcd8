package dev.graft.trainer.data;

import java.util.BitSet;

/**
 * A row to learn by supervised fine-tuning.
 *
 * @param line line of the file, from 1
 * @param tokens the whole sequence; not to be modified
 * @param learnt bit i is set when token i is a target (predicted from tokens 0..i-1), so bit 0 never is; not to be modified
 * @param promptLength tokens before the completion, or -1 for a chat (which may have several learnt turns)
 */
public record SftExample(int line, int[] tokens, BitSet learnt, int promptLength) implements Example {

  /** @throws IllegalArgumentException when bit 0 or a bit past the end is set */
  public SftExample {
    if (learnt.get(0) || learnt.length() > tokens.length) {
      throw new IllegalArgumentException("a target must follow another token of the row");
    }
  }

  @Override
  public int length() {
    return tokens.length;
  }

  /** Number of targets. */
  public int targets() {
    return learnt.cardinality();
  }

  /** Positions of the targets in {@link #tokens}, ascending, each at least 1. */
  public int[] targetPositions() {
    return learnt.stream().toArray();
  }
}
