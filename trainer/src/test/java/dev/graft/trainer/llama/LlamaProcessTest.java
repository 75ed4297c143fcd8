package dev.graft.trainer.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.tokenizer.ProcessTokenizer;
import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaProcessTest {
  @TempDir Path folder;

  @Test
  void decodingEqualsLlamaCppOnRandomIds() throws IOException {
    for (TestGguf gguf : List.of(TestVocabularies.spm(), TestVocabularies.llama3(), TestVocabularies.qwen2())) {
      try (ProcessTokenizer tokenizer = new ProcessTokenizer(gguf, folder)) {
        Vocabulary v = tokenizer.vocabulary();
        Random random = new Random(7);
        for (int n = 0; n < 200; n++) {
          int[] ids = random.ints(1 + random.nextInt(12), 0, v.size()).toArray();
          assertThat(v.decode(ids, true)).isEqualTo(tokenizer.process().decode(ids));
        }
      }
    }
  }

  @Test
  void decodingIsTheInverseOfEncoding() throws IOException {
    List<String> texts = List.of("hello", "hello world\n\n  x", "a\u0000b", "\uD83D\uDE00 \u00e9\u4e2d", "<|im_start|>user\nhello<|im_end|>", "\r\n\t ", "");
    try (ProcessTokenizer bpe = new ProcessTokenizer(TestVocabularies.qwen2(), folder); ProcessTokenizer spm = new ProcessTokenizer(TestVocabularies.spm(), folder)) {
      List<int[]> ids = bpe.encodeAll(texts);
      List<int[]> spmIds = spm.encodeAll(texts);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(bpe.vocabulary().decode(ids.get(i), true)).isEqualTo(texts.get(i));
        assertThat(spm.vocabulary().decode(spmIds.get(i), true)).isEqualTo((texts.get(i).isEmpty() ? "" : " ") + texts.get(i));
      }
      assertThat(bpe.encode("<|im_end|>")).containsExactly(bpe.vocabulary().eosId());
    }
  }

  @Test
  void aGenerationTakesIdsAndRefusesWhatDoesNotFit() throws IOException {
    try (LlamaProcess process = LlamaProcess.start(LlamaOptions.of(TestVocabularies.qwen2().write(folder.resolve("m.gguf"))).withContext(64).withThreads(1))) {
      LlamaAnswer answer = process.generate(LlamaRequest.greedy(new int[] {'a', 'b'}, 4));
      assertThat(answer.finishReason()).isIn("length", "stop");
      assertThatThrownBy(() -> process.generate(LlamaRequest.greedy(new int[60], 40))).isInstanceOf(LlamaProcessException.class).hasMessageContaining("60 tokens and 40 to write do not fit the context of 64");
      assertThat(process.encode(List.of("ab")).get(0)).as("still alive").containsExactly('a', 'b');
    }
  }

  @Test
  void whatLlamaCppRefusesGivesOneLineWithItsReason() throws IOException {
    Path bad = TestVocabularies.qwen2().put("tokenizer.ggml.pre", "no-such-pre").write(folder.resolve("bad.gguf"));
    assertThatThrownBy(() -> LlamaProcess.start(LlamaOptions.of(bad))).isInstanceOf(LlamaProcessException.class).hasMessageContaining("bad.gguf").hasMessageContaining("no-such-pre").hasMessageNotContaining("\n");
    Path text = Files.writeString(folder.resolve("text.gguf"), "not a model");
    assertThatThrownBy(() -> LlamaProcess.start(LlamaOptions.of(text))).hasMessageContaining("text.gguf");
  }

  @Test
  void whatMakesLlamaCppAbortEndsTheChildOnly() throws IOException {
    TestGguf gguf = TestVocabularies.qwen2();
    List<String> tokens = new ArrayList<>(gguf.tokens());
    tokens.set(3, tokens.get(2)); // llama.cpp asserts that tokens differ
    Path file = gguf.put("tokenizer.ggml.tokens", tokens).write(folder.resolve("double.gguf"));
    assertThatThrownBy(
            () -> {
              try (LlamaProcess process = LlamaProcess.start(LlamaOptions.of(file))) {
                throw new LlamaProcessException("loaded", false, null);
              }
            })
        .isInstanceOf(LlamaProcessException.class)
        .satisfies(e -> assertThat(e.getMessage()).matches("loaded|llama.cpp (stopped|failed).*double.gguf.*"));
  }

  @Test
  void aSlowStartIsGivenUp() throws IOException {
    Path file = TestVocabularies.qwen2().write(folder.resolve("slow.gguf"));
    assertThatThrownBy(() -> LlamaProcess.start(LlamaOptions.of(file).withStartTimeout(Duration.ofMillis(1)))).hasMessageContaining("did not answer within");
  }

  @Test
  void closeEndsTheProcess() throws IOException {
    LlamaProcess process = LlamaProcess.start(LlamaOptions.of(TestVocabularies.qwen2().write(folder.resolve("c.gguf"))));
    assertThat(process.alive()).isTrue();
    process.close();
    assertThat(process.alive()).isFalse();
    assertThatThrownBy(() -> process.encode(List.of("x"))).hasMessageContaining("has ended");
  }

  @Test
  void theChildEndsWithItsInput() throws Exception {
    Process child = WorkerCommand.builder().redirectErrorStream(true).start();
    assertThat(child.waitFor(300, TimeUnit.MILLISECONDS)).isFalse();
    child.getOutputStream().close(); // what a dying parent does
    assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void sixMayStartAtOnce() throws IOException {
    Path file = TestVocabularies.qwen2().write(folder.resolve("six.gguf"));
    List<CompletableFuture<Integer>> all = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      all.add(
          CompletableFuture.supplyAsync(
              () -> {
                try (LlamaProcess process = LlamaProcess.start(LlamaOptions.of(file).withThreads(1))) {
                  return process.encode(List.of("hello")).get(0).length;
                }
              }));
    }
    assertThat(all.stream().map(CompletableFuture::join)).containsOnly(1);
  }
}
