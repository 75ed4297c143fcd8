package dev.graft.eval.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GgufTensor;
import dev.graft.eval.convert.Linear;
import dev.graft.eval.safetensors.Dtype;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An adapter in llama.cpp's layout, open for reading; needs no model. A weight W of [N, K] is changed by scale·B·A with A [R, K] and
 * B [N, R]. Closed by who opened it.
 */
public final class AdapterFile implements AutoCloseable {
  private static final Pattern WEIGHT = Pattern.compile("blk\\.(0|[1-9]\\d{0,4})\\.([a-z_]+)\\.weight");
  private static final long MOST_RANK = 65536;

  private final GgufFile file;
  private final String architecture;
  private final String name;
  private final float alpha;
  private final boolean rslora;
  private final List<Pair> pairs;

  /**
   * What is added to one weight.
   *
   * @param weight its name
   * @param layer its block
   * @param linear which of the block's matrices
   * @param a [R, K]
   * @param b [N, R]
   */
  public record Pair(String weight, int layer, Linear linear, GgufTensor a, GgufTensor b) {
    /** R. */
    public int rank() {
      return (int) a.rows();
    }

    /** N. */
    public long rows() {
      return b.rows();
    }

    /** K. */
    public long columns() {
      return a.columns();
    }
  }

  private AdapterFile(GgufFile file, String architecture, String name, float alpha, boolean rslora, List<Pair> pairs) {
    this.file = file;
    this.architecture = architecture;
    this.name = name;
    this.alpha = alpha;
    this.rslora = rslora;
    this.pairs = pairs;
  }

  /** Opens an adapter. @throws BadFileException when the file is none, or damaged */
  public static AdapterFile open(Path path) {
    GgufFile file = GgufFile.open(path);
    try {
      return read(file, path);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static AdapterFile read(GgufFile file, Path path) {
    Map<String, JsonNode> values = new LinkedHashMap<>();
    file.describe(0).path("metadata").forEach(entry -> values.put(entry.path("key").asText(), entry.path("value")));
    if (!text(values, "general.type").equals("adapter")) {
      throw new BadFileException(path + " is not an adapter (general.type is \"" + text(values, "general.type") + "\")");
    } else if (!text(values, "adapter.type").equals("lora")) {
      throw new BadFileException(path + ": adapter type \"" + text(values, "adapter.type") + "\" is not supported; lora is");
    }
    JsonNode alpha = values.get("adapter.lora.alpha");
    float number = alpha == null ? 0 : alpha.floatValue();
    if (alpha != null && !alpha.isNumber() || !(number >= 0) || Float.isInfinite(number)) {
      throw new BadFileException(path + ": adapter.lora.alpha is " + alpha + "; expected a number of at least 0");
    }
    boolean rslora = values.containsKey(AdapterOutput.RSLORA) && values.get(AdapterOutput.RSLORA).asBoolean();
    return new AdapterFile(file, text(values, "general.architecture"), text(values, "general.name"), number, rslora, pairs(file, path));
  }

  private static String text(Map<String, JsonNode> values, String key) {
    return values.containsKey(key) ? values.get(key).asText() : "";
  }

  private static List<Pair> pairs(GgufFile file, Path path) {
    Map<String, GgufTensor[]> found = new LinkedHashMap<>();
    for (GgufTensor tensor : file.tensors()) {
      int kind = tensor.name().endsWith(".lora_a") ? 0 : tensor.name().endsWith(".lora_b") ? 1 : -1;
      if (kind < 0) {
        throw new BadFileException(path + ": tensor " + SafetensorsFile.shown(tensor.name()) + " is neither lora_a nor lora_b");
      } else if (!tensor.type().label().matches("F32|F16|BF16")) {
        throw new BadFileException(path + ": tensor " + tensor.name() + " is " + tensor.type().label() + "; F32, F16 and BF16 are supported");
      }
      found.computeIfAbsent(tensor.name().substring(0, tensor.name().length() - 7), key -> new GgufTensor[2])[kind] = tensor;
    }
    List<Pair> pairs = new ArrayList<>();
    found.forEach((weight, ab) -> pairs.add(pair(path, weight, ab[0], ab[1])));
    if (pairs.isEmpty()) {
      throw new BadFileException(path + " holds no LoRA tensors");
    }
    return List.copyOf(pairs);
  }

  private static Pair pair(Path path, String weight, GgufTensor a, GgufTensor b) {
    Matcher match = WEIGHT.matcher(weight);
    Linear linear = match.matches() ? Linear.ofGguf(match.group(2)).orElse(null) : null;
    if (linear == null) {
      throw new BadFileException(path + " adapts " + SafetensorsFile.shown(weight) + ", which Graft cannot adapt");
    } else if (a == null || b == null) {
      throw new BadFileException(path + ": " + weight + ".lora_" + (a == null ? "a" : "b") + " is missing");
    } else if (a.shape().size() > 2 || b.shape().size() > 2 || a.rows() != b.columns() || a.rows() > MOST_RANK) {
      throw new BadFileException(path + ": " + weight + " has lora_a " + a.shape() + " and lora_b " + b.shape() + ", which do not fit each other");
    }
    return new Pair(weight, Integer.parseInt(match.group(1)), linear, a, b);
  }

  /** The file's header. */
  public GgufFile file() {
    return file;
  }

  /** Of the models that it was made for. */
  public String architecture() {
    return architecture;
  }

  /** {@code general.name}, or empty. */
  public String name() {
    return name;
  }

  /** As the file says; 0 means that every pair's scale is 1. */
  public float alpha() {
    return alpha;
  }

  /** Whether the file says that its alpha was made from PEFT's of rank-stabilized LoRA. */
  public boolean rslora() {
    return rslora;
  }

  /** What B·A is multiplied by, as llama.cpp does it. */
  public double scale(Pair pair) {
    return alpha > 0 ? (double) alpha / pair.rank() : 1;
  }

  /** All pairs, in the order of the file. */
  public List<Pair> pairs() {
    return pairs;
  }

  /** A tensor's bytes as they are. */
  public byte[] bytes(GgufTensor tensor) {
    return file.bytes(tensor, 0, Math.toIntExact(tensor.elements()));
  }

  /** A tensor's values, row-major. @throws BadFileException when one is not finite */
  public float[] values(GgufTensor tensor) {
    float[] values = Dtype.valueOf(tensor.type().label()).floats(bytes(tensor));
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new BadFileException(file.path() + ": tensor " + tensor.name() + " holds a NaN or infinity");
      }
    }
    return values;
  }

  @Override
  public void close() {
    file.close();
  }
}
