package dev.graft.trainer.constrain;

import java.util.Arrays;

/** What one state allows within its own rule, whatever stack it stands on: tokens, and the trie nodes at which a boundary state is reached. */
final class RuleTokens {
  /** Trie nodes at which calls or the rule's end must be looked at, and the state there. */
  final int[] exitNode;

  final int[] exitState;

  /** Tokens as a mask when they are many, else as a list. */
  private final long[] mask;
  private final int[] list;

  private RuleTokens(long[] mask, int[] list, int[] exitNode, int[] exitState) {
    this.mask = mask;
    this.list = list;
    this.exitNode = exitNode;
    this.exitState = exitState;
  }

  static RuleTokens of(Net net, TokenTrie trie, int state) {
    int[] path = new int[trie.longest + 1];
    path[0] = state;
    Ints tokens = new Ints();
    Ints nodes = new Ints();
    Ints states = new Ints();
    byte[] edge = trie.edge;
    int[] depths = trie.depth;
    for (int i = 1; i < edge.length; ) {
      int depth = depths[i];
      int to = net.step(path[depth - 1], edge[i]);
      if (to < 0) {
        i = trie.next[i];
        continue;
      }
      if (trie.tokenStart[i] < trie.tokenStart[i + 1] && net.landable.get(to)) {
        for (int t = trie.tokenStart[i]; t < trie.tokenStart[i + 1]; t++) {
          tokens.add(trie.token[t]);
        }
      }
      if (net.boundary.get(to) && trie.next[i] > i + 1) {
        nodes.add(i);
        states.add(to);
      }
      path[depth] = to;
      i++;
    }
    int[] list = tokens.toArray();
    long[] mask = null;
    if (list.length > trie.words) {
      mask = new long[trie.words];
      for (int token : list) {
        mask[token >> 6] |= 1L << token;
      }
      list = new int[0];
    }
    return new RuleTokens(mask, list, nodes.toArray(), states.toArray());
  }

  void addTo(long[] into) {
    for (int token : list) {
      into[token >> 6] |= 1L << token;
    }
    if (mask != null) {
      for (int i = 0; i < into.length; i++) {
        into[i] |= mask[i];
      }
    }
  }

  long bytes() {
    return 128 + 8L * (mask == null ? 0 : mask.length) + 4L * list.length + 8L * exitNode.length;
  }

  private static final class Ints {
    private int[] values = new int[64];
    private int size;

    void add(int value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, 2 * size);
      }
      values[size++] = value;
    }

    int[] toArray() {
      return Arrays.copyOf(values, size);
    }
  }
}
