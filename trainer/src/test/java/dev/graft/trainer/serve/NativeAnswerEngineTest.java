package dev.graft.trainer.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.BadFileException;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.RandomModel;
import dev.graft.bindings.Sampling;
import dev.graft.bindings.UsageException;
import dev.graft.trainer.constrain.ConstraintState;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class NativeAnswerEngineTest {
  private static final AdapterUse ONE = new AdapterUse("one", 1);

  @TempDir Path folder;
  private GraftRuntime runtime;
  private Model model;
  private Vocabulary vocabulary;

  @BeforeEach
  void open() {
    runtime = GraftRuntime.open("cpu", null, 2);
    openModel("F32");
  }

  @AfterEach
  void close() {
    model.close();
    runtime.close();
  }

  private void openModel(String mix) {
    Path file = folder.resolve(mix + ".gguf");
    // wide enough for Q4_K
    new RandomModel("llama", 2, 256, 4, 2, 0, 256, 320, 512, false, mix, null, 5).write(file);
    if (model != null) {
      model.close();
    }
    model = Model.open(runtime, file);
    vocabulary = Vocabulary.read(file);
  }

  private Path adapter(String name, int rank, long seed) {
    try (Adapter adapter = Adapter.create(model, new LoraSpec(rank, 2 * rank, false, "all-linear", seed))) {
      Random random = new Random(seed);
      for (String tensor : List.of("blk.0.attn_q.weight.lora_b", "blk.0.ffn_down.weight.lora_b", "blk.1.attn_v.weight.lora_b", "blk.1.ffn_up.weight.lora_b")) {
        float[] values = new float[(int) adapter.elements(tensor)];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian() * 0.2f;
        }
        adapter.set(tensor, values);
      }
      Path file = folder.resolve(name + ".gguf");
      adapter.save(file, name);
      return file;
    }
  }

  private NativeAnswerEngine engine(int sequences, long cacheTokens, int queue) {
    return NativeAnswerEngine.start(model, vocabulary, new EngineOptions(sequences, 256, cacheTokens, CacheType.F32, 64, 24, queue));
  }

  private static int[] prompt(int length, long seed) {
    return new Random(seed).ints(length, 3, 250).toArray();
  }

  private static AnswerRequest request(int[] prompt, int maxTokens, AdapterUse... adapters) {
    return new AnswerRequest(prompt, List.of(adapters), Sampling.GREEDY, 7, List.of(), maxTokens, -1, null);
  }

  private static AnswerRequest sampled(int[] prompt, Sampling sampling, long seed, int logprobs, TokenConstraint constraint, String... stop) {
    return new AnswerRequest(prompt, List.of(), sampling, seed, List.of(stop), 24, logprobs, constraint);
  }

  @Test
  void specialTokensAreTextOnlyWhereTheyAreShown() {
    int bos = vocabulary.bosId();
    assertThat(vocabulary.isSpecial(bos)).isTrue();
    Sampling always = new Sampling(0, 0, 1, 0, 1, 0, 0, Map.of(bos, 1000f));
    AnswerRequest request = new AnswerRequest(prompt(5, 1), List.of(), always, 7, List.of(), 2, -1, null);
    try (NativeAnswerEngine engine = engine(2, 512, 4)) {
      for (Set<Integer> shown : List.of(Set.<Integer>of(), Set.of(bos))) {
        Heard heard = new Heard();
        engine.submit(request.withShown(shown), heard);
        assertThat(heard.whole()).isEqualTo("length 2: " + vocabulary.text(bos).repeat(2 * shown.size()));
      }
    }
  }

  /** All that a listener hears. */
  private static final class Heard implements AnswerListener {
    final StringBuilder text = new StringBuilder();
    final List<TokenLogprob> tokens = new ArrayList<>();
    final CompletableFuture<AnswerEnd> end = new CompletableFuture<>();
    final CountDownLatch begun = new CountDownLatch(1);

    @Override
    public synchronized void text(String more, List<TokenLogprob> taken) {
      text.append(more);
      tokens.addAll(taken);
      begun.countDown();
    }

    @Override
    public void done(AnswerEnd how) {
      end.complete(how);
    }

    @Override
    public void failed(RuntimeException reason) {
      end.completeExceptionally(reason);
    }

    String whole() {
      AnswerEnd how = end.join();
      return how.reason() + " " + how.answerTokens() + ": " + text;
    }
  }

  private static Heard ask(AnswerEngine engine, AnswerRequest request) {
    Heard heard = new Heard();
    engine.submit(request, heard);
    return heard;
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "Q4_K_M"})
  void batchedEqualsAlone(String mix) {
    openModel(mix);
    List<AnswerRequest> requests = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      int[] prompt = prompt(3 + i % 37, i / 2); // neighbours share beginnings
      for (AdapterUse[] uses : new AdapterUse[][] {{}, {ONE}, {ONE, new AdapterUse("two", 0.5f)}}) {
        requests.add(request(prompt, 6 + i % 5, uses));
      }
    }
    List<String> alone = new ArrayList<>();
    try (NativeAnswerEngine engine = engine(1, 256, 1000)) {
      engine.addAdapter("one", adapter("one", 4, 1));
      engine.addAdapter("two", adapter("two", 9, 2));
      requests.forEach(request -> alone.add(ask(engine, request).whole()));
    }
    assertThat(alone.stream().distinct().count()).as("different prompts and adapters answer differently").isGreaterThan(70);
    try (NativeAnswerEngine engine = engine(12, 1024, 1000)) {
      engine.addAdapter("one", folder.resolve("one.gguf"));
      engine.addAdapter("two", folder.resolve("two.gguf"));
      List<Heard> mixed = requests.stream().map(request -> ask(engine, request)).toList();
      assertThat(mixed.stream().map(Heard::whole)).isEqualTo(alone);
      assertThat(engine.status().reusedTokens()).isPositive();
      assertThat(engine.status().active()).isZero();
      assertThat(engine.status().waiting()).isZero();
    }
  }

  @Test
  void anAnswerDependsOnItsSeedAloneWhateverRunsBeside() {
    Sampling warm = new Sampling(1, 50, 0.9f, 0.01f, 1.1f, 0.1f, 0.1f, Map.of(5, -3f));
    try (NativeAnswerEngine engine = engine(6, 1024, 100)) {
      String alone = ask(engine, sampled(prompt(20, 1), warm, 3, -1, null)).whole();
      List<Heard> beside = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        beside.add(ask(engine, sampled(prompt(10 + i, 5 + i), warm, i, -1, null)));
      }
      Heard again = ask(engine, sampled(prompt(20, 1), warm, 3, -1, null));
      Heard other = ask(engine, sampled(prompt(20, 1), warm, 4, -1, null));
      assertThat(again.whole()).isEqualTo(alone);
      assertThat(other.whole()).isNotEqualTo(alone);
      beside.forEach(Heard::whole);
    }
  }

  @Test
  void equalPromptsAreComputedOnceEvenWhenTheyComeTogether() {
    try (NativeAnswerEngine engine = engine(4, 2048, 100)) {
      int[] prompt = prompt(150, 1);
      List<Heard> four = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        four.add(ask(engine, request(prompt, 6)));
      }
      assertThat(four.stream().map(Heard::whole).distinct()).hasSize(1);
      assertThat(engine.status().promptTokens()).isEqualTo(150 + 3 * (150 - 128));
      assertThat(four.get(3).end.join()).isEqualTo(new AnswerEnd("length", 150, 128, 6));
    }
  }

  @Test
  void aPromptWaitsForItsBeginningWhileAnotherComputesIt() {
    try (NativeAnswerEngine engine = engine(5, 2048, 10)) {
      int[] prompt = prompt(40, 1);
      List<Heard> four = new ArrayList<>();
      CompletableFuture<Void> done = new CompletableFuture<>();
      engine.submit(told(prompt(4, 2), 40), new Noting("beside", new ArrayList<>(), () -> {
        for (int i = 0; i < 4; i++) {
          four.add(ask(engine, request(prompt, 6)));
        }
      }, done));
      done.join();
      assertThat(four.stream().map(Heard::whole).distinct()).hasSize(1);
      assertThat(engine.status().promptTokens()).isEqualTo(4 + 40 + 3 * (40 - 32));
    }
  }

  @Test
  void logprobsAreOfTheModelsOwnDistribution() {
    try (NativeAnswerEngine engine = engine(2, 512, 10)) {
      Heard plain = ask(engine, sampled(prompt(9, 1), Sampling.GREEDY, 0, 3, null));
      Heard pushed = ask(engine, sampled(prompt(9, 1), new Sampling(0, 0, 1, 0, 1, 0, 0, Map.of(77, 100f)), 0, 320, null));
      plain.end.join();
      pushed.end.join();
      assertThat(plain.tokens).hasSize(24).allSatisfy(token -> {
        assertThat(token.top()).hasSize(3);
        assertThat(token.top().get(0).token()).isEqualTo(token.token());
        assertThat(token.top().get(0).logp()).isEqualTo(token.logp());
      });
      assertThat(pushed.tokens).allSatisfy(token -> {
        assertThat(token.token()).isEqualTo(77);
        assertThat(token.logp()).isLessThan(-1); // not the biased 0
        assertThat(token.top().stream().mapToDouble(t -> Math.exp(t.logp())).sum()).isCloseTo(1, within(1e-4));
      });
      assertThat(pushed.tokens.get(0).top().get(0)).isEqualTo(plain.tokens.get(0).top().get(0));
    }
  }

  /** Allows two tokens in turn, then nothing but the end. */
  private static TokenConstraint turns(int first, int second, int length) {
    return () -> new ConstraintState() {
      private int at;

      @Override
      public long[] allowed() {
        long[] mask = new long[5];
        int id = at % 2 == 0 ? first : second;
        mask[id / 64] = 1L << id % 64;
        return mask;
      }

      @Override
      public void accept(int token) {
        if (token != (at % 2 == 0 ? first : second)) {
          throw new IllegalArgumentException("not allowed: " + token);
        }
        at++;
      }

      @Override
      public boolean finished() {
        return at == length;
      }
    };
  }

  @Test
  void constraintsAndStopTextsEndAnswers() {
    int a = id('a');
    int b = id('b');
    try (NativeAnswerEngine engine = engine(4, 512, 10)) {
      Heard held = ask(engine, sampled(prompt(9, 1), new Sampling(1, 0, 1, 0), 0, -1, turns(a, b, 5)));
      Heard stopped = ask(engine, sampled(prompt(9, 1), Sampling.GREEDY, 0, -1, turns(a, b, 99), "xx", "baba"));
      Heard free = ask(engine, request(prompt(9, 1), 24));
      assertThat(held.whole()).isEqualTo("stop 5: ababa");
      assertThat(stopped.whole()).isEqualTo("stop 5: a");
      assertThat(free.end.join().reason()).isEqualTo("length");
      TokenConstraint broken = () -> {
        throw new IllegalStateException("no such form");
      };
      Heard failing = ask(engine, sampled(prompt(9, 1), Sampling.GREEDY, 0, -1, broken));
      assertThatThrownBy(failing.end::join).hasRootCauseMessage("no such form");
      assertThat(ask(engine, request(prompt(9, 1), 24)).whole()).isEqualTo(free.whole());
    }
  }

  private int id(char letter) {
    for (int i = 0; i < vocabulary.size(); i++) {
      if (!vocabulary.isSpecial(i) && new String(vocabulary.piece(i), StandardCharsets.UTF_8).equals(String.valueOf(letter))) {
        return i;
      }
    }
    throw new AssertionError("no " + letter);
  }

  @Test
  void whatCannotBeAnsweredIsRefusedAtOnce() {
    try (NativeAnswerEngine engine = engine(2, 256, 10)) {
      assertThat(engine.contextLength()).isEqualTo(256);
      refused(engine, request(prompt(200, 1), 57), "200 tokens and an answer of 57 exceed the context of 256");
      refused(engine, request(new int[0], 5), "empty");
      refused(engine, request(new int[] {320}, 5), "token 320");
      refused(engine, request(new int[] {-1}, 5), "token -1");
      refused(engine, request(prompt(5, 1), 0), "at least 1");
      refused(engine, request(prompt(5, 1), 5, ONE), "no adapter one");
      refused(engine, sampled(prompt(5, 1), new Sampling(Float.NaN, 0, 1, 0), 0, -1, null), "temperature");
      refused(engine, sampled(prompt(5, 1), new Sampling(1, 0, 1, 0, 1, 0, 0, Map.of(999, 1f)), 0, -1, null), "999");
      refused(engine, sampled(prompt(5, 1), Sampling.GREEDY, 0, 321, null), "321");
      refused(engine, sampled(prompt(5, 1), Sampling.GREEDY, 0, -1, null, ""), "stop text");
      assertThat(ask(engine, request(prompt(240, 1), 16)).end.join().answerTokens()).isEqualTo(16);
    }
  }

  private static void refused(AnswerEngine engine, AnswerRequest request, String message) {
    assertThatThrownBy(() -> engine.submit(request, new Heard())).isInstanceOf(UsageException.class).hasMessageContaining(message);
  }

  @Test
  void adaptersComeAndGoWhileOthersAreAtWork() {
    Path file = adapter("one", 4, 1);
    try (NativeAnswerEngine engine = engine(3, 1024, 100)) {
      String base = ask(engine, request(prompt(30, 1), 40)).whole();
      Heard running = ask(engine, request(prompt(30, 1), 40));
      engine.addAdapter("one", file);
      assertThat(engine.adapters()).containsExactly("one");
      assertThatThrownBy(() -> engine.addAdapter("one", file)).isInstanceOf(UsageException.class).hasMessageContaining("already");
      Heard adapted = ask(engine, request(prompt(30, 1), 100, ONE));
      assertThatThrownBy(() -> engine.submit(request(prompt(3, 1), 4, ONE, ONE), new Heard())).hasMessageContaining("twice");
      assertThat(engine.removeAdapter("one")).isTrue(); // maybe still in use
      assertThat(engine.removeAdapter("one")).isFalse();
      refused(engine, request(prompt(3, 1), 4, ONE), "no adapter one");
      engine.addAdapter("one", adapter("other", 12, 2)); // another by the same name, and wider
      Heard other = ask(engine, request(prompt(30, 1), 100, ONE));
      assertThat(running.whole()).isEqualTo(base);
      assertThat(adapted.whole()).isNotEqualTo(other.whole());
      assertThatThrownBy(() -> engine.addAdapter("bad", folder.resolve("F32.gguf"))).isInstanceOf(BadFileException.class);
      for (int i = 0; i < 30; i++) {
        engine.addAdapter("again", file);
        assertThat(engine.removeAdapter("again")).isTrue();
      }
    }
  }

  @Test
  void aFullQueueRefusesAndCancelledRequestsMakeRoom() throws Exception {
    try (NativeAnswerEngine engine = engine(1, 256, 2)) {
      Heard first = new Heard();
      AnswerTicket running = engine.submit(request(prompt(9, 1), 200), first);
      assertThat(first.begun.await(20, TimeUnit.SECONDS)).isTrue();
      Heard second = ask(engine, request(prompt(9, 2), 5));
      AnswerTicket third = engine.submit(request(prompt(9, 3), 5), new Heard());
      assertThatThrownBy(() -> ask(engine, request(prompt(9, 4), 5))).isInstanceOf(QueueFullException.class).hasMessageContaining("2 requests wait");
      assertThatThrownBy(() -> engine.embed(List.of(prompt(9, 4)), List.of())).isInstanceOf(QueueFullException.class);
      running.cancel();
      third.cancel();
      assertThat(second.whole()).startsWith("length 5");
      assertThat(ask(engine, request(prompt(9, 4), 5)).whole()).startsWith("length 5");
      assertThat(first.end.isDone()).isFalse();
      third.cancel();
    }
  }

  @Test
  void closingFailsWhatRuns() throws Exception {
    NativeAnswerEngine engine = engine(1, 256, 5);
    Heard running = ask(engine, request(prompt(9, 1), 240));
    Heard waiting = ask(engine, request(prompt(9, 2), 240));
    running.begun.await(20, TimeUnit.SECONDS);
    engine.close();
    engine.close();
    assertThatThrownBy(running.end::join).isInstanceOf(CompletionException.class).hasRootCauseMessage("the engine was closed");
    assertThatThrownBy(waiting.end::join).hasRootCauseMessage("the engine was closed");
    assertThatThrownBy(() -> ask(engine, request(prompt(9, 2), 4))).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> engine.removeAdapter("x")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aLongPromptDoesNotStallOthers() {
    try (NativeAnswerEngine engine = engine(2, 512, 5)) {
      List<String> order = new ArrayList<>();
      int[] longPrompt = prompt(200, 1);
      CompletableFuture<Void> done = new CompletableFuture<>();
      engine.submit(told(prompt(4, 2), 40), new Noting("short", order, () -> engine.submit(told(longPrompt, 3), new Noting("long", order, () -> { }, done))));
      done.join();
      // 200 tokens in pieces of 24 while the short one goes on: at least eight of its tokens come before the long one's first
      assertThat(order.subList(1, order.indexOf("long")).size()).isGreaterThanOrEqualTo(8);
      assertThat(order.lastIndexOf("short")).isGreaterThan(order.indexOf("long"));
    }
  }

  /** With log-probabilities, so that every token is heard of. */
  private static AnswerRequest told(int[] prompt, int maxTokens) {
    return new AnswerRequest(prompt, List.of(), Sampling.GREEDY, 7, List.of(), maxTokens, 0, null);
  }

  /** Writes down who hears a token; runs something at its first. */
  private record Noting(String name, List<String> order, Runnable first, CompletableFuture<Void> end) implements AnswerListener {
    Noting(String name, List<String> order, Runnable first) {
      this(name, order, first, new CompletableFuture<>());
    }

    @Override
    public void text(String more, List<TokenLogprob> tokens) {
      if (!order.contains(name)) {
        first.run();
      }
      order.add(name);
    }

    @Override
    public void done(AnswerEnd how) {
      end.complete(null);
    }

    @Override
    public void failed(RuntimeException reason) {
      end.completeExceptionally(reason);
    }
  }

  @Test
  void embeddingsHaveLengthOneAndDependOnTextAndAdapter() {
    try (NativeAnswerEngine engine = engine(3, 512, 20)) {
      engine.addAdapter("one", adapter("one", 4, 1));
      List<float[]> all = engine.embed(List.of(prompt(100, 1), prompt(5, 2), prompt(100, 1)), List.of());
      assertThat(all.get(0)).hasSize(256);
      assertThat(dot(all.get(0), all.get(0))).isCloseTo(1, within(1e-5));
      assertThat(dot(all.get(0), all.get(2))).isCloseTo(1, within(1e-5));
      assertThat(dot(all.get(0), all.get(1))).isLessThan(0.999);
      assertThat(dot(all.get(0), engine.embed(List.of(prompt(100, 1)), List.of(ONE)).get(0))).isLessThan(0.9999);
      assertThatThrownBy(() -> engine.embed(List.of(new int[0]), List.of())).isInstanceOf(UsageException.class);
      assertThatThrownBy(() -> engine.embed(List.of(prompt(300, 1)), List.of())).hasMessageContaining("exceed the context of 256");
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  @Test
  void aListenerThatThrowsHarmsNobodyElse() {
    try (NativeAnswerEngine engine = engine(2, 512, 20)) {
      AnswerListener rude = new AnswerListener() {
        @Override
        public void text(String more, List<TokenLogprob> tokens) {
          throw new IllegalStateException("rude");
        }

        @Override
        public void done(AnswerEnd end) {
          throw new IllegalStateException("rude");
        }

        @Override
        public void failed(RuntimeException reason) {
          throw new IllegalStateException("rude");
        }
      };
      String alone = ask(engine, request(prompt(9, 1), 30)).whole();
      Heard beside = ask(engine, request(prompt(9, 1), 30));
      engine.submit(request(prompt(9, 1), 30), rude);
      assertThat(beside.whole()).isEqualTo(alone);
      assertThat(ask(engine, request(prompt(9, 1), 30)).whole()).isEqualTo(alone);
    }
  }
}
