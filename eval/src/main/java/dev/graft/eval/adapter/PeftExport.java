package dev.graft.eval.adapter;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.adapter.AdapterFile.Pair;
import dev.graft.eval.convert.Linear;
import dev.graft.eval.convert.RopeRows;
import dev.graft.eval.safetensors.Dtype;
import dev.graft.eval.safetensors.SafetensorsWriter;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** An adapter of llama.cpp's layout as a folder that Hugging Face's PEFT loads. */
public final class PeftExport {
  private static final ObjectMapper JSON = new ObjectMapper();

  private PeftExport() {}

  /**
   * Writes {@code adapter_config.json} and {@code adapter_model.safetensors}.
   *
   * @param baseName the base's name on Hugging Face, or a folder of it
   */
  public static void run(AdapterFile adapter, BaseShape base, String baseName, Path folder) throws IOException {
    List<SafetensorsWriter.Entry> tensors = new ArrayList<>();
    for (Pair pair : adapter.pairs()) {
      base.check(adapter.file().path().toString(), pair.weight(), pair.rows(), pair.columns());
      RopeRows order = base.rows(pair.linear());
      String module = "base_model.model." + module(pair);
      Dtype a = Dtype.valueOf(pair.a().type().label());
      Dtype b = Dtype.valueOf(pair.b().type().label());
      tensors.add(new SafetensorsWriter.Entry(module + ".lora_A.weight", a, List.of((long) pair.rank(), pair.columns()), () -> adapter.bytes(pair.a())));
      tensors.add(new SafetensorsWriter.Entry(module + ".lora_B.weight", b, List.of(pair.rows(), (long) pair.rank()),
          () -> order.move(adapter.bytes(pair.b()), pair.rank() * b.bytes(), true)));
    }
    Files.createDirectories(folder);
    SafetensorsWriter.write(folder.resolve(PeftImport.WEIGHTS), Map.of("format", "pt"), tensors);
    SafeFiles.writeText(folder.resolve(PeftConfig.FILE), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(config(adapter, base, baseName)) + "\n");
  }

  private static String module(Pair pair) {
    return "model.layers." + pair.layer() + "." + pair.linear().huggingFace();
  }

  private static ObjectNode config(AdapterFile adapter, BaseShape base, String baseName) {
    int rank = commonRank(adapter);
    boolean rslora = adapter.rslora() && adapter.alpha() > 0 && adapter.pairs().stream().allMatch(pair -> pair.rank() == rank);
    double alpha = adapter.alpha() > 0 ? adapter.alpha() : rank;
    ObjectNode config = JSON.createObjectNode();
    config.put("peft_type", "LORA").put("task_type", "CAUSAL_LM").put("base_model_name_or_path", baseName);
    config.put("r", rank);
    put(config, "lora_alpha", rslora ? rounded(alpha / Math.sqrt(rank), rank, adapter.alpha()) : alpha);
    config.put("use_rslora", rslora).put("use_dora", false).put("lora_dropout", 0.0).put("bias", "none").put("fan_in_fan_out", false);
    config.put("inference_mode", true).put("init_lora_weights", true).putNull("modules_to_save").putNull("layers_to_transform").putNull("layers_pattern");
    targets(adapter, base).forEach(config.putArray("target_modules")::add);
    ObjectNode ranks = config.putObject("rank_pattern");
    ObjectNode alphas = config.putObject("alpha_pattern");
    for (Pair pair : adapter.pairs()) {
      if (pair.rank() != rank) {
        ranks.put(module(pair), pair.rank());
        if (adapter.alpha() == 0) { // a scale of 1 whatever the rank
          alphas.put(module(pair), pair.rank());
        }
      }
    }
    return config;
  }

  /** The shortest number that makes the file's alpha again. */
  private static double rounded(double exact, int rank, float alpha) {
    for (int digits = 1; digits < 17; digits++) {
      double candidate = Double.parseDouble(String.format(java.util.Locale.ROOT, "%." + digits + "g", exact));
      if ((float) (candidate / Math.sqrt(rank) * rank) == alpha) { // as the import computes it
        return candidate;
      }
    }
    return exact;
  }

  private static void put(ObjectNode node, String key, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e9) {
      node.put(key, (long) value);
    } else {
      node.put(key, value);
    }
  }

  private static int commonRank(AdapterFile adapter) {
    Map<Integer, Integer> counts = new HashMap<>();
    adapter.pairs().forEach(pair -> counts.merge(pair.rank(), 1, Integer::sum));
    return counts.entrySet().stream().max(Map.Entry.<Integer, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey())).orElseThrow().getKey();
  }

  /** Short names where every layer has the module, whole paths where only some do. */
  private static List<String> targets(AdapterFile adapter, BaseShape base) {
    Map<Linear, List<Pair>> byLinear = new java.util.EnumMap<>(Linear.class);
    adapter.pairs().forEach(pair -> byLinear.computeIfAbsent(pair.linear(), key -> new ArrayList<>()).add(pair));
    boolean everywhere = byLinear.values().stream().allMatch(pairs -> pairs.size() == base.layers());
    TreeSet<String> names = new TreeSet<>();
    adapter.pairs().forEach(pair -> names.add(everywhere ? pair.linear().module() : module(pair)));
    return List.copyOf(names);
  }
}
