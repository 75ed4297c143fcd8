package dev.graft.eval.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.graft.eval.statistics.Confusion;
import dev.graft.eval.statistics.Interval;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a study of a base model, its SFT and its DPO came to; {@link ResultsFile} reads and writes it. All of it may be partial: a list
 * without what has not been run yet, null for a number that is not known or not defined. A number that is not finite becomes null. Lists
 * and maps are copied, keep their order, and are never null; map entries of null are dropped. Immutable.
 *
 * @param format version of this layout, {@link #FORMAT}
 * @param study name, such as savage2025  @param profile such as paper, lora or quick
 * @param graftVersion version that ran it
 * @param started ISO-8601 instant  @param finished the same, or null while it runs
 * @param model the base  @param seed of everything random  @param machine where it ran
 * @param systems names of what is compared, the base first: base, SFT, DPO
 * @param alpha level of significance of the family  @param comparisons how many outcomes it is shared out over (Bonferroni)
 * @param threshold a P value below it counts as significant
 * @param plateauRule how the step to stop at is chosen, in words
 * @param tasks in the order asked for; one that has not begun is there too, with empty lists
 * @param settings every flag, as resolved  @param notes what a reader should know, a sentence each
 */
public record StudyResults(int format, String study, String profile, String graftVersion, String started, String finished, Model model, long seed, Machine machine,
    List<String> systems, double alpha, int comparisons, double threshold, String plateauRule, List<Task> tasks, Map<String, String> settings, List<String> notes) {
  /** The layout that this class is. */
  public static final int FORMAT = 1;

  /** Copies. */
  public StudyResults {
    systems = copy(systems);
    tasks = copy(tasks);
    settings = copy(settings);
    notes = copy(notes);
  }

  /**
   * The base model.
   *
   * @param path file name  @param sha256 of the file, hex  @param bytes its size
   * @param architecture as general.architecture  @param type of most weights, such as Q4_K  @param parameters count of weights
   */
  public record Model(String path, String sha256, Long bytes, String architecture, String type, Long parameters) {}

  /**
   * Where a study ran.
   *
   * @param processor as the system names it, or null  @param cores that the process may use  @param isa of the kernels, such as avx512
   * @param device cpu or cuda  @param threads used  @param memoryBytes of the machine, or null  @param os such as Linux amd64  @param java version
   */
  public record Machine(String processor, int cores, String isa, String device, int threads, Long memoryBytes, String os, String java) {}

  /**
   * One training task and all that it was judged by.
   *
   * @param name such as uti  @param title for people
   * @param data what it was trained and tested on, or null
   * @param plannedTrials trainings that the protocol asks for, or null when not known
   * @param trials those that ran, in order
   * @param outcomes what is measured on the test rows: most tasks have one, triage has provider and urgency
   * @param costs per stage, in order
   * @param settings of this task, as resolved  @param notes a sentence each
   */
  public record Task(String name, String title, Data data, Integer plannedTrials, List<Trial> trials, List<Outcome> outcomes, List<Stage> costs,
      Map<String, String> settings, List<String> notes) {
    /** Copies. */
    public Task {
      trials = copy(trials);
      outcomes = copy(outcomes);
      costs = copy(costs);
      settings = copy(settings);
      notes = copy(notes);
    }

    /** Seconds of a DPO step over those of an SFT step, over all stages with steps; null when one of them is not known. */
    @JsonProperty(access = JsonProperty.Access.READ_ONLY)
    public Double dpoToSft() {
      Double sft = secondsPerStep("sft");
      Double dpo = secondsPerStep("dpo");
      return sft == null || dpo == null || sft == 0 ? null : finite(dpo / sft);
    }

    /** Mean seconds of a step of {@code sft} or {@code dpo}, or null. */
    public Double secondsPerStep(String method) {
      List<Stage> known = costs.stream().filter(s -> method.equals(s.method()) && s.steps() != null && s.steps() > 0 && s.seconds() != null).toList();
      long steps = known.stream().mapToLong(Stage::steps).sum();
      return steps == 0 ? null : (Double) (known.stream().mapToDouble(Stage::seconds).sum() / steps);
    }
  }

  /**
   * Rows.
   *
   * @param source where they come from, in words or as a path  @param synthetic whether they were made up by a program
   * @param splits train, dev, test, ... by name, in order
   */
  public record Data(String source, boolean synthetic, Map<String, Split> splits) {
    /** Copies. */
    public Data {
      splits = copy(splits);
    }
  }

  /** Rows of a split, and the hash of its file (hex). */
  public record Split(long rows, String sha256) {}

  /**
   * One training.
   *
   * @param id unique in its task  @param method {@code sft} or {@code dpo}  @param phase {@code sweep} or {@code retrain}
   * @param learningRate as used  @param beta of DPO, or null
   * @param steps optimizer steps done
   * @param training losses as trained  @param evaluation losses on the development rows
   * @param plateauStep where the rule of the study says that the evaluation loss stops falling, or null
   * @param devMetric name of what trials are chosen by, or null  @param devScore its value, or null
   * @param chosen whether this one went on to the test
   * @param seconds wall time  @param tokens trained on, each as often as it was seen  @param peakMemoryBytes most memory resident, or null
   * @param note such as why it ended early, or null
   */
  public record Trial(String id, String method, String phase, double learningRate, Double beta, long steps, List<Point> training, List<Point> evaluation, Long plateauStep,
      String devMetric, Double devScore, boolean chosen, Double seconds, Long tokens, Long peakMemoryBytes, String note) {
    /** Copies. */
    public Trial {
      training = copy(training);
      evaluation = copy(evaluation);
      devScore = finite(devScore);
      seconds = finite(seconds);
    }
  }

  /** A loss after so many steps; null when it is not a finite number. */
  public record Point(long step, Double loss) {
    /** Copies. */
    public Point {
      loss = finite(loss);
    }
  }

  /**
   * What is measured on the test rows.
   *
   * @param name such as uti, reasoning, summary, provider, urgency  @param title for people
   * @param grader what judges an answer, in words
   * @param metric the one that is compared, a key of {@link SystemResult#metrics}: f1, accuracy, mean_grade
   * @param scaleMin least value that it can have  @param scaleMax greatest: 0 and 1 for shares, 1 and 5 for a Likert grade
   * @param positive the label that f1 is about, or null
   * @param systems those judged so far, in the study's order
   * @param comparisons of each two of them
   * @param samples rows where they differ  @param notes a sentence each
   */
  public record Outcome(String name, String title, String grader, String metric, double scaleMin, double scaleMax, String positive, List<SystemResult> systems,
      List<Pair> comparisons, List<Sample> samples, List<String> notes) {
    /** Copies. */
    public Outcome {
      systems = copy(systems);
      comparisons = copy(comparisons);
      samples = copy(samples);
      notes = copy(notes);
    }

    /** The result of this system, if it has been judged. */
    public Optional<SystemResult> system(String system) {
      return systems.stream().filter(s -> system.equals(s.system())).findFirst();
    }
  }

  /**
   * One system's answers to the test rows.
   *
   * @param system its name  @param n rows  @param unread answers that could not be parsed, or null where nothing is parsed
   * @param metrics by name, in order: accuracy, f1, sensitivity, specificity, mean_grade
   * @param confusion of the positive label, or null  @param labels all labels, or null
   */
  public record SystemResult(String system, long n, Long unread, Map<String, Metric> metrics, Confusion confusion, LabelMatrix labels) {
    /** Copies. */
    public SystemResult {
      metrics = copy(metrics);
    }
  }

  /** A metric: its value, its 95% interval and how that was made (Wilson, bootstrap, ...); null when not defined. */
  public record Metric(Double value, Interval ci95, String method) {
    /** Copies. */
    public Metric {
      value = finite(value);
      ci95 = ci95 == null || !Double.isFinite(ci95.low()) || !Double.isFinite(ci95.high()) ? null : ci95;
    }
  }

  /**
   * Counts of gold labels and answers.
   *
   * @param golds labels of the rows  @param answers labels of the columns; "unread" where an answer was none of them
   * @param counts a list for each gold label, a count for each answer
   */
  public record LabelMatrix(List<String> golds, List<String> answers, List<List<Long>> counts) {
    /** Copies. @throws IllegalArgumentException when the counts are not golds × answers */
    public LabelMatrix {
      golds = copy(golds);
      answers = copy(answers);
      counts = copy(counts).stream().map(StudyResults::copy).toList();
      int width = answers.size();
      if (counts.size() != golds.size() || counts.stream().anyMatch(row -> row.size() != width)) {
        throw new IllegalArgumentException("label matrix: counts must be " + golds.size() + " rows of " + width);
      }
    }
  }

  /**
   * Two systems on the same rows.
   *
   * @param first system  @param second system  @param test name, such as "McNemar, exact" or "paired t"
   * @param n rows  @param b only the first right, or null  @param c only the second right, or null
   * @param statistic of the test, or null  @param df degrees of freedom, or null
   * @param p two-tailed, or null  @param significant whether p is below the study's threshold
   */
  public record Pair(String first, String second, String test, long n, Long b, Long c, Double statistic, Long df, Double p, boolean significant) {
    /** Copies. */
    public Pair {
      statistic = finite(statistic);
      p = finite(p);
    }
  }

  /** A test row where systems differ: its id, (the beginning of) its prompt, the gold answer, and what each system said. */
  public record Sample(String id, String prompt, String gold, List<Answer> answers) {
    /** Copies. */
    public Sample {
      answers = copy(answers);
    }
  }

  /**
   * An answer.
   *
   * @param system whose  @param text as generated  @param label as parsed, or null
   * @param score 0, 1 or a grade; null when not graded  @param verdict in a word, such as right, wrong, unread, 4 of 5
   */
  public record Answer(String system, String text, String label, Double score, String verdict) {
    /** Copies. */
    public Answer {
      score = finite(score);
    }
  }

  /**
   * What a stage took, over all processes.
   *
   * @param name for people, such as "SFT sweep"  @param method {@code sft}, {@code dpo} or {@code other} (caches, answers, grades)
   * @param steps optimizer steps, or null  @param seconds wall time  @param tokens processed  @param peakMemoryBytes most memory resident
   * @param flops counted operations; null when not known
   */
  public record Stage(String name, String method, Long steps, Double seconds, Long tokens, Long peakMemoryBytes, Double flops) {
    /** Copies. */
    public Stage {
      seconds = finite(seconds);
      flops = finite(flops);
    }
  }

  private static Double finite(Double value) {
    return value == null || !Double.isFinite(value) ? null : value;
  }

  private static <T> List<T> copy(List<T> list) {
    if (list != null && list.stream().anyMatch(Objects::isNull)) {
      throw new IllegalArgumentException("an entry of a list is null");
    }
    return list == null ? List.of() : Collections.unmodifiableList(new ArrayList<>(list));
  }

  private static <T> Map<String, T> copy(Map<String, T> map) {
    Map<String, T> copy = new LinkedHashMap<>(map == null ? Map.of() : map);
    copy.values().removeIf(Objects::isNull);
    return Collections.unmodifiableMap(copy);
  }
}
