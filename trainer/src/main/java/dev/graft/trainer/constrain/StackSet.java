package dev.graft.trainer.constrain;

import java.util.Arrays;

/**
 * A set of stacks of {@link Net} states, all that an answer may be in at once: for each top state, the set of stacks beneath it. Equal sets are one object within a
 * {@link Machine}, so what ambiguous grammars have in common is kept and followed once. Immutable but for what the machine remembers here.
 */
final class StackSet {
  /** Top states, ascending. */
  final int[] states;

  /** Stacks beneath each. */
  final StackSet[] under;

  /** Whether the empty stack is among them: the answer is whole. */
  final boolean empty;

  /** Levels of the highest stack. */
  final int depth;

  /** Sets after each byte, as far as they are known; the machine's. */
  StackSet[] after;

  private final int hash;

  StackSet(int[] states, StackSet[] under, boolean empty) {
    this.states = states;
    this.under = under;
    this.empty = empty;
    int h = Arrays.hashCode(states) * 31 + (empty ? 1 : 0);
    int most = 0;
    for (StackSet set : under) {
      h = h * 31 + System.identityHashCode(set);
      most = Math.max(most, set.depth + 1);
    }
    hash = h;
    depth = most;
  }

  /** True for no stack at all. */
  boolean isNone() {
    return states.length == 0 && !empty;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof StackSet set) || hash != set.hash || empty != set.empty || !Arrays.equals(states, set.states)) {
      return false;
    }
    for (int i = 0; i < under.length; i++) {
      if (under[i] != set.under[i]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
