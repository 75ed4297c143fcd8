package dev.graft.trainer.preference;

import dev.graft.bindings.PackedBatch;
import dev.graft.trainer.run.MicroBatches;
import dev.graft.trainer.run.Packer;
import dev.graft.trainer.run.RowSet;
import dev.graft.trainer.score.PairBatches;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Preference rows as packed batches; a row's targets are its answers' tokens in turn. Rows of one answer may have a mismatched
 * companion each, over which KTO estimates the KL divergence: the same prompt with the answer of the row before. Immutable.
 */
final class PreferenceBatches implements RowSet, MicroBatches.Source {
  private final List<PreferenceRow> rows;
  private final boolean sharing;
  private final int[] inputs;
  private final PreferenceBatches mismatched;

  private PreferenceBatches(List<PreferenceRow> rows, boolean sharing, PreferenceBatches mismatched) {
    this.rows = List.copyOf(rows);
    this.sharing = sharing;
    this.mismatched = mismatched;
    inputs = rows.stream().mapToInt(row -> sharing ? PairBatches.inputsTogether(row.prompt(), row.answers()) : PairBatches.inputsApart(row.prompt(), row.answers())).toArray();
  }

  static PreferenceBatches of(List<PreferenceRow> rows, boolean sharing) {
    return new PreferenceBatches(rows, sharing, null);
  }

  /** @param mismatched the rows' companions, in their order; see {@link dev.graft.trainer.data.LabelledExample#mismatched} */
  static PreferenceBatches withMismatched(List<PreferenceRow> rows, List<PreferenceRow> mismatched, boolean sharing) {
    return new PreferenceBatches(rows, sharing, new PreferenceBatches(mismatched, sharing, null));
  }

  /** The companions, or null. */
  PreferenceBatches mismatched() {
    return mismatched;
  }

  PreferenceRow row(int index) {
    return rows.get(index);
  }

  @Override
  public int rows() {
    return inputs.length;
  }

  @Override
  public int longest() {
    return Math.max(Arrays.stream(inputs).max().orElse(0), mismatched == null ? 0 : mismatched.longest());
  }

  @Override
  public long mostTokens(int count) {
    return Math.max(Packer.mostTogether(inputs, count), mismatched == null ? 0 : mismatched.mostTokens(count));
  }

  @Override
  public double targetShare() {
    double share = mismatched == null ? 0 : mismatched.targetShare();
    for (int i = 0; i < inputs.length; i++) {
      share = Math.max(share, (double) targets(i) / inputs[i]);
    }
    return share;
  }

  /** Of a pair, the prompt once and both answers, however it is computed. */
  @Override
  public long tokens(int[] some) {
    return Arrays.stream(some).mapToLong(row -> rows.get(row).prompt().length + rows.get(row).targets()).sum();
  }

  @Override
  public long targets(int[] some) {
    return Arrays.stream(some).mapToLong(this::targets).sum();
  }

  @Override
  public int[] lines(int[] some) {
    return Arrays.stream(some).map(this::line).sorted().distinct().toArray();
  }

  @Override
  public int targets(int row) {
    return rows.get(row).targets();
  }

  @Override
  public int line(int row) {
    return rows.get(row).line();
  }

  @Override
  public PackedBatch build(int[] some) {
    PackedBatch.Builder batch = new PackedBatch.Builder().statistics();
    for (int i : some) {
      PreferenceRow row = rows.get(i);
      if (sharing) {
        PairBatches.addTogether(batch, row.prompt(), row.answers());
      } else {
        PairBatches.addApart(batch, row.prompt(), row.answers());
      }
    }
    return batch.build();
  }

  /** Puts rows (which may repeat) into few batches of at most so many tokens; each result is the rows of one. */
  List<int[]> plan(int[] some, long maxTokens) {
    return picked(some, Packer.bestFit(lengths(some), maxTokens));
  }

  /** As {@link #plan}, but neighbours stay neighbours. */
  List<int[]> planInOrder(int[] some, long maxTokens) {
    return picked(some, Packer.inOrder(lengths(some), maxTokens));
  }

  private int[] lengths(int[] some) {
    return Arrays.stream(some).map(row -> inputs[row]).toArray();
  }

  private static List<int[]> picked(int[] from, List<int[]> plan) {
    return plan.stream().map(batch -> Arrays.stream(batch).map(i -> from[i]).toArray()).toList();
  }

  int[] all() {
    return IntStream.range(0, rows()).toArray();
  }

  /** SHA-256 of every id of every row: changes with data, tokenizer, template, its clock, and length limit. */
  String sha256() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (PreferenceRow row : rows) {
        update(digest, row.prompt());
        for (int[] answer : row.answers()) {
          update(digest, answer);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static void update(MessageDigest digest, int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * ids.length).putInt(ids.length);
    bytes.asIntBuffer().put(ids);
    digest.update(bytes.array());
  }
}
