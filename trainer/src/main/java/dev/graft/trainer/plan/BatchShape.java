package dev.graft.trainer.plan;

import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;

/**
 * As much of packed rows as their cost depends on. Shapes add up, whatever batches the rows are put into.
 *
 * @param rows tokens computed
 * @param targets rows of the head, one for each target
 * @param pairs query and key of which attention takes the product, in one head of one layer
 */
public record BatchShape(long rows, long targets, long pairs) {
  /** Nothing. */
  public static final BatchShape EMPTY = new BatchShape(0, 0, 0);

  /** One segment that continues {@code prefix} tokens computed elsewhere in the batch; 0 for none. */
  public static BatchShape segment(long prefix, long tokens, long targets) {
    return new BatchShape(tokens, targets, tokens * prefix + tokens * (tokens + 1) / 2);
  }

  /** A row of supervised training: everything before its last target. */
  public static BatchShape of(SftExample row) {
    return segment(0, Math.max(0, row.learnt().length() - 1), row.targets());
  }

  /** A row of one answer called good or bad; the prompt is computed once, in a segment of its own or not. */
  public static BatchShape of(LabelledExample row) {
    return row.answer().length == 0 ? EMPTY : segment(0, row.prompt().length + row.answer().length - 1, row.answer().length);
  }

  /** Supervised training on the prompt and the chosen answer of a pair. */
  public static BatchShape ofChosen(PreferenceExample row) {
    return sequence(row, row.chosen().length);
  }

  /** A pair whose answers share the computed prompt. */
  public static BatchShape shared(PreferenceExample row) {
    long prompt = row.prompt().length;
    BatchShape shape = segment(0, prompt, 0);
    for (int answer : new int[] {row.chosen().length, row.rejected().length}) {
      shape = shape.plus(segment(prompt, Math.max(0, answer - 1), answer));
    }
    return shape;
  }

  /** A pair as two sequences, each with the prompt. */
  public static BatchShape apart(PreferenceExample row) {
    return sequence(row, row.chosen().length).plus(sequence(row, row.rejected().length));
  }

  private static BatchShape sequence(PreferenceExample row, int answer) {
    return answer == 0 ? EMPTY : segment(0, row.prompt().length + answer - 1, answer);
  }

  /** Both. */
  public BatchShape plus(BatchShape other) {
    return new BatchShape(rows + other.rows, targets + other.targets, pairs + other.pairs);
  }

  /** So many of it. */
  public BatchShape times(long count) {
    return new BatchShape(rows * count, targets * count, pairs * count);
  }
}
