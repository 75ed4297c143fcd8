package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code graft adapter}: adapters of PEFT compute here what they compute there, and every change does what it says. */
class AdapterCommandTest {
  private static final int VOCABULARY = 264;
  private static final int[] TOKENS = {258, 7, 99, 100, 3, 200, 7, 64, 31, 255, 12};
  private static final Golden GOLDEN = Golden.of("llama_f32");

  @TempDir Path folder;

  /** A PEFT folder made here, and what it adds to the weights by PEFT's definition. */
  private static final class Peft {
    final Map<String, float[]> tensors = new LinkedHashMap<>();
    final Map<String, int[]> shapes = new LinkedHashMap<>();
    final Map<String, float[]> added = new TreeMap<>();
    final ObjectNode config = HfFolder.JSON.createObjectNode().put("peft_type", "LORA").put("lora_alpha", 12).put("use_rslora", false).put("bias", "none").put("r", 4);

    Peft(HfFolder model, long seed) {
      Random random = new Random(seed);
      for (Map.Entry<String, int[]> entry : model.shapes.entrySet()) {
        if (entry.getKey().endsWith("_proj.weight")) {
          String module = entry.getKey().replace(".weight", "");
          int rank = module.endsWith("layers.1.mlp.up_proj") ? 2 : 4;
          put(module + ".lora_A", random, rank, entry.getValue()[1]);
          put(module + ".lora_B", random, entry.getValue()[0], rank);
        }
      }
      config.putObject("rank_pattern").put("model.layers.1.mlp.up_proj", 2);
    }

    private void put(String name, Random random, int rows, int columns) {
      tensors.put("base_model.model." + name + ".weight", HfFolder.numbers(random, rows * columns, 0, 0.3));
      shapes.put("base_model.model." + name + ".weight", new int[] {rows, columns});
    }

    /** What is added to each weight. */
    Map<String, float[]> added() {
      for (String name : tensors.keySet()) {
        if (!name.endsWith("lora_A.weight")) {
          continue;
        }
        String module = name.replace("base_model.model.", "").replace(".lora_A.weight", "");
        float[] a = tensors.get(name);
        float[] b = tensors.get(name.replace("lora_A", "lora_B"));
        int rank = shapes.get(name)[0];
        int columns = shapes.get(name)[1];
        double alpha = config.path("alpha_pattern").path("o_proj").isNumber() && module.endsWith("o_proj") ? config.path("alpha_pattern").path("o_proj").asDouble() : 12;
        double scale = config.path("use_rslora").asBoolean() ? alpha / Math.sqrt(rank) : alpha / rank;
        float[] sum = new float[b.length / rank * columns];
        for (int i = 0; i < sum.length; i++) {
          double dot = 0;
          for (int r = 0; r < rank; r++) {
            dot += (double) b[i / columns * rank + r] * a[r * columns + i % columns];
          }
          sum[i] = (float) (scale * dot);
        }
        added.put(module + ".weight", sum);
      }
      return added;
    }

