package dev.graft.trainer.score;

import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.data.PreferenceExample;
import java.util.Arrays;

/** Preference rows as packed batches: the prompt is one segment that both answers continue, so it is computed once. */
public final class PairBatches {
  private PairBatches() {}

  /** Tokens that must be computed for a row: the prompt, and each answer without its last token. */
  public static int inputs(PreferenceExample row) {
    return row.prompt().length + Math.max(0, row.chosen().length - 1) + Math.max(0, row.rejected().length - 1);
  }

  /** Adds a row; its targets are the chosen answer's tokens, then the rejected one's. */
  public static void add(PackedBatch.Builder batch, PreferenceExample row) {
    int prompt = batch.addSegment(-1, row.prompt());
    addAnswer(batch, prompt, row.prompt().length, row.chosen());
    addAnswer(batch, prompt, row.prompt().length, row.rejected());
  }

  private static void addAnswer(PackedBatch.Builder batch, int prompt, int promptLength, int[] answer) {
    if (answer.length == 0) {
      return;
    }
    batch.addTarget(prompt, promptLength - 1, answer[0]);
    if (answer.length > 1) {
      int segment = batch.addSegment(prompt, Arrays.copyOf(answer, answer.length - 1));
      for (int i = 1; i < answer.length; i++) {
        batch.addTarget(segment, i - 1, answer[i]);
      }
    }
  }
}
