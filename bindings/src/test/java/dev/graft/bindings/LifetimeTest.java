package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nothing that Java code does with open and closed objects, in any order or from any thread, may reach freed memory. */
class LifetimeTest {
  private static final LoraSpec SPEC = new LoraSpec(4, 8, false, "attn_q,attn_v", 7);
  private static final SessionOptions OPTIONS = new SessionOptions(true, 64, 64, Recompute.NONE, 0, 7);

  @TempDir Path folder;

  @Test
  void childrenKeepClosedParents() {
    GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
    Model model = Model.open(runtime, TestModels.tiny(folder));
    Adapter adapter = Adapter.create(model, SPEC);
    TrainingSession session = TrainingSession.open(model, adapter, OPTIONS);
    runtime.close();
    model.close();
    adapter.close();
    // the session works on, its parents are out of use
    try (PackedBatch batch = TestModels.batch(1, 2, 3, 4)) {
      session.forward(batch, true);
      double before = Losses.sft(batch, 3);
      session.backward(batch);
      session.step(1e-2f, 0, 0);
      session.forward(batch, true);
      assertThat(Losses.sft(batch, 3)).isLessThan(before);
    }
    assertThatThrownBy(() -> Model.open(runtime, model.path())).isInstanceOf(IllegalStateException.class).hasMessage("this runtime is closed");
    assertThatThrownBy(() -> Adapter.create(model, SPEC)).isInstanceOf(IllegalStateException.class).hasMessage("this model is closed");
    assertThatThrownBy(() -> TrainingSession.open(model, null, OPTIONS)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> adapter.get("blk.0.attn_q.weight.lora_a")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> adapter.save(folder.resolve("a.gguf"), null)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(adapter::copy).isInstanceOf(IllegalStateException.class);
    session.close();
    session.close();
    model.close();
    assertThatThrownBy(() -> session.step(1, 0, 0)).isInstanceOf(IllegalStateException.class).hasMessage("this training session is closed");
    assertThatThrownBy(() -> session.save(folder.resolve("s"))).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aClosedBatchOrSessionInTheMiddleOfAStep() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Model model = Model.open(runtime, TestModels.tiny(folder));
        Adapter adapter = Adapter.create(model, SPEC);
        TrainingSession session = TrainingSession.open(model, adapter, OPTIONS)) {
      PackedBatch batch = TestModels.batch(1, 2, 3);
      session.forward(batch, true);
      batch.close();
      assertThatThrownBy(() -> session.backward(batch)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.forward(batch, true)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.backward(batch)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void generatorsKeepTheirAdapters() {
    GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
    Model model = Model.open(runtime, TestModels.tiny(folder));
    Adapter adapter = Adapter.create(model, SPEC);
    Generator generator = Generator.open(model, new GeneratorOptions(2, 32));
    assertThat(generator.addAdapter(adapter)).isZero();
    adapter.close();
    model.close();
    runtime.close();
    int[] row = {1, 2, 3};
    assertThat(generator.begin(0, new int[] {0}, new float[] {1}, row, 8, true)).isZero();
    assertThat(generator.begin(1, new int[0], new float[0], row, 8, true)).isZero();
    generator.append(new int[] {0, 1}, new int[] {3, 3}, new int[] {1, 2, 3, 1, 2, 3}, new Generator.Keep[] {Generator.Keep.LOGITS, Generator.Keep.LOGITS});
    int token = generator.sample(0, Sampling.GREEDY, 0, null);
    assertThat(token).isEqualTo(generator.sample(1, Sampling.GREEDY, 0, null)).isBetween(0, 319); // B is zero
    Likelihood likelihood = generator.likelihood(0, token, 3);
    assertThat(likelihood.logp()).isNegative().isEqualTo(likelihood.topLogps()[0]);
    assertThat(likelihood.topIds()).hasSize(3).startsWith(token).doesNotHaveDuplicates();
    assertThat(generator.sample(0, Sampling.GREEDY, 0, new long[] {0b100000})).isEqualTo(5);
    assertThat(generator.sample(0, new Sampling(1, 1, 1, 0, 1, 0, 0, Map.of(7, 99f)), 0.5, null)).isEqualTo(7);
    assertThat(generator.cache()).isEqualTo(new CacheUse(32, 2, 2, 0));
    assertThatThrownBy(() -> generator.removeAdapter(0)).isInstanceOf(UsageException.class).hasMessageContaining("in use");
    generator.end(0);
    generator.removeAdapter(0); // the last that needed it: its memory goes now
    assertThatThrownBy(() -> generator.begin(0, new int[] {0}, new float[] {1}, row, 8, true)).isInstanceOf(UsageException.class).hasMessageContaining("removed");
    assertThatThrownBy(() -> generator.removeAdapter(0)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.removeAdapter(5)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.begin(0, new int[] {1}, new float[0], row, 8, true)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> generator.begin(0, new int[0], new float[0], new int[] {320}, 8, true)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.begin(0, new int[0], new float[0], new int[0], 8, true)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.begin(0, new int[0], new float[0], new int[40], 40, true)).isInstanceOf(UsageException.class).hasMessageContaining("40").hasMessageContaining("32");
    Generator.Keep[] nothing = {Generator.Keep.NOTHING};
    assertThatThrownBy(() -> generator.append(new int[] {0}, new int[] {1}, new int[] {1}, nothing)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.append(new int[] {1}, new int[] {2}, new int[] {1}, nothing)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> generator.append(new int[] {1}, new int[] {6}, new int[6], nothing)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.append(new int[] {1}, new int[] {-1}, new int[0], nothing)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> generator.sample(7, Sampling.GREEDY, 0, null)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> new Sampling(1, 0, Float.NaN, 0).check(320)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> new Sampling(1, 0, 1, 0, 1, 0, 0, Map.of(320, 1f)).check(320)).isInstanceOf(UsageException.class).hasMessageContaining("320");
    generator.end(1);
    generator.begin(1, new int[0], new float[0], row, 8, false);
    generator.append(new int[] {1}, new int[] {3}, row, new Generator.Keep[] {Generator.Keep.POOLED});
    assertThat(generator.embedding(1)).hasSize(64);
    generator.close();
    generator.close();
    assertThatThrownBy(() -> generator.sample(1, Sampling.GREEDY, 0, null)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  @Timeout(60)
  void threadsTakeTurns() throws Exception {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
        Model model = Model.open(runtime, TestModels.tiny(folder));
        TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(64, 64))) {
      float[] expected;
      try (PackedBatch batch = TestModels.batch(9, 8, 7, 6, 5)) {
        session.forward(batch, false);
        expected = batch.logps();
      }
      ExecutorService threads = Executors.newFixedThreadPool(4);
      CountDownLatch start = new CountDownLatch(1);
      List<Future<float[]>> results = new ArrayList<>();
      Callable<float[]> work = () -> {
        start.await();
        try (PackedBatch batch = TestModels.batch(9, 8, 7, 6, 5)) {
          for (int i = 0; i < 20; i++) {
            session.forward(batch, false);
          }
          return batch.logps();
        }
      };
      for (int i = 0; i < 4; i++) {
        results.add(threads.submit(work));
      }
      start.countDown();
      for (Future<float[]> result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
      threads.shutdown();
      assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  @Timeout(60)
  void closingWhileAnotherThreadComputesWaits() throws Exception {
    GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
    Model model = Model.open(runtime, TestModels.tiny(folder));
    TrainingSession session = TrainingSession.open(model, null, SessionOptions.scoring(64, 64));
    PackedBatch batch = TestModels.batch(9, 8, 7, 6, 5);
    CountDownLatch running = new CountDownLatch(1);
    ExecutorService thread = Executors.newSingleThreadExecutor();
    Future<?> result = thread.submit(() -> {
      while (true) {
        session.forward(batch, false);
        running.countDown();
      }
    });
    running.await();
    session.close();
    batch.close();
    model.close();
    runtime.close();
    assertThatThrownBy(result::get).hasCauseInstanceOf(IllegalStateException.class);
    thread.shutdown();
  }
}
