package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PreferenceLossTest {
  private static final float[] CHOSEN = {-1, -2.5f};
  private static final float[] REJECTED = {-3, -1, -2};
  private static final float[] REFERENCE_CHOSEN = {-1.5f, -2.25f};
  private static final float[] REFERENCE_REJECTED = {-2, -2, -1.5f};

  @TempDir Path folder;

  static Iterable<String> kinds() {
    return PreferenceLoss.kinds();
  }

  private static PreferenceSequences pairs() {
    return new PreferenceSequences()
        .addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED)
        .addPair(REJECTED, CHOSEN, REFERENCE_REJECTED, REFERENCE_CHOSEN);
  }

  private static PreferenceSequences rows() {
    return new PreferenceSequences().addRow(CHOSEN, REFERENCE_CHOSEN, true).addRow(REJECTED, REFERENCE_REJECTED, false);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyKindTakesItsDefaults(String kind) {
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults(kind));
    assertThat(loss.options().beta()).isEqualTo(0.1);
    assertThat(loss.options().kind()).isEqualTo(kind);
    PreferenceSequences sequences = loss.traits().unpaired() ? rows() : pairs();
    PreferenceResult result = loss.compute(sequences, 2, 5, PreferenceState.START, true);
    assertThat(result.loss()).isFinite().isCloseTo((result.losses()[0] + result.losses()[1]) / 2, within(1e-12));
    assertThat(result.weights()).hasNumberOfRows(loss.traits().unpaired() ? 2 : 4);
    for (float[] weights : result.weights()) {
      for (float weight : weights) {
        assertThat(weight).isFinite().isNotZero();
      }
    }
  }

  @Test
  void numbersOfOnePair() {
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults("sigmoid").withBeta(0.5));
    PreferenceResult result = loss.compute(new PreferenceSequences().addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED), 4, 0, PreferenceState.START, true);
    double chosen = 0.5 * (-3.5 + 3.75);
    double rejected = 0.5 * (-6 + 5.5);
    assertThat(result.chosenReward(0)).isEqualTo(chosen);
    assertThat(result.rejectedReward(0)).isEqualTo(rejected);
    double probability = 1 / (1 + Math.exp(rejected - chosen));
    assertThat(result.losses()[0]).isCloseTo(-Math.log(probability), within(1e-15));
    assertThat(result.loss()).isCloseTo(-Math.log(probability) / 4, within(1e-15));
    float weight = (float) (-0.5 * (1 - probability) / 4);
    assertThat(result.chosenWeights(0)).containsExactly(weight, weight);
    assertThat(result.rejectedWeights(0)).containsExactly(-weight, -weight, -weight);
    assertThat(result.state()).isEqualTo(PreferenceState.START);
  }

  /** WPO: the mean over tokens of log p - log Σ p², of both answers together, at most 0, is the log of the pair's weight. */
  @Test
  void alignmentWeighsAPair() {
    PreferenceOptions plain = PreferenceOptions.defaults("sigmoid");
    PreferenceLoss weighted = PreferenceLoss.of(plain.withWpo(true));
    PreferenceSequences pair = new PreferenceSequences().addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED);
    pair.align(new float[] {-1.5f, -2}, new float[] {-2, -1, -1.5f});
    double log = (0.5 - 0.5) / 2 + (-1 + 0 - 0.5) / 3;
    assertThat(weighted.compute(pair, 1, 0, PreferenceState.START, true).loss()).isCloseTo(loss(plain) * Math.exp(log), within(1e-12));
    PreferenceSequences sure = new PreferenceSequences().addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED);
    sure.align(new float[] {-3, -3}, new float[] {-3, -3, -3});
    assertThat(weighted.compute(sure, 1, 0, PreferenceState.START, true).loss()).isEqualTo(loss(plain));
    assertThat(PreferenceLoss.of(plain).compute(pair, 1, 0, PreferenceState.START, true).loss()).isEqualTo(loss(plain));
    PreferenceSequences half = pairs();
    assertThatThrownBy(() -> half.align(CHOSEN, REJECTED)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rows().align(CHOSEN, REJECTED)).isInstanceOf(IllegalArgumentException.class);
    PreferenceSequences uneven = new PreferenceSequences().addPair(CHOSEN, REJECTED);
    assertThatThrownBy(() -> uneven.align(CHOSEN, CHOSEN)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("alignment");
    pair.addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED);
    assertThatThrownBy(() -> weighted.compute(pair, 2, 0, PreferenceState.START, true)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("alignment");
  }

  @Test
  void traitsSayWhatTheCallerOwes() {
    assertThat(PreferenceLoss.kinds()).contains("sigmoid", "ipo", "hinge", "kto", "simpo", "orpo", "cpo", "aot", "bco_pair").doesNotHaveDuplicates();
    assertThat(traits("sigmoid")).isEqualTo(new PreferenceTraits(true, false, false, false, false));
    assertThat(traits("aot")).isEqualTo(new PreferenceTraits(true, false, true, false, false));
    assertThat(traits("bco_pair")).isEqualTo(new PreferenceTraits(true, false, true, false, true));
    assertThat(traits("kto")).isEqualTo(new PreferenceTraits(true, true, false, true, false));
    assertThat(traits("simpo")).isEqualTo(new PreferenceTraits(false, false, false, false, false));
  }

  private static PreferenceTraits traits(String kind) {
    return PreferenceLoss.of(PreferenceOptions.defaults(kind)).traits();
  }

  @Test
  void runningMeanGoesFromStepToStep() {
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults("bco_pair"));
    PreferenceResult first = loss.compute(pairs(), 2, 0, PreferenceState.START, true);
    double mean = Arrays.stream(first.rewards()).average().orElseThrow();
    assertThat(first.state().value()).isCloseTo(mean, within(1e-15));
    assertThat(first.state().count()).isEqualTo(4);
    assertThat(loss.compute(pairs(), 2, 0, first.state(), false).state()).isEqualTo(first.state());
  }

  @Test
  void klMovesKto() {
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults("kto").withRowWeights(2, 1));
    double none = loss.compute(rows(), 2, 0, PreferenceState.START, true).losses()[0];
    assertThat(none).isCloseTo(2 / (1 + Math.exp(0.1 * 0.25)), within(1e-15));
    assertThat(loss.compute(rows(), 2, 0, PreferenceState.kl(-3), true).losses()[0]).isEqualTo(none);
    assertThat(loss.compute(rows(), 2, 0, PreferenceState.kl(3), true).losses()[0]).isGreaterThan(none);
  }

  @Test
  void modifiersChangeTheLoss() {
    PreferenceOptions plain = PreferenceOptions.defaults("sigmoid");
    double base = loss(plain);
    for (PreferenceOptions other : new PreferenceOptions[] {plain.withBeta(0.2), plain.withLabelSmoothing(0.1), plain.withSftWeight(1), plain.withLengthNormalize(true),
        plain.withLdAlpha(0.5), plain.withWpo(true)}) {
      assertThat(loss(other)).as(other.toString()).isNotEqualTo(base);
    }
    assertThat(loss(plain.withSftWeight(2))).isCloseTo(base + 2 * 3.5 / 2, within(1e-12));
    assertThat(loss(PreferenceOptions.defaults("simpo").withGamma(2))).isGreaterThan(loss(PreferenceOptions.defaults("simpo")));
  }

  private static double loss(PreferenceOptions options) {
    PreferenceSequences pair = new PreferenceSequences().addPair(CHOSEN, REJECTED, REFERENCE_CHOSEN, REFERENCE_REJECTED);
    return PreferenceLoss.of(options).compute(pair, 1, pair.chosenTokens(), PreferenceState.START, true).loss();
  }

  @Test
  void refusesInOneLineThatNamesTheFlag() {
    PreferenceOptions plain = PreferenceOptions.defaults("sigmoid");
    refused(plain.withBeta(0), "--beta");
    refused(plain.withBeta(Double.NaN), "--beta");
    refused(plain.withLabelSmoothing(0.5), "--label-smoothing");
    refused(PreferenceOptions.defaults("hinge").withLabelSmoothing(0.1), "--label-smoothing does not apply to --loss hinge");
    refused(PreferenceOptions.defaults("kto").withWpo(true), "--wpo");
    refused(plain.withGamma(1), "--simpo-gamma");
    refused(plain.withLdAlpha(2), "--ld-alpha");
    refused(plain.withSftWeight(-1), "--sft-weight");
    refused(plain.withRowWeights(2, 1), "--desirable-weight");
    assertThatThrownBy(() -> PreferenceOptions.defaults("dpo")).isInstanceOf(UsageException.class).hasMessageContaining("--loss dpo").hasMessageContaining("sigmoid");

    PreferenceLoss sigmoid = PreferenceLoss.of(plain);
    PreferenceSequences bare = new PreferenceSequences().addPair(CHOSEN, REJECTED);
    assertThatThrownBy(() -> sigmoid.compute(bare, 1, 0, PreferenceState.START, true)).isInstanceOf(UsageException.class).hasMessageContaining("reference");
    assertThatThrownBy(() -> sigmoid.compute(rows(), 2, 0, PreferenceState.START, true)).isInstanceOf(UsageException.class).hasMessageContaining("labelled rows");
    PreferenceLoss aot = PreferenceLoss.of(PreferenceOptions.defaults("aot"));
    assertThatThrownBy(() -> aot.compute(pairs(), 4, 0, PreferenceState.START, true)).isInstanceOf(UsageException.class).hasMessageContaining("all 4 pairs");
    PreferenceSequences broken = pairs().addPair(new float[] {Float.NaN}, CHOSEN, new float[] {0}, CHOSEN);
    assertThatThrownBy(() -> sigmoid.compute(broken, 3, 0, PreferenceState.START, true)).isInstanceOf(NotFiniteException.class).hasMessageContaining("pair 2");
    assertThatThrownBy(() -> pairs().addRow(CHOSEN, CHOSEN, true)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rows().addPair(CHOSEN, REJECTED)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> pairs().addPair(CHOSEN, REJECTED)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> pairs().addPair(CHOSEN, REJECTED, CHOSEN, CHOSEN)).isInstanceOf(IllegalArgumentException.class);
  }

  private static void refused(PreferenceOptions options, String message) {
    assertThatThrownBy(() -> PreferenceLoss.of(options)).isInstanceOf(UsageException.class).hasMessageContaining(message);
  }

  /** A pair whose two answers share a prompt that is computed once: training raises its margin. */
  @Test
  void dpoRaisesTheMargin() {
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults("sigmoid"));
    PreferenceResult result = null;
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
        Model model = Model.open(runtime, TestModels.tiny(folder));
        Adapter adapter = Adapter.create(model, new LoraSpec(4, 8, false, "all-linear", 7));
        TrainingSession session = TrainingSession.open(model, adapter, new SessionOptions(true, 64, 64, Recompute.NONE, 0, 7));
        PackedBatch batch = pairWithSharedPrompt()) {
      session.forward(batch, false);
      float[] reference = batch.logps();
      for (int step = 0; step < 20; step++) {
        session.forward(batch, true);
        float[] policy = batch.logps();
        result = loss.compute(new PreferenceSequences().addPair(Arrays.copyOf(policy, 3), Arrays.copyOfRange(policy, 3, 5),
            Arrays.copyOf(reference, 3), Arrays.copyOfRange(reference, 3, 5)), 1, 0, PreferenceState.START, true);
        if (step == 0) {
          assertThat(result.loss()).isCloseTo(Math.log(2), within(1e-6));
        }
        for (int t = 0; t < 5; t++) {
          batch.setWeight(t, t < 3 ? result.chosenWeights(0)[t] : result.rejectedWeights(0)[t - 3]);
        }
        session.backward(batch);
        session.step(1e-2f, 0, 1);
      }
    }
    assertThat(result.chosenReward(0) - result.rejectedReward(0)).isGreaterThan(0.5);
    assertThat(result.loss()).isLessThan(0.5);
  }

  private static PackedBatch pairWithSharedPrompt() {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    int prompt = builder.addSegment(-1, new int[] {10, 20, 30});
    int chosen = builder.addSegment(prompt, new int[] {40, 50});
    int rejected = builder.addSegment(prompt, new int[] {60});
    builder.addTarget(prompt, 2, 40).addTarget(chosen, 0, 50).addTarget(chosen, 1, 70);
    builder.addTarget(prompt, 2, 60).addTarget(rejected, 0, 80);
    return builder.build();
  }
}
