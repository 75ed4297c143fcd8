package dev.graft.eval.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One thing that an answer is judged by: a row of the study's table. A task has one or several, all read from the same answer.
 *
 * @param name as predictions and flags have it  @param title for people
 * @param grader what judges  @param labels that answers are read as, of a label grader; else empty
 * @param spellings other texts that answers may name a label by, by label
 * @param field the row's field that holds the right answer  @param aliases the row's field that lists other right wordings, or null
 * @param part of the answer that is judged
 * @param positive the label that F1 is about, or null  @param metric the figure that systems are compared by  @param test whether they differ
 * @param rubric what a judge is told to look for, or null for its own words
 */
public record Outcome(String name, String title, Kind grader, List<String> labels, Map<String, List<String>> spellings, String field, String aliases, AnswerPart part, String positive, Metric metric, Test test,
    String rubric) {
  /** As JSON: everything that verdicts follow from. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", name);
    json.put("title", title);
    json.put("grader", grader.id());
    json.put("labels", labels);
    json.put("spellings", spellings);
    json.put("field", field);
    json.put("aliases", aliases);
    json.put("answer", part.toString());
    json.put("positive", positive);
    json.put("metric", metric.id());
    json.put("test", test.id());
    json.put("rubric", rubric);
    return json;
  }

  /** What judges an answer. */
  public enum Kind {
    /** One of a few labels. */
    LABEL,
    /** Equality but for case, space and punctuation. */
    EXACT,
    /** An open answer: the right one or an alias, normalised. */
    EQUIVALENCE,
    /** The share of the row's facts that are stated and not contradicted. */
    CHECKLIST,
    /** A five-point grade by a judge model. */
    LIKERT;

    /** As YAML and flags have it. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A figure of a system. */
  public enum Metric {
    F1,
    ACCURACY,
    MEAN_SCORE;

    /** As YAML and JSON have it. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A test of whether two systems differ. */
  public enum Test {
    MCNEMAR,
    PAIRED_T;

    /** As YAML and JSON have it. */
    public String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }
}
