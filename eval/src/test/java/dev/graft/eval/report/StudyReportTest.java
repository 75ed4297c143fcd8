package dev.graft.eval.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.eval.report.StudyResults.Metric;
import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.Stage;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import dev.graft.eval.report.StudyResults.Trial;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The report, on a study that is made up. */
class StudyReportTest {
  private static final Pattern SVG = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL);

  @TempDir static Path folder;
  private static StudyResults whole;
  private static String html;

  @BeforeAll
  static void write() throws IOException {
    whole = StudyFixture.whole();
    StudyReport.write(whole, folder.resolve("new/study"));
    html = Files.readString(folder.resolve("new/study/report.html"));
  }

  @Test
  void resultsComeBackAsTheyWere() {
    StudyResults read = ResultsFile.read(folder.resolve("new/study/results.json"));
    assertThat(read).isEqualTo(whole);
    String text = ResultsFile.text(read);
    assertThat(text.contains("NaN")).isFalse();
    assertThat(text.contains("\"dpo_to_sft\" : " + whole.tasks().get(0).dpoToSft())).isTrue();
    assertThat(StudyReport.html(read).equals(html)).isTrue();
  }

  @Test
  void theRatioIsOfSecondsAStep() {
    Task task = new Task("t", null, null, null, null, null, List.of(new Stage("a", "sft", 10L, 20.0, null, null, null), new Stage("b", "sft", 30L, 40.0, null, null, null),
        new Stage("c", "dpo", 5L, 15.0, null, null, null), new Stage("d", "dpo", null, 900.0, null, null, null), new Stage("e", "other", 7L, 900.0, null, null, null)), null, null);
    assertThat(task.dpoToSft()).isEqualTo(3.0 / 1.5);
    assertThat(new Task("t", null, null, null, null, null, List.of(), null, null).dpoToSft()).isNull();
  }

  /** The cells of all rows of the page, tags gone. */
  private static List<String> rows(String page) {
    List<String> rows = new ArrayList<>();
    Matcher row = Pattern.compile("<tr.*?</tr>", Pattern.DOTALL).matcher(page);
    while (row.find()) {
      rows.add(row.group().replaceAll("<[^>]*>", " ").replace("&lt;", "<").replace("&gt;", ">").replaceAll("\\s+", " ").strip());
    }
    return rows;
  }

  @Test
  void everyMetricAndComparisonStandsInATable() {
    List<String> rows = rows(html);
    for (Outcome outcome : whole.tasks().stream().flatMap(t -> t.outcomes().stream()).toList()) {
      String summary = rows.stream().filter(r -> r.startsWith(outcome.title() + " " + Words.metric(outcome.metric()))).findFirst().orElseThrow();
      for (SystemResult system : outcome.systems()) {
        Metric metric = system.metrics().get(outcome.metric());
        String value = outcome.metric().equals("accuracy") ? String.format(Locale.ROOT, "%.1f%%", 100 * metric.value()) : String.format(Locale.ROOT, "%.2f", metric.value());
        assertThat(summary).contains(" " + value + " " + Words.interval(outcome.metric(), metric.ci95()));
        assertThat(rows).anyMatch(r -> r.startsWith(system.system() + " " + system.n() + " ") && r.contains(value));
      }
      for (Pair pair : outcome.comparisons()) {
        assertThat(summary).contains(Words.p(pair.p()) + (pair.significant() ? " *" : ""));
        assertThat(rows).anyMatch(r -> r.startsWith(pair.first() + " and " + pair.second() + " " + pair.test() + " " + pair.n())
            && (pair.b() == null || r.contains(" " + pair.b() + " " + pair.c() + " ")) && r.contains(Words.p(pair.p())));
      }
    }
    assertThat(rows).contains("UTI 48 1", "not UTI 1 70");
    assertThat(rows).contains("UTI classification F1 0.65 → 0.98 → 0.95 0.63 → 0.98 → 0.95 0.73 → 0.97 → 0.97");
    assertThat(rows).contains("Summarization mean grade 3.41 → 3.90 → 4.12 4.11 → 4.21 → 4.34 3.93 → 3.98 → 4.08");
    assertThat(rows).anyMatch(r -> r.startsWith("UTI classification 62 ms 154 ms 2.50 × 20 min 50 min 2.50 ×"));
    assertThat(html).contains("9f".repeat(32)).contains("ab".repeat(32)).contains("lora-targets");
  }

  @Test
  void chartsHaveTextsAndTitlesAndUniqueIds() throws Exception {
    Matcher svg = SVG.matcher(html);
    int count = 0;
    while (svg.find()) {
      count++;
      var document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg.group())));
      assertThat(document.getElementsByTagName("title").item(0).getTextContent()).isNotBlank();
      assertThat(document.getElementsByTagName("desc").item(0).getTextContent()).isNotBlank();
      assertThat(document.getElementsByTagName("text").getLength()).isGreaterThan(5);
      assertThat(document.getDocumentElement().getAttribute("viewBox")).matches("0 0 \\d+ \\d+");
      assertThat(svg.group()).doesNotContain("NaN").doesNotContain("rgb(");
    }
    assertThat(count).isEqualTo(5 + 4 * 5 + 1);
    List<String> ids = new ArrayList<>();
    Matcher id = Pattern.compile("\\sid=\"([^\"]*)\"").matcher(html);
    while (id.find()) {
      ids.add(id.group(1));
    }
    assertThat(new HashSet<>(ids)).hasSameSizeAs(ids);
    Matcher link = Pattern.compile("(?:href=\"|url\\()#([^\")]*)").matcher(html);
    while (link.find()) {
      assertThat(ids).contains(link.group(1));
    }
  }

  @Test
  void barsOfAChartSayWhatTheTableSays() throws Exception {
    Matcher svg = SVG.matcher(html);
    assertThat(svg.find()).isTrue();
    NodeList texts = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg.group()))).getElementsByTagName("text");
    List<String> said = new ArrayList<>();
    for (int i = 0; i < texts.getLength(); i++) {
      said.add(texts.item(i).getTextContent().strip());
    }
    assertThat(said).contains("base", "SFT", "DPO", "0.65", "0.98", "0.95", "P = .38", "F1 of UTI").contains("P < .001 *", "1").doesNotContain("1.2");
  }

  @Test
  void nothingIsLoadedAndNothingIsRun() {
    assertThat(html).contains("default-src 'none'").doesNotContain("<script").doesNotContain("<img").doesNotContain("<link").doesNotContain("@import").doesNotContain(" src=\"");
    assertThat(html).doesNotContainPattern("(?:href|src)=\"(?!#)").doesNotContainPattern("url\\((?!#)").doesNotContainPattern("\\son\\w+=\"");
    assertThat(html).contains("&lt;script&gt;alert(1)&lt;/script&gt;").contains("a folder with a &lt;b&gt;tag&lt;/b&gt;");
  }

  @Test
  void csvTablesHoldAllDigits() throws IOException {
    List<CSVRecord> metrics = csv("metrics.csv");
    List<CSVRecord> comparisons = csv("comparisons.csv");
    List<CSVRecord> trials = csv("trials.csv");
    List<CSVRecord> curves = csv("curves.csv");
    int m = 0;
    int c = 0;
    int t = 0;
    int p = 0;
    for (Task task : whole.tasks()) {
      for (Outcome outcome : task.outcomes()) {
        for (SystemResult system : outcome.systems()) {
          for (var metric : system.metrics().entrySet()) {
            CSVRecord row = metrics.get(m++);
            assertThat(row.get("outcome")).isEqualTo(outcome.name());
            assertThat(row.get("metric")).isEqualTo(metric.getKey());
            assertThat(Double.parseDouble(row.get("value"))).isEqualTo(metric.getValue().value());
            assertThat(Double.parseDouble(row.get("ci95_high"))).isEqualTo(metric.getValue().ci95().high());
          }
        }
        for (Pair pair : outcome.comparisons()) {
          CSVRecord row = comparisons.get(c++);
          assertThat(Double.parseDouble(row.get("p"))).isEqualTo(pair.p());
          assertThat(row.get("b")).isEqualTo(pair.b() == null ? "" : pair.b().toString());
        }
      }
      for (Trial trial : task.trials()) {
        CSVRecord row = trials.get(t++);
        assertThat(row.get("trial")).isEqualTo(trial.id());
        assertThat(Double.parseDouble(row.get("learning_rate"))).isEqualTo(trial.learningRate());
        for (Point point : trial.training()) {
          CSVRecord of = curves.get(p++);
          assertThat(of.get("loss")).isEqualTo(point.loss() == null ? "" : point.loss().toString());
        }
        p += trial.evaluation().size();
      }
    }
    assertThat(List.of(metrics.size(), comparisons.size(), trials.size(), curves.size())).containsExactly(m, c, t, p);
  }

  private static List<CSVRecord> csv(String name) throws IOException {
    try (CSVParser parser = CSVParser.parse(folder.resolve("new/study").resolve(name), java.nio.charset.StandardCharsets.UTF_8,
        CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get())) {
      return parser.getRecords();
    }
  }

  @Test
  void whatIsMissingIsSaid() {
    assertThat(html).doesNotContain("not complete");
    assertThat(StudyReport.gaps(whole)).isEmpty();
    StudyResults partial = StudyFixture.partial();
    assertThat(StudyReport.gaps(partial)).containsExactly("UTI classification: 3 of 17 trainings are done.", "UTI classification: not tested: SFT, DPO.", "Clinical reasoning: not begun.");
    assertThat(StudyReport.html(partial)).contains("This study is not complete.").contains("not judged").contains("3 of 17 trainings").contains("not run");
    assertThat(StudyReport.html(StudyFixture.empty())).contains("No task has begun.").contains("Nothing has been tested yet.").contains("not recorded");
  }

  @Test
  void withoutFontsTheTablesRemain() {
    String page = StudyReport.html(whole, "no fonts");
    assertThat(page).contains("Charts could not be drawn on this system (no fonts)").doesNotContain("<svg");
    assertThat(rows(page).equals(rows(html))).isTrue();
  }

  @Test
  void whatToBeCarefulAboutFollowsFromTheResults() {
    assertThat(String.join("\n", Caveats.of(whole))).contains("5 outcomes share a level of 0.05").contains("below 0.01 (Bonferroni)").contains("Synthetic data: UTI classification, Clinical reasoning")
        .contains("Triage: urgency: only 96 test rows").contains("base and SFT (6), base and DPO (2), SFT and DPO (0).").contains("better: SFT and DPO (5).").contains("Profile quick is not the study's")
        .contains("not knowledge: base (13 of 240), SFT (13 of 240), DPO (13 of 240).");
  }

  @ParameterizedTest
  @CsvSource({"0.0004, < .001", "0.001, .001", "0.0099, .010", "0.034, .034", "0.38, .38", "0.995, > .99", "0.99, .99"})
  void pValues(double p, String said) {
    assertThat(Words.p(p)).isEqualTo(said);
  }

  @Test
  void numbersForPeople() {
    assertThat(List.of(Words.rate(1e-5), Words.rate(2.5e-4), Words.rate(1e-8), Words.rate(1), Words.rate(3e-7))).containsExactly("1e-5", "2.5e-4", "1e-8", "1e0", "3e-7");
    assertThat(List.of(Words.flops(1.01e16), Words.bytes(1L << 31), Words.seconds(59.94), Words.seconds(90.0), Words.seconds(7200.0))).containsExactly("10.1 PFLOP", "2.00 GiB", "59.9 s",
        "1.5 min", "2.0 h");
    assertThat(Words.excerpt("a😀bc", 2)).isEqualTo("a😀 …");
  }

  @Test
  void longCurvesAreAveragedAndGapsStay() {
    List<Point> points = new ArrayList<>();
    for (int i = 1; i <= 1200; i++) {
      points.add(new Point(i, i == 600 ? Double.NaN : (double) i));
    }
    List<Point> thinned = CurveChart.thinned(points);
    assertThat(thinned).hasSize(120).startsWith(new Point(10, 5.5)).endsWith(new Point(1200, 1195.5)).contains(new Point(600, null));
  }

  @Test
  void aDivergedRunDoesNotSquashTheOthers() {
    List<Trial> trials = whole.tasks().get(0).trials().subList(0, 4);
    assertThat(CurveChart.cut(trials)).isNull();
    Trial wild = new Trial("w", "sft", "sweep", 1e-3, null, 1, List.of(new Point(1, 900.0)), List.of(), null, null, null, false, null, null, null, null);
    List<Trial> all = new ArrayList<>(trials);
    all.add(wild);
    assertThat(CurveChart.cut(all)).isBetween(3.0, 12.0);
  }

  @Test
  void bytesThatAreNoTextAreOneLine() throws IOException {
    Path file = Files.write(folder.resolve("bytes.json"), new byte[] {(byte) 0xff, 1, 2});
    assertThatThrownBy(() -> ResultsFile.read(file)).isInstanceOf(RunException.class).hasMessageContaining("bytes.json: is no results file: not UTF-8 text");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"{|:1:", "{\"format\": 1,~ \"bogus\": 2}|:2:", "{\"format\": 7}|has format 7", "null|has format null", "{} trailing|results.json:1:",
      "{\"format\": 1, \"tasks\": [null]}|an entry of a list is null", "{\"format\": 1, \"tasks\": [{\"outcomes\": 3}]}|results.json:1:"})
  void aBadFileIsOneLine(String text, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("results.json"), text.replace('~', '\n'));
    assertThatThrownBy(() -> ResultsFile.read(file)).isInstanceOf(RunException.class).hasMessageContaining(message).hasMessageContaining("results.json");
  }
}
