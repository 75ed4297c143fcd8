package dev.graft.trainer.generate;

/**
 * A prompt to answer.
 *
 * @param index the answer's, and with the seed what its random numbers are; from 0
 * @param line line of the file, from 1, or 0 when it came from the command line
 * @param tokens at least one id
 * @param maxTokens most tokens of its answer
 * @param adapter which of the generator's adapters answers, from 0, or {@link #BASE}
 */
public record Prompt(int index, int line, int[] tokens, int maxTokens, int adapter) {
  /** The bare base answers. */
  public static final int BASE = -1;
}
