package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Answer;
import dev.graft.eval.report.StudyResults.Data;
import dev.graft.eval.report.StudyResults.LabelMatrix;
import dev.graft.eval.report.StudyResults.Machine;
import dev.graft.eval.report.StudyResults.Metric;
import dev.graft.eval.report.StudyResults.Model;
import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.Sample;
import dev.graft.eval.report.StudyResults.Split;
import dev.graft.eval.report.StudyResults.Stage;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import dev.graft.eval.report.StudyResults.Trial;
import dev.graft.eval.statistics.Confusion;
import dev.graft.eval.statistics.Interval;
import dev.graft.eval.statistics.McNemar;
import dev.graft.eval.statistics.Wilson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A study that nobody ran: every number is made up, for tests of the report alone. */
final class StudyFixture {
  static final List<String> SYSTEMS = List.of("base", "SFT", "DPO");
  static final String HOSTILE = "<script>alert(1)</script> & \"quoted\" https://example.org/x.js 'and' <img src=x onerror=alert(2)>";

  private StudyFixture() {}

  static StudyResults whole() {
    return study("2025-03-01T12:34:56Z", List.of(uti(), reasoning(), summary(), triage()));
  }

  /** One task under way, one not begun. */
  static StudyResults partial() {
    Task uti = uti();
    Outcome outcome = uti.outcomes().get(0);
    Outcome begun = new Outcome(outcome.name(), outcome.title(), outcome.grader(), outcome.metric(), 0, 1, outcome.positive(), outcome.systems().subList(0, 1), List.of(), List.of(), List.of());
    Task half = new Task("uti", uti.title(), uti.data(), 17, uti.trials().subList(0, 3), List.of(begun), List.of(), null, null);
    return study(null, List.of(half, new Task("reasoning", "Clinical reasoning", null, 17, null, null, null, null, null)));
  }

  static StudyResults empty() {
    return new StudyResults(StudyResults.FORMAT, null, null, null, null, null, null, 0, null, null, 0.05, 5, 0.01, null, null, null, null);
  }

