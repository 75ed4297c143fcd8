package dev.graft.trainer.plan;

import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.Packer;
import dev.graft.trainer.run.RowOrder;
import dev.graft.trainer.run.RowSet;
import dev.graft.trainer.run.RunOptions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The rows of a data set as one way of training computes them. Immutable. */
final class PlannedRows implements RowSet {
  private final List<? extends Example> examples;
  private final Way way;
  private final BatchShape[] shapes;
  private final PlannedRows mismatched;

  /** @param maxLength most tokens of a sequence, 0 for no limit; only mismatched companions are cut to it here */
  PlannedRows(List<? extends Example> examples, Way way, int maxLength) {
    this(examples, way, way.method() == Way.Method.KTO ? companions(examples, way, maxLength) : null);
  }

  private PlannedRows(List<? extends Example> examples, Way way, PlannedRows mismatched) {
    this.examples = examples;
    this.way = way;
    this.shapes = examples.stream().map(way::shape).toArray(BatchShape[]::new);
    this.mismatched = mismatched;
  }

  private static PlannedRows companions(List<? extends Example> examples, Way way, int maxLength) {
    return new PlannedRows(LabelledExample.mismatched(examples.stream().map(LabelledExample.class::cast).toList(), maxLength), way, null);
  }

  /** Itself, and the companions that KTO estimates the KL divergence over. */
  List<PlannedRows> sets() {
    return mismatched == null ? List.of(this) : List.of(this, mismatched);
  }

  /** What the KL estimate computes beside, in each epoch. */
  BatchShape mismatchedTotal() {
    return mismatched == null ? BatchShape.EMPTY : mismatched.total();
  }

  @Override
  public int rows() {
    return shapes.length;
  }

  @Override
  public int longest() {
    return Math.max(Arrays.stream(inputs()).max().orElse(0), mismatched == null ? 0 : mismatched.longest());
  }

  @Override
  public long mostTokens(int count) {
    return Math.max(Packer.mostTogether(inputs(), count), mismatched == null ? 0 : mismatched.mostTokens(count));
  }

  @Override
  public double targetShare() {
    double own = Arrays.stream(shapes).mapToDouble(shape -> shape.rows() == 0 ? 0 : (double) shape.targets() / shape.rows()).max().orElse(0);
    return Math.max(own, mismatched == null ? 0 : mismatched.targetShare());
  }

  @Override
  public long tokens(int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> promptTokens(row) + completionTokens(row)).sum();
  }

  @Override
  public long targets(int[] rows) {
    return Arrays.stream(rows).mapToLong(row -> shapes[row].targets()).sum();
  }

  @Override
  public int[] lines(int[] rows) {
    return Arrays.stream(rows).map(row -> examples.get(row).line()).sorted().distinct().toArray();
  }

  /** Tokens of all prompts, each once; of a chat, everything that is not learnt. */
  long promptTokens() {
    return IntStream.range(0, rows()).mapToLong(this::promptTokens).sum();
  }

  /** Tokens of all answers. */
  long completionTokens() {
    return IntStream.range(0, rows()).mapToLong(this::completionTokens).sum();
  }

  private long promptTokens(int row) {
    return examples.get(row) instanceof PreferenceExample pair ? pair.prompt().length : examples.get(row).length() - shapes[row].targets();
  }

  private long completionTokens(int row) {
    return examples.get(row) instanceof SftExample sft ? sft.targets() : shapes[row].targets();
  }

  /** All rows together. */
  BatchShape total() {
    return Arrays.stream(shapes).reduce(BatchShape.EMPTY, BatchShape::plus);
  }

  /** Micro-batches of the first epoch, packed as training packs them. */
  long microBatches(RunOptions options, long maxTokens) {
    int perStep = options.batching().rowsPerStep();
    RowOrder order = new RowOrder(rows(), options.batching().shuffle(), options.seed());
    long steps = (rows() + perStep - 1L) / perStep;
    long count = 0;
    for (long step = 1; step <= steps; step++) {
      int[] lengths = Arrays.stream(order.rowsOfStep(step, perStep)).map(row -> (int) shapes[row].rows()).filter(length -> length > 0).toArray();
      count += Packer.bestFit(lengths, maxTokens).size();
    }
    return count;
  }

  Way way() {
    return way;
  }

  private int[] inputs() {
    return Arrays.stream(shapes).mapToInt(shape -> (int) shape.rows()).toArray();
  }
}
