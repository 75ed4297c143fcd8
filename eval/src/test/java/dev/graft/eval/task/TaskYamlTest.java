package dev.graft.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A user's own YAML; what is wrong is said with its line. */
class TaskYamlTest {
  private static final String GOOD = """
      name: mine
      source: {file: rows.csv}
      splits: {train: 4, eval: 1, dev: 1, test: 2}
      max-tokens: 8
      import:
        format: table
        columns: {passage: Text, label: Label}
        values: {label: {"1": yes}}
        prompt: "Is it so? {passage} {{sic}}"
        completion: "{label}"
        rejected: {change: label}
      outcomes:
        - name: one
          grader: label
          labels: ["yes", "no"]
          spellings: {"no": [nope]}
          field: label
          answer: {regex: "is (\\\\w+)"}
          positive: "yes"
          metric: f1
          test: mcnemar
      """;

  @TempDir Path folder;

  @Test
  void aTaskOfOnesOwn() throws IOException {
    Path file = Files.writeString(folder.resolve("mine.yaml"), GOOD);
    Task task = Task.load(file.toString());
    assertThat(task.file()).contains(folder.resolve("rows.csv"));
    assertThat(task.maxTokens()).isEqualTo(8);
    assertThat(task.importing().orElseThrow().prompt().fill(java.util.Map.of("passage", "$1 {x}"))).isEqualTo("Is it so? $1 {x} {sic}");
    assertThat(task.outcomes().get(0).part().of("it is nope, is yes")).contains("nope");
    assertThat(task.outcomes().get(0).spellings()).containsEntry("no", java.util.List.of("nope"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "name: mine|names: mine|mine.yaml:1: unknown key 'names'; the keys of a task are name, title,",
      "name: mine|name: mine thing|mine.yaml:1: 'name' must be letters, digits",
      "name: mine|name: |mine.yaml:1: 'name' must be a text, not an empty text",
      "name: mine|name: mine\\nname: two|mine.yaml:2: is not valid YAML: Duplicate",
      "max-tokens: 8|max-tokens: [|is not valid YAML",
      "max-tokens: 8|max-tokens: 0|mine.yaml:4: 'max-tokens' must be a whole number of at least 1, not '0'",
      "max-tokens: 8|max-tokens: *a|mine.yaml:4: '*a' is an alias",
      "max-tokens: 8|`max-tokens: 8\\n---\\nb: 3`|mine.yaml:6: a second YAML document begins",
      "test: 2}|test: two}|mine.yaml:3: 'test' must be a whole number",
      "dev: 1, |``|mine.yaml:3: 'dev' is missing",
      "dev: 1, |valid: 1, |mine.yaml:3: unknown key 'valid'; the keys of splits are train, eval, dev, test",
      "file: rows.csv|generator: utis|mine.yaml:2: 'generator' must be one of uti, triage, reasoning, summary, not 'utis'",
      "{file: rows.csv}|rows.csv|mine.yaml:2: 'source' must be a mapping",
      "{label: {\"1\": yes}}|{label: {\"1\": true}}|mine.yaml:8: 'values' of 'label' must lead to the labels yes, no of the outcome one",
      "format: table|format: csv|mine.yaml:6: 'format' must be one of table, medqa, augmented-clinical-notes, not 'csv'",
      "format: table|format: medqa|the format 'medqa' has its own columns",
      "{passage} {{sic}}|{text}|mine.yaml:9: 'prompt' names 'text', which is no column; the columns are passage, label",
      "{passage} {{sic}}|{passage|mine.yaml:9: 'prompt': a '{' stands alone at character 11",
      "change: label|change: passage|mine.yaml:11: 'passage' cannot be changed, as no outcome with labels",
      "change: label}|change: label, any-of: label}|mine.yaml:11: 'rejected' must have exactly one of",
      "field: label|field: gold|the outcome 'one' needs 'gold', which the import does not give",
      "grader: label|grader: labels|mine.yaml:14: 'grader' must be one of label, exact, equivalence, checklist, likert, not 'labels'",
      "grader: label|grader: exact|'labels' are for the grader 'label', not 'exact'",
      "labels: [\"yes\", \"no\"]|labels: [\"yes\", \"YES!\"]|mine.yaml:15: 'labels' must be two or more texts that differ",
      "{\"no\": [nope]}|{\"no\": [Yes]}|mine.yaml:16: the spelling 'Yes' of 'no' is there already",
      "positive: \"yes\"|positive: maybe|mine.yaml:19: 'positive' is 'maybe', which is none of the labels yes, no",
      "is (|is (?:|mine.yaml:18: 'regex' must have exactly one group",
      "is (|is ((|mine.yaml:18: 'regex' is no regular expression",
      "metric: f1|metric: F-1|mine.yaml:20: 'metric' must be one of f1, accuracy, mean_score, not 'F-1'",
      "test: mcnemar|test: t|mine.yaml:21: 'test' must be one of mcnemar, paired-t",
      "outcomes:|`outcomes: []\\nrest:`|mine.yaml:13: unknown key 'rest'",
  })
  void whatIsWrongIsSaidWithItsLine(String old, String now, String message) throws IOException {
    assertThat(GOOD).contains(old);
    Path file = Files.writeString(folder.resolve("mine.yaml"), GOOD.replaceFirst(java.util.regex.Pattern.quote(old), java.util.regex.Matcher.quoteReplacement(now.replace("\\n", "\n"))));
    assertThatThrownBy(() -> Task.load(file.toString())).isInstanceOf(DataException.class).hasMessageContaining(message).message().doesNotContain("\n");
  }

  @Test
  void aTaskWithoutOutcomesIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("mine.yaml"), GOOD.substring(0, GOOD.indexOf("outcomes:")) + "outcomes: []\n");
    assertThatThrownBy(() -> Task.load(file.toString())).hasMessageContaining("mine.yaml:12: 'outcomes' must be a list with one entry at least, not an empty list");
  }

  @Test
  void whatIsNoTaskIsRefused() throws IOException {
    assertThatThrownBy(() -> Task.load("utis")).isInstanceOf(RunException.class).hasMessageContaining("--task utis: no such task; there are uti, reasoning, summary, triage");
    assertThatThrownBy(() -> Task.load("no.yaml")).isInstanceOf(RunException.class).hasMessageContaining("no such file");
    assertThatThrownBy(() -> Task.load(Files.write(folder.resolve("b.yml"), new byte[] {(byte) 0xC3, 0x28}).toString())).hasMessageContaining("b.yml: is not UTF-8");
    assertThatThrownBy(() -> Task.load(Files.writeString(folder.resolve("e.yml"), "# nothing\n").toString())).hasMessageContaining("e.yml: is empty");
    assertThatThrownBy(() -> Task.load(Files.writeString(folder.resolve("l.yml"), "[".repeat(100)).toString())).isInstanceOf(DataException.class);
  }
}
