package dev.graft.eval.study;

import dev.graft.eval.judge.Prediction;
import dev.graft.eval.judge.SystemMetrics;
import dev.graft.eval.task.Outcome;
import java.util.List;
import java.util.Map;

/**
 * Judged answers of a task's rows.
 *
 * @param outcomes for each outcome's name, each system's predictions in the order of the rows
 */
record Judged(Map<String, Map<String, List<Prediction>>> outcomes) {

  /** Figure that systems are compared by; a metric that is not defined (F1 without a positive row or answer) counts as 0. */
  static double figure(Outcome outcome, List<Prediction> predictions) {
    SystemMetrics metrics = SystemMetrics.of(predictions, outcome.positive(), 100, 1); // its interval is not asked for
    Double value = switch (outcome.metric()) {
      case F1 -> metrics.confusion() == null ? null : metrics.confusion().f1();
      case ACCURACY -> metrics.accuracy();
      case MEAN_SCORE -> metrics.meanScore();
    };
    return value == null ? 0 : value;
  }

  /** Mean of the figures of all outcomes. */
  double score(List<Outcome> of, String system) {
    return of.stream().mapToDouble(outcome -> figure(outcome, outcomes.get(outcome.name()).get(system))).average().orElse(0);
  }
}
