package dev.graft.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftException;
import dev.graft.eval.synthetic.Split;
import dev.graft.trainer.data.DataException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.dhatim.fastexcel.Workbook;
import org.dhatim.fastexcel.Worksheet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows out of users' files. */
class ImportersTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, String> COLUMNS = Map.of("passage", "Clinical text", "label", "UTI?", "id", "No");

  @TempDir Path folder;

  private static String words(int seed, int n) {
    Random random = new Random(seed);
    return String.join(" ", random.ints(n, 0, 5000).mapToObj(i -> "w" + i).toList());
  }

  private TaskData prepare(String task, Path file, int rows) {
    return TaskData.prepare(Task.load(task), TaskSource.of(file), folder.resolve("out"), 42, rows, true);
  }

  private TaskData mapped(Path file, int rows) {
    return TaskData.prepare(Task.load("uti"), new TaskSource(Optional.of(file), COLUMNS), folder.resolve("out"), 42, rows, true);
  }

  private static List<JsonNode> all(TaskData data, boolean dpo) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (Split split : Split.values()) {
      rows.addAll(TaskTest.rows(dpo ? data.dpo(split) : data.sft(split)));
    }
    return rows;
  }

  private static ObjectNode medqa(int i, String step) {
    ObjectNode row = JSON.createObjectNode().put("question", words(i, 40) + "?").put("answer", "right " + i);
    row.putObject("options").put("A", "wrong a" + i).put("B", "right " + i).put("C", "wrong c" + i).put("D", "wrong d" + i);
    return row.put("meta_info", step).put("answer_idx", "B");
  }

  @Test
  void medqaKeepsTheLaterStepsAndDropsTheOptions() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      lines.add(medqa(i, i % 3 == 0 ? "step1" : "step2&3").toString());
    }
    Path file = Files.write(folder.resolve("medqa.jsonl"), lines);
    TaskData data = prepare("reasoning", file, 40);
    List<JsonNode> rows = all(data, true);
    assertThat(rows).hasSize(40).extracting(row -> row.path("id").asText()).doesNotHaveDuplicates();
    Set<String> wrong = new TreeSet<>();
    for (JsonNode row : rows) {
      int line = Integer.parseInt(row.path("id").asText().substring("medqa-".length()));
      assertThat((line - 1) % 3).isNotZero();
      assertThat(row.path("prompt").asText()).isEqualTo(words(line - 1, 40) + "?");
      assertThat(row.path("chosen").asText()).isEqualTo("right " + (line - 1));
      assertThat(row.path("rejected").asText()).matches("wrong [acd]" + (line - 1));
      wrong.add(row.path("rejected").asText().substring(6, 7));
      assertThat(row.path("options")).hasSize(4);
    }
    assertThat(wrong).containsExactly("a", "c", "d"); // by chance, not always the first
    assertThat(data.manifest().path("left_out").toString()).contains("step1").contains(":20");
    byte[] before = Files.readAllBytes(data.dpo(Split.TRAIN));
    assertThat(Files.readAllBytes(prepare("reasoning", file, 40).dpo(Split.TRAIN))).isEqualTo(before);
    assertThatThrownBy(() -> prepare("reasoning", file, 0)).hasMessageContaining("medqa.jsonl: has too few rows: 60 rows, 20 are of step1").hasMessageContaining("leaves 40, but the splits need 5161")
        .hasMessageContaining("--n 40");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "\"answer_idx\":\"B\"|\"answer_idx\":\"A\"|:2: 'answer' is 'right 1', but option A of 'answer_idx' is 'wrong a1'",
      "\"answer_idx\":\"B\"|\"answer_idx\":\"E\"|:2: 'answer_idx' is 'E', which is none of the options A, B, C, D",
      "\"meta_info\":\"step2&3\"|\"meta_info\":\"step4\"|:2: 'meta_info' is 'step4'; it must be step1 or step2&3",
      "\"question\"|\"quest\"|:2: has no 'question'; its fields are quest, answer, options, meta_info, answer_idx",
      "\"options\":{|\"options\":7,\"o\":{|:2: 'options' must be an object",
      "\"answer\":\"right 1\"|\"answer\":3|:2: 'answer' is a number; it must be a text",
      "{\"question\"|[\"question\"|:2: is not valid JSON",
      "step2&3|step1|has no question of step2&3 among its 1 rows"})
  void whatIsNoMedqaIsSaidWithItsLine(String old, String now, String message) throws IOException {
    String good = medqa(0, "step2&3").toString();
    String bad = medqa(1, "step2&3").toString();
    assertThat(bad).contains(old);
    List<String> lines = message.startsWith(":2") ? List.of(good, bad.replace(old, now)) : List.of(bad.replace(old, now));
    Path file = Files.write(folder.resolve("medqa.jsonl"), lines);
    assertThatThrownBy(() -> prepare("reasoning", file, 0)).isInstanceOf(DataException.class).hasMessageContaining("medqa.jsonl").hasMessageContaining(message);
  }

  private static ObjectNode note(int i) {
    ObjectNode form = JSON.createObjectNode().put("visit motivation", "fever for " + (i + 3) + " days");
    form.putArray("admission").addObject().put("reason", "None");
    form.putObject("patient information").put("age", (i + 20) + " years old").put("sex", "Female").put("ethnicity", "None");
    form.putArray("symptoms").addObject().put("name of symptom", "dry cough").put("location", "None");
    form.putArray("treatments").addObject().put("name", "drug" + i + "cillin").put("dosage", "not specified");
    form.putObject("discharge").put("discharge summary", "went home well on day " + (i + 5) + ".");
    String full = "A " + (i + 20) + " years old female came with fever for " + (i + 3) + " days and a dry cough. " + words(i, 60) + " She took drug" + i + "cillin and went home well on day " + (i + 5)
        + ".";
    return JSON.createObjectNode().put("idx", "n" + i).put("note", full.substring(0, 30)).put("full_note", full).put("conversation", "Doctor: hello").put("summary", form.toString());
  }

  @Test
  void notesGetSummariesOfWhatTheirFormsSay() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      lines.add(note(i).toString());
    }
    lines.add(note(90).put("summary", "I cannot do that {").toString());
    lines.add(note(91).put("summary", "{\"visit motivation\": \"None\"}").toString());
    TaskData data = prepare("summary", Files.write(folder.resolve("notes.jsonl"), lines), 24);
    for (JsonNode row : all(data, true)) {
      int i = Integer.parseInt(row.path("id").asText().substring(1));
      assertThat(row.path("prompt").asText()).startsWith("Summarize").endsWith(note(i).path("full_note").asText());
      assertThat(row.path("chosen").asText()).isEqualTo("Reason for the visit: fever for " + (i + 3) + " days. Patient: " + (i + 20) + " years old; Female. Symptoms: dry cough. Treatment: drug" + i
          + "cillin. Outcome: went home well on day " + (i + 5) + ".");
      assertThat(row.path("rejected").asText()).isNotEqualTo(row.path("chosen").asText()).hasSizeLessThan(row.path("chosen").asText().length() + 10);
      assertThat(row.path("facts")).extracting(fact -> fact.path("any_of").get(0).asText())
          .contains("fever for " + (i + 3) + " days", (i + 20) + " years old", "dry cough", "drug" + i + "cillin").doesNotContain("none", "not specified");
      row.path("facts").forEach(fact -> assertThat(row.path("chosen").asText().toLowerCase()).contains(fact.path("any_of").get(0).asText()));
    }
    assertThat(data.manifest().path("left_out").toString()).contains("\"without a JSON object in 'summary'\":1").contains("\"with too little in 'summary'\":1");
    Path bad = Files.write(folder.resolve("bad.jsonl"), List.of(note(0).toString(), note(1).toString().replace("\"idx\"", "\"id\"")));
    assertThatThrownBy(() -> prepare("summary", bad, 0)).hasMessageContaining("bad.jsonl:2: has no 'idx'; its fields are id, note, full_note, conversation, summary");
    Path twice = Files.write(folder.resolve("twice.jsonl"), List.of(note(0).toString(), note(1).toString(), note(0).toString()));
    assertThatThrownBy(() -> prepare("summary", twice, 0)).hasMessageContaining("twice.jsonl:3: id 'n0' is also that of line 1");
  }

  /** The table that the tests of tables share, as cells. */
  private static List<List<String>> table(int n) {
    List<List<String>> rows = new ArrayList<>(List.of(List.of("No", "Clinical text", "UTI?", "")));
    for (int i = 0; i < n; i++) {
      rows.add(List.of("" + (i + 1), words(i, 30) + ",\n\"quoted\"; \t" + i, List.of("Yes", "No UTI", "1", "0").get(i % 4), i == 3 ? "a remark" : ""));
    }
    return rows;
  }

  private static String csv(List<List<String>> rows, String delimiter) {
    StringBuilder text = new StringBuilder();
    rows.forEach(row -> text.append(String.join(delimiter, row.stream().map(cell -> "\"" + cell.replace("\"", "\"\"") + "\"").toList())).append("\r\n"));
    return text.toString();
  }

  private Path excel(String name, List<List<String>> rows) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file); Workbook book = new Workbook(out, "test", "1.0")) {
      Worksheet first = book.newWorksheet("Appendix 1");
      for (int r = 0; r < rows.size(); r++) {
        for (int c = 0; c < rows.get(r).size(); c++) {
          String cell = rows.get(r).get(c);
          if (cell.matches("\\d+")) {
            first.value(r + 1, c, Integer.parseInt(cell)); // the first row is empty
          } else if (!cell.isEmpty()) {
            first.value(r + 1, c, cell);
          }
        }
      }
      book.newWorksheet("Appendix 2").value(0, 0, "nothing");
    }
    return file;
  }

  private Path written(String kind, List<List<String>> rows) throws IOException {
    return switch (kind) {
      case "xlsx" -> excel("t.xlsx", rows);
      case "csv" -> Files.writeString(folder.resolve("t.csv"), "\uFEFF" + csv(rows, ","));
      case "semicolon" -> Files.writeString(folder.resolve("t2.csv"), csv(rows, ";"));
      case "tsv" -> Files.writeString(folder.resolve("t.tsv"), csv(rows, "\t"));
      default -> {
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows.subList(1, rows.size())) {
          lines.add(JSON.createObjectNode().put("No", Integer.parseInt(row.get(0))).put("Clinical text", row.get(1)).put("UTI?", row.get(2)).putNull("x").toString());
        }
        yield Files.write(folder.resolve("t.jsonl"), lines);
      }
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "semicolon", "tsv", "xlsx", "jsonl"})
  void tablesOfEveryKindGiveTheSameRows(String kind) throws IOException {
    List<List<String>> table = table(40);
    TaskData data = mapped(written(kind, table), 32);
    List<JsonNode> rows = all(data, true);
    assertThat(rows).hasSize(32);
    for (JsonNode row : rows) {
      List<String> source = table.get(row.path("id").asInt());
      boolean uti = source.get(2).equals("Yes") || source.get(2).equals("1");
      assertThat(row.path("prompt").asText()).contains("\n\n" + source.get(1) + "\n\n").startsWith("The patient below").endsWith("Answer UTI or No UTI.");
      assertThat(row.path("chosen").asText()).isEqualTo(uti ? "UTI" : "No UTI").isEqualTo(row.path("label").asText());
      assertThat(row.path("rejected").asText()).isEqualTo(uti ? "No UTI" : "UTI");
    }
    assertThat(rows.get(0).path("id").asInt()).isNotEqualTo(1); // the splits are drawn
  }

  private void refused(UnaryOperator<List<List<String>>> change, String kind, String message) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    table(12).forEach(row -> rows.add(new ArrayList<>(row)));
    Path file = written(kind, change.apply(rows));
    assertThatThrownBy(() -> mapped(file, 0)).isInstanceOfSatisfying(GraftException.class, e -> assertThat(e.exitCode()).isEqualTo(3)).hasMessageContaining(message)
        .message().doesNotContain("\n");
  }

  private static UnaryOperator<List<List<String>>> set(int row, int column, String value) {
    return rows -> {
      rows.get(row).set(column, value);
      return rows;
    };
  }

  @Test
  void whatIsWrongInATableIsSaidWithLineAndColumn() throws IOException {
    refused(set(3, 2, "maybe"), "csv", "t.csv:6: column 'UTI?' is 'maybe', which is none of the labels UTI, No UTI"); // each row takes two lines
    refused(set(3, 2, "maybe"), "xlsx", "t.xlsx:5: column 'UTI?' is 'maybe'");
    refused(set(3, 2, "maybe"), "jsonl", "t.jsonl:3: column 'UTI?' is 'maybe'");
    refused(set(2, 1, " "), "csv", "t.csv:4: column 'Clinical text' (for passage) is empty");
    refused(set(4, 0, "2"), "csv", "t.csv:8: id '2' is also that of line 4; give each row its own");
    refused(set(0, 1, "Text"), "csv", "t.csv: has no column 'Clinical text' (for passage); its columns are No, Text, UTI?; say which is which with --map NAME=COLUMN");
    refused(set(0, 1, "Text"), "xlsx", "t.xlsx: has no column 'Clinical text' (for passage); its columns are No, Text, UTI?");
    refused(set(0, 2, "No"), "csv", "t.csv:1: two columns are called 'No'");
    refused(rows -> rows.subList(0, 1), "csv", "t.csv: holds no rows below its header");
    refused(rows -> rows.subList(0, 1), "xlsx", "t.xlsx: holds no rows below its header");
    refused(rows -> {
      rows.get(2).add("one too many");
      return rows;
    }, "csv", "t.csv:4: has 5 cells, but the header names 4 columns");
  }

  @Test
  void brokenFilesAreOneLine() throws IOException {
    byte[] xlsx = Files.readAllBytes(excel("whole.xlsx", table(12)));
    Path cut = Files.write(folder.resolve("cut.xlsx"), Arrays.copyOf(xlsx, xlsx.length / 2));
    assertThatThrownBy(() -> mapped(cut, 0)).isInstanceOf(DataException.class).hasMessageContaining("cut.xlsx: cannot be read as XLSX").hasMessageContaining("save it anew");
    for (int at = 30; at < xlsx.length; at += 211) { // whatever is broken, it is one line
      byte[] broken = xlsx.clone();
      broken[at] ^= 0x55;
      Path file = Files.write(folder.resolve("broken.xlsx"), broken);
      try {
        mapped(file, 0);
      } catch (GraftException | dev.graft.trainer.run.RunException e) {
        assertThat(e.getMessage()).doesNotContain("\n");
      }
    }
    Path empty = Files.createFile(folder.resolve("empty.csv"));
    assertThatThrownBy(() -> mapped(empty, 0)).isInstanceOf(DataException.class).hasMessageContaining("empty.csv: holds no rows");
    Path open = Files.writeString(folder.resolve("open.csv"), "No,Clinical text,UTI?\n1,\"a,UTI\n2,b,UTI\n");
    assertThatThrownBy(() -> mapped(open, 0)).isInstanceOf(DataException.class).hasMessageContaining("open.csv:2: the row that begins here is not valid CSV");
    Path latin = Files.write(folder.resolve("latin.csv"), "No,Clinical text,UTI?\n1,caf\u00e9,UTI\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> mapped(latin, 0)).isInstanceOf(DataException.class).hasMessageContaining("latin.csv: is not UTF-8 text");
    assertThatThrownBy(() -> mapped(Files.createFile(folder.resolve("t.xls")), 0)).hasMessageContaining("t.xls: is of no known kind").hasMessageContaining("save it as .xlsx");
    assertThatThrownBy(() -> mapped(folder.resolve("none.csv"), 0)).isInstanceOf(DataException.class).hasMessageContaining("none.csv: no such file");
    assertThatThrownBy(() -> prepare("reasoning", Files.createFile(folder.resolve("e.jsonl")), 0)).isInstanceOf(DataException.class).hasMessageContaining("e.jsonl: is empty");
  }

  @Test
  void sheetsAreChosenByName() throws IOException {
    Path file = excel("t.xlsx", table(12));
    assertThat(TableFile.read(file, "Appendix 1").rows()).hasSize(12);
    assertThatThrownBy(() -> TableFile.read(file, "Appendix 3")).hasMessageContaining("t.xlsx: has no sheet 'Appendix 3'; its sheets are Appendix 1, Appendix 2");
  }

  private List<List<String>> withSplits(int n) {
    List<List<String>> rows = new ArrayList<>(List.of(List.of("No", "Clinical text", "UTI?", "split")));
    for (int i = 0; i < n; i++) {
      rows.add(new ArrayList<>(List.of("" + i, words(i, 30), "UTI", List.of("train", "train", "eval", "dev", "test").get(i % 5))));
    }
    return rows;
  }

  @Test
  void theFilesOwnSplitsAreObeyedAndMayNotLeak() throws IOException {
    TaskData data = mapped(written("csv", withSplits(20)), 0);
    assertThat(TaskTest.rows(data.sft(Split.TEST))).extracting(row -> row.path("id").asInt()).containsExactly(4, 9, 14, 19);
    List<List<String>> leak = withSplits(20);
    leak.get(5).set(1, leak.get(2).get(1) + " more"); // line 6, of test; line 3 is of train
    assertThatThrownBy(() -> mapped(written("csv", leak), 0)).isInstanceOf(DataException.class).hasMessageContaining("t.csv:6: (test) is nearly alike to line 3 (train), similarity 0.96");
    List<List<String>> none = withSplits(4);
    assertThatThrownBy(() -> mapped(written("csv", none), 0)).hasMessageContaining("t.csv: has no row of the split test");
    List<List<String>> other = withSplits(10);
    other.get(3).set(3, "valid");
    assertThatThrownBy(() -> mapped(written("csv", other), 0)).hasMessageContaining("t.csv:4: column 'split' is 'valid'; it must be train, eval, dev or test");
  }

  @Test
  void drawnSplitsShareNothing() throws IOException {
    List<List<String>> rows = table(60);
    for (int i = 1; i <= 20; i++) {
      rows.add(List.of("" + (100 + i), rows.get(i).get(1) + " again", "UTI", "")); // nearly alike
      rows.add(List.of("" + (200 + i), rows.get(i).get(1).toUpperCase(), "UTI", "")); // the same
    }
    TaskData data = mapped(written("csv", rows), 56);
    JsonNode near = data.manifest().path("near_duplicates");
    assertThat(near.path("left_out_as_same").asInt()).isPositive();
    assertThat(near.path("left_out_as_near").asInt()).isPositive();
    assertThat(near.path("highest_left").asDouble()).isLessThanOrEqualTo(0.6);
    for (JsonNode test : TaskTest.rows(data.sft(Split.TEST))) {
      int base = test.path("id").asInt() % 100;
      assertThat(TaskTest.rows(data.sft(Split.TRAIN))).noneMatch(row -> base >= 1 && base <= 20 && row.path("id").asInt() % 100 == base);
    }
  }

  @Test
  void oneOrTwoLabelsAreChanged() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 80; i++) {
      lines.add(JSON.createObjectNode().put("message", words(i, 25)).put("urgency", i % 2 == 0 ? "Urgent" : "non-urgent").put("responder", i % 3 == 0 ? "MA" : "Physician").toString());
    }
    Set<String> kinds = new TreeSet<>();
    for (JsonNode row : all(prepare("triage", Files.write(folder.resolve("m.jsonl"), lines), 72), true)) {
      String[] right = row.path("chosen").asText().split("\n");
      String[] wrong = row.path("rejected").asText().split("\n");
      assertThat(right[0]).isEqualTo("Urgency: " + row.path("urgency").asText());
      assertThat(right[1]).isEqualTo("Responder: " + row.path("responder").asText());
      assertThat(wrong[0]).isIn("Urgency: urgent", "Urgency: nonurgent");
      kinds.add((right[0].equals(wrong[0]) ? "same" : "other") + "," + (right[1].equals(wrong[1]) ? "same" : "other"));
    }
    assertThat(kinds).containsExactly("other,other", "other,same", "same,other");
  }
}
