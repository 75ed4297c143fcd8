package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;
import org.dhatim.fastexcel.reader.ReadableWorkbook;
import org.dhatim.fastexcel.reader.Row;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sheets go out blinded and come back in whatever shape people's programs give them. */
class GradePeopleTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 12;

  @TempDir Path folder;

  private Path predictions;
  private Path people;

  @BeforeEach
  void exported() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      for (String system : List.of("zebra-base", "zebra-dpo")) {
        String answer = i == 0 ? "the same answer" : i == 1 ? "=HYPERLINK(\"x\")" + system.length() : "answer " + i + " é \"quoted\", with; marks\nand a line " + system.length();
        lines.add(JSON.createObjectNode().put("id", "r" + i).put("system", system).put("gold", "gold " + i).put("answer", answer).put("label", (String) null).put("score", 0)
            .put("prompt", "task " + i).toString());
      }
    }
    predictions = Files.write(folder.resolve("p.jsonl"), lines);
    people = folder.resolve("people");
    Cli.Result result = Cli.run("grade", "export", "--predictions", predictions, "--output", people, "--seed", "5").ok();
    assertThat(result.err()).contains("23 answers in each sheet (24 predictions, 12 rows)").contains("keep " + people.resolve("key.json"));
  }

  private Path sheet(String name) {
    return people.resolve("sheets").resolve(name);
  }

  private static List<CSVRecord> csv(Path file) throws IOException {
    String text = Files.readString(file);
    assertThat(text).startsWith("\ufeff");
    return CSVFormat.EXCEL.parse(new StringReader(text.substring(1))).getRecords();
  }

  /** Fills a sheet in as a person would: the rows as they are, or as the edit makes them. */
  private static List<List<String>> filled(Path file, ToIntFunction<List<String>> grade) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    for (CSVRecord record : csv(file)) {
      List<String> cells = new ArrayList<>(record.toList());
      if (!rows.isEmpty()) {
        cells.set(4, "" + grade.applyAsInt(cells));
      }
      rows.add(cells);
    }
    return rows;
  }

  private Path save(String name, List<List<String>> rows, char delimiter, Charset charset, String start) throws IOException {
    StringWriter text = new StringWriter();
    text.write(start);
    try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.EXCEL.builder().setDelimiter(delimiter).get())) {
      printer.printRecords(rows);
    }
    return Files.write(folder.resolve(name), text.toString().getBytes(charset));
  }

  private Path save(String name, List<List<String>> rows) throws IOException {
    return save(name, rows, ',', StandardCharsets.UTF_8, "");
  }

  private Path workbook(String name, List<List<String>> rows) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file); Workbook book = new Workbook(out, "someone", null)) {
      Worksheet sheet = book.newWorksheet("grades");
      for (int r = 0; r < rows.size(); r++) {
        for (int c = 0; c < rows.get(r).size(); c++) {
          if (c == 4 && r > 0) {
            sheet.value(r, c, Double.parseDouble(rows.get(r).get(c)));
          } else {
            sheet.value(r, c, rows.get(r).get(c));
          }
        }
      }
    }
    return file;
  }

  private static int digit(List<String> cells) {
    return cells.get(2).charAt(cells.get(2).length() - 1) - '0'; // the last of "gold 11" and the like
  }

  private static int byGold(List<String> cells) {
    return digit(cells) % 5 + 1;
  }

  private Cli.Result imported(Object... sheets) {
    List<Object> args = new ArrayList<>(List.of("grade", "import", "--key", people.resolve("key.json"), "--output", folder.resolve("graded.jsonl"), "--json"));
    args.addAll(List.of(sheets));
    return Cli.run(args.toArray());
  }

  private Map<String, JsonNode> graded() throws IOException {
    Map<String, JsonNode> lines = new HashMap<>();
    for (String line : Files.readAllLines(folder.resolve("graded.jsonl"))) {
      JsonNode node = JSON.readTree(line);
      lines.put(node.path("id").asText() + " " + node.path("system").asText(), node);
    }
    return lines;
  }

  @Test
  void sheetsHideTheSystemsAndHaveOrdersOfTheirOwn() throws IOException {
    List<List<String>> orders = new ArrayList<>();
    for (String grader : List.of("A", "B")) {
      List<CSVRecord> records = csv(sheet("grader-" + grader + ".csv"));
      assertThat(records).hasSize(24);
      assertThat(records.get(0).toList()).containsExactly("row", "task", "reference", "answer", "grade (1 to 5)", "comment");
      assertThat(records.stream().skip(1).map(r -> r.get(0))).allMatch(code -> code.matches(grader + "-[A-Z]{5}")).doesNotHaveDuplicates();
      orders.add(records.stream().skip(1).map(r -> r.get(3)).toList());
      try (InputStream in = Files.newInputStream(sheet("grader-" + grader + ".xlsx")); ReadableWorkbook book = new ReadableWorkbook(in); Stream<Row> rows = book.getFirstSheet().openStream()) {
        List<String> answers = rows.skip(1).map(row -> row.getCellText(0) + row.getCellText(3)).toList();
        assertThat(answers).containsExactlyElementsOf(records.stream().skip(1).map(r -> r.get(0) + r.get(3).replaceFirst("^'=", "=")).toList());
      }
    }
    assertThat(orders.get(0)).isNotEqualTo(orders.get(1)).containsExactlyInAnyOrderElementsOf(orders.get(1)).contains("the same answer").contains("'=HYPERLINK(\"x\")9");
    try (Stream<Path> files = Files.list(people.resolve("sheets"))) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).as("%s", file).doesNotContain("zebra");
      }
    }
    assertThat(Files.readString(sheet("how-to-grade.txt"))).contains("5 = ").contains("1 = ");
    assertThat(Cli.run("grade", "export", "--predictions", predictions, "--output", people).fails(2).err()).contains("already holds a key.json");
    Path again = folder.resolve("again");
    Cli.run("grade", "export", "--predictions", predictions, "--output", again, "--seed", "5").ok();
    assertThat(again.resolve("sheets/grader-A.csv")).hasSameTextualContentAs(sheet("grader-A.csv"));
    Cli.run("grade", "export", "--predictions", predictions, "--output", again, "--seed", "6", "--overwrite", "--sample", "4").ok();
    assertThat(csv(again.resolve("sheets/grader-A.csv")).stream().skip(1).map(r -> r.get(2)).collect(java.util.stream.Collectors.toSet())).hasSize(4);
  }

  @Test
  void agreeingSheetsComeBackFromXlsxAndCsv() throws IOException {
    List<List<String>> shuffled = filled(sheet("grader-B.csv"), GradePeopleTest::byGold);
    Collections.shuffle(shuffled.subList(1, shuffled.size()), new Random(1));
    shuffled.forEach(row -> Collections.swap(row, 1, 5)); // columns moved about
    shuffled.subList(1, shuffled.size()).forEach(row -> row.set(4, row.get(4) + ",0"));
    Path b = save("b.csv", shuffled, ';', Charset.forName("windows-1252"), "");
    JsonNode result = JSON.readTree(imported(workbook("a.xlsx", filled(sheet("grader-A.csv"), GradePeopleTest::byGold)), b).ok().out());
    assertThat(result.path("answers").asInt()).isEqualTo(23);
    assertThat(result.path("disagreements").asInt()).isZero();
    assertThat(result.path("agreements").get(0).path("agreement").asDouble()).isEqualTo(1);
    assertThat(result.path("agreements").get(0).path("kappa").asDouble()).isCloseTo(1, within(1e-12));
    Map<String, JsonNode> lines = graded();
    assertThat(lines).hasSize(24);
    assertThat(lines.get("r7 zebra-dpo").path("score").asInt()).isEqualTo(3);
    assertThat(lines.get("r0 zebra-base").path("score")).isEqualTo(lines.get("r0 zebra-dpo").path("score"));
    assertThat(lines.get("r7 zebra-dpo").path("grades").toString()).isEqualTo("{\"A\":3,\"B\":3}");
    assertThat(Cli.run("compare", folder.resolve("graded.jsonl")).ok().out()).contains("zebra-base vs zebra-dpo");
  }

  @Test
  void disagreementsGoToAThird() throws IOException {
    Path a = save("a.csv", filled(sheet("grader-A.csv"), GradePeopleTest::byGold), '\t', StandardCharsets.UTF_8, "\ufeff");
    Path b = save("b.csv", filled(sheet("grader-B.csv"), cells -> digit(cells) >= 7 ? 1 : byGold(cells)));
    Cli.Result first = imported(b, a).ok();
    assertThat(first.err()).contains("different grades; let a third grade").contains("grader-T.xlsx");
    JsonNode summary = JSON.readTree(first.out());
    int open = summary.path("disagreements").asInt();
    assertThat(open).isEqualTo(6); // golds 7, 8 and 9, two systems
    assertThat(summary.path("agreements").get(0).path("agreement").asDouble()).isEqualTo(17.0 / 23);
    assertThat(summary.path("agreements").get(0).path("kappa_ci95")).hasSize(2);
    assertThat(graded().get("r8 zebra-dpo").path("score").isNull()).isTrue();
    assertThat(graded().get("r8 zebra-dpo").path("ungraded").asText()).contains("A=4").contains("B=1");
    assertThat(Cli.run("metrics", folder.resolve("graded.jsonl"), "--system", "zebra-dpo", "--json").ok().out()).contains("\"n\" : 9");
    Path third = folder.resolve("grader-T.csv");
    assertThat(csv(third)).hasSize(open + 1);
    JsonNode last = JSON.readTree(imported(a, save("t.csv", filled(third, cells -> 2)), b).ok().out());
    assertThat(last.path("settled").asInt()).isEqualTo(open);
    Map<String, JsonNode> lines = graded();
    assertThat(lines.get("r8 zebra-dpo").path("score").asInt()).isEqualTo(2);
    assertThat(lines.get("r8 zebra-dpo").path("grades").path("T").asInt()).isEqualTo(2);
    assertThat(lines.get("r3 zebra-dpo").path("score").asInt()).isEqualTo(4);
    assertThat(Cli.run("metrics", folder.resolve("graded.jsonl"), "--system", "zebra-dpo", "--json").ok().out()).contains("\"n\" : 12");
  }

  @Test
  void whatIsWrongWithASheetIsNamed() throws IOException {
    Path a = save("a.csv", filled(sheet("grader-A.csv"), GradePeopleTest::byGold));
    List<List<String>> good = filled(sheet("grader-B.csv"), GradePeopleTest::byGold);
    Path b = save("b.csv", good);
    assertThat(imported(a, a).fails(3).err()).contains(a + ": is a sheet of grader A, as " + a + " is");
    assertThat(imported(a, b, b).fails(3).err()).contains("grader B");
    String[][] cases = {
      {"4", "6", "column E (grade) holds '6'; it must be a grade, 1 to 5"}, {"4", "4.5", "holds '4.5'"}, {"4", "", "column E (grade) is empty"}, {"4", "good", "holds 'good'"},
      {"0", "B-XXXXX", "column A (row) holds 'B-XXXXX', which is no row of this key"}, {"0", "", "column A (row) holds ''"}, {"0", good.get(1).get(0), "also stands in row 2"},
      {"0", csv(sheet("grader-A.csv")).get(1).get(0), "is from the sheet of grader A"}
    };
    for (String[] one : cases) {
      List<List<String>> bad = new ArrayList<>();
      good.forEach(row -> bad.add(new ArrayList<>(row)));
      int at = good.stream().filter(row -> !row.get(3).contains("\n")).map(good::indexOf).filter(i -> i > 1).findFirst().orElseThrow();
      bad.get(at).set(Integer.parseInt(one[0]), one[1]);
      Path xlsx = folder.resolve("bad.csv");
      save("bad.csv", bad);
      assertThat(imported(a, xlsx).fails(3).err()).contains(xlsx + ":").contains(one[2]);
    }
    List<List<String>> short1 = new ArrayList<>(good);
    String gone = short1.remove(3).get(0);
    assertThat(imported(a, save("short.csv", short1)).fails(3).err()).contains("lacks the row " + gone);
    List<List<String>> header = new ArrayList<>(good);
    header.set(0, List.of("row", "task", "reference", "answer", "mark", "comment"));
    assertThat(imported(a, save("header.csv", header)).fails(3).err()).contains("has no column 'grade'");
    assertThat(imported(a, Files.writeString(folder.resolve("no.xlsx"), "PK no zip")).fails(3).err()).contains("no.xlsx: cannot be read as XLSX");
    assertThat(imported(a, folder.resolve("none.csv")).fails(1).err()).contains("none.csv");
    Path key = Files.writeString(folder.resolve("key.json"), "{\"kind\": \"other\"}");
    assertThat(Cli.run("grade", "import", "--key", key, a, b, "--output", folder.resolve("g")).fails(3).err()).contains("is no key of sheets");
    assertThat(Cli.run("grade", "import", "--key", predictions, a, b, "--output", folder.resolve("g")).fails(3).err()).contains(predictions.toString());
    assertThat(Cli.run("grade", "export", "--predictions", predictions, "--output", folder.resolve("x"), "--graders", "1").fails(2).err()).contains("--graders 1");
    assertThat(Cli.run("grade", "export", "--predictions", predictions, "--output", folder.resolve("x"), "--scale", "ten").fails(2).err()).contains("--scale ten");
    assertThat(folder.resolve("graded.jsonl")).doesNotExist();
  }

  @Test
  void rightAndWrongIsAScaleToo() throws IOException {
    Path other = folder.resolve("binary");
    Cli.run("grade", "export", "--predictions", predictions, "--output", other, "--scale", "right-wrong").ok();
    List<Path> sheets = new ArrayList<>();
    for (String grader : new LinkedHashSet<>(List.of("A", "B"))) {
      sheets.add(save(grader + ".csv", filled(other.resolve("sheets/grader-" + grader + ".csv"), cells -> digit(cells) % 2)));
    }
    Path out = folder.resolve("binary.jsonl");
    Cli.run("grade", "import", "--key", other.resolve("key.json"), sheets.get(0), sheets.get(1), "--output", out).ok();
    assertThat(Cli.run("compare", out, "--json").ok().out()).contains("p_exact");
  }
}