    Path write(Path folder, String dtype) throws IOException {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("adapter_config.json"), config.toPrettyString());
      Files.write(folder.resolve("adapter_model.safetensors"), HfFolder.safetensors(tensors, shapes, dtype));
      return folder;
    }
  }

  private Path converted(HfFolder model) throws IOException {
    Path base = folder.resolve("base.gguf");
    Cli.run("convert", model.write(folder.resolve("hf"), "F32", 1), base, "--quiet").ok();
    return base;
  }

  @ParameterizedTest
  @CsvSource({"llama,F32,plain", "llama,F16,rslora", "mistral,BF16,alphas", "qwen2,F32,plain", "qwen3,F32,rslora"})
  void anImportedAdapterComputesWhatPeftWould(String type, String dtype, String kind) throws IOException {
    HfFolder model = new HfFolder(type, VOCABULARY, false, 2);
    Path base = converted(model);
    Peft peft = new Peft(model, 7);
    peft.config.put("use_rslora", kind.equals("rslora"));
    if (kind.equals("alphas")) {
      peft.config.putObject("alpha_pattern").put("o_proj", 5.0);
    }
    Path output = folder.resolve("adapter.gguf");
    Cli.run("adapter", "import", peft.write(folder.resolve("peft"), dtype), "--model", base, "--output", output, "--quiet").ok();
    double[] expected = new HfForward(model, peft.added()).logps(TOKENS);
    assertThat(new HfForward(model, Map.of()).logps(TOKENS)[0]).as("the adapter does something").isNotCloseTo(expected[0], org.assertj.core.data.Offset.offset(0.01));
    ConvertCommandTest.assertClose(ConvertCommandTest.score(folder, base, output, TOKENS), expected, 2e-4);
    Cli.run("adapter", "show", output, "--model", base).ok();
  }

  @ParameterizedTest
  @CsvSource({"llama,F32,true", "llama,BF16,false", "qwen2,F16,false"})
  void exportAfterImportIsTheSame(String type, String dtype, boolean rslora) throws IOException {
    HfFolder model = new HfFolder(type, VOCABULARY, false, 2);
    Path base = converted(model);
    Peft peft = new Peft(model, 8);
    peft.config.put("use_rslora", rslora);
    if (rslora) {
      peft.tensors.keySet().removeIf(name -> name.contains("layers.1.mlp.up_proj"));
      peft.config.putObject("rank_pattern");
    }
    Path before = peft.write(folder.resolve("peft"), dtype);
    Path first = folder.resolve("first.gguf");
    Path after = folder.resolve("again");
    Path second = folder.resolve("second.gguf");
    Cli.run("adapter", "import", before, "--model", base, "--output", first, "--name", "x", "--quiet").ok();
    Cli.run("adapter", "export", first, "--model", base, "--output", after, "--quiet").ok();
    Cli.run("adapter", "import", after, "--model", base, "--output", second, "--name", "x", "--quiet").ok();
    assertThat(second).hasSameBinaryContentAs(first);
    assertThat(tensors(after)).isEqualTo(tensors(before));
    JsonNode config = HfFolder.JSON.readTree(after.resolve("adapter_config.json").toFile());
    for (String field : List.of("r", "lora_alpha", "use_rslora", "rank_pattern", "bias", "peft_type")) {
      assertThat(config.path(field)).as(field).isEqualTo(peft.config.path(field));
    }
    assertThat(config.path("target_modules").toString()).contains(rslora ? "model.layers.0.mlp.up_proj" : "\"up_proj\"");
  }

  /** Bytes of each tensor, by name, type and shape; read by nothing that is under test. */
  private static Map<String, String> tensors(Path peft) throws IOException {
    byte[] bytes = Files.readAllBytes(peft.resolve("adapter_model.safetensors"));
    int length = (int) java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
    JsonNode header = HfFolder.JSON.readTree(Arrays.copyOfRange(bytes, 8, 8 + length));
    Map<String, String> result = new TreeMap<>();
    header.properties().forEach(entry -> {
      JsonNode node = entry.getValue();
      if (!entry.getKey().equals("__metadata__")) {
        byte[] data = Arrays.copyOfRange(bytes, 8 + length + node.path("data_offsets").path(0).asInt(), 8 + length + node.path("data_offsets").path(1).asInt());
        result.put(entry.getKey() + node.path("dtype") + node.path("shape"), java.util.HexFormat.of().formatHex(data));
      }
    });
    return result;
  }

  private double nll(Path adapter) throws IOException {
    return HfFolder.JSON.readTree(Cli.run("score", "--model", GOLDEN.model(), "--adapter", adapter, "--data", GOLDEN.sft(), "--output", folder.resolve("s.jsonl"), "--json", "--quiet").ok().out())
        .path("mean_nll").asDouble();
  }

  private Path made(String name, Object... args) {
    Path output = folder.resolve(name + ".gguf");
    Object[] all = Arrays.copyOf(args, args.length + 4);
    System.arraycopy(new Object[] {"--output", output, "--quiet", "--verbose"}, 0, all, args.length, 4);
    Cli.run(all).ok();
    return output;
  }

  @Test
  void sumsAndScalesDoWhatTheySay() throws IOException {
    Path whole = GOLDEN.adapter();
    double expected = nll(whole);
    Path minus = made("minus", "adapter", "scale", whole, "--factor", "-1.5");
    Path back = made("back", "adapter", "scale", minus, "--factor", "-0.6666667");
    assertThat(nll(minus)).isNotCloseTo(expected, org.assertj.core.data.Offset.offset(0.01));
    assertThat(nll(back)).isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-5));
    Path sum = made("sum", "adapter", "sum", whole, minus, "--weights", "0.4,-0.4"); // 0.4 + 0.6 = 1
    assertThat(nll(sum)).isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-5));
    Path reduced = made("reduced", "adapter", "sum", sum, "--rank", "8"); // what was doubled has rank 8
    assertThat(nll(reduced)).isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-4));
    Path nothing = made("nothing", "adapter", "scale", whole, "--factor", "0");
    Path base = made("base", "adapter", "sum", whole, whole, "--weights", "1,-1");
    assertThat(nll(nothing)).isCloseTo(nll(base), org.assertj.core.data.Offset.offset(1e-5));
    assertThat(nll(made("half", "adapter", "convert", whole, "--type", "F16"))).isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-3));
  }

  @Test
  void theErrorOfAReductionIsThatOfItsNorms() throws IOException {
    Path reduced = folder.resolve("reduced.gguf");
    JsonNode report = HfFolder.JSON.readTree(Cli.run("adapter", "sum", GOLDEN.adapter(), "--rank", "3", "--output", reduced, "--json").ok().out());
    double whole = norm(GOLDEN.adapter());
    double kept = norm(reduced); // what is left out is orthogonal to what stays
    assertThat(report.path("relative_error").asDouble()).isCloseTo(Math.sqrt(1 - kept * kept / (whole * whole)), org.assertj.core.data.Offset.offset(1e-5)).isGreaterThan(0.1);
    assertThat(report.path("rank").asInt()).isEqualTo(3);
  }

  private static double norm(Path adapter) throws IOException {
    return HfFolder.JSON.readTree(Cli.run("adapter", "show", adapter, "--json").ok().out()).path("norm").asDouble();
  }

  @Test
  void theNormIsThatOfTheProduct() throws IOException {
    HfFolder model = new HfFolder("llama", VOCABULARY, false, 2);
    Peft peft = new Peft(model, 9);
    Path adapter = folder.resolve("adapter.gguf");
    Cli.run("adapter", "import", peft.write(folder.resolve("peft"), "F32"), "--model", converted(model), "--output", adapter, "--quiet").ok();
    double squares = 0;
    for (float[] added : peft.added().values()) {
      for (float value : added) {
        squares += (double) value * value;
      }
    }
    assertThat(norm(adapter)).isCloseTo(Math.sqrt(squares), org.assertj.core.data.Percentage.withPercentage(0.001));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "modules_to_save|[\"lm_head\"]|whole weights were trained beside LoRA",
      "use_dora|true|use_dora is true",
      "bias|\"all\"|llama.cpp's adapters have no biases",
      "peft_type|\"IA3\"|LORA is supported",
      "r|3|has rank 4, but",
      "r|\"four\"|expected a positive whole number",
      "lora_alpha|-1|expected a positive number",
      "alpha_pattern|{\"(a+)+b\": 3}|regular expression",
      "fan_in_fan_out|true|fan_in_fan_out is true"
  })
  void whatAnAdapterCannotHoldIsRefusedInOneLine(String field, String value, String message) throws IOException {
    HfFolder model = new HfFolder("llama", VOCABULARY, false, 2);
    Path base = converted(model);
    Peft peft = new Peft(model, 7);
    peft.config.set(field, HfFolder.JSON.readTree(value));
    Path output = folder.resolve("adapter.gguf");
    assertThat(Cli.run("adapter", "import", peft.write(folder.resolve("peft"), "F32"), "--model", base, "--output", output).fails(3).err()).contains(message);
    assertThat(output).doesNotExist();
  }

  @Test
  void tensorsThatFitNothingAreRefusedInOneLine() throws IOException {
    HfFolder model = new HfFolder("llama", VOCABULARY, false, 2);
    Path base = converted(model);
    String name = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";
    Peft missing = new Peft(model, 7);
    missing.tensors.remove(name);
    assertImportFails(missing, base, "lora_B of model.layers.0.self_attn.q_proj is missing");
    Peft narrow = new Peft(model, 7);
    narrow.tensors.put(name, new float[16 * 4]);
    narrow.shapes.put(name, new int[] {16, 4});
    assertImportFails(narrow, base, "was it made for another model?");
    Peft head = new Peft(model, 7);
    head.tensors.put("base_model.model.lm_head.lora_A.weight", new float[4]);
    head.shapes.put("base_model.model.lm_head.lora_A.weight", new int[] {2, 2});
    assertImportFails(head, base, "which Graft cannot adapt");
    Path other = Golden.of("qwen3_f16").model();
    assertThat(Cli.run("adapter", "export", GOLDEN.adapter(), "--model", other, "--output", folder.resolve("p")).fails(3).err()).contains("is qwen3");
    assertThat(Cli.run("adapter", "show", GOLDEN.model()).fails(3).err()).contains("is not an adapter");
    assertThat(Cli.run("adapter", "import", folder.resolve("none"), "--model", base, "--output", folder.resolve("o")).fails(3).err()).contains("no such folder");
  }

  private void assertImportFails(Peft peft, Path base, String message) throws IOException {
    assertThat(Cli.run("adapter", "import", peft.write(folder.resolve("peft"), "F32"), "--model", base, "--output", folder.resolve("o.gguf")).fails(3).err()).contains(message);
  }
}
