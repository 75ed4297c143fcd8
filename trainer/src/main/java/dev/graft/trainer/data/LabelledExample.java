package dev.graft.trainer.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One answer to a prompt, called good or bad: an unpaired preference. Every token of the answer is a target.
 *
 * @param line line of the file, from 1
 * @param prompt ids that the answer follows, at least one; not to be modified
 * @param answer its ids
 * @param desirable whether it is good
 */
public record LabelledExample(int line, int[] prompt, int[] answer, boolean desirable) implements Example {
  /**
   * For each row its prompt with the answer of the row before (of the first, the last row's), over which KTO estimates how far the policy
   * is from the reference.
   *
   * @param maxLength most tokens of a sequence, whose answer is cut; 0 for no limit
   */
  public static List<LabelledExample> mismatched(List<LabelledExample> rows, int maxLength) {
    List<LabelledExample> others = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      LabelledExample row = rows.get(i);
      int[] answer = rows.get((i + rows.size() - 1) % rows.size()).answer;
      int room = maxLength == 0 ? answer.length : Math.max(1, maxLength - row.prompt.length);
      others.add(new LabelledExample(row.line, row.prompt, Arrays.copyOf(answer, Math.min(answer.length, room)), row.desirable));
    }
    return others;
  }

  @Override
  public int length() {
    return prompt.length + answer.length;
  }
}
