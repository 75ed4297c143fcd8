package dev.graft.trainer.tokenizer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Small vocabularies of the two kinds that matter. */
public final class TestVocabularies {
  private TestVocabularies() {}

  /** SentencePiece: unk, &lt;s&gt;, &lt;/s&gt;, 256 bytes, "▁", letters, a few words. Adds a BOS and the space prefix. */
  public static TestGguf spm() {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
      types.add(6);
    }
    Set<String> words = new LinkedHashSet<>();
    words.add("\u2581");
    for (char c = 'a'; c <= 'z'; c++) {
      words.add(String.valueOf(c));
    }
    words.addAll(List.of("[", "]", "/", "I", "N", "S", "T", ":", "?", ".", "\u2581\u2581", "he", "ll", "hell", "hello", "\u2581hello", "ye", "yes", "\u2581yes", "no", "\u2581no"));
    tokens.addAll(words);
    List<Float> scores = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      types.add(1);
      scores.add(i < 259 ? 0f : -(float) (i - 258));
    }
    return new TestGguf()
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.tokens", List.copyOf(tokens))
        .put("tokenizer.ggml.scores", scores)
        .put("tokenizer.ggml.token_type", List.copyOf(types.subList(0, tokens.size())))
        .put("tokenizer.ggml.bos_token_id", 1)
        .put("tokenizer.ggml.eos_token_id", 2)
        .put("tokenizer.ggml.unknown_token_id", 0);
  }

  /** Byte-level BPE: the 256 bytes, a few words, then the given special tokens. */
  public static TestGguf bpe(String pre, String bos, String eos, String... special) {
    List<String> tokens = new ArrayList<>();
    int other = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      tokens.add(String.valueOf((char) (printable ? b : other++)));
    }
    List<String> merges = new ArrayList<>();
    String space = "\u0120";
    String line = "\u010A";
    for (String merge : List.of("h e", "l l", "he ll", "hell o", space + " w", "o r", space + "w or", "l d", space + "wor ld", line + " " + line, "u s", "e r", "us er")) {
      merges.add(merge);
      tokens.add(merge.replaceFirst("(?<=.) ", ""));
    }
    List<Integer> types = new ArrayList<>();
    tokens.forEach(token -> types.add(1));
    for (String text : special) {
      tokens.add(text);
      types.add(3);
    }
    TestGguf gguf =
        new TestGguf()
            .put("tokenizer.ggml.model", "gpt2")
            .put("tokenizer.ggml.pre", pre)
            .put("tokenizer.ggml.tokens", List.copyOf(tokens))
            .put("tokenizer.ggml.token_type", List.copyOf(types))
            .put("tokenizer.ggml.merges", List.copyOf(merges))
            .put("tokenizer.ggml.bos_token_id", tokens.indexOf(bos))
            .put("tokenizer.ggml.eos_token_id", tokens.indexOf(eos));
    return gguf;
  }

  /** As Llama 3: adds a BOS, turns end with &lt;|eot_id|&gt;. */
  public static TestGguf llama3() {
    return bpe("llama-bpe", "<|begin_of_text|>", "<|end_of_text|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>");
  }

  /** As Qwen 2: no BOS is added, turns end with &lt;|im_end|&gt;. */
  public static TestGguf qwen2() {
    return bpe("qwen2", "<|endoftext|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>").put("tokenizer.ggml.add_bos_token", false);
  }

  /** The vocabulary that a test file describes. */
  public static Vocabulary read(TestGguf gguf) {
    return Vocabulary.read(gguf, Path.of("test.gguf"));
  }
}
