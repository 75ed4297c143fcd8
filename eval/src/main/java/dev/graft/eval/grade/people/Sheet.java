package dev.graft.eval.grade.people;

import dev.graft.eval.task.SourceRow;
import dev.graft.eval.task.TableFile;
import dev.graft.trainer.data.DataException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.StringJoiner;

/**
 * A filled-in sheet.
 *
 * @param file it was read from  @param grader whose it is, from 0; the number of graders for who settles disagreements
 * @param grades by the item's place in the key
 */
record Sheet(Path file, int grader, Map<Integer, Integer> grades) {
  private static final Charset EXCEL = Charset.forName("windows-1252");

  /**
   * Reads a sheet, XLSX or CSV, with its rows in any order; columns are found by their names.
   *
   * @throws DataException naming file, row and column of a grade that is none, or of a row that is not in the key, comes twice, or is another
   *     grader's
   */
  static Sheet read(Path file, SheetKey key) {
    TableFile table = TableFile.read(file, null, EXCEL);
    String codeColumn = column(file, table, "row");
    String gradeColumn = column(file, table, "grade");
    Map<String, int[]> places = new HashMap<>();
    for (int i = 0; i < key.items().size(); i++) {
      for (int g = 0; g <= key.graders(); g++) {
        places.put(key.items().get(i).codes().get(g), new int[] {g, i});
      }
    }
    Map<Integer, Integer> grades = new HashMap<>();
    Map<Integer, Integer> lines = new HashMap<>();
    int grader = -1;
    for (SourceRow row : table.rows()) {
      String code = row.text(codeColumn).toUpperCase(Locale.ROOT);
      int[] place = places.get(code);
      if (place == null) {
        throw new DataException(file, row.line(), at(table, codeColumn) + " holds '" + shortened(row.text(codeColumn)) + "', which is no row of this key; put the code back, or give the key that the sheet was made with");
      } else if (grader >= 0 && place[0] != grader) {
        throw new DataException(file, row.line(), at(table, codeColumn) + ": row " + code + " is from the sheet of grader " + key.letter(place[0]) + ", the ones before from that of " + key.letter(grader) + "; a sheet holds one grader's rows");
      }
      grader = place[0];
      Integer before = lines.putIfAbsent(place[1], row.line());
      if (before != null) {
        throw new DataException(file, row.line(), at(table, codeColumn) + ": row " + code + " also stands in row " + before + " of the file; keep one");
      }
      String cell = row.text(gradeColumn);
      OptionalInt grade = key.scale().read(cell);
      if (grade.isEmpty()) {
        throw new DataException(file, row.line(), at(table, gradeColumn) + (cell.isEmpty() ? " is empty" : " holds '" + shortened(cell) + "'") + "; it must be a grade, " + key.scale().range());
      }
      grades.put(place[1], grade.getAsInt());
    }
    return new Sheet(file, grader, grades);
  }

  /** Refuses a sheet without all of these items. @throws DataException naming a row that is missing */
  void requireAll(SheetKey key, List<Integer> items) {
    List<String> missing = items.stream().filter(item -> !grades.containsKey(item)).map(item -> key.items().get(item).codes().get(grader)).toList();
    if (!missing.isEmpty()) {
      StringJoiner names = new StringJoiner(", ");
      missing.stream().limit(5).forEach(names::add);
      throw new DataException(file, 0, "lacks " + (missing.size() == 1 ? "the row " : missing.size() + " rows: ") + names + (missing.size() > 5 ? ", ..." : "") + "; every row must be there, with a grade");
    }
  }

  private static String column(Path file, TableFile table, String name) {
    return table.columns().stream().filter(column -> column.toLowerCase(Locale.ROOT).matches(name + "\\b.*")).findFirst()
        .orElseThrow(() -> new DataException(file, 1, "has no column '" + name + "'; its columns are " + String.join(", ", table.columns()) + "; keep the first row as it was"));
  }

  /** "column E (grade)". */
  private static String at(TableFile table, String column) {
    int index = new ArrayList<>(table.columns()).indexOf(column);
    return "column " + (index < 26 ? String.valueOf((char) ('A' + index)) : "" + (index + 1)) + " (" + column.split(" ")[0] + ")";
  }

  private static String shortened(String text) {
    return text.length() > 40 ? text.substring(0, 40) + "..." : text;
  }
}
