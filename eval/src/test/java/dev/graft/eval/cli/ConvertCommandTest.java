package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.VocabularyFile;
import dev.graft.trainer.bpe.TokenizerOptions;
import dev.graft.trainer.bpe.TokenizerTrainer;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code graft convert}: what it writes computes what transformers would; what it cannot read is one line. */
class ConvertCommandTest {
  private static final int VOCABULARY = 264;
  private static final int[] TOKENS = {258, 7, 99, 100, 3, 200, 7, 64, 31, 255, 12};

  @TempDir static Path good;
  @TempDir Path folder;

  @BeforeAll
  static void writeAGoodFolder() throws IOException {
    new HfFolder("llama", VOCABULARY, false, 2).write(good, "F32", 1);
  }

  /** Scores tokens after the first with a converted file. */
  static double[] score(Path folder, Path model, Path adapter, int[] tokens) throws IOException {
    Path rows = folder.resolve("rows.jsonl");
    Path scores = folder.resolve("scores.jsonl");
    Files.writeString(rows, HfFolder.JSON.writeValueAsString(Map.of("prompt_ids", new int[] {tokens[0]}, "completion_ids", Arrays.copyOfRange(tokens, 1, tokens.length))) + "\n");
    List<Object> args = new ArrayList<>(List.of("score", "--model", model, "--data", rows, "--output", scores, "--quiet"));
    if (adapter != null) {
      args.addAll(List.of("--adapter", adapter));
    }
    Cli.run(args.toArray()).ok();
    JsonNode logps = Golden.lines(scores).get(0).path("logps");
    return IntStream.range(0, logps.size()).mapToDouble(i -> logps.path(i).asDouble()).toArray();
  }

  static void assertClose(double[] got, double[] expected, double tolerance) {
    assertThat(got).hasSameSizeAs(expected);
    for (int i = 0; i < got.length; i++) {
      assertThat(got[i]).as("log p of token %d", i + 1).isCloseTo(expected[i], org.assertj.core.data.Offset.offset(tolerance));
    }
  }

  @ParameterizedTest
  @CsvSource({"llama,F32,F32,1", "llama,BF16,,2", "llama,F16,BF16,1", "mistral,BF16,F16,3", "qwen2,BF16,F32,1", "qwen3,F16,F16,1", "qwen2,F64,,1", "llama,BF16,Q8_0,1"})
  void computesWhatTransformersWould(String type, String stored, String written, int shards) throws IOException {
    HfFolder model = new HfFolder(type, VOCABULARY, type.equals("qwen2"), shards);
    Path source = model.write(folder.resolve("hf"), stored, shards);
    Path output = folder.resolve("model.gguf");
    List<Object> args = new ArrayList<>(List.of("convert", source, output, "--json", "--quiet"));
    if (written != null) {
      args.addAll(List.of("--type", written));
    }
    JsonNode report = HfFolder.JSON.readTree(Cli.run(args.toArray()).ok().out());
    assertThat(report.path("type").asText()).isEqualTo(written != null ? written : stored.equals("F64") ? "F32" : stored);
    assertThat(report.path("files_read").asInt()).isEqualTo(shards);
    double[] expected = new HfForward(model, Map.of()).logps(TOKENS);
    assertClose(score(folder, output, null, TOKENS), expected, "Q8_0".equals(written) ? 0.15 : 5e-5); // exact weights but for Q8_0; f32 arithmetic
  }

