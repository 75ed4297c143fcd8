package dev.graft.trainer.data;

/**
 * One answer to a prompt, called good or bad: an unpaired preference. Every token of the answer is a target.
 *
 * @param line line of the file, from 1
 * @param prompt ids that the answer follows, at least one; not to be modified
 * @param answer its ids
 * @param desirable whether it is good
 */
public record LabelledExample(int line, int[] prompt, int[] answer, boolean desirable) implements Example {

  @Override
  public int length() {
    return prompt.length + answer.length;
  }
}
