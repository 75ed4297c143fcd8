package dev.graft.eval.grade.people;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.statistics.Interval;
import dev.graft.eval.statistics.Kappa;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Reads people's sheets back: how far they agree, what they disagree about, and the final grades. */
public final class SheetImport {
  private SheetImport() {}

  /**
   * Agreement of two graders.
   *
   * @param first letter of the one  @param second of the other
   */
  public record Agreement(String first, String second, Kappa kappa) {
    /** As JSON; an interval is [low, high], what is not defined is null. */
    public Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("graders", List.of(first, second));
      json.put("n", kappa.n());
      json.put("agreement", kappa.agreement());
      json.put("kappa", kappa.kappa());
      json.put("kappa_se", kappa.standardError());
      Interval interval = kappa.interval95();
      json.put("kappa_ci95", interval == null ? null : new double[] {interval.low(), interval.high()});
      json.put("kappa_quadratic", kappa.quadratic());
      return json;
    }
  }

  /**
   * What sheets amount to.
   *
   * @param lines predictions with the final grades: the graders' where all agree, else that of who settles; without one, the score is null
   * @param agreements of each two graders  @param answers graded  @param disagreements answers with different grades
   * @param settled those that have a third grade  @param third sheets written for who settles, or none
   */
  public record Result(List<ObjectNode> lines, List<Agreement> agreements, int answers, int disagreements, int settled, List<Path> third) {}

  /**
   * Reads the sheets; where disagreements are left open, writes {@code grader-T.xlsx} and {@code .csv} with them.
   *
   * @param sheets of every grader, and maybe of who settles disagreements, in any order  @param folder of the sheet of disagreements
   * @throws DataException naming file, row and column of what is wrong
   */
  public static Result run(Path keyFile, List<Path> sheets, Path folder) {
    SheetKey key = SheetKey.read(keyFile);
    Map<Integer, Sheet> byGrader = new TreeMap<>();
    for (Path file : sheets) {
      Sheet sheet = Sheet.read(file, key);
      Sheet other = byGrader.putIfAbsent(sheet.grader(), sheet);
      if (other != null) {
        throw new DataException(file, 0, "is a sheet of grader " + key.letter(sheet.grader()) + ", as " + other.file() + " is; give one of each");
      }
    }
    List<Integer> all = IntStream.range(0, key.items().size()).boxed().toList();
    for (int g = 0; g < key.graders(); g++) {
      if (!byGrader.containsKey(g)) {
        throw RunException.usage("the sheet of grader " + key.letter(g) + " is missing; give the sheets of all " + key.graders() + " graders");
      }
      byGrader.get(g).requireAll(key, all);
    }
    List<Integer> open = all.stream().filter(item -> agreed(key, byGrader, item).isEmpty()).toList();
    Sheet third = byGrader.get(key.graders());
    if (third != null) {
      third.requireAll(key, open);
    }
    List<Path> written = third == null && !open.isEmpty() ? writeThird(key, folder, open) : List.of();
    return new Result(lines(key, byGrader), agreements(key, byGrader), all.size(), open.size(), third == null ? 0 : open.size(), written);
  }

  private static Optional<Integer> agreed(SheetKey key, Map<Integer, Sheet> sheets, int item) {
    int first = sheets.get(0).grades().get(item);
    return IntStream.range(1, key.graders()).allMatch(g -> sheets.get(g).grades().get(item) == first) ? Optional.of(first) : Optional.empty();
  }

  private static List<Path> writeThird(SheetKey key, Path folder, List<Integer> open) {
    try {
      Files.createDirectories(folder);
      return SheetExport.write(key, folder, key.graders(), open.stream().map(key.items()::get).toList());
    } catch (IOException e) {
      throw RunException.failed(folder + ": the sheet of disagreements cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  private static List<Agreement> agreements(SheetKey key, Map<Integer, Sheet> sheets) {
    List<Agreement> agreements = new ArrayList<>();
    for (int a = 0; a < key.graders(); a++) {
      for (int b = a + 1; b < key.graders(); b++) {
        agreements.add(new Agreement(key.letter(a), key.letter(b), Kappa.of(grades(key, sheets.get(a)), grades(key, sheets.get(b)))));
      }
    }
    return agreements;
  }

  private static int[] grades(SheetKey key, Sheet sheet) {
    return IntStream.range(0, key.items().size()).map(item -> sheet.grades().get(item)).toArray();
  }

  private static List<ObjectNode> lines(SheetKey key, Map<Integer, Sheet> sheets) {
    List<ObjectNode> lines = new ArrayList<>();
    for (int i = 0; i < key.items().size(); i++) {
      int item = i;
      Optional<Integer> grade = agreed(key, sheets, item);
      Sheet third = sheets.get(key.graders());
      Map<String, Integer> each = new LinkedHashMap<>();
      sheets.forEach((g, sheet) -> {
        if (sheet.grades().containsKey(item)) {
          each.put(key.letter(g), sheet.grades().get(item));
        }
      });
      if (grade.isEmpty() && third != null) {
        grade = Optional.of(third.grades().get(item));
      }
      for (ObjectNode before : key.items().get(item).lines()) {
        ObjectNode line = before.deepCopy();
        line.remove(List.of("ungraded", "scale"));
        if (!line.has("system")) {
          line.put("system", "");
        }
        line.putNull("label");
        if (grade.isPresent()) {
          line.put("score", grade.get());
        } else {
          line.putNull("score").put("ungraded", "the graders disagree, and nobody has settled it: " + each);
        }
        line.put("grader", "people");
        if (key.scale() == Scale.LIKERT) {
          line.putArray("scale").add(key.scale().lowest()).add(key.scale().highest());
        }
        ObjectNode grades = line.putObject("grades");
        each.forEach(grades::put);
        lines.add(line);
      }
    }
    return lines;
  }
}
