package dev.graft.eval.task;

import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.eval.synthetic.Split;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;

/** Puts rows into splits so that no row is nearly alike ({@link DataSet#NEARLY_ALIKE}) to one of another split. One thread. */
final class Splitter {
  /** Words of a passage that are compared: of long notes the beginning, which tells case reports apart. */
  private static final int COMPARED_WORDS = 300;

  /**
   * What came out.
   *
   * @param rows of each split  @param same left out as their text is there already  @param near left out as another split has one nearly alike
   * @param highestLeft the highest similarity of two rows of different splits
   */
  record Result(Map<Split, List<TaskRow>> rows, int same, int near, double highestLeft) {}

  private final Path file;
  private final ShingleIndex index = new ShingleIndex();
  private final List<TaskRow> added = new ArrayList<>();
  private final List<Split> splits = new ArrayList<>();
  private double highest;

  private Splitter(Path file) {
    this.file = file;
  }

  /** As the rows say themselves. @throws DataException naming a row that is nearly alike to one of another split, or a split without rows */
  static Result given(Path file, List<TaskRow> rows) {
    Splitter splitter = new Splitter(file);
    Map<Split, List<TaskRow>> result = empty();
    for (TaskRow row : rows) {
      Split split = row.split().orElseThrow(() -> new DataException(file, row.line(), "says no split"));
      ShingleIndex.Nearest nearest = splitter.nearest(row, split);
      if (nearest.similarity() > DataSet.NEARLY_ALIKE) {
        TaskRow other = splitter.added.get(nearest.id());
        throw new DataException(file, row.line(), String.format(java.util.Locale.ROOT, "(%s) is nearly alike to line %d (%s), similarity %.2f: the test would not be fair; put both into one split, or leave one out",
            split.fileName(), other.line(), splitter.splits.get(nearest.id()).fileName(), nearest.similarity()));
      }
      splitter.add(row, split, nearest);
      result.get(split).add(row);
    }
    result.forEach((split, held) -> {
      if (held.isEmpty()) {
        throw new DataException(file, 0, "has no row of the split " + split.fileName() + "; put some there, or leave the split column out");
      }
    });
    return new Result(result, 0, 0, splitter.highest);
  }

  /**
   * By chance.
   *
   * @param maker makes a row of its index in the file  @param read what the file held, for messages
   * @throws RunException (bad data) when there are too few rows
   */
  static Result random(Path file, int[] counts, long seed, SourceRows read, IntFunction<TaskRow> maker) {
    Splitter splitter = new Splitter(file);
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < read.rows().size(); i++) {
      all.add(i);
    }
    List<Integer> order = new Dice(Dice.stream("splits", seed, 0, 0)).shuffled(all);
    Map<Split, List<TaskRow>> result = empty();
    Set<String> texts = new HashSet<>();
    int next = 0;
    int same = 0;
    int near = 0;
    for (Split split : Split.values()) {
      List<TaskRow> held = result.get(split);
      while (held.size() < counts[split.ordinal()] && next < order.size()) {
        TaskRow row = maker.apply(order.get(next++));
        if (!texts.add(ShingleIndex.normalized(row.passage()))) {
          same++;
          continue;
        }
        ShingleIndex.Nearest nearest = splitter.nearest(row, split);
        if (nearest.similarity() > DataSet.NEARLY_ALIKE) {
          near++;
          continue;
        }
        splitter.add(row, split, nearest);
        held.add(row);
      }
    }
    int made = result.values().stream().mapToInt(List::size).sum();
    int wanted = Arrays.stream(counts).sum();
    if (made < wanted) {
      SourceRows told = read.without("the same as another", same).without("nearly alike to one of another split", near);
      throw RunException.badData(file + ": has too few rows: " + told.told() + "; that leaves " + made + ", but the splits need " + wanted + "; give more rows, or " + (made < 4 ? "another file" : "--n " + made), null);
    }
    return new Result(result, same, near, splitter.highest);
  }

  private static Map<Split, List<TaskRow>> empty() {
    Map<Split, List<TaskRow>> rows = new EnumMap<>(Split.class);
    for (Split split : Split.values()) {
      rows.put(split, new ArrayList<>());
    }
    return rows;
  }

  private ShingleIndex.Nearest nearest(TaskRow row, Split split) {
    return index.nearestOutside(compared(row), split.ordinal());
  }

  private void add(TaskRow row, Split split, ShingleIndex.Nearest nearest) {
    index.add(compared(row), split.ordinal());
    added.add(row);
    splits.add(split);
    highest = Math.max(highest, nearest.similarity());
  }

  private static String compared(TaskRow row) {
    String[] words = row.passage().strip().split("\\s+", COMPARED_WORDS + 1);
    return words.length <= COMPARED_WORDS ? row.passage() : String.join(" ", Arrays.asList(words).subList(0, COMPARED_WORDS));
  }

  /** @throws DataException naming the line of an id that is there already */
  static void checkIds(Path file, List<SourceRow> rows) {
    Map<String, Integer> lineOf = new HashMap<>();
    for (SourceRow row : rows) {
      String id = row.text("id");
      Integer before = id.isEmpty() ? null : lineOf.putIfAbsent(id, row.line());
      if (before != null) {
        throw new DataException(file, row.line(), "id '" + id + "' is also that of line " + before + "; give each row its own");
      }
    }
  }
}
