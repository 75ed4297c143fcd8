package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsTest {
  private static final SessionOptions OPTIONS = new SessionOptions(true, 64, 64, Recompute.NONE, 0, 7);

  @TempDir Path folder;

  private Path model(String mix) {
    Path path = folder.resolve("model-" + mix + ".gguf");
    RandomModel.tiny().withMix(mix).write(path);
    return path;
  }

  private static PackedBatch batch() {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    int segment = builder.addSegment(-1, new int[] {1, 20, 30, 40});
    for (int i = 0; i < 3; i++) {
      builder.addTarget(segment, i, 20 + 10 * i);
    }
    return builder.build();
  }

  @Test
  void trainsSavesAndLetsTheModelGo() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Model model = Model.open(runtime, model("F32"));
        PackedBatch batch = batch()) {
      float before = score(model, batch);
      Path saved = folder.resolve("tuned.gguf");
      float tuned;
      try (Weights weights = Weights.open(model)) {
        assertThat(weights.parameters()).isEqualTo(model.info().parameters());
        assertThat(weights.tensors()).containsKey("blk.1.ffn_down.weight");
        float[] norm = weights.get("output_norm.weight");
        try (TrainingSession session = TrainingSession.open(model, weights, OPTIONS)) {
          for (int step = 0; step < 5; step++) {
            session.forward(batch, true);
            Losses.sft(batch, 3);
            session.backward(batch);
            assertThat(session.gradient("token_embd.weight")).hasSize(320 * 64);
            assertThat(session.step(1e-2f, 0, 1)).isPositive();
          }
          assertThatThrownBy(() -> session.gradient("nothing")).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(weights.get("output_norm.weight")).isNotEqualTo(norm);
        tuned = score(model, batch); // others see the new weights
        assertThat(tuned).isGreaterThan(before);
        assertThatThrownBy(() -> Weights.open(model)).isInstanceOf(UsageException.class).hasMessageContaining("already");
        assertThatThrownBy(() -> weights.save(saved, "Q4_K", null)).isInstanceOf(UsageException.class);
        weights.save(saved, null, "tuned");
        assertThatThrownBy(() -> weights.save(folder.resolve("no/such/folder.gguf"), null, null)).isInstanceOf(GraftIoException.class);
      }
      assertThat(score(model, batch)).isEqualTo(before);
      try (Model again = Model.open(runtime, saved)) {
        assertThat(again.info().name()).isEqualTo("tuned");
        assertThat(score(again, batch)).isEqualTo(tuned);
      }
    }
  }

  /** Two updates of AdamW with a beta2 of its own, against the formula of Loshchilov and Hutter in double precision. */
  @Test
  void updatesWithTheBeta2ThatItIsGiven() {
    double beta1 = 0.9;
    double beta2 = 0.5;
    double rate = 1e-2;
    String tensor = "blk.0.ffn_up.weight";
    try (GraftRuntime runtime = GraftRuntime.open("cpu", "ref", 1);
        Model model = Model.open(runtime, model("F32"));
        PackedBatch batch = batch();
        Weights weights = Weights.open(model);
        TrainingSession session = TrainingSession.open(model, weights, OPTIONS)) {
      float[] start = weights.get(tensor);
      double[] expected = new double[start.length];
      double[] first = new double[start.length];
      double[] second = new double[start.length];
      for (int i = 0; i < start.length; i++) {
        expected[i] = start[i];
      }
      for (int step = 1; step <= 2; step++) {
        session.forward(batch, true);
        Losses.sft(batch, 3);
        session.backward(batch);
        float[] gradient = session.gradient(tensor);
        for (int i = 0; i < start.length; i++) {
          first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
          second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i];
          double scaled = Math.sqrt(second[i] / (1 - Math.pow(beta2, step))) + 1e-8;
          expected[i] -= rate * first[i] / (1 - Math.pow(beta1, step)) / scaled;
        }
        session.step((float) rate, 0, 0, (float) beta2);
      }
      float[] got = weights.get(tensor);
      for (int i = 0; i < start.length; i++) {
        assertThat((double) got[i]).isCloseTo(expected[i], within(1e-6));
      }
      assertThatThrownBy(() -> session.step(1e-2f, 0, 0, 1)).isInstanceOf(UsageException.class).hasMessageContaining("--adam-beta2");
    }
  }

  @Test
  void whatCannotBeTrainedIsRefused() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Model quantized = Model.open(runtime, model("Q8_0"));
        Model plain = Model.open(runtime, model("F16"))) {
      assertThatThrownBy(() -> Weights.open(quantized)).isInstanceOf(UsageException.class).hasMessageContaining("F32, F16 or BF16");
      assertThatThrownBy(() -> TrainingSession.memoryBytesOfWeights(quantized, OPTIONS)).isInstanceOf(UsageException.class);
      assertThat(TrainingSession.memoryBytesOfWeights(plain, OPTIONS)).isGreaterThan(16 * plain.info().parameters());
      Weights weights = Weights.open(plain);
      assertThatThrownBy(() -> TrainingSession.open(quantized, weights, OPTIONS)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> TrainingSession.open(plain, weights, new SessionOptions(true, 64, 64, Recompute.NONE, 0.5f, 7))).isInstanceOf(UsageException.class);
      weights.close();
      assertThatThrownBy(() -> TrainingSession.open(plain, weights, OPTIONS)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> RandomModel.tiny().writeInitial(folder.resolve("i.gguf"), 0, 0, null)).isInstanceOf(UsageException.class);
    }
  }

  private static float score(Model model, PackedBatch batch) {
    try (TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(64, 64))) {
      session.forward(batch, false);
      return batch.logp(0) + batch.logp(1) + batch.logp(2);
    }
  }
}
