package dev.graft.trainer.data;

/**
 * A pair of answers to one prompt. Every token of both answers is a target; the prompt has at least one token.
 *
 * @param line line of the file, from 1
 * @param prompt ids that both answers follow; not to be modified
 * @param chosen ids of the better answer
 * @param rejected ids of the worse answer
 */
public record PreferenceExample(int line, int[] prompt, int[] chosen, int[] rejected) implements Example {

  @Override
  public int length() {
    return prompt.length + Math.max(chosen.length, rejected.length);
  }

  /** Tokens when the prompt is computed once: prompt, chosen and rejected. */
  public int packedLength() {
    return prompt.length + chosen.length + rejected.length;
  }
}
