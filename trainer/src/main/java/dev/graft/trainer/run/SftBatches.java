package dev.graft.trainer.run;

import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.data.SftExample;
import java.util.Arrays;
import java.util.List;

/** The rows of a data set as packed batches: one segment for each row, one target for each learnt token. Immutable. */
public final class SftBatches implements RowSet, MicroBatches.Source {
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

  @Override
  public int rows() {
    return inputs.length;
  }

  /** A row. */
  public SftExample row(int index) {
    return examples.get(index);
  }

  @Override
  public int longest() {
    return Arrays.stream(inputs).max().orElse(0);
  }

  @Override
  public long mostTokens(int count) {
    return Packer.mostTogether(inputs, count);
  }

  @Override
  public double targetShare() {
    double share = 0;
    for (int i = 0; i < inputs.length; i++) {
      share = Math.max(share, inputs[i] == 0 ? 0 : (double) targets(i) / inputs[i]);
    }
    return share;
  }

  @Override
  public long tokens(int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> examples.get(row).length()).sum();
  }

  @Override
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

  @Override
  public int targets(int row) {
    return examples.get(row).targets();
  }

  @Override
  public int line(int row) {
    return examples.get(row).line();
  }

  /** One batch; targets come row by row, in the order of their positions. The caller closes it. */
  @Override
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

  @Override
  public int[] lines(int[] rows) {
    return Arrays.stream(rows).map(row -> examples.get(row).line()).sorted().distinct().toArray();
  }
}
