package dev.graft.eval.grade.people;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.grade.AnswerLines;
import dev.graft.eval.grade.GradedRows;
import dev.graft.eval.judge.TestRow;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Blinded sheets for people: every grader gets all answers, without the names of the systems, in an order of their own, under codes that say
 * nothing. Equal answers of several systems to a row stand there once. Predictions, data and seed alone determine the sheets.
 */
public final class SheetExport {
  /** Letters of codes: no vowels, so no words; no digits, so that no spreadsheet takes a code for a number or a date. */
  private static final String LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
  private static final int CODE_LENGTH = 5;

  private SheetExport() {}

  /**
   * What to export.
   *
   * @param outcome of a task, or null where there is only one  @param data the rows that the predictions are about, or null
   * @param graders how many grade everything  @param sample how many rows, 0 for all  @param overwrite replaces sheets that are there
   */
  public record Options(Path predictions, String outcome, Path data, Path output, int graders, long seed, int sample, Scale scale, boolean overwrite) {}

  /**
   * What was written.
   *
   * @param files in the order of the graders, XLSX before CSV  @param rows of the data  @param answers in each sheet  @param predictions behind them
   */
  public record Result(Path key, List<Path> files, int rows, int answers, int predictions) {}

  /** Writes {@code key.json} and {@code sheets/}. @throws dev.graft.trainer.data.DataException about a line  @throws RunException when files are in the way or cannot be written */
  public static Result run(Options options) {
    Path keyFile = options.output().resolve("key.json");
    if (Files.exists(keyFile) && !options.overwrite()) {
      throw RunException.usage("--output " + options.output() + ": already holds a key.json, which sheets that are out need; choose another folder, or give --overwrite");
    }
    List<AnswerLines.Line> lines = AnswerLines.read(options.predictions(), options.outcome());
    GradedRows rows = GradedRows.of(options.predictions(), options.data());
    Set<String> chosen = chosen(lines, options);
    Map<List<String>, List<AnswerLines.Line>> shared = new LinkedHashMap<>();
    for (AnswerLines.Line line : lines) {
      if (chosen.contains(line.id().asText())) {
        shared.computeIfAbsent(List.of(line.id().asText(), line.answer()), k -> new ArrayList<>()).add(line);
      }
    }
    Random random = new Random(options.seed());
    Set<String> codes = new HashSet<>();
    List<SheetKey.Item> items = new ArrayList<>();
    int predictions = 0;
    for (List<AnswerLines.Line> group : shared.values()) {
      TestRow row = rows.of(group.get(0));
      List<String> own = new ArrayList<>();
      for (int g = 0; g <= options.graders(); g++) {
        own.add((g == options.graders() ? "T" : String.valueOf((char) ('A' + g))) + "-" + code(random, codes));
      }
      List<ObjectNode> nodes = group.stream().map(line -> line.node().put("gold", row.gold())).toList();
      items.add(new SheetKey.Item(own, GradedRows.text(row.prompt()), row.gold(), group.get(0).answer(), nodes));
      predictions += nodes.size();
    }
    SheetKey key = new SheetKey(options.scale(), options.graders(), options.seed(), options.predictions().toString(), items);
    List<Path> files = new ArrayList<>();
    try {
      Path folder = Files.createDirectories(options.output().resolve("sheets"));
      for (int g = 0; g < options.graders(); g++) {
        files.addAll(write(key, folder, g, items));
      }
      SafeFiles.writeText(folder.resolve("how-to-grade.txt"), String.join("\n", new SheetWriter(options.scale()).explanation()) + "\n");
      key.write(keyFile);
    } catch (IOException e) {
      throw RunException.failed("--output " + options.output() + ": cannot be written: " + SafeFiles.reason(e), e);
    }
    return new Result(keyFile, files, chosen.size(), items.size(), predictions);
  }

  /** Ids of the rows to grade: all, or some by the seed. */
  private static Set<String> chosen(List<AnswerLines.Line> lines, Options options) {
    List<String> ids = new ArrayList<>(new LinkedHashSet<>(lines.stream().map(line -> line.id().asText()).toList()));
    if (options.sample() == 0 || options.sample() >= ids.size()) {
      return new LinkedHashSet<>(ids);
    }
    Collections.shuffle(ids, new Random(options.seed() ^ 0x5eed));
    return new LinkedHashSet<>(ids.subList(0, options.sample()));
  }

  private static String code(Random random, Set<String> taken) {
    while (true) {
      StringBuilder code = new StringBuilder();
      for (int i = 0; i < CODE_LENGTH; i++) {
        code.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
      }
      if (taken.add(code.toString())) {
        return code.toString();
      }
    }
  }

  /** Writes a grader's sheet of these items, in the grader's own order. */
  static List<Path> write(SheetKey key, Path folder, int grader, List<SheetKey.Item> items) throws IOException {
    List<SheetWriter.Line> lines = new ArrayList<>();
    for (SheetKey.Item item : items) {
      lines.add(new SheetWriter.Line(item.codes().get(grader), item.prompt(), item.gold(), item.answer()));
    }
    Collections.shuffle(lines, new Random(key.seed() + 1000003L * (grader + 1)));
    String name = "grader-" + key.letter(grader);
    new SheetWriter(key.scale()).write(folder, name, lines);
    return List.of(folder.resolve(name + ".xlsx"), folder.resolve(name + ".csv"));
  }
}
