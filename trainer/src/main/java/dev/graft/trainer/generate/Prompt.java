package dev.graft.trainer.generate;

/**
 * A prompt to answer.
 *
 * @param index position in the file, from 0
 * @param line line of the file, from 1, or 0 when it came from the command line
 * @param tokens at least one id
 * @param maxTokens most tokens of its answer
 */
public record Prompt(int index, int line, int[] tokens, int maxTokens) {}
