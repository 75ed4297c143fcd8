package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;

/** A set of Unicode scalar values (code points without surrogates). Immutable. */
final class CharSet {
  static final CharSet ALL = of(0, Character.MAX_CODE_POINT);

  /** First and last of each range, ascending, with gaps between them. */
  private final int[] bounds;

  private CharSet(int[] bounds) {
    this.bounds = bounds;
  }

  static CharSet of(int first, int last) {
    return union(List.of(new CharSet(new int[] {first, last})));
  }

  static CharSet of(int c) {
    return of(c, c);
  }

  /** The characters of a text. */
  static CharSet anyOf(String characters) {
    return union(characters.codePoints().mapToObj(CharSet::of).toList());
  }

  static CharSet matching(IntPredicate test) {
    List<CharSet> ranges = new ArrayList<>();
    int first = -1;
    for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
      boolean in = c <= Character.MAX_CODE_POINT && test.test(c);
      if (in && first < 0) {
        first = c;
      } else if (!in && first >= 0) {
        ranges.add(new CharSet(new int[] {first, c - 1}));
        first = -1;
      }
    }
    return union(ranges);
  }

  static CharSet union(List<CharSet> sets) {
    List<int[]> ranges = new ArrayList<>();
    for (CharSet set : sets) {
      for (int i = 0; i < set.bounds.length; i += 2) {
        cut(ranges, set.bounds[i], set.bounds[i + 1]);
      }
    }
    ranges.sort(Comparator.comparingInt(range -> range[0]));
    int[] bounds = new int[ranges.size() * 2];
    int n = 0;
    for (int[] range : ranges) {
      if (n > 0 && range[0] <= bounds[n - 1] + 1) {
        bounds[n - 1] = Math.max(bounds[n - 1], range[1]);
      } else {
        bounds[n++] = range[0];
        bounds[n++] = range[1];
      }
    }
    return new CharSet(Arrays.copyOf(bounds, n));
  }

  private static void cut(List<int[]> ranges, int first, int last) {
    if (first < Character.MIN_SURROGATE) {
      ranges.add(new int[] {first, Math.min(last, Character.MIN_SURROGATE - 1)});
    }
    if (last > Character.MAX_SURROGATE) {
      ranges.add(new int[] {Math.max(first, Character.MAX_SURROGATE + 1), last});
    }
  }

  /** All scalar values but these. */
  CharSet not() {
    List<CharSet> gaps = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      if (next < bounds[i]) {
        gaps.add(of(next, bounds[i] - 1));
      }
      next = bounds[i + 1] + 1;
    }
    if (next <= Character.MAX_CODE_POINT) {
      gaps.add(of(next, Character.MAX_CODE_POINT));
    }
    return union(gaps);
  }

  boolean isEmpty() {
    return bounds.length == 0;
  }

  int ranges() {
    return bounds.length / 2;
  }

  int first(int range) {
    return bounds[2 * range];
  }

  int last(int range) {
    return bounds[2 * range + 1];
  }
}
