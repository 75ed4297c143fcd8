package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingSessionTest {
  private static final LoraSpec SPEC = new LoraSpec(4, 8, false, "all-linear", 7);
  private static final SessionOptions OPTIONS = new SessionOptions(true, 64, 64, Recompute.NONE, 0, 7);
  private static final int[] TOKENS = {10, 20, 30, 40, 50, 60};

  @TempDir Path folder;
  private GraftRuntime runtime;
  private Model model;

  @BeforeEach
  void open() {
    runtime = GraftRuntime.open("cpu", null, 2);
    model = Model.open(runtime, TestModels.tiny(folder));
  }

  @AfterEach
  void close() {
    runtime.close(); // before its children: they keep it
    model.close();
  }

  @Test
  void describesTheModel() {
    ModelInfo info = model.info();
    assertThat(info.architecture()).isEqualTo("llama");
    assertThat(info.layers()).isEqualTo(2);
    assertThat(info.width()).isEqualTo(64);
    assertThat(info.heads()).isEqualTo(4);
    assertThat(info.kvHeads()).isEqualTo(2);
    assertThat(info.headWidth()).isEqualTo(16);
    assertThat(info.feedForward()).isEqualTo(128);
    assertThat(info.vocabulary()).isEqualTo(320);
    assertThat(info.contextLength()).isEqualTo(256);
    assertThat(info.parameters()).isPositive();
    assertThat(info.fileBytes()).isGreaterThanOrEqualTo(info.weightBytes());
    long linear = 2L * (64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128) + 320 * 64;
    assertThat(info.flopsPerToken()).isEqualTo(2 * linear);
    assertThat(model.path()).isEqualTo(folder.resolve("tiny.gguf"));
  }

  @Test
  void learns() {
    try (Adapter adapter = Adapter.create(model, SPEC);
        TrainingSession session = TrainingSession.open(model, adapter, OPTIONS);
        PackedBatch batch = TestModels.batch(TOKENS)) {
      double first = 0;
      double last = 0;
      for (int step = 0; step < 30; step++) {
        session.forward(batch, true);
        last = Losses.sft(batch, batch.targets());
        assertThat(last).isCloseTo(-sum(batch.logps()) / batch.targets(), within(1e-5));
        assertThat(batch.weight(0)).isEqualTo(-1f / batch.targets());
        first = step == 0 ? last : first;
        session.backward(batch);
        assertThat(session.step(1e-2f, 0, 1)).isPositive();
      }
      assertThat(last).isLessThan(first / 2);
    }
  }

  @Test
  void sharedPromptGivesWhatSeparateRowsGive() {
    int[] prompt = {5, 6, 7};
    int[] a = {8, 9};
    int[] b = {11, 12, 13};
    PackedBatch.Builder shared = new PackedBatch.Builder();
    int p = shared.addSegment(-1, prompt);
    int sa = shared.addSegment(p, a);
    int sb = shared.addSegment(p, b);
    // not in the order of rows, and two targets on one row
    shared.addTarget(sb, 1, 13).addTarget(p, 2, 11).addTarget(p, 2, 8).addTarget(sa, 0, 9).addTarget(sb, 0, 12);
    try (TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(64, 64));
        PackedBatch both = shared.build();
        PackedBatch one = TestModels.batch(5, 6, 7, 8, 9);
        PackedBatch two = TestModels.batch(5, 6, 7, 11, 12, 13)) {
      session.forward(both, false);
      session.forward(one, false);
      session.forward(two, false);
      assertThat(both.logp(2)).isCloseTo(one.logp(2), within(1e-4f));
      assertThat(both.logp(3)).isCloseTo(one.logp(3), within(1e-4f));
      assertThat(both.logp(1)).isCloseTo(two.logp(2), within(1e-4f));
      assertThat(both.logp(4)).isCloseTo(two.logp(3), within(1e-4f));
      assertThat(both.logp(0)).isCloseTo(two.logp(4), within(1e-4f));
      assertThat(both.logps()[0]).isEqualTo(both.logp(0)).isNegative();
    }
  }

  /** In the order of the targets, whatever that of their rows; log Σ p² against all of the vocabulary asked for one by one. */
  @Test
  void statisticsBelongToTheirTargets() {
    int vocabulary = model.info().vocabulary();
    PackedBatch.Builder some = new PackedBatch.Builder().statistics();
    int segment = some.addSegment(-1, TOKENS);
    some.addTarget(segment, 2, 7).addTarget(segment, 0, 5).addTarget(segment, 2, 9);
    PackedBatch.Builder all = new PackedBatch.Builder().statistics();
    all.addSegment(-1, TOKENS);
    for (int id = 0; id < vocabulary; id++) {
      all.addTarget(0, 2, id);
    }
    try (TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(64, vocabulary));
        PackedBatch batch = some.build();
        PackedBatch whole = all.build();
        PackedBatch bare = TestModels.batch(TOKENS)) {
      session.forward(batch, false);
      session.rehearse(whole);
      double squares = 0;
      for (float logp : whole.logps()) {
        squares += Math.exp(2.0 * logp);
      }
      assertThat(batch.logSquares()[0]).isCloseTo((float) Math.log(squares), within(1e-5f)).isNegative();
      assertThat(batch.logSquares()[2]).isEqualTo(batch.logSquares()[0]).isNotEqualTo(batch.logSquares()[1]);
      assertThat(batch.meanLogits()[2]).isEqualTo(batch.meanLogits()[0]).isNotEqualTo(batch.meanLogits()[1]).isFinite();
      assertThat(whole.meanLogits()[0]).isCloseTo(batch.meanLogits()[0], within(1e-5f));
      assertThatThrownBy(bare::meanLogits).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(bare::logSquares).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void memoryHasTheBufferOfDropout() {
    SessionOptions without = new SessionOptions(true, 64, 64, Recompute.NONE, 0, 7);
    SessionOptions with = new SessionOptions(true, 64, 64, Recompute.NONE, 0.1f, 7);
    long widest = Math.max(model.info().feedForward(), Math.max(model.info().width(), model.info().heads() * model.info().headWidth()));
    assertThat(TrainingSession.memoryBytes(model, 4, "all-linear", with) - TrainingSession.memoryBytes(model, 4, "all-linear", without)).isEqualTo(64 * widest * Float.BYTES);
    SessionOptions impossible = new SessionOptions(true, 64, 64, Recompute.NONE, 1, 7);
    assertThatThrownBy(() -> TrainingSession.memoryBytes(model, 4, "all-linear", impossible)).isInstanceOf(UsageException.class).hasMessageContaining("--lora-dropout");
  }

  @Test
  void backwardWantsTheBatchOfTheLastTrainingForward() {
    try (Adapter adapter = Adapter.create(model, SPEC);
        TrainingSession session = TrainingSession.open(model, adapter, OPTIONS);
        PackedBatch batch = TestModels.batch(TOKENS);
        PackedBatch other = TestModels.batch(1, 2, 3, 4, 5, 6, 7, 8)) {
      assertThatThrownBy(() -> session.backward(batch)).isInstanceOf(IllegalStateException.class);
      session.forward(batch, false);
      assertThatThrownBy(() -> session.backward(batch)).isInstanceOf(IllegalStateException.class);
      session.forward(batch, true);
      assertThatThrownBy(() -> session.backward(other)).isInstanceOf(IllegalStateException.class);
      session.backward(batch);
      assertThatThrownBy(() -> session.backward(batch)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> Adapter.create(model, new LoraSpec(0, 8, false, "all-linear", 1))).isInstanceOf(UsageException.class).hasMessageContaining("rank");
    assertThatThrownBy(() -> Adapter.create(model, new LoraSpec(4, 8, false, "attn_x", 1))).isInstanceOf(UsageException.class).hasMessageContaining("attn_x");
    assertThatThrownBy(() -> TrainingSession.open(model, null, OPTIONS)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> TrainingSession.open(model, null, SessionOptions.scoring(0, 1))).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> TrainingSession.open(model, null, SessionOptions.scoring(Long.MAX_VALUE, 1))).isInstanceOf(GraftException.class);
    try (TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(4, 2));
        PackedBatch tooLong = TestModels.batch(1, 2, 3, 4, 5);
        PackedBatch tooMany = TestModels.batch(1, 2, 3, 4);
        PackedBatch noSuchId = TestModels.batch(1, 320);
        PackedBatch negative = TestModels.batch(-1, 3)) {
      assertThatThrownBy(() -> session.forward(tooLong, false)).isInstanceOf(UsageException.class);
      assertThatThrownBy(() -> session.forward(tooMany, false)).isInstanceOf(UsageException.class);
      assertThatThrownBy(() -> session.forward(noSuchId, false)).isInstanceOf(UsageException.class).hasMessageContaining("320");
      assertThatThrownBy(() -> session.forward(negative, false)).isInstanceOf(UsageException.class);
      assertThatThrownBy(() -> session.forward(null, false)).isInstanceOf(NullPointerException.class);
      assertThatThrownBy(() -> session.step(1, 0, 0)).isInstanceOf(UsageException.class);
      assertThatThrownBy(() -> session.gradient("x")).isInstanceOf(IllegalStateException.class);
    }
    try (PackedBatch batch = TestModels.batch(1, 2, 3)) {
      assertThatThrownBy(() -> Losses.sft(batch, 0)).isInstanceOf(UsageException.class);
    }
  }

  @Test
  void adapterOfAnotherModelIsRefused() {
    try (Model twin = Model.open(runtime, model.path());
        Adapter adapter = Adapter.create(twin, SPEC);
        GraftRuntime otherRuntime = GraftRuntime.open("cpu", "ref", 1);
        Model stranger = Model.open(otherRuntime, model.path())) {
      assertThatThrownBy(() -> TrainingSession.open(model, adapter, OPTIONS)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> TrainingSession.open(stranger, adapter, OPTIONS)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void adapterTensorsGoInAndOutAndThroughFiles() throws IOException {
    Path file = folder.resolve("adapter.gguf");
    try (Adapter adapter = Adapter.create(model, SPEC)) {
      AdapterInfo info = adapter.info();
      assertThat(info.rank()).isEqualTo(4);
      assertThat(info.alpha()).isEqualTo(8f);
      assertThat(info.scale()).isEqualTo(2f);
      assertThat(info.tensors()).hasSize(2 * 7).contains(new AdapterTensor("blk.1.ffn_down.weight", 4, 64, 128));
      assertThat(info.tensors().stream().mapToLong(AdapterTensor::parameters).sum()).isEqualTo(info.parameters());
      String name = "blk.1.ffn_down.weight.lora_b";
      float[] values = adapter.get(name);
      assertThat(values).hasSize(64 * 4).containsOnly(0f);
      values[3] = 1.5f;
      adapter.set(name, values);
      assertThat(adapter.get(name)).isEqualTo(values);
      assertThatThrownBy(() -> adapter.set(name, new float[3])).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("256");
      assertThatThrownBy(() -> adapter.set(name, null)).isInstanceOf(NullPointerException.class);
      assertThatThrownBy(() -> adapter.get("blk.9.attn_q.weight.lora_a")).isInstanceOf(IllegalArgumentException.class);
      adapter.save(file, "a test");
      try (Adapter copy = adapter.copy();
          Adapter read = Adapter.open(model, file)) {
        adapter.set(name, new float[values.length]);
        assertThat(copy.get(name)).isEqualTo(values);
        assertThat(read.get(name)).isEqualTo(values);
        assertThat(read.info()).isEqualTo(info);
      }
      assertThatThrownBy(() -> adapter.save(folder.resolve("no/such/folder/a.gguf"), null)).isInstanceOf(GraftIoException.class);
    }
    assertThatThrownBy(() -> Adapter.open(model, model.path())).isInstanceOf(BadFileException.class);
    assertThatThrownBy(() -> Adapter.open(model, folder.resolve("absent.gguf"))).isInstanceOf(BadFileException.class);
    try (GgufFile written = GgufFile.open(file)) {
      assertThat(written.string("general.name")).contains("a test");
      assertThat(Files.size(file)).isEqualTo(written.describe(0).path("file_bytes").asLong());
    }
  }

  @Test
  void goesOnBitForBitFromAFile() {
    Path state = folder.resolve("state");
    float[] straight;
    String name = "blk.0.attn_q.weight.lora_a";
    try (Adapter adapter = Adapter.create(model, SPEC);
        TrainingSession session = TrainingSession.open(model, adapter, OPTIONS);
        PackedBatch batch = TestModels.batch(TOKENS)) {
      steps(session, batch, 3);
      session.save(state);
      steps(session, batch, 3);
      straight = adapter.get(name);
    }
    try (Adapter adapter = Adapter.create(model, new LoraSpec(4, 8, false, "all-linear", 99));
        TrainingSession session = TrainingSession.open(model, adapter, OPTIONS);
        PackedBatch batch = TestModels.batch(TOKENS)) {
      session.load(state);
      steps(session, batch, 3);
      assertThat(adapter.get(name)).isEqualTo(straight);
      assertThatThrownBy(() -> session.load(folder.resolve("absent"))).isInstanceOf(BadFileException.class);
      assertThatThrownBy(() -> session.load(model.path())).isInstanceOf(BadFileException.class);
    }
  }

  @Test
  void estimatesMemory() {
    long kept = TrainingSession.memoryBytes(model, 4, "all-linear", OPTIONS);
    long scoring = TrainingSession.memoryBytes(model, 4, "all-linear", SessionOptions.scoring(64, 64));
    assertThat(scoring).isPositive();
    assertThat(kept).isGreaterThan(scoring);
    assertThatThrownBy(() -> TrainingSession.memoryBytes(model, 4, "nothing", OPTIONS)).isInstanceOf(UsageException.class);
  }

  private static void steps(TrainingSession session, PackedBatch batch, int count) {
    for (int i = 0; i < count; i++) {
      session.forward(batch, true);
      Losses.sft(batch, batch.targets());
      session.backward(batch);
      session.step(1e-3f, 0.01f, 1);
    }
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
