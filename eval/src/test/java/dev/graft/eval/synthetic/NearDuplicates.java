package dev.graft.eval.synthetic;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Counts texts that are nearly another one: Jaccard index of their sets of five consecutive words. */
public final class NearDuplicates {
  private NearDuplicates() {}

  /**
   * Texts that share more than {@code threshold} of the five-word runs with an earlier one. Exact: two such texts share one of their
   * rarest runs (prefix filter), and the texts that do are compared in full.
   */
  public static int count(List<String> texts, double threshold) {
    List<Set<Integer>> sets = texts.stream().map(NearDuplicates::runs).toList();
    List<int[]> sorted = sets.stream().map(set -> set.stream().mapToInt(Integer::intValue).sorted().toArray()).toList();
    Map<Integer, Integer> frequency = new HashMap<>();
    sets.forEach(set -> set.forEach(run -> frequency.merge(run, 1, Integer::sum)));
    Map<Integer, List<Integer>> rare = new HashMap<>();
    int near = 0;
    for (int i = 0; i < sets.size(); i++) {
      List<Integer> runs = new ArrayList<>(sets.get(i));
      runs.sort(Comparator.<Integer>comparingInt(frequency::get).thenComparing(Comparator.naturalOrder()));
      List<Integer> prefix = runs.subList(0, Math.min(runs.size(), runs.size() - (int) Math.ceil(threshold * runs.size()) + 1));
      Set<Integer> candidates = new HashSet<>();
      prefix.forEach(run -> candidates.addAll(rare.getOrDefault(run, List.of())));
      int index = i;
      near += candidates.stream().anyMatch(other -> alike(sorted.get(index), sorted.get(other), threshold)) ? 1 : 0;
      prefix.forEach(run -> rare.computeIfAbsent(run, r -> new ArrayList<>()).add(index));
    }
    return near;
  }

  private static boolean alike(int[] a, int[] b, double threshold) {
    double needed = threshold / (1 + threshold) * (a.length + b.length);
    int shared = 0;
    for (int i = 0, j = 0; i < a.length && j < b.length && shared + Math.min(a.length - i, b.length - j) > needed; ) {
      if (a[i] == b[j]) {
        shared++;
        i++;
        j++;
      } else if (a[i] < b[j]) {
        i++;
      } else {
        j++;
      }
    }
    return shared > needed;
  }

  private static Set<Integer> runs(String text) {
    String[] words = text.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+");
    Set<Integer> runs = new HashSet<>();
    for (int i = 0; i + 5 <= words.length; i++) {
      runs.add(String.join(" ", List.of(words).subList(i, i + 5)).hashCode());
    }
    return runs;
  }
}
