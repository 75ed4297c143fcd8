package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsTest {
  private static final SessionOptions OPTIONS = new SessionOptions(true, 64, 64, false, 0, 7);

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
      assertThatThrownBy(() -> TrainingSession.open(plain, weights, new SessionOptions(true, 64, 64, false, 0.5f, 7))).isInstanceOf(UsageException.class);
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
