package dev.graft.trainer.preference;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Means over the rows of a step or an evaluation, named as TRL names them: rewards are beta times an answer's log ratio to the reference, logps
 * sums over an answer's tokens. Logits are means over all tokens of the answers, whatever batches they were in, of the mean over the vocabulary of
 * the logits there. Accuracy is the share of pairs whose chosen answer has the higher reward. One thread.
 */
final class RowMetrics {
  private final Mean chosen = new Mean();
  private final Mean rejected = new Mean();
  private final Mean chosenLogps = new Mean();
  private final Mean rejectedLogps = new Mean();
  private final Mean chosenLogits = new Mean();
  private final Mean rejectedLogits = new Mean();
  private final Mean accuracy = new Mean();
  private Double divergence;

  /** Of rows whose answers are one for each, or two. */
  void add(PreferenceBatches set, int[] rows, List<AnswerScores> answers, double[] rewards) {
    int at = 0;
    for (int row : rows) {
      PreferenceRow r = set.row(row);
      if (r.answers().length == 2) {
        accuracy.add(rewards[at] > rewards[at + 1] ? 1 : 0);
      }
      for (int i = 0; i < r.answers().length; i++, at++) {
        boolean good = r.desirable() && i == 0;
        (good ? chosen : rejected).add(rewards[at]);
        (good ? chosenLogps : rejectedLogps).add(sum(answers.get(at).logps()));
        (good ? chosenLogits : rejectedLogits).addAll(answers.get(at).meanLogits());
      }
    }
  }

  /** KTO's estimate of KL(policy || reference) over the rows. */
  void divergence(double kl) {
    divergence = kl;
  }

  private static double sum(float[] logps) {
    double sum = 0;
    for (float logp : logps) {
      sum += logp;
    }
    return sum;
  }

  /** In the order of a line of metrics.jsonl; null where there was nothing to average. */
  Map<String, Double> means() {
    Map<String, Double> means = new LinkedHashMap<>();
    means.put("rewards/chosen", chosen.value());
    means.put("rewards/rejected", rejected.value());
    means.put("rewards/margins", chosen.count > 0 && rejected.count > 0 ? (Double) (chosen.value() - rejected.value()) : null);
    if (accuracy.count > 0) {
      means.put("rewards/accuracies", accuracy.value());
    }
    means.put("logps/chosen", chosenLogps.value());
    means.put("logps/rejected", rejectedLogps.value());
    means.put("logits/chosen", chosenLogits.value());
    means.put("logits/rejected", rejectedLogits.value());
    if (divergence != null) {
      means.put("kl", divergence);
    }
    return means;
  }

  private static final class Mean {
    private double sum;
    private long count;

    void add(double value) {
      sum += value;
      count++;
    }

    void addAll(float[] values) {
      for (float value : values) {
        add(value);
      }
    }

    Double value() {
      return count == 0 ? null : (Double) (sum / count);
    }
  }
}
