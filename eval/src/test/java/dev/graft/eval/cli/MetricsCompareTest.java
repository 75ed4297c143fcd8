package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** graft metrics and graft compare, on files. */
class MetricsCompareTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static String line(Object id, String system, String gold, String label, double score) {
    ObjectNode node = JSON.createObjectNode();
    node.set("id", JSON.valueToTree(id));
    return node.put("system", system).put("gold", gold).put("answer", "so " + label).put("label", label).put("score", score).toString();
  }

  private static String judged(Object id, String system, String gold, String label) {
    return line(id, system, gold, label, gold.equals(label) ? 1 : 0);
  }

  private Path file(String name, List<String> lines) throws IOException {
    return Files.write(folder.resolve(name), lines);
  }

  private static JsonNode json(Object... args) throws IOException {
    Cli.Result result = Cli.run(args).ok();
    assertThat(result.out()).doesNotContain("NaN").doesNotContain("Infinity");
    return JSON.readTree(result.out());
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void metricsCountEveryRowOnce() throws IOException {
    List<String> lines = List.of(judged("a", "m", "UTI", "UTI"), judged("b", "m", "UTI", "No UTI"), judged("c", "m", "UTI", null), judged("d", "m", "No UTI", "UTI"),
        judged("e", "m", "No UTI", "No UTI"), judged("f", "m", "No UTI", null), judged(7, "m", "No UTI", "No UTI"));
    Path file = file("p.jsonl", lines);
    JsonNode plain = json("metrics", file, "--json");
    assertThat(names(plain)).containsExactly("n", "accuracy", "accuracy_ci95", "mean_score", "unparsed");
    assertThat(plain.path("n").asInt()).isEqualTo(7);
    assertThat(plain.path("accuracy").asDouble()).isEqualTo(3.0 / 7);
    assertThat(plain.path("accuracy_ci95").get(0).asDouble()).isCloseTo(0.158220, within(1e-6)); // proportion_confint(3, 7, method="wilson")
    assertThat(plain.path("accuracy_ci95").get(1).asDouble()).isCloseTo(0.749541, within(1e-6));
    JsonNode m = json("metrics", file, "--positive", "UTI", "--json");
    assertThat(List.of(m.path("tp").asInt(), m.path("fp").asInt(), m.path("tn").asInt(), m.path("fn").asInt())).containsExactly(1, 2, 2, 2);
    assertThat(m.path("f1").asDouble()).isEqualTo(2.0 / 6);
    assertThat(m.path("sensitivity").asDouble()).isEqualTo(1.0 / 3);
    assertThat(m.path("specificity").asDouble()).isEqualTo(0.5);
    assertThat(m.path("sensitivity_ci95")).hasSize(2);
    assertThat(m.path("specificity_ci95")).hasSize(2);
    assertThat(m.path("unparsed").asInt()).isEqualTo(2);
    assertThat(Cli.run("metrics", file, "--positive", "UTI").ok().out()).contains("0.429 [0.158, 0.750]").contains("F1").contains("0.333");
  }

  @Test
  void whatIsNotDefinedIsNull() throws IOException {
    Path file = file("p.jsonl", List.of(judged("a", "m", "No UTI", "No UTI")));
    Cli.Result result = Cli.run("metrics", file, "--positive", "uti", "--json").ok();
    assertThat(result.err()).contains("no row has the label 'uti'");
    JsonNode m = JSON.readTree(result.out());
    for (String name : List.of("f1", "sensitivity", "sensitivity_ci95")) {
      assertThat(m.has(name) && m.get(name).isNull()).as(name).isTrue();
    }
    assertThat(m.path("specificity").asDouble()).isEqualTo(1);
  }

  @Test
  void gradesHaveAMeanAndAnAccuracyOnlyByLabels() throws IOException {
    JsonNode grades = json("metrics", file("g.jsonl", List.of(line("a", "m", "x", null, 4.5), line("b", "m", "x", null, 3))), "--json");
    assertThat(grades.path("mean_score").asDouble()).isEqualTo(3.75);
    assertThat(grades.get("accuracy").isNull()).isTrue();
    assertThat(grades.get("accuracy_ci95").isNull()).isTrue();
    JsonNode labelled = json("metrics", file("l.jsonl", List.of(line("a", "m", "x", "x", 4.5), line("b", "m", "x", "y", 3))), "--json");
    assertThat(labelled.path("accuracy").asDouble()).isEqualTo(0.5);
  }

  @Test
  void severalSystemsInAFileAreToldApart() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      lines.add(judged(i, "base", "UTI", i < 1 ? "UTI" : "No UTI"));
      lines.add(judged(i, "tuned", "UTI", i < 5 ? "UTI" : "No UTI"));
    }
    Path file = file("p.jsonl", lines);
    JsonNode systems = json("metrics", file, "--json").path("systems");
    assertThat(systems.path("base").path("accuracy").asDouble()).isEqualTo(1.0 / 6);
    assertThat(systems.path("tuned").path("accuracy").asDouble()).isEqualTo(5.0 / 6);
    assertThat(json("metrics", file, "--system", "base", "--json")).isEqualTo(systems.path("base"));
    assertThat(Cli.run("metrics", file, "--system", "bse").fails(2).err()).contains("did you mean base?");
    JsonNode c = json("compare", file, file, "--system", "tuned", "--system-b", "base", "--json");
    assertThat(c.path("mcnemar").path("b").asInt()).isEqualTo(4);
    assertThat(c.path("mcnemar").path("c").asInt()).isZero();
    assertThat(c.path("t_test").path("t").asDouble()).isPositive();
    assertThat(Cli.run("compare", file, file).fails(2).err()).contains("holds the systems base, tuned; choose one with --system");
    assertThat(Cli.run("compare", file, file, "--system", "tuend").fails(2).err()).contains("did you mean tuned?");
    Path single = file("single.jsonl", lines.stream().filter(line -> line.contains("tuned")).toList());
    assertThat(json("compare", file, single, "--system", "base", "--json").path("mcnemar").path("c").asInt()).isEqualTo(4);
    assertThat(Cli.run("compare", single, file, "--system-b", "base").ok().out()).contains("tuned vs base");
  }

  @Test
  void compareIsPairedByIdNotByOrder() throws IOException {
    List<String> a = new ArrayList<>();
    List<String> b = new ArrayList<>();
    for (int i = 0; i < 40; i++) { // 5 only A, 9 only B, the rest alike
      a.add(judged("r" + i, "a", "x", i < 5 || i >= 14 && i % 2 == 0 ? "x" : "y"));
      b.add(judged("r" + i, "b", "x", i >= 5 && i < 14 || i >= 14 && i % 2 == 0 ? "x" : "y"));
    }
    Collections.shuffle(b, new Random(3));
    JsonNode c = json("compare", file("a.jsonl", a), file("b.jsonl", b), "--json");
    assertThat(names(c)).containsExactly("n", "mcnemar", "t_test");
    assertThat(names(c.path("mcnemar"))).containsExactly("b", "c", "p_exact", "statistic", "p_corrected");
    assertThat(names(c.path("t_test"))).containsExactly("t", "df", "p");
    assertThat(c.path("n").asInt()).isEqualTo(40);
    assertThat(c.path("mcnemar").path("b").asInt()).isEqualTo(5);
    assertThat(c.path("mcnemar").path("c").asInt()).isEqualTo(9);
    assertThat(c.path("mcnemar").path("p_exact").asDouble()).isCloseTo(0.4239501953125, within(1e-12));
    assertThat(c.path("mcnemar").path("statistic").asDouble()).isCloseTo(9.0 / 14, within(1e-12));
    assertThat(c.path("t_test").path("df").asInt()).isEqualTo(39);
    assertThat(c.path("t_test").path("t").asDouble()).isNegative();
  }

  @Test
  void equalSystemsDifferInNothingThatIsDefined() throws IOException {
    Path file = file("a.jsonl", List.of(judged("a", "m", "x", "x"), judged("b", "m", "x", "y")));
    JsonNode c = json("compare", file, file, "--json");
    assertThat(c.path("mcnemar").path("p_exact").asDouble()).isEqualTo(1);
    assertThat(c.path("mcnemar").get("statistic").isNull()).isTrue();
    assertThat(c.path("mcnemar").get("p_corrected").isNull()).isTrue();
    assertThat(c.path("t_test").get("t").isNull()).isTrue();
    assertThat(c.path("t_test").get("p").isNull()).isTrue();
  }

  @Test
  void oneFileComparesAllItsSystemsAndDecides() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      lines.add(judged(i, "base", "x", i < 4 ? "x" : "y"));
      lines.add(judged(i, "sft", "x", i < 12 ? "x" : "y")); // 8 pairs, all one way: p = 2/256
      lines.add(judged(i, "dpo", "x", i < 18 ? "x" : "y")); // 6 more: p = 2/64
    }
    Path file = file("p.jsonl", lines);
    JsonNode pairs = json("compare", file, "--json").path("comparisons");
    assertThat(pairs).hasSize(3);
    assertThat(pairs.get(0).path("systems").toString()).isEqualTo("[\"base\",\"sft\"]");
    JsonNode decided = pairs.get(0).path("bonferroni");
    assertThat(decided.path("threshold").asDouble()).isCloseTo(0.05 / 3, within(1e-12));
    assertThat(decided.path("p_exact").asBoolean()).isTrue();
    assertThat(pairs.get(2).path("mcnemar").path("p_exact").asDouble()).isEqualTo(2.0 / 64);
    assertThat(pairs.get(2).path("bonferroni").path("p_exact").asBoolean()).isFalse();
    assertThat(json("compare", file, "--alpha", ".05", "--comparisons", "1", "--json").path("comparisons").get(2).path("bonferroni").path("p_exact").asBoolean()).isTrue();
    JsonNode two = json("compare", file, file, "--system", "base", "--system-b", "sft", "--comparisons", "5", "--json");
    assertThat(two.path("bonferroni").path("threshold").asDouble()).isCloseTo(0.01, within(1e-15));
    assertThat(two.path("bonferroni").path("p_exact").asBoolean()).isTrue();
    assertThat(json("compare", file, "--system", "base", "--system-b", "sft", "--json").has("bonferroni")).isFalse();
    assertThat(Cli.run("compare", file).ok().out()).contains("base vs sft").contains("sft vs dpo").contains("McNemar p (exact)").contains("p < 0.0167").contains("no (exact)");
  }

  @Test
  void f1HasABootstrapInterval() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      lines.add(judged(i, "m", i < 50 ? "x" : "y", i < 45 || i >= 95 ? "x" : "y")); // tp 45, fn 5, fp 5
    }
    Path file = file("p.jsonl", lines);
    JsonNode m = json("metrics", file, "--positive", "x", "--json");
    assertThat(m.path("f1").asDouble()).isEqualTo(0.9);
    assertThat(m.path("f1_ci95").get(0).asDouble()).isBetween(0.80, 0.85); // NumPy, BCa: 0.826 to 0.951
    assertThat(m.path("f1_ci95").get(1).asDouble()).isBetween(0.93, 0.97);
    assertThat(json("metrics", file, "--positive", "x", "--json")).isEqualTo(m);
    assertThat(json("metrics", file, "--positive", "x", "--seed", "7", "--json").path("f1").asDouble()).isEqualTo(0.9);
    assertThat(Cli.run("metrics", file, "--resamples", "5").fails(2).err()).contains("--resamples 5");
  }

  @Test
  void whatCouldNotBeGradedIsLeftOutOfBoth() throws IOException {
    String ungraded = "{\"id\": \"b\", \"system\": \"m\", \"gold\": \"x\", \"answer\": \"?\", \"label\": null, \"score\": null, \"ungraded\": \"the judge said nothing\"}";
    Path a = file("a.jsonl", List.of(line("a", "m", "x", null, 4), ungraded, line("c", "m", "x", null, 2)));
    Path b = file("b.jsonl", List.of(line("a", "m", "x", null, 3), line("b", "m", "x", null, 1), line("c", "m", "x", null, 3)));
    Cli.Result metrics = Cli.run("metrics", a, "--json").ok();
    assertThat(JSON.readTree(metrics.out()).path("n").asInt()).isEqualTo(2);
    assertThat(metrics.err()).contains("1 ungraded row of m left out");
    assertThat(json("compare", a, b, "--json").path("n").asInt()).isEqualTo(2);
    assertThat(json("compare", b, a, "--json").path("n").asInt()).isEqualTo(2);
    assertThat(Cli.run("metrics", file("none.jsonl", List.of(ungraded))).fails(3).err()).contains("holds no graded prediction");
  }

  @Test
  void gradesHaveNoMcNemar() throws IOException {
    Path a = file("a.jsonl", List.of(line("a", "m", "x", null, 4), line("b", "m", "x", null, 1), line("c", "m", "x", null, 5)));
    Path b = file("b.jsonl", List.of(line("a", "m", "x", null, 3), line("b", "m", "x", null, 0), line("c", "m", "x", null, 3)));
    JsonNode c = json("compare", a, b, "--json");
    assertThat(c.get("mcnemar").isNull()).isTrue();
    assertThat(c.path("t_test").path("t").asDouble()).isCloseTo(4, within(1e-12)); // mean 4/3, deviation 1/√3
    assertThat(Cli.run("compare", a, b).ok().out()).contains("m vs m");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`not json`|:2: is not valid JSON",
        "`[1]`|:2: is a JSON array",
        "`3`|:2: is not a JSON object",
        "`{\"system\": \"m\", \"gold\": \"x\", \"label\": \"x\", \"score\": 1}`|:2: has no id",
        "`{\"id\": 1.5, \"gold\": \"x\", \"label\": \"x\", \"score\": 1}`|:2: id is a number",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": \"x\"}`|:2: has no score",
        "`{\"id\": 1, \"label\": \"x\", \"score\": 1}`|:2: has no gold",
        "`{\"id\": 1, \"gold\": \"x\", \"score\": 1}`|:2: has no label",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": \"x\", \"score\": \"1\"}`|:2: score is a string",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": \"x\", \"score\": null}`|:2: score is null",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": \"x\", \"score\": NaN}`|:2: is not valid JSON",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": \"x\", \"score\": 1e999}`|not finite",
        "`{\"id\": 1, \"gold\": \"x\", \"label\": {}, \"score\": 1}`|:2: label is an object",
        "`{\"id\": \"a\", \"system\": \"m\", \"gold\": \"x\", \"label\": \"x\", \"score\": 1}`|:2: id 'a' of system 'm' is also on line 1"
      })
  void aBadLineIsNamed(String bad, String message) throws IOException {
    Path file = file("p.jsonl", List.of(judged("a", "m", "x", "x"), bad));
    assertThat(Cli.run("metrics", file, "--positive", "x", "--json").fails(3).err()).contains(file.toString()).contains(message);
    if (!message.contains("label")) {
      Path good = file("good.jsonl", List.of(judged("a", "m", "x", "x")));
      assertThat(Cli.run("compare", good, file).fails(3).err()).contains(message);
    }
  }

  @Test
  void rowsThatDoNotPairAreNamed() throws IOException {
    Path ab = file("ab.jsonl", List.of(judged("a", "m", "x", "x"), judged("b", "m", "x", "x")));
    Path a = file("a.jsonl", List.of(judged("a", "m", "x", "x")));
    Path other = file("other.jsonl", List.of(judged("b", "m", "y", "x"), judged("a", "m", "x", "x")));
    assertThat(Cli.run("compare", ab, a).fails(3).err()).contains(ab + ":2: id 'b' is not among the rows compared of " + a);
    assertThat(Cli.run("compare", a, ab).fails(3).err()).contains(ab + ":2: id 'b' is not among the rows compared of " + a);
    assertThat(Cli.run("compare", ab, other).fails(3).err()).contains(other + ":1: gold of id 'b' is 'y', but 'x' at " + ab + ":2");
  }

  @Test
  void anEmptyOrMissingFileIsBadData() throws IOException {
    Path empty = file("empty.jsonl", List.of("", "  "));
    assertThat(Cli.run("metrics", empty).fails(3).err()).contains(empty + ": holds no predictions");
    assertThat(Cli.run("metrics", folder.resolve("none.jsonl")).fails(3).err()).contains("no such file");
    Cli.run("compare", empty, empty).fails(3);
    Cli.run("metrics", folder).fails(3);
    Cli.run("compare", empty).fails(3);
    Path single = file("single.jsonl", List.of(judged("a", "m", "x", "x")));
    assertThat(Cli.run("compare", single).fails(2).err()).contains("holds one system; give a second file");
    assertThat(Cli.run("compare", single, "--system", "m").fails(2).err()).contains("give both --system and --system-b");
    assertThat(Cli.run("compare", single, single, "--alpha", "1").fails(2).err()).contains("--alpha 1.0 must be above 0");
    assertThat(Cli.run("compare", single, single, "--comparisons", "0").fails(2).err()).contains("--comparisons 0");
  }
}