  private static StudyResults study(String finished, List<Task> tasks) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("profile", "quick");
    settings.put("lora-targets", "all-linear");
    settings.put("output", "a folder with a <b>tag</b>");
    return new StudyResults(StudyResults.FORMAT, "savage2025", "quick", "0.1.0", "2025-03-01T10:00:00Z", finished,
        new Model("made-up-1b.Q4_K_M.gguf", "9f".repeat(32), 801_112_064L, "llama", "Q4_K", 1_235_814_400L), 42,
        new Machine("Made-up processor", 2, "avx512", "cpu", 2, 33_554_432_000L, "Linux amd64", "17.0.15"), SYSTEMS, 0.05, 5, 0.01,
        "the first step after which the evaluation loss does not fall by more than 1% for three evaluations.", tasks, settings, List.of("Every number here is made up."));
  }

  private static Task uti() {
    List<SystemResult> systems = List.of(binary("base", new Confusion(38, 30, 41, 11)), binary("SFT", new Confusion(48, 1, 70, 1)), binary("DPO", new Confusion(46, 2, 69, 3)));
    List<Pair> pairs = List.of(mcnemar("base", "SFT", 120, 1, 40), mcnemar("base", "DPO", 120, 2, 38), mcnemar("SFT", "DPO", 120, 4, 1));
    Sample sample = new Sample("17", "Patient note: " + HOSTILE + "\nDysuria denied.", "No UTI", List.of(new Answer("base", HOSTILE, "UTI", 0.0, "wrong"),
        new Answer("SFT", "No UTI", "No UTI", 1.0, "right"), new Answer("DPO", "I am not sure.", null, 0.0, "unread")));
    Outcome outcome = new Outcome("uti", "UTI classification", "label match: the answer must be one of UTI, No UTI", "f1", 0, 1, "UTI", systems, pairs, List.of(sample), null);
    return task("uti", "UTI classification", List.of(outcome), 2.44, 1.08, 2.5);
  }

  private static Task reasoning() {
    List<SystemResult> systems = new ArrayList<>();
    long[] right = {29, 115, 148};
    for (int i = 0; i < 3; i++) {
      systems.add(new SystemResult(SYSTEMS.get(i), 410, null, Map.of("accuracy", share(right[i], 410)), null, null));
    }
    List<Pair> pairs = List.of(mcnemar("base", "SFT", 410, 9, 95), mcnemar("base", "DPO", 410, 11, 130), mcnemar("SFT", "DPO", 410, 31, 64));
    return task("reasoning", "Clinical reasoning", List.of(new Outcome("reasoning", "Clinical reasoning", "text equivalence", "accuracy", 0, 1, null, systems, pairs, null, null)), 0.852, 0.367, 2.2);
  }

  private static Task summary() {
    List<SystemResult> systems = new ArrayList<>();
    double[] grades = {3.41, 3.9, 4.12};
    for (int i = 0; i < 3; i++) {
      systems.add(new SystemResult(SYSTEMS.get(i), 300, null, Map.of("mean_grade", new Metric(grades[i], new Interval(grades[i] - 0.11, grades[i] + 0.11), "bootstrap")), null, null));
    }
    List<Pair> pairs = List.of(new Pair("base", "SFT", "paired t", 300, null, null, -6.1, 299L, 3.2e-9, true), new Pair("base", "DPO", "paired t", 300, null, null, -8.9, 299L, 5e-17, true),
        new Pair("SFT", "DPO", "paired t", 300, null, null, -2.21, 299L, 0.0278, false));
    return task("summary", "Summarization", List.of(new Outcome("summary", "Summarization", "fact checklist, 1 to 5", "mean_grade", 1, 5, null, systems, pairs, null, null)), 1.9, 1.2, 3.1);
  }

  private static Task triage() {
    List<String> labels = List.of("physician", "nurse", "front desk", "pharmacist");
    List<String> answers = List.of("physician", "nurse", "front desk", "pharmacist", "unread");
    List<SystemResult> provider = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      long hit = 20 + 10L * i;
      LabelMatrix matrix = new LabelMatrix(labels, answers, List.of(List.of(hit, 9L, 1L, 30 - 10L * i, 10L), List.of(8L, hit, 4L, 30 - 10L * i, 2L), List.of(0L, 1L, hit, 3L, 1L), List.of(5L, 5L, 5L, hit, 0L)));
      provider.add(new SystemResult(SYSTEMS.get(i), 240, 13L, Map.of("f1", new Metric(0.51 + 0.07 * i, new Interval(0.44 + 0.07 * i, 0.57 + 0.07 * i), "bootstrap")), null, matrix));
    }
    List<SystemResult> urgency = List.of(binary("base", new Confusion(50, 12, 30, 4)), binary("SFT", new Confusion(48, 10, 32, 6)), binary("DPO", new Confusion(50, 10, 32, 4)));
    List<Pair> same = List.of(mcnemar("base", "SFT", 96, 3, 3), mcnemar("base", "DPO", 96, 0, 2), mcnemar("SFT", "DPO", 96, 0, 0));
    List<Pair> pairs = List.of(mcnemar("base", "SFT", 240, 12, 40), mcnemar("base", "DPO", 240, 10, 70), mcnemar("SFT", "DPO", 240, 14, 33));
    return task("triage", "Triage", List.of(new Outcome("provider", "Triage: provider", "label match", "f1", 0, 1, null, provider, pairs, null, null),
        new Outcome("urgency", "Triage: urgency", "label match", "f1", 0, 1, "urgent", urgency, same, null, null)), 1.4, 0.7, 2.3);
  }

  private static Task task(String name, String title, List<Outcome> outcomes, double start, double floor, double ratio) {
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      trials.add(trial("sft-" + i, "sft", "sweep", Math.pow(10, -5 - i), null, start, floor, i, i == 1, 61.5));
    }
    trials.add(trial("sft-retrain", "sft", "retrain", 1e-6, null, start, floor, 1, true, 9.3));
    for (double beta : new double[] {0.1, 0.3, 0.5}) {
      for (int i = 0; i < 4; i++) {
        trials.add(trial("dpo-" + beta + "-" + i, "dpo", "sweep", Math.pow(10, -5 - i), beta, 0.693, 0.46, i, beta == 0.3 && i == 1, 61.5 * ratio));
      }
    }
    List<Stage> stages = List.of(new Stage("SFT sweep", "sft", 4000L, 246.0, 2_048_000L, 2_156_913_664L, 1.01e16), new Stage("SFT to the plateau", "sft", 150L, 9.3, 76_800L, 2_156_913_664L, null),
        new Stage("DPO reference", "other", null, 30.25, 512_000L, 1_256_913_664L, 1.2e15), new Stage("DPO sweep", "dpo", 12_000L, 246.0 * 3 * ratio, 12_288_000L, 3_156_913_664L, 7.7e16),
        new Stage("Answers of the test", "other", null, 95.0, 61_000L, 900_000_000L, null));
    Map<String, Split> splits = new LinkedHashMap<>();
    splits.put("train", new Split(480, "ab".repeat(32)));
    splits.put("dev", new Split(120, "cd".repeat(32)));
    splits.put("test", new Split(120, "ef".repeat(32)));
    return new Task(name, title, new Data("graft data make " + name + " --seed 42", true, splits), 17, trials, outcomes, stages, Map.of("batch-size", "2", "max-length", "1024"), List.of());
  }

  private static Trial trial(String id, String method, String phase, double rate, Double beta, double start, double floor, int slowness, boolean chosen, double seconds) {
    List<Point> training = new ArrayList<>();
    List<Point> evaluation = new ArrayList<>();
    double pace = 60 * Math.pow(4, slowness - 1);
    for (int step = 5; step <= 1000; step += 5) {
      double loss = floor + (start - floor) * Math.exp(-step / pace) + 0.12 * Math.sin(step * 1.7) * Math.cos(step * 0.37);
      training.add(new Point(step, slowness == 0 && step > 900 ? Double.NaN : loss));
      if (step % 25 == 0) {
        double over = slowness < 2 ? 0.3 * Math.max(0, step - 3 * pace) / 1000 : 0;
        evaluation.add(new Point(step, floor + 0.05 + (start - floor) * Math.exp(-step / pace) + over));
      }
    }
    Long plateau = slowness < 2 ? (Long) Math.min(1000, Math.round(3 * pace / 25) * 25) : null;
    return new Trial(id, method, phase, rate, beta, 1000, training, evaluation, plateau, "f1", 0.9 - 0.1 * slowness, chosen, seconds, 512_000L, 2_156_913_664L,
        slowness == 0 ? "the training loss is not a number from step 905 on" : null);
  }

  private static SystemResult binary(String system, Confusion c) {
    Map<String, Metric> metrics = new LinkedHashMap<>();
    metrics.put("f1", new Metric(c.f1(), new Interval(c.f1() - 0.05, Math.min(1, c.f1() + 0.04)), "bootstrap"));
    metrics.put("accuracy", share(c.tp() + c.tn(), c.positives() + c.negatives()));
    metrics.put("sensitivity", new Metric(c.sensitivity(), c.sensitivity95(), "Wilson"));
    metrics.put("specificity", new Metric(c.specificity(), c.specificity95(), "Wilson"));
    return new SystemResult(system, c.positives() + c.negatives(), 1L, metrics, c, null);
  }

  private static Metric share(long right, long n) {
    return new Metric((double) right / n, Wilson.interval95(right, n), "Wilson");
  }

  private static Pair mcnemar(String first, String second, long n, long b, long c) {
    McNemar test = McNemar.of(b, c);
    return new Pair(first, second, "McNemar, exact", n, b, c, test.statistic(), 1L, test.pExact(), test.pExact() < 0.01);
  }
}