  @ParameterizedTest
  @CsvSource({"llama3", "linear"})
  void stretchesPositionsAsTransformersDoes(String kind) throws IOException {
    HfFolder model = new HfFolder("llama", VOCABULARY, false, 4);
    ObjectNode scaling = model.config.putObject("rope_scaling").put("rope_type", kind).put("factor", 8.0);
    scaling.put("low_freq_factor", 1.0).put("high_freq_factor", 4.0).put("original_max_position_embeddings", 64);
    model.config.put("rope_theta", 100.0); // so that wavelengths fall into all three cases
    Path output = folder.resolve("model.gguf");
    Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), output, "--quiet").ok();
    assertClose(score(folder, output, null, TOKENS), new HfForward(model, Map.of()).logps(TOKENS), 5e-5);
  }

  @Test
  void theTokenizerIsTheOneThatWasLearnt() throws IOException {
    Path text = folder.resolve("text.txt");
    Files.writeString(text, "The patient's notes, 2024-11-25: fever for 3 days, no cough.\n\n\tBlood pressure 120/80; the Überweisung says \"naïve\". ".repeat(20));
    VocabularyFile learnt = TokenizerTrainer.train(new TokenizerOptions(List.of(text), 320, 2, "chatml", List.of("<|tool|>"), "learnt")).file();
    Path original = folder.resolve("original.gguf");
    learnt.write(original);
    HfFolder model = new HfFolder("llama", learnt.tokens().size(), true, 1);
    model.learnt(learnt);
    Path output = folder.resolve("model.gguf");
    Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), output, "--quiet").ok();
    try (GgufFile before = GgufFile.open(original);
        GgufFile after = GgufFile.open(output)) {
      for (String key : List.of("model", "pre", "tokens", "token_type", "merges", "bos_token_id", "eos_token_id", "add_bos_token")) {
        assertThat(after.metadata("tokenizer.ggml." + key)).as(key).isEqualTo(before.metadata("tokenizer.ggml." + key)).isPresent();
      }
      assertThat(after.string("tokenizer.chat_template")).isEqualTo(before.string("tokenizer.chat_template")).isPresent();
    }
    try (LlamaTokenizer before = LlamaTokenizer.open(original);
        LlamaTokenizer after = LlamaTokenizer.open(output)) { // java-llama.cpp loads it
      for (String sample : List.of("The patient's fever, 38.5 °C\n\n  and more", "<|im_start|>user\nnaïve Überweisung<|im_end|>\n", "日本語 12345")) {
        assertThat(after.encode(sample)).as(sample).isEqualTo(before.encode(sample));
      }
    }
  }

  @Test
  void sentencePieceBecomesScores() throws IOException {
    HfFolder model = new HfFolder("llama", 300, true, 2);
    ObjectNode tokenizer = HfFolder.JSON.createObjectNode();
    for (Object[] added : new Object[][] {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}}) {
      tokenizer.withArray("added_tokens").addObject().put("id", (Integer) added[1]).put("content", (String) added[0]).put("special", true);
    }
    ObjectNode normalizer = tokenizer.putObject("normalizer").put("type", "Sequence");
    normalizer.withArray("normalizers").addObject().put("type", "Prepend").put("prepend", "\u2581");
    normalizer.withArray("normalizers").addObject().put("type", "Replace").put("content", "\u2581").putObject("pattern").put("String", " ");
    tokenizer.putNull("pre_tokenizer");
    ObjectNode bpe = tokenizer.putObject("model").put("type", "BPE").put("unk_token", "<unk>").put("byte_fallback", true);
    ObjectNode vocab = bpe.putObject("vocab").put("<unk>", 0).put("<s>", 1).put("</s>", 2);
    for (int b = 0; b < 256; b++) {
      vocab.put(String.format("<0x%02X>", b), 3 + b);
    }
    List<String> singles = List.of("\u2581", "a", "b", "c", "d");
    List<String> merged = List.of("bc", "ab", "\u2581a", "abc", "\u2581d");
    Stream.concat(singles.stream(), merged.stream()).forEach(text -> vocab.put(text, vocab.size()));
    for (String merge : List.of("b c", "a b", "\u2581 a", "a bc", "ab c", "\u2581 d")) {
      bpe.withArray("merges").add(merge);
    }
    model.tokenizer = tokenizer;
    model.tokenizerConfig = HfFolder.JSON.createObjectNode().put("bos_token", "<s>").put("eos_token", "</s>").put("unk_token", "<unk>").put("tokenizer_class", "LlamaTokenizerFast");
    Path output = folder.resolve("model.gguf");
    Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), output, "--quiet").ok();
    try (LlamaTokenizer llama = LlamaTokenizer.open(output);
        GgufFile file = GgufFile.open(output)) {
      assertThat(llama.vocabulary().addBos()).isTrue();
      assertThat(llama.vocabulary().bosId()).isEqualTo(1);
      assertThat(file.metadata("tokenizer.ggml.model").orElseThrow().asText()).isEqualTo("llama");
      // by the merges: "_ab" is _ ab (a b stands before _ a), "_abc" is _ a bc, then _a bc; what stands for no token is bytes
      assertThat(texts(llama, "ab")).containsExactly("\u2581", "ab");
      assertThat(texts(llama, "abc d")).containsExactly("\u2581a", "bc", "\u2581d");
      assertThat(texts(llama, "é")).containsExactly("\u2581", "<0xC3>", "<0xA9>");
    }
  }

  private static List<String> texts(LlamaTokenizer llama, String text) {
    return Arrays.stream(llama.encode(text)).mapToObj(llama.vocabulary()::text).toList();
  }

  /** Something that spoils a folder. */
  private interface Spoil {
    void on(Path hf) throws IOException;
  }

  private static Arguments spoilt(String message, Spoil how) {
    return Arguments.of(message, how);
  }

  private static Arguments config(String message, String field, Object value) {
    return spoilt(message, hf -> {
      ObjectNode config = (ObjectNode) HfFolder.JSON.readTree(hf.resolve("config.json").toFile());
      config.set(field, HfFolder.JSON.valueToTree(value));
      Files.writeString(hf.resolve("config.json"), config.toString());
    });
  }

  private static Arguments header(String message, String from, String to) {
    return spoilt(message, hf -> {
      Path file = hf.resolve("model.safetensors");
      byte[] bytes = Files.readAllBytes(file);
      int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      String header = new String(bytes, 8, length, StandardCharsets.UTF_8);
      assertThat(header).contains(from);
      Files.write(file, HfFolder.file(header.replace(from, to), Arrays.copyOfRange(bytes, 8 + length, bytes.length)));
    });
  }

  private static Arguments length(String message, long length) {
    return spoilt(message, hf -> {
      byte[] bytes = Files.readAllBytes(hf.resolve("model.safetensors"));
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
      Files.write(hf.resolve("model.safetensors"), bytes);
    });
  }

  private static Arguments cut(String message, int to) {
    return spoilt(message, hf -> {
      byte[] bytes = Files.readAllBytes(hf.resolve("model.safetensors"));
      Files.write(hf.resolve("model.safetensors"), Arrays.copyOf(bytes, to < 0 ? bytes.length + to : to));
    });
  }

  private static Arguments tokenizer(String message, String from, String to) {
    return spoilt(message, hf -> {
      String json = Files.readString(hf.resolve("tokenizer.json"));
      assertThat(json).contains(from);
      Files.writeString(hf.resolve("tokenizer.json"), json.replace(from, to));
    });
  }

  static Stream<Arguments> spoilt() {
    String q = "\"model.layers.0.self_attn.q_proj.weight\":{\"dtype\":\"F32\",\"shape\":[32,32],\"data_offsets\":[";
    return Stream.of(
        spoilt("config.json: no such file", hf -> Files.delete(hf.resolve("config.json"))),
        spoilt("not JSON", hf -> Files.writeString(hf.resolve("config.json"), "{\"a\": ")),
        spoilt("tokenizer.json: no such file", hf -> Files.delete(hf.resolve("tokenizer.json"))),
        spoilt("neither model.safetensors nor", hf -> Files.delete(hf.resolve("model.safetensors"))),
        spoilt("shard is missing", hf -> Files.writeString(hf.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}")),
        spoilt("a file in the same folder", hf -> Files.writeString(hf.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"a\": \"../../secret\"}}")),
        config("model_type is \"gpt2\"", "model_type", "gpt2"),
        config("num_hidden_layers is 0", "num_hidden_layers", 0),
        config("num_hidden_layers is \"2\"", "num_hidden_layers", "2"),
        config("model.layers.2.input_layernorm.weight is missing", "num_hidden_layers", 3),
        config("model.layers.1.input_layernorm.weight is not part of", "num_hidden_layers", 1),
        config("has the shape [64, 32], but by config.json it is [48, 32]", "intermediate_size", 48),
        config("but by config.json it is [300, 32]", "vocab_size", 300),
        config("but the embedding has 100 rows", "vocab_size", 100),
        config("hidden_act is \"gelu\"", "hidden_act", "gelu"),
        config("only models ...ForCausalLM", "architectures", List.of("LlamaForSequenceClassification")),
        config("unquantized model", "quantization_config", Map.of("quant_method", "gptq")),
        config("rope_scaling type is \"yarn\"", "rope_scaling", Map.of("type", "yarn", "factor", 4)),
        config("rms_norm_eps is -1", "rms_norm_eps", -1),
        cut("too few for a safetensors file", 5),
        cut("it is cut short", -100),
        length("declares a header", Long.MAX_VALUE),
        length("declares a header", -1),
        length("declares a header", 1L << 40),
        length("not JSON", 20),
        header("unknown dtype F7", "\"dtype\":\"F32\"", "\"dtype\":\"F7\""),
        header("takes 8192 bytes by its shape [32, 32] and dtype I64", q, q.replace("F32", "I64")),
        header("impossible shape", q, q.replace("[32,32]", "[32,-32]")),
        header("more than any file holds", q, q.replace("[32,32]", "[4611686018427387904,8]")),
        header("its data_offsets span", q, q.replace("[32,32]", "[32,31]")),
        header("lacks its dtype, shape or data_offsets", q, q.replace("\"shape\"", "\"shap\"")),
        header("Duplicate field", "model.layers.0.self_attn.o_proj", "model.layers.0.self_attn.q_proj"),
        header("is missing", "model.norm.weight", "model.worm.weight"),
        spoilt("overlaps", hf -> Files.write(hf.resolve("model.safetensors"), twoTensors(0, 8, 4, 12, 12))),
        spoilt("leaves a hole", hf -> Files.write(hf.resolve("model.safetensors"), twoTensors(0, 8, 12, 20, 20))),
        spoilt("behind its last tensor", hf -> Files.write(hf.resolve("model.safetensors"), twoTensors(0, 8, 8, 16, 20))),
        spoilt("ends at byte 16", hf -> Files.write(hf.resolve("model.safetensors"), twoTensors(0, 8, 8, 16, 12))),
        spoilt("holds a NaN", hf -> {
          byte[] bytes = Files.readAllBytes(hf.resolve("model.safetensors"));
          ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, Float.NaN);
          Files.write(hf.resolve("model.safetensors"), bytes);
        }),
        tokenizer("none of llama.cpp's is known to split so", "{1,3}", "{1,4}"),
        tokenizer("needs the token 'thx'", "\"th e\"", "\"th x\""),
        tokenizer("is not two tokens", "\"th e\"", "\"the\""),
        tokenizer("model.type is \"Unigram\"", "\"type\" : \"BPE\"", "\"type\" : \"Unigram\""),
        tokenizer("has the id 999999", "\"the\" : 257", "\"the\" : 999999"),
        tokenizer("contradicts", "\"the\" : 257", "\"the\" : 256"),
        spoilt("expected a token of tokenizer.json", hf -> Files.writeString(hf.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|none|>\"}")));
  }

  private static byte[] twoTensors(int a0, int a1, int b0, int b1, int bytes) {
    String entry = "\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[%d,%d]}";
    return HfFolder.file("{" + String.format(entry, "a", a0, a1) + "," + String.format(entry, "b", b0, b1) + "}", new byte[bytes]);
  }

  @ParameterizedTest
  @MethodSource("spoilt")
  void whatIsWrongIsOneLineAndNothingIsLeft(String message, Spoil how) throws IOException {
    Path hf = Files.createDirectory(folder.resolve("hf"));
    for (Path file : List.of("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors").stream().map(good::resolve).toList()) {
      Files.copy(file, hf.resolve(file.getFileName()));
    }
    how.on(hf);
    Path output = folder.resolve("model.gguf");
    assertThat(Cli.run("convert", hf, output, "--quiet").fails(3).err()).contains(message);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(hf);
    }
  }

  @Test
  void numbersBeyondF16AreRefusedNotMadeInfinite() throws IOException {
    HfFolder model = new HfFolder("llama", VOCABULARY, false, 2);
    model.weights.get("lm_head.weight")[5] = 1e5f;
    Path hf = model.write(folder.resolve("hf"), "F32", 1);
    assertThat(Cli.run("convert", hf, folder.resolve("m.gguf"), "--type", "F16", "--quiet").fails(3).err()).contains("lm_head.weight holds 100000.0, which F16 cannot");
    Cli.run("convert", hf, folder.resolve("m.gguf"), "--type", "BF16", "--quiet").ok();
  }

  @Test
  void rowsThatAreNoWholeBlocksFallBackAloud() throws IOException {
    HfFolder model = new HfFolder("qwen3", VOCABULARY, true, 2); // rows of 32, and of 64 from the heads: fine
    Map<String, int[]> shapes = new LinkedHashMap<>(model.shapes);
    shapes.forEach((name, shape) -> {
      if (name.contains("mlp.")) { // 63 instead of 64
        int[] narrow = name.contains("down") ? new int[] {32, 63} : new int[] {63, 32};
        model.put(name, Arrays.copyOf(model.weights.get(name), 32 * 63), narrow);
      }
    });
    model.config.put("intermediate_size", 63);
    Cli.Result result = Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), folder.resolve("m.gguf"), "--type", "Q8_0").ok();
    assertThat(result.err()).contains("2 matrices have rows that are no whole number of Q8_0's blocks; they are written as F16");
  }
}
