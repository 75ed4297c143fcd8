package dev.graft.trainer.preference;

import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.data.PreferenceExample;

/**
 * A prompt with the answers that are judged together.
 *
 * @param line line of the file, from 1
 * @param prompt at least one id; not to be modified
 * @param answers chosen and rejected, or one; not to be modified
 * @param desirable of one answer, whether it is good; of a pair, true
 */
record PreferenceRow(int line, int[] prompt, int[][] answers, boolean desirable) {
  static PreferenceRow of(PreferenceExample pair) {
    return new PreferenceRow(pair.line(), pair.prompt(), new int[][] {pair.chosen(), pair.rejected()}, true);
  }

  static PreferenceRow of(LabelledExample row) {
    return new PreferenceRow(row.line(), row.prompt(), new int[][] {row.answer()}, row.desirable());
  }

  /** Tokens of all answers, which are the targets. */
  int targets() {
    int targets = 0;
    for (int[] answer : answers) {
      targets += answer.length;
    }
    return targets;
  }

  /** Tokens of the answer that is wanted, 0 when none is. */
  int chosenTokens() {
    return desirable ? answers[0].length : 0;
  }
}
