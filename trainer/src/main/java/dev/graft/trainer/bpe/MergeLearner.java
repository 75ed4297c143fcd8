package dev.graft.trainer.bpe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Learns byte-pair merges (Sennrich et al. 2016, arXiv:1508.07909, on bytes as Radford et al. 2019): the pair of neighbours that stands
 * most often becomes a symbol, again and again. Of pairs that stand equally often, the one whose left symbol is older wins, then the one
 * whose right symbol is; a symbol below 256 is that byte, the others follow in the order in which they were learnt.
 *
 * <p>All words lie end to end as linked symbols, each once, with a weight; each pair knows its weight and its places, so a merge costs
 * its own places only. One thread; used once.
 */
final class MergeLearner {
  private static final int DEAD = -1;
  private static final int NONE = -1;

  private final Set<String> forbidden;
  private final long minFrequency;
  private final long[] weights;
  private final int[] symbols;
  private final int[] next;
  private final int[] previous;
  private final int[] wordOf;
  private final List<byte[]> texts = new ArrayList<>();
  private final List<int[]> merges = new ArrayList<>();
  private final PairTable pairs = new PairTable();
  private final PriorityQueue<Candidate> candidates =
      new PriorityQueue<>(Comparator.comparingLong(Candidate::weight).reversed().thenComparingLong(Candidate::key));

  /** A pair with the weight that it had when it was put in the queue, which is at least what it has. */
  private record Candidate(long weight, long key) {}

  /**
   * @param words each once
   * @param weights how often each word counts
   * @param minFrequency pairs of less weight are not merged, at least 1
   * @param forbidden texts in the byte alphabet that no merge may make: those of special tokens
   */
  MergeLearner(List<byte[]> words, long[] weights, long minFrequency, Set<String> forbidden) {
    this.weights = weights;
    this.minFrequency = minFrequency;
    this.forbidden = forbidden;
    int total = Math.toIntExact(words.stream().mapToLong(word -> word.length).sum());
    symbols = new int[total];
    next = new int[total];
    previous = new int[total];
    wordOf = new int[total];
    for (int b = 0; b < 256; b++) {
      texts.add(new byte[] {(byte) b});
    }
    int at = 0;
    for (int w = 0; w < words.size(); w++) {
      byte[] word = words.get(w);
      for (int i = 0; i < word.length; i++, at++) {
        symbols[at] = word[i] & 0xFF;
        previous[at] = i == 0 ? NONE : at - 1;
        next[at] = i == word.length - 1 ? NONE : at + 1;
        wordOf[at] = w;
        if (i > 0) {
          pairs.add(PairTable.key(symbols[at - 1], symbols[at]), weights[w], at - 1);
        }
      }
    }
    offer(0);
  }

  /** Merges until so many have been learnt, or no pair stands often enough; returns the number learnt in all. */
  int learn(int most) {
    while (merges.size() < most) {
      Candidate best = candidates.poll();
      if (best == null) {
        break;
      }
      int slot = pairs.find(best.key);
      long weight = pairs.weight(slot);
      if (weight != best.weight) {
        offer(slot, weight);
      } else {
        int left = (int) (best.key >>> 32);
        int right = (int) best.key;
        byte[] text = concat(texts.get(left), texts.get(right));
        if (!forbidden.contains(ByteAlphabet.text(text))) {
          merge(slot, left, right, text);
        }
      }
    }
    return merges.size();
  }

  private void merge(int slot, int left, int right, byte[] text) {
    int symbol = texts.size();
    int firstNew = pairs.size();
    texts.add(text);
    merges.add(new int[] {left, right});
    for (int at : pairs.remove(slot)) {
      int second = next[at];
      if (symbols[at] != left || second == NONE || symbols[second] != right) {
        continue; // another merge took one of them
      }
      long weight = weights[wordOf[at]];
      int before = previous[at];
      int after = next[second];
      symbols[at] = symbol;
      symbols[second] = DEAD;
      next[at] = after;
      if (before != NONE) {
        pairs.take(PairTable.key(symbols[before], left), weight);
        pairs.add(PairTable.key(symbols[before], symbol), weight, before);
      }
      if (after != NONE) {
        previous[after] = at;
        pairs.take(PairTable.key(right, symbols[after]), weight);
        pairs.add(PairTable.key(symbol, symbols[after]), weight, at);
      }
    }
    offer(firstNew);
  }

  /** Puts the pairs from this slot on into the queue: those that hold the newest symbol. Others never gain weight. */
  private void offer(int firstSlot) {
    for (int slot = firstSlot; slot < pairs.size(); slot++) {
      offer(slot, pairs.weight(slot));
    }
  }

  private void offer(int slot, long weight) {
    if (weight >= minFrequency) {
      candidates.add(new Candidate(weight, pairs.key(slot)));
    }
  }

  /** Bytes of each symbol. */
  List<byte[]> texts() {
    return texts;
  }

  /** The two symbols of each merge, first learnt first; merge i made symbol 256 + i. */
  List<int[]> merges() {
    return merges;
  }

  /** Symbols that each word has become. */
  long[] lengths() {
    long[] lengths = new long[weights.length];
    for (int at = 0; at < symbols.length; at++) {
      lengths[wordOf[at]] += symbols[at] == DEAD ? 0 : 1;
    }
    return lengths;
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
