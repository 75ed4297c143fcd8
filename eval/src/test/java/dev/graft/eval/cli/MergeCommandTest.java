package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GgufTensor;
import dev.graft.bindings.RandomModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code graft merge}: the merged model computes what base and adapter do, and the report says what that cost. */
class MergeCommandTest {
  @TempDir Path folder;

  private JsonNode merge(Object... args) throws IOException {
    List<Object> all = new ArrayList<>(List.of("merge", "--json", "--quiet", "--output", folder.resolve("merged.gguf")));
    all.addAll(List.of(args));
    return HfFolder.JSON.readTree(Cli.run(all.toArray()).ok().out());
  }

  private JsonNode score(Path model, Path adapter, Path data) throws IOException {
    List<Object> args = new ArrayList<>(List.of("score", "--model", model, "--data", data, "--output", folder.resolve("scores.jsonl"), "--json", "--quiet"));
    if (adapter != null) {
      args.addAll(List.of("--adapter", adapter));
    }
    return HfFolder.JSON.readTree(Cli.run(args.toArray()).ok().out());
  }

  /** Against float64 PyTorch with the adapter applied. */
  @ParameterizedTest
  @CsvSource({"llama_f32,,2e-4", "llama_f32,F16,5e-3", "llama_q8_0,F32,2e-4", "llama_q8_0,F16,5e-3", "llama_q4_k_m,BF16,4e-2", "llama_q4_k_m,F32,2e-4"})
  void computesWhatBaseAndAdapterDo(String name, String type, double tolerance) throws IOException {
    Golden golden = Golden.of(name);
    List<Object> args = new ArrayList<>(List.of("--model", golden.model(), "--adapter", golden.adapter(), "--no-report"));
    if (type != null) {
      args.addAll(List.of("--type", type));
    }
    merge(args.toArray());
    Cli.run("score", "--model", folder.resolve("merged.gguf"), "--data", golden.sft(), "--output", folder.resolve("scores.jsonl"), "--quiet").ok();
    JsonNode expected = golden.expected().path("score_adapter");
    List<JsonNode> got = Golden.lines(folder.resolve("scores.jsonl"));
    assertThat(expected.size()).isEqualTo(got.size());
    for (int row = 0; row < got.size(); row++) {
      JsonNode logps = expected.path(row);
      assertThat(logps.size()).isPositive();
      for (int i = 0; i < logps.size(); i++) {
        assertThat(got.get(row).path("logps").path(i).asDouble()).as("row %d, token %d", row, i).isCloseTo(logps.path(i).asDouble(), Offset.offset(tolerance));
      }
    }
  }

  @Test
  void whatTheAdapterLeavesAloneStaysBitForBit() throws IOException {
    Golden golden = Golden.of("llama_q4_k_m");
    JsonNode report = merge("--model", golden.model(), "--adapter", golden.adapter(), "--no-report");
    assertThat(report.path("weights_merged").asInt()).isEqualTo(14);
    try (GgufFile before = GgufFile.open(golden.model());
        GgufFile after = GgufFile.open(folder.resolve("merged.gguf"))) {
      assertThat(metadata(after)).isEqualTo(metadata(before)).containsKey("tokenizer.ggml.tokens");
      Map<String, GgufTensor> tensors = new HashMap<>();
      after.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
      for (GgufTensor tensor : before.tensors()) {
        GgufTensor now = tensors.get(tensor.name());
        assertThat(now.type()).as(tensor.name()).isEqualTo(tensor.type());
        byte[] is = after.bytes(now, 0, (int) now.elements());
        byte[] was = before.bytes(tensor, 0, (int) tensor.elements());
        if (tensor.name().matches(".*(attn_[qkvo].*|ffn_(gate|up|down))\\.weight") && !tensor.name().contains("norm")) {
          assertThat(is).as(tensor.name()).isNotEqualTo(was);
        } else {
          assertThat(is).as(tensor.name()).isEqualTo(was);
        }
      }
    }
  }

  /** All of it but the alignment, which is the file's own. */
  private static Map<String, JsonNode> metadata(GgufFile file) {
    Map<String, JsonNode> values = new HashMap<>();
    file.describe(-1).path("metadata").forEach(entry -> values.put(entry.path("key").asText(), entry));
    values.remove("general.alignment");
    return values;
  }

