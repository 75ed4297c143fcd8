package dev.graft.trainer.preference;

import dev.graft.bindings.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the policy says of one answer, token by token.
 *
 * @param logps log-probabilities  @param meanLogits mean logit of the distribution that each token is drawn from
 * @param logSquares log Σ p² of that distribution; none of the three is to be modified
 */
record AnswerScores(float[] logps, float[] meanLogits, float[] logSquares) {
  /** Of each answer of these rows in turn, from their computed batch. */
  static List<AnswerScores> of(PreferenceBatches set, int[] rows, PackedBatch batch) {
    List<float[]> logps = split(set, rows, batch.logps());
    List<float[]> meanLogits = split(set, rows, batch.meanLogits());
    List<float[]> logSquares = split(set, rows, batch.logSquares());
    List<AnswerScores> answers = new ArrayList<>();
    for (int i = 0; i < logps.size(); i++) {
      answers.add(new AnswerScores(logps.get(i), meanLogits.get(i), logSquares.get(i)));
    }
    return answers;
  }

  /** One array for each answer, from the values of all targets of these rows. */
  static List<float[]> split(PreferenceBatches set, int[] rows, float[] values) {
    List<float[]> answers = new ArrayList<>();
    int at = 0;
    for (int row : rows) {
      for (int[] answer : set.row(row).answers()) {
        answers.add(Arrays.copyOfRange(values, at, at += answer.length));
      }
    }
    return answers;
  }
}
