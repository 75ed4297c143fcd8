package dev.graft.trainer.constrain;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Set;

/**
 * The bytes of a vocabulary's tokens as a trie, its nodes in depth-first order. Node 0 is the root. Special tokens (but for those that are shown as text), tokens without
 * bytes and those that end generation are not in it. Immutable.
 */
final class TokenTrie {
  /** Words of a mask. */
  final int words;

  /** Byte that leads to a node. */
  final byte[] edge;

  /** Bytes from the root to a node. */
  final int[] depth;

  /** First node after a node's subtree. */
  final int[] next;

  /** Tokens that end at node {@code i}: {@code token[tokenStart[i]]} to before {@code token[tokenStart[i + 1]]}. */
  final int[] tokenStart;

  final int[] token;

  /** Mask of the tokens that end generation. */
  final long[] endMask;

  /** Bytes that are a token of their own. */
  final BitSet bytes = new BitSet(256);

  final int longest;
  private final byte[][] pieces;

  /** @param shown ids of special tokens that are text like any other */
  TokenTrie(Vocabulary vocabulary, Set<Integer> shown) {
    int size = vocabulary.size();
    words = (size + 63) / 64;
    Set<Integer> ends = vocabulary.endOfGeneration();
    if (ends.isEmpty()) {
      throw new ConstraintException("answers cannot be held to a form: the vocabulary has no end-of-generation token (tokenizer.ggml.eos_token_id)");
    }
    endMask = new long[words];
    ends.forEach(id -> endMask[id >> 6] |= 1L << id);
    pieces = new byte[size][];
    int nodes = 1;
    int most = 0;
    Integer[] order = new Integer[size];
    int count = 0;
    for (int id = 0; id < size; id++) {
      if (vocabulary.pieceBytes(id) > 0 && (!vocabulary.isSpecial(id) || shown.contains(id)) && !ends.contains(id)) {
        pieces[id] = vocabulary.piece(id);
        order[count++] = id;
        nodes += pieces[id].length;
        most = Math.max(most, pieces[id].length);
        if (pieces[id].length == 1) {
          bytes.set(pieces[id][0] & 0xFF);
        }
      }
    }
    longest = most;
    order = Arrays.copyOf(order, count);
    Arrays.sort(order, Comparator.comparing(id -> pieces[id], Arrays::compareUnsigned));
    token = Arrays.stream(order).mapToInt(Integer::intValue).toArray();
    byte[] edges = new byte[nodes];
    int[] depths = new int[nodes];
    int[] nexts = new int[nodes];
    int[] starts = new int[nodes + 1];
    int n = build(edges, depths, nexts, starts);
    edge = Arrays.copyOf(edges, n);
    depth = Arrays.copyOf(depths, n);
    next = Arrays.copyOf(nexts, n);
    tokenStart = Arrays.copyOf(starts, n + 1);
  }

  private int build(byte[] edges, int[] depths, int[] nexts, int[] starts) {
    int[] path = new int[longest + 1];
    int level = 0;
    int n = 1;
    byte[] before = {};
    for (int t = 0; t < token.length; t++) {
      byte[] piece = pieces[token[t]];
      int mismatch = Arrays.mismatch(before, piece);
      int common = mismatch < 0 ? piece.length : mismatch;
      for (; level > common; level--) {
        nexts[path[level]] = n;
      }
      for (; level < piece.length; n++) {
        edges[n] = piece[level];
        depths[n] = ++level;
        starts[n] = t;
        path[level] = n;
      }
      starts[n] = t + 1;
      before = piece;
    }
    for (; level >= 0; level--) {
      nexts[path[level]] = n;
    }
    starts[n] = token.length;
    return n;
  }

  /** Bytes of a token of text, not to be changed; null for any other id. */
  byte[] piece(int id) {
    return id < 0 || id >= pieces.length ? null : pieces[id];
  }

  boolean endsGeneration(int id) {
    return id >= 0 && id >> 6 < words && (endMask[id >> 6] >> id & 1) != 0;
  }
}
