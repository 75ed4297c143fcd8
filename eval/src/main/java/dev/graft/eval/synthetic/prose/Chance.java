package dev.graft.eval.synthetic.prose;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Draws from lists. The order of what it returns depends on the generator's state alone. */
public final class Chance {
  private Chance() {}

  /** One of the items. */
  public static <T> T pick(List<T> items, SplittableRandom random) {
    return items.get(random.nextInt(items.size()));
  }

  /** A shuffled copy (Fisher and Yates). */
  public static <T> List<T> shuffled(List<T> items, SplittableRandom random) {
    List<T> out = new ArrayList<>(items);
    for (int i = out.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      T item = out.get(i);
      out.set(i, out.get(j));
      out.set(j, item);
    }
    return out;
  }

  /** Up to {@code count} of the items, none twice, in a drawn order. */
  public static <T> List<T> some(List<T> items, int count, SplittableRandom random) {
    List<T> all = shuffled(items, random);
    return new ArrayList<>(all.subList(0, Math.max(0, Math.min(count, all.size()))));
  }

  /** True in {@code percent} of cases. */
  public static boolean percent(int percent, SplittableRandom random) {
    return random.nextInt(100) < percent;
  }

  /**
   * The item of an index when consecutive indices go through all items, each pass in another order. So in any whole number of passes
   * each item comes equally often.
   *
   * @param index from 0
   * @param count of items
   */
  public static int rotated(int index, int count) {
    int pass = Math.floorDiv(index, count);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      order.add(i);
    }
    return shuffled(order, new SplittableRandom(0x5DEECE66DL + pass)).get(Math.floorMod(index, count));
  }
}