  @Test
  void theReportsLossesAreThoseOfScore() throws IOException {
    Golden golden = Golden.of("llama_q8_0");
    JsonNode cost = merge("--model", golden.model(), "--adapter", golden.adapter(), "--data", golden.sft(), "--type", "Q4_K_M").path("cost");
    JsonNode systems = cost.path("systems");
    Offset<Double> close = Offset.offset(2e-5);
    assertThat(systems.path("base").path("loss").asDouble()).isCloseTo(score(golden.model(), null, golden.sft()).path("mean_nll").asDouble(), close);
    assertThat(systems.path("base + adapter").path("loss").asDouble()).isCloseTo(score(golden.model(), golden.adapter(), golden.sft()).path("mean_nll").asDouble(), close);
    assertThat(systems.path("merged at Q4_K_M").path("loss").asDouble()).isCloseTo(score(folder.resolve("merged.gguf"), null, golden.sft()).path("mean_nll").asDouble(), close);
    assertThat(systems.path("merged at F16").path("loss").asDouble()).isCloseTo(systems.path("base + adapter").path("loss").asDouble(), Offset.offset(2e-3));
    assertThat(systems.path("base + adapter").path("divergence").asDouble()).isZero();
    assertThat(systems.path("merged at F16").path("divergence").asDouble()).isBetween(0.0, 1e-5);
    assertThat(systems.path("merged at Q4_K_M").path("divergence").asDouble()).isBetween(1e-4, 0.5);
    try (Stream<Path> left = Files.list(folder)) { // nothing of the temporary F16 file
      assertThat(left.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("merged.gguf", "scores.jsonl");
    }
  }

  @Test
  void pairsAreJudgedByDposLoss() throws IOException {
    Golden golden = Golden.of("llama_q4_k_m");
    Path pairs = Golden.of("llama_q8_0").dpo(); // on which this adapter gains something
    Cli.Result result = Cli.run("merge", "--model", golden.model(), "--adapter", golden.adapter(), "--output", folder.resolve("merged.gguf"), "--data", pairs, "--json", "--quiet", "--no-f16").ok();
    JsonNode cost = HfFolder.JSON.readTree(result.out()).path("cost");
    score(golden.model(), null, pairs);
    List<JsonNode> base = Golden.lines(folder.resolve("scores.jsonl"));
    double[] losses = new double[2];
    for (int system = 0; system < 2; system++) {
      score(system == 0 ? golden.model() : folder.resolve("merged.gguf"), system == 0 ? golden.adapter() : null, pairs);
      List<JsonNode> scores = Golden.lines(folder.resolve("scores.jsonl"));
      for (int i = 0; i < scores.size(); i++) {
        double margin = 0.1 * (sum(scores.get(i), "chosen_logps") - sum(base.get(i), "chosen_logps") - sum(scores.get(i), "rejected_logps") + sum(base.get(i), "rejected_logps"));
        losses[system] += -Math.log(1 / (1 + Math.exp(-margin))) / scores.size();
      }
    }
    assertThat(cost.path("kind").asText()).isEqualTo("dpo");
    assertThat(cost.path("systems").path("base").path("loss").asDouble()).isCloseTo(Math.log(2), Offset.offset(1e-9));
    assertThat(cost.path("systems").path("base + adapter").path("loss").asDouble()).isCloseTo(losses[0], Offset.offset(2e-5));
    assertThat(cost.path("systems").path("merged, types kept").path("loss").asDouble()).isCloseTo(losses[1], Offset.offset(2e-5));
    double erased = (losses[1] - losses[0]) / (Math.log(2) - losses[0]);
    assertThat(cost.path("erased").asDouble()).isCloseTo(erased, Offset.offset(0.01)).isGreaterThan(0.1); // 4 bits lose much of so small a gain
    assertThat(result.err()).contains("graft: warning: the merged model has lost");
    assertThat(merge("--model", golden.model(), "--adapter", golden.adapter(), "--data", pairs, "--type", "F16").path("warning").isNull()).isTrue();
  }

  private static double sum(JsonNode row, String field) {
    double sum = 0;
    for (JsonNode value : row.path(field)) {
      sum += value.asDouble();
    }
    return sum;
  }

  /** The divergence over the whole vocabulary, against one computed from another program's logits. */
  @Test
  void theDivergenceIsThatOfWholeDistributions() throws IOException {
    HfFolder model = new HfFolder("llama", 264, false, 2);
    Path base = folder.resolve("base.gguf");
    Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), base, "--quiet").ok();
    Path peft = folder.resolve("peft");
    Files.createDirectories(peft);
    Files.writeString(peft.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 2}");
    Random random = new Random(3);
    float[] a = HfFolder.numbers(random, 2 * 64, 0, 0.3);
    float[] b = HfFolder.numbers(random, 32 * 2, 0, 0.3);
    String module = "base_model.model.model.layers.1.mlp.down_proj";
    Map<String, float[]> tensors = new LinkedHashMap<>(Map.of(module + ".lora_A.weight", a, module + ".lora_B.weight", b));
    Files.write(peft.resolve("adapter_model.safetensors"), HfFolder.safetensors(tensors, Map.of(module + ".lora_A.weight", new int[] {2, 64}, module + ".lora_B.weight", new int[] {32, 2}), "F32"));
    Path adapter = folder.resolve("adapter.gguf");
    Cli.run("adapter", "import", peft, "--model", base, "--output", adapter, "--quiet").ok();
    float[] added = new float[32 * 64];
    for (int i = 0; i < added.length; i++) {
      added[i] = b[i / 64 * 2] * a[i % 64] + b[i / 64 * 2 + 1] * a[64 + i % 64];
    }
    int[] tokens = {258, 7, 99, 100, 3, 200};
    double[][] plain = new HfForward(model, Map.of()).distributions(tokens);
    double[][] tuned = new HfForward(model, Map.of("model.layers.1.mlp.down_proj.weight", added)).distributions(tokens);
    double divergence = 0;
    for (int t = 1; t < 5; t++) { // the completion's tokens are those from the third on
      for (int v = 0; v < 264; v++) {
        divergence += Math.exp(tuned[t][v]) * (tuned[t][v] - plain[t][v]) / 4;
      }
    }
    Path rows = folder.resolve("rows.jsonl");
    Files.writeString(rows, "{\"prompt_ids\": [258, 7], \"completion_ids\": [99, 100, 3, 200]}\n");
    JsonNode cost = merge("--model", base, "--adapter", adapter, "--data", rows, "--no-f16").path("cost");
    assertThat(cost.path("positions").asInt()).isEqualTo(4);
    assertThat(divergence).isGreaterThan(0.01);
    assertThat(cost.path("systems").path("base").path("divergence").asDouble()).isCloseTo(divergence, Offset.offset(1e-4 * divergence + 1e-6));
  }

  @Test
  void aRunNamesBaseAdapterAndRows() throws IOException {
    Golden golden = Golden.of("llama_q8_0");
    Path run = folder.resolve("run");
    Cli.run("sft", "--model", golden.model(), "--data", golden.sft(), "--eval-data", golden.sft(), "--output", run, "--max-steps", 2, "--learning-rate", "0.01", "--lora-rank", 2, "--quiet").ok();
    JsonNode byRun = merge("--run", run, "--no-f16");
    assertThat(byRun.path("cost").path("data").asText()).endsWith("sft.jsonl");
    assertThat(byRun.path("cost").path("systems").path("base").path("loss").asDouble()).isGreaterThan(byRun.path("cost").path("systems").path("base + adapter").path("loss").asDouble());
    JsonNode byAdapter = merge("--model", golden.model(), "--adapter", run.resolve("adapter.gguf"), "--no-f16"); // its folder is found
    assertThat(byAdapter.path("cost")).isEqualTo(byRun.path("cost"));
  }

  /** The oracle: what graft quantize, which equals llama.cpp's, makes of the merge in F32. */
  @Test
  void anImportanceMatrixWeighsTheErrors() throws IOException {
    Path base = folder.resolve("base.gguf");
    new RandomModel("llama", 1, 256, 4, 2, 0, 256, 300, 64, false, "F32", null, 3).write(base);
    Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"prompt_ids\": [1, 40, 77], \"completion_ids\": [100, 55, 60, 2]}\n");
    Cli.run("sft", "--model", base, "--data", rows, "--output", folder.resolve("run"), "--max-steps", 2, "--learning-rate", "0.05", "--lora-rank", 2, "--quiet").ok();
    Path matrix = folder.resolve("imatrix.gguf");
    Cli.run("imatrix", "--model", base, "--data", rows, "--output", matrix, "--quiet").ok();
    Object[] merge = {"merge", "--run", folder.resolve("run"), "--no-report", "--quiet", "--output"};
    with(merge, folder.resolve("f32.gguf"), "--type", "F32").ok();
    Cli.run("quantize", folder.resolve("f32.gguf"), folder.resolve("expected.gguf"), "Q3_K_S", "--imatrix", matrix, "--quiet").ok();
    with(merge, folder.resolve("q3.gguf"), "--type", "Q3_K_S", "--imatrix", matrix).ok();
    with(merge, folder.resolve("without.gguf"), "--type", "Q3_K_S").ok();
    try (GgufFile expected = GgufFile.open(folder.resolve("expected.gguf"));
        GgufFile got = GgufFile.open(folder.resolve("q3.gguf"));
        GgufFile without = GgufFile.open(folder.resolve("without.gguf"))) {
      Map<String, byte[]> bytes = bytes(got);
      assertThat(bytes).hasSameSizeAs(bytes(expected));
      bytes(expected).forEach((name, values) -> assertThat(bytes.get(name)).as(name).isEqualTo(values));
      assertThat(bytes(without).get("blk.0.ffn_up.weight")).isNotEqualTo(bytes.get("blk.0.ffn_up.weight"));
    }
    Golden other = Golden.of("llama_f32");
    assertThat(Cli.run("merge", "--model", other.model(), "--adapter", other.adapter(), "--type", "Q4_0", "--imatrix", matrix, "--no-report", "--output", folder.resolve("x.gguf")).fails(2).err()).contains("another model");
    assertThat(folder.resolve("x.gguf")).doesNotExist();
  }

  private static Map<String, byte[]> bytes(GgufFile file) {
    Map<String, byte[]> bytes = new HashMap<>();
    file.tensors().forEach(tensor -> bytes.put(tensor.name(), file.bytes(tensor, 0, (int) tensor.elements())));
    return bytes;
  }

  @Test
  void theScaleCounts() throws IOException {
    Golden golden = Golden.of("llama_f32");
    JsonNode cost = merge("--model", golden.model(), "--adapter", golden.adapter(), "--data", golden.sft(), "--scale", "0.5", "--no-f16").path("cost").path("systems");
    assertThat(cost.path("merged, types kept").path("loss").asDouble()).isCloseTo(cost.path("base + adapter").path("loss").asDouble(), Offset.offset(1e-5))
        .isNotCloseTo(score(golden.model(), golden.adapter(), golden.sft()).path("mean_nll").asDouble(), Offset.offset(1e-3));
  }

  @Test
  void whatIsWrongIsOneLineAndNothingIsLeft() throws IOException {
    Golden golden = Golden.of("llama_f32");
    Path output = folder.resolve("merged.gguf");
    Object[] good = {"merge", "--model", golden.model(), "--adapter", golden.adapter(), "--output", output, "--quiet", "--no-report"};
    assertThat(with(good, "--type", "Q9_K").fails(2).err()).contains("Q4_K_M");
    assertThat(with(good, "--scale", "NaN").fails(2).err()).contains("not a finite number");
    assertThat(with(good, "--scale", "1e30", "--type", "F16").fails(3).err()).contains("which F16 cannot");
    assertThat(Cli.run("merge", "--output", output).fails(2).err()).contains("--run");
    assertThat(Cli.run("merge", "--model", Golden.of("qwen3_f16").model(), "--adapter", golden.adapter(), "--output", output, "--no-report").fails(3).err()).contains("but", "is qwen3");
    assertThat(Cli.run("merge", "--model", golden.adapter(), "--adapter", golden.adapter(), "--output", output, "--no-report").fails(3).err()).contains("is a LoRA adapter, not a model");
    assertThat(Cli.run("merge", "--run", folder.resolve("none"), "--output", output).fails(3).err()).contains("config.json");
    Path cut = folder.resolve("cut.gguf");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(golden.adapter()), 50_000));
    Cli.run("merge", "--model", golden.model(), "--adapter", cut, "--output", output, "--no-report").fails(3);
    assertThat(Cli.run("merge", "--model", golden.model(), "--adapter", golden.adapter(), "--output", golden.model(), "--no-report").fails(2).err()).contains("is also an input");
    Files.delete(cut);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  private static Cli.Result with(Object[] args, Object... more) {
    Object[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return Cli.run(all);
  }
}
