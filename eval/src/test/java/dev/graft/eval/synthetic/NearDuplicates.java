package dev.graft.eval.synthetic;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Counts texts that are nearly another one: Jaccard index of their sets of five consecutive words. */
public final class NearDuplicates {
  private NearDuplicates() {}

  /** Texts that share more than {@code threshold} of the five-word runs with an earlier one. Exact: every pair that shares a run is compared. */
  public static int count(List<String> texts, double threshold) {
    Map<Integer, List<Integer>> seen = new HashMap<>();
    List<Set<Integer>> sets = new ArrayList<>();
    int near = 0;
    for (int i = 0; i < texts.size(); i++) {
      Set<Integer> runs = runs(texts.get(i));
      Map<Integer, Integer> shared = new HashMap<>();
      for (int run : runs) {
        seen.getOrDefault(run, List.of()).forEach(other -> shared.merge(other, 1, Integer::sum));
      }
      boolean duplicate = false;
      for (Map.Entry<Integer, Integer> other : shared.entrySet()) {
        double union = runs.size() + sets.get(other.getKey()).size() - other.getValue();
        duplicate |= other.getValue() / union > threshold;
      }
      near += duplicate ? 1 : 0;
      int index = i;
      runs.forEach(run -> seen.computeIfAbsent(run, r -> new ArrayList<>()).add(index));
      sets.add(runs);
    }
    return near;
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
