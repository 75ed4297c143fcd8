package dev.graft.trainer.score;

import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.data.PreferenceExample;
import java.util.Arrays;

/**
 * A prompt and its answers (two of a pair, or one) as packed segments, together or apart. Together, the prompt is one segment that the
 * answers continue, so it is computed once; apart, each answer has the prompt before it in a segment of its own. Targets are the
 * answers' tokens, answer by answer.
 */
public final class PairBatches {
  private PairBatches() {}

  /** Tokens that must be computed for a row: the prompt, and each answer without its last token. */
  public static int inputs(PreferenceExample row) {
    return inputsTogether(row.prompt(), row.chosen(), row.rejected());
  }

  /** Adds a row; its targets are the chosen answer's tokens, then the rejected one's. */
  public static void add(PackedBatch.Builder batch, PreferenceExample row) {
    addTogether(batch, row.prompt(), row.chosen(), row.rejected());
  }

  /** Tokens that {@link #addTogether} adds. */
  public static int inputsTogether(int[] prompt, int[]... answers) {
    int inputs = prompt.length;
    for (int[] answer : answers) {
      inputs += Math.max(0, answer.length - 1);
    }
    return inputs;
  }

  /** Adds a prompt of at least one token, and its answers as continuations of it. */
  public static void addTogether(PackedBatch.Builder batch, int[] prompt, int[]... answers) {
    int first = batch.addSegment(-1, prompt);
    for (int[] answer : answers) {
      if (answer.length == 0) {
        continue;
      }
      batch.addTarget(first, prompt.length - 1, answer[0]);
      if (answer.length > 1) {
        int segment = batch.addSegment(first, Arrays.copyOf(answer, answer.length - 1));
        for (int i = 1; i < answer.length; i++) {
          batch.addTarget(segment, i - 1, answer[i]);
        }
      }
    }
  }

  /** Tokens that {@link #addApart} adds. */
  public static int inputsApart(int[] prompt, int[]... answers) {
    int inputs = 0;
    for (int[] answer : answers) {
      inputs += answer.length == 0 ? 0 : prompt.length + answer.length - 1;
    }
    return inputs;
  }

  /** Adds each answer with the prompt, of at least one token, before it. */
  public static void addApart(PackedBatch.Builder batch, int[] prompt, int[]... answers) {
    for (int[] answer : answers) {
      if (answer.length == 0) {
        continue;
      }
      int[] tokens = Arrays.copyOf(prompt, prompt.length + answer.length - 1);
      System.arraycopy(answer, 0, tokens, prompt.length, answer.length - 1);
      int segment = batch.addSegment(-1, tokens);
      for (int i = 0; i < answer.length; i++) {
        batch.addTarget(segment, prompt.length - 1 + i, answer[i]);
      }
    }
  }
}
