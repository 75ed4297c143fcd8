package dev.graft.trainer.data;

/**
 * A prompt to answer: what {@code graft generate} reads from any format of row.
 *
 * @param line line of the file, from 1
 * @param tokens ids exactly as a trained row's prompt would have them (BOS included); not to be modified
 */
public record PromptExample(int line, int[] tokens) implements Example {

  @Override
  public int length() {
    return tokens.length;
  }
}
