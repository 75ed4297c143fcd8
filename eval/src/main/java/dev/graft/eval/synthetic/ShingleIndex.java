package dev.graft.eval.synthetic;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Finds texts that are nearly alike: exact Jaccard similarity of their sets of word 5-shingles (Broder 1997, "On the resemblance and
 * containment of documents"), over an inverted index, so that a text is compared only with those that share a shingle with it. One
 * thread.
 */
public final class ShingleIndex {
  /** Words of a shingle. */
  public static final int WORDS = 5;

  /** What of the index is nearest to a text. */
  public record Nearest(int id, double similarity) {}

  private final Map<Long, int[]> postings = new HashMap<>(); // posting[0]: how many ids follow
  private int[] sizes = new int[1024];
  private int[] groups = new int[1024];
  private int[] shared = new int[1024];
  private int count;

  /** Adds a text that belongs to a group (a split); returns its id, counted from 0. */
  public int add(String text, int group) {
    long[] shingles = shingles(text);
    if (count == sizes.length) {
      sizes = Arrays.copyOf(sizes, 2 * count);
      groups = Arrays.copyOf(groups, 2 * count);
      shared = Arrays.copyOf(shared, 2 * count);
    }
    sizes[count] = shingles.length;
    groups[count] = group;
    for (long shingle : shingles) {
      int[] ids = postings.computeIfAbsent(shingle, k -> new int[2]);
      if (ids[0] + 1 == ids.length) {
        ids = Arrays.copyOf(ids, 2 * ids.length);
        postings.put(shingle, ids);
      }
      ids[++ids[0]] = count;
    }
    return count++;
  }

  /** The nearest text that is not of the group; id -1 and similarity 0 when none shares a shingle. */
  public Nearest nearestOutside(String text, int group) {
    long[] shingles = shingles(text);
    Arrays.fill(shared, 0, count, 0);
    for (long shingle : shingles) {
      int[] ids = postings.get(shingle);
      for (int i = 1; ids != null && i <= ids[0]; i++) {
        shared[ids[i]]++;
      }
    }
    int best = -1;
    double similarity = 0;
    for (int id = 0; id < count; id++) {
      if (shared[id] > 0 && groups[id] != group) {
        double s = (double) shared[id] / (shingles.length + sizes[id] - shared[id]);
        if (s > similarity) {
          similarity = s;
          best = id;
        }
      }
    }
    return new Nearest(best, similarity);
  }

  /** Lower case, words and numbers only, one space between: what counts as the same text. */
  public static String normalized(String text) {
    return text.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]+", " ").strip();
  }

  /** The distinct shingles' hashes; a text of fewer words is one shingle. */
  static long[] shingles(String text) {
    String[] words = normalized(text).split(" ");
    long[] all = new long[Math.max(1, words.length - WORDS + 1)];
    for (int i = 0; i < all.length; i++) {
      long h = 0;
      for (int j = i; j < Math.min(words.length, i + WORDS); j++) {
        for (int c = 0; c < words[j].length(); c++) {
          h = Dice.mix(h ^ (words[j].charAt(c) * 0x9E3779B97F4A7C15L));
        }
        h = Dice.mix(h + 1);
      }
      all[i] = h;
    }
    return Arrays.stream(all).sorted().distinct().toArray();
  }
}
