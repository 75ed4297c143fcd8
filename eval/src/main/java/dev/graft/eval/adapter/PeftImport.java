package dev.graft.eval.adapter;

import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufWriter;
import dev.graft.bindings.WeightType;
import dev.graft.eval.convert.Linear;
import dev.graft.eval.convert.RopeRows;
import dev.graft.eval.safetensors.Dtype;
import dev.graft.eval.safetensors.SafeTensor;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A folder of Hugging Face's PEFT as an adapter of llama.cpp's layout. */
public final class PeftImport {
  static final String WEIGHTS = "adapter_model.safetensors";
  private static final Pattern NAME = Pattern.compile(
      "(?:base_model\\.model\\.)?model\\.layers\\.(0|[1-9]\\d{0,4})\\.(self_attn\\.[a-z_]+|mlp\\.[a-z_]+)\\.lora_([AB])(?:\\.default)?\\.weight");

  private final Path folder;
  private final BaseShape base;
  private final PeftConfig config;
  private final List<String> notes = new ArrayList<>();

  private PeftImport(Path folder, BaseShape base, PeftConfig config) {
    this.folder = folder;
    this.base = base;
    this.config = config;
  }

  /** The two matrices of one weight. */
  private static final class Found {
    private SafeTensor a;
    private SafeTensor b;
  }

  /**
   * What was written.
   *
   * @param pairs weights that it changes  @param rank the largest  @param alpha of the file  @param notes sentences for the user
   */
  public record Result(int pairs, int rank, float alpha, List<String> notes) {}

  /**
   * Reads the folder and writes the adapter.
   *
   * @param name its general.name
   * @throws BadFileException when the folder is damaged, holds what an adapter cannot, or was made for another model
   */
  public static Result run(Path folder, BaseShape base, String name, Path output) throws IOException {
    return new PeftImport(folder, base, PeftConfig.read(folder)).run(name, output);
  }

