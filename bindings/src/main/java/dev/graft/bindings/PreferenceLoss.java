package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** A preference loss: DPO (Rafailov et al. 2023, arXiv:2305.18290) and its kin. Immutable; any thread may use it. */
public final class PreferenceLoss {
  private final PreferenceOptions options;
  private final PreferenceTraits traits;

  private PreferenceLoss(PreferenceOptions options, PreferenceTraits traits) {
    this.options = options;
    this.traits = traits;
  }

  /** Names of all kinds. */
  public static List<String> kinds() {
    GraftLibrary.require();
    return List.of(GraftLibrary.graft_preference_kinds().split(","));
  }

  /** @throws UsageException when the options do not fit the kind; the message names the flag */
  public static PreferenceLoss of(PreferenceOptions options) {
    Objects.requireNonNull(options, "options");
    GraftLibrary.require();
    IntByReference bits = new IntByReference();
    Calls.run((m, n) -> GraftLibrary.graft_preference_describe(options.kind(), null, 0, bits, m, n));
    Calls.run((m, n) -> GraftLibrary.graft_preference_check(options.kind(), options.values(), PreferenceOptions.COUNT, m, n));
    return new PreferenceLoss(options, PreferenceTraits.of(bits.getValue()));
  }

  /** Kind and settings. */
  public PreferenceOptions options() {
    return options;
  }

  /** What the kind asks of its caller. */
  public PreferenceTraits traits() {
    return traits;
  }

  /**
   * Loss and derivative of some or all units of an optimizer step (of an evaluation likewise).
   *
   * @param totalUnits pairs (or rows) of the whole step
   * @param totalSftTokens what the SFT term averages over in the whole step: the chosen answers' tokens; unused without such a term
   * @param state of the step before, or the KL estimate; {@link PreferenceState#START} for most kinds
   * @param training false: the state is used as it is, not updated
   * @throws UsageException when the sequences do not fit the kind, or a coupled kind does not get the whole step
   * @throws NotFiniteException when a loss or derivative is not finite; the message names the unit
   */
  public PreferenceResult compute(PreferenceSequences sequences, long totalUnits, long totalSftTokens, PreferenceState state, boolean training) {
    Objects.requireNonNull(sequences, "sequences");
    Objects.requireNonNull(state, "state");
    List<float[]> logps = sequences.logps();
    int[] labels = sequences.labels();
    int n = logps.size();
    int[] lengths = logps.stream().mapToInt(a -> a.length).toArray();
    long tokens = Arrays.stream(lengths).asLongStream().sum();
    try (Memory memory = new Memory(8 * Math.max(1, (long) sequences.units() + n) + 4 * (4 * tokens + n + labels.length) + 4)) {
      Pointer losses = memory.share(0);
      Pointer rewards = losses.share(8L * sequences.units());
      Pointer policy = rewards.share(8L * n);
      Pointer reference = policy.share(4 * tokens);
      Pointer weights = reference.share(4 * tokens);
      Pointer alignment = weights.share(4 * tokens);
      Pointer nativeLengths = alignment.share(4 * tokens);
      Pointer nativeLabels = nativeLengths.share(4L * n);
      write(policy, logps);
      write(reference, sequences.references());
      write(alignment, sequences.alignments());
      nativeLengths.write(0, lengths, 0, n);
      nativeLabels.write(0, labels, 0, labels.length);
      boolean noReference = sequences.references().isEmpty();
      boolean noAlignment = sequences.alignments().isEmpty();
      double[] carried = {state.value(), state.count()};
      Calls.run((m, bytes) -> GraftLibrary.graft_preference_loss(options.kind(), options.values(), PreferenceOptions.COUNT, sequences.units(),
          labels.length == 0 ? null : nativeLabels, nativeLengths, policy, noReference ? null : reference, noAlignment ? null : alignment, totalUnits, totalSftTokens,
          training ? 1 : 0, carried, weights, losses, rewards, m, bytes));
      double[] unitLosses = losses.getDoubleArray(0, sequences.units());
      return new PreferenceResult(Arrays.stream(unitLosses).sum() / totalUnits, unitLosses, rewards.getDoubleArray(0, n), read(weights, lengths),
          new PreferenceState(carried[0], carried[1]));
    }
  }

  private static void write(Pointer to, List<float[]> arrays) {
    long at = 0;
    for (float[] array : arrays) {
      to.write(at, array, 0, array.length);
      at += 4L * array.length;
    }
  }

  private static float[][] read(Pointer from, int[] lengths) {
    float[][] result = new float[lengths.length][];
    long at = 0;
    for (int i = 0; i < lengths.length; i++) {
      result[i] = from.getFloatArray(at, lengths[i]);
      at += 4L * lengths[i];
    }
    return result;
  }
}
