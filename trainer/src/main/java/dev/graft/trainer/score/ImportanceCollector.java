package dev.graft.trainer.score;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Importance;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.Packer;
import dev.graft.trainer.run.RunException;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Runs a data set through a model, forward only, and sums the squares of what goes into each of its weights: an importance matrix. Every token of a row counts,
 * those of its prompt too; of a preference the prompt and the chosen answer. One thread.
 */
public final class ImportanceCollector {
  private final List<int[]> sequences;
  private final List<int[]> plan;
  private final long maxTokens;

  /**
   * @param data rows of any kind but prompts alone
   * @param batchTokens most tokens computed at once; a longer row gets a batch to itself
   * @param most tokens in all, after which rows are left out; 0 for no limit
   */
  public ImportanceCollector(Dataset data, long batchTokens, long most) {
    List<int[]> all = data.examples().stream().map(ImportanceCollector::tokens).filter(tokens -> tokens.length > 0).toList();
    int rows = 0;
    for (long tokens = 0; rows < all.size() && (most == 0 || tokens < most); rows++) {
      tokens += all.get(rows).length;
    }
    this.sequences = all.subList(0, rows);
    int[] lengths = sequences.stream().mapToInt(tokens -> tokens.length).toArray();
    this.plan = Packer.inOrder(lengths, batchTokens);
    this.maxTokens = Math.max(1, plan.stream().mapToLong(batch -> Arrays.stream(batch).mapToLong(row -> lengths[row]).sum()).max().orElse(1));
  }

  /** Rows that will be read. */
  public int rows() {
    return sequences.size();
  }

  /** Tokens of them. */
  public long tokens() {
    return sequences.stream().mapToLong(tokens -> tokens.length).sum();
  }

  /**
   * Adds everything to a matrix.
   *
   * @param adapter null for the bare base; its own matrices are not observed
   * @param runtime the model's
   * @param progress gets the number of rows done, after each batch
   * @throws RunException when there is no token, or memory does not suffice
   */
  public void run(Model model, Adapter adapter, GraftRuntime runtime, Importance importance, IntConsumer progress) {
    if (sequences.isEmpty()) {
      throw RunException.badData("the data has no rows with tokens, so nothing can be said about the model's weights", null);
    }
    SessionOptions options = SessionOptions.scoring(maxTokens, 1);
    MemoryCheck.require(runtime, model.info().fileBytes(), TrainingSession.memoryBytes(model, adapter == null ? 1 : adapter.info().rank(), "all-linear", options),
        "a lower --micro-batch-tokens or --max-length would help");
    try (TrainingSession session = TrainingSession.open(model, adapter, options)) {
      session.observe(importance);
      for (int[] rows : plan) {
        PackedBatch.Builder builder = new PackedBatch.Builder();
        for (int row : rows) {
          builder.addSegment(-1, sequences.get(row));
        }
        try (PackedBatch batch = builder.build()) {
          session.forward(batch, false);
        }
        progress.accept(rows[rows.length - 1] + 1);
      }
    }
  }

  private static int[] tokens(Example example) {
    if (example instanceof PreferenceExample pair) {
      int[] tokens = Arrays.copyOf(pair.prompt(), pair.prompt().length + pair.chosen().length);
      System.arraycopy(pair.chosen(), 0, tokens, pair.prompt().length, pair.chosen().length);
      return tokens;
    }
    return ((SftExample) example).tokens();
  }
}