  private Result run(String name, Path output) throws IOException {
    Path weights = folder.resolve(WEIGHTS);
    if (!Files.isRegularFile(weights)) {
      boolean pickled = Files.exists(folder.resolve("adapter_model.bin"));
      throw new BadFileException(folder + " has no " + WEIGHTS + (pickled ? ", only a pickled adapter_model.bin, which could run code; save it again with safe_serialization" : ""));
    }
    if (!config.initialization().matches("true|gaussian|eva|orthogonal")) {
      notes.add("init_lora_weights is " + SafetensorsFile.shown(config.initialization()) + ": such training may have changed the base too; if so, this adapter fits only the changed one");
    }
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      TreeMap<Integer, Map<Linear, Found>> layers = collect(file);
      return write(file, layers, name, output);
    }
  }

  private TreeMap<Integer, Map<Linear, Found>> collect(SafetensorsFile file) {
    TreeMap<Integer, Map<Linear, Found>> layers = new TreeMap<>();
    for (SafeTensor tensor : file.tensors().values()) {
      Matcher match = NAME.matcher(tensor.name());
      Linear linear = match.matches() ? Linear.ofHuggingFace(match.group(2)).orElse(null) : null;
      if (linear == null) {
        throw new BadFileException(file.path() + " holds " + SafetensorsFile.shown(tensor.name()) + ", which Graft cannot adapt: LoRA of q, k, v, o, gate, up and down "
            + "projections of llama, mistral, qwen2 and qwen3 is understood");
      }
      if (tensor.shape().size() != 2 || tensor.shape().contains(0L) || tensor.bytes() / file.dtype(tensor).bytes() > Integer.MAX_VALUE / 4) {
        throw new BadFileException(file.path() + ": " + tensor.name() + " has the shape " + tensor.shapeText() + "; expected a matrix");
      }
      Found found = layers.computeIfAbsent(Integer.parseInt(match.group(1)), layer -> new TreeMap<>()).computeIfAbsent(linear, key -> new Found());
      boolean twice = match.group(3).equals("A") ? found.a != null : found.b != null;
      if (twice) {
        throw new BadFileException(file.path() + " holds the matrix " + tensor.name() + " under two names");
      }
      if (match.group(3).equals("A")) {
        found.a = tensor;
      } else {
        found.b = tensor;
      }
    }
    if (layers.isEmpty()) {
      throw new BadFileException(file.path() + " holds no LoRA tensors");
    }
    return layers;
  }

  private Result write(SafetensorsFile file, TreeMap<Integer, Map<Linear, Found>> layers, String name, Path output) throws IOException {
    Float alpha = null; // such that alpha / rank is PEFT's scale of the first pair; where another's differs, its B takes the difference
    int most = 0;
    int folded = 0;
    List<AdapterOutput.Entry> entries = new ArrayList<>();
    for (Map.Entry<Integer, Map<Linear, Found>> layer : layers.entrySet()) {
      for (Map.Entry<Linear, Found> entry : layer.getValue().entrySet()) {
        String module = "model.layers." + layer.getKey() + "." + entry.getKey().huggingFace();
        Found found = entry.getValue();
        check(file, module, layer.getKey(), entry.getKey(), found);
        int rank = (int) found.a.rows();
        double scale = config.scale(module, rank);
        if (alpha == null) {
          alpha = (float) (scale * rank);
        }
        float onB = (float) (scale * rank) == alpha ? 1 : (float) (scale * rank / alpha);
        folded += onB == 1 ? 0 : 1;
        most = Math.max(most, rank);
        entries.add(entry(file, layer.getKey(), entry.getKey(), found, onB));
      }
    }
    if (folded > 0) {
      notes.add(folded + " of " + entries.size() + " weights have a scale of their own, which their B matrices have taken: llama.cpp's files have one alpha");
    }
    try (GgufWriter writer = GgufWriter.create()) {
      writer.set("general.architecture", base.architecture()).set("general.name", name);
      if (config.rslora()) {
        writer.set(AdapterOutput.RSLORA, true);
      }
      AdapterOutput.write(output, writer, alpha, entries);
    }
    return new Result(entries.size(), most, alpha, notes);
  }

  private void check(SafetensorsFile file, String module, int layer, Linear linear, Found found) {
    if (found.a == null || found.b == null) {
      throw new BadFileException(file.path() + ": lora_" + (found.a == null ? "A" : "B") + " of " + module + " is missing");
    } else if (!found.a.shape().get(0).equals(found.b.shape().get(1))) {
      throw new BadFileException(file.path() + ": " + module + " has lora_A " + found.a.shapeText() + " and lora_B " + found.b.shapeText() + ", which do not fit each other");
    } else if (found.a.rows() != config.rankOf(module)) {
      throw new BadFileException(file.path() + ": " + module + " has rank " + found.a.rows() + ", but " + folder.resolve(PeftConfig.FILE) + " says " + config.rankOf(module));
    }
    base.check(file.path().toString(), "blk." + layer + "." + linear.gguf() + ".weight", found.b.rows(), found.a.columns());
  }

  private AdapterOutput.Entry entry(SafetensorsFile file, int layer, Linear linear, Found found, float onB) {
    RopeRows order = base.rows(linear);
    Dtype dtype = file.dtype(found.a) == file.dtype(found.b) ? file.dtype(found.a) : Dtype.F32;
    WeightType type = onB != 1 || dtype == Dtype.F64 ? WeightType.f32() : WeightType.named(dtype.name());
    String weight = "blk." + layer + "." + linear.gguf() + ".weight";
    return new AdapterOutput.Entry(weight, type, found.a.rows(), found.a.columns(), found.b.rows(), () -> read(file, found.a, type, 1), () -> {
      byte[] rows = read(file, found.b, type, onB);
      return order.move(rows, (int) (rows.length / found.b.rows()), false);
    });
  }

  /** A matrix in a type; as it is in the file, when that has the type already. */
  private static byte[] read(SafetensorsFile file, SafeTensor tensor, WeightType type, float factor) throws IOException {
    int count = (int) (tensor.bytes() / file.dtype(tensor).bytes());
    float[] values = file.floats(tensor, 0, count);
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(values[i])) {
        throw new BadFileException(file.path() + ": " + tensor.name() + " holds a NaN or infinity");
      }
      values[i] *= factor;
    }
    if (type.label().equals(tensor.type()) && factor == 1) {
      return file.bytes(tensor, 0, count);
    }
    return AdapterOutput.encode(tensor.name(), type, values);
  }
}
