package dev.graft.trainer.run;

import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.data.SftExample;
import java.util.Arrays;
import java.util.List;

/** The rows of a data set as packed batches: one segment for each row, one target for each learnt token. Immutable. */
public final class SftBatches {
  private final List<SftExample> examples;
  private final int[] inputs;

  /** Rows without targets count 0 tokens and are left out of batches. */
  public SftBatches(List<SftExample> examples) {
    this.examples = List.copyOf(examples);
    this.inputs = examples.stream().mapToInt(SftBatches::inputs).toArray();
  }

  /** Tokens that must be computed: those before the last target. */
  private static int inputs(SftExample example) {
    return Math.max(0, example.learnt().length() - 1);
  }

  /** Rows in all. */
  public int rows() {
    return inputs.length;
  }

  /** A row. */
  public SftExample row(int index) {
    return examples.get(index);
  }

  /** Tokens of the longest row that must be computed. */
  public int longest() {
    return Arrays.stream(inputs).max().orElse(0);
  }

  /** Most tokens that any {@code count} rows may need together. */
  public long mostTokens(int count) {
    int[] sorted = inputs.clone();
    Arrays.sort(sorted);
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += sorted[sorted.length - 1 - i % sorted.length];
    }
    return sum;
  }

  /** Tokens of these rows, prompts included. */
  public long tokens(int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> examples.get(row).length()).sum();
  }

  /** Targets of these rows. */
  public long targets(int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> examples.get(row).targets()).sum();
  }

  /** Puts rows (which may repeat) into few batches; each result is the rows of one. Rows without targets are left out. */
  public List<int[]> plan(int[] rows, long maxTokens) {
    int[] used = Arrays.stream(rows).filter(row -> inputs[row] > 0).toArray();
    return Packer.bestFit(lengths(used), maxTokens).stream().map(batch -> pick(used, batch)).toList();
  }

  /** As {@link #plan}, but neighbours stay neighbours. */
  public List<int[]> planInOrder(int[] rows, long maxTokens) {
    int[] used = Arrays.stream(rows).filter(row -> inputs[row] > 0).toArray();
    return Packer.inOrder(lengths(used), maxTokens).stream().map(batch -> pick(used, batch)).toList();
  }

  private int[] lengths(int[] rows) {
    return Arrays.stream(rows).map(row -> inputs[row]).toArray();
  }

  private static int[] pick(int[] from, int[] indices) {
    return Arrays.stream(indices).map(i -> from[i]).toArray();
  }

  /** One batch; targets come row by row, in the order of their positions. The caller closes it. */
  public PackedBatch build(int[] rows) {
    PackedBatch.Builder batch = new PackedBatch.Builder();
    for (int row : rows) {
      SftExample example = examples.get(row);
      int segment = batch.addSegment(-1, Arrays.copyOf(example.tokens(), inputs[row]));
      for (int position : example.targetPositions()) {
        batch.addTarget(segment, position - 1, example.tokens()[position]);
      }
    }
    return batch.build();
  }

  /** Lines of the file whose log-probabilities are not finite after a forward of {@link #build}'s batch, ascending. */
  public int[] notFinite(int[] rows, PackedBatch batch) {
    float[] logps = batch.logps();
    int[] lines = new int[rows.length];
    int found = 0;
    int at = 0;
    for (int row : rows) {
      boolean bad = false;
      for (int i = 0; i < examples.get(row).targets(); i++) {
        bad |= !Float.isFinite(logps[at++]);
      }
      if (bad) {
        lines[found++] = examples.get(row).line();
      }
    }
    return Arrays.stream(lines, 0, found).sorted().distinct().toArray();
  }

  /** Lines of these rows in the file, ascending. */
  public int[] lines(int[] rows) {
    return Arrays.stream(rows).map(row -> examples.get(row).line()).sorted().distinct().toArray();
  }

  /** "line 3" or "lines 3, 7, 9 and 4 more". */
  public static String lineNames(int[] lines) {
    StringBuilder text = new StringBuilder(lines.length == 1 ? "line " : "lines ");
    int shown = Math.min(lines.length, 8);
    for (int i = 0; i < shown; i++) {
      text.append(i == 0 ? "" : ", ").append(lines[i]);
    }
    return lines.length > shown ? text + " and " + (lines.length - shown) + " more" : text.toString();
  }
}
