package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.run.MemoryCheck;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What a GGUF file's header says, as tables and as JSON. */
final class Inspection {
  private static final int LONGEST_VALUE = 100;

  private final ObjectNode description;
  private final Map<String, JsonNode> values = new LinkedHashMap<>();
  private final Map<String, TypeSum> types = new LinkedHashMap<>();

  /** Tensors of one type together. */
  private record TypeSum(int tensors, long parameters, long bytes) {}

  /** @param description as {@code GgufFile.describe} gives it */
  Inspection(JsonNode description) {
    this.description = (ObjectNode) description;
    description.path("metadata").forEach(entry -> values.put(entry.path("key").asText(), entry.path("value")));
    for (JsonNode tensor : description.path("tensors")) {
      ((ObjectNode) tensor).put("type", tensor.path("type").asText().toUpperCase(Locale.ROOT)); // q4_K is written Q4_K everywhere else
      types.merge(tensor.path("type").asText(), new TypeSum(1, parameters(tensor), tensor.path("bytes").asLong()),
          (a, b) -> new TypeSum(a.tensors + b.tensors, a.parameters + b.parameters, a.bytes + b.bytes));
    }
  }

  boolean isAdapter() {
    return text("general.type").orElse("").equals("adapter");
  }

  /** The whole description with the counts of {@link #summary}. */
  ObjectNode json() {
    description.put("architecture", text("general.architecture").orElse(null));
    description.put("name", text("general.name").orElse(null));
    description.put("tensor_count", description.path("tensors").size());
    ObjectNode byType = description.putObject("types");
    types.forEach((type, sum) -> byType.putObject(type).put("tensors", sum.tensors).put("parameters", sum.parameters).put("bytes", sum.bytes));
    description.put("chat_template", values.containsKey("tokenizer.chat_template"));
    return description;
  }

  /** The table that comes first. */
  List<String> summary(Path file) {
    List<String> lines = new ArrayList<>();
    String architecture = text("general.architecture").orElse("none");
    add(lines, "file", file + ", " + MemoryCheck.gib(number("file_bytes")) + ", GGUF v" + number("version") + ", alignment " + number("alignment"));
    add(lines, "name", text("general.name").orElse("none"));
    add(lines, "architecture", architecture);
    add(lines, "parameters", String.format(Locale.ROOT, "%,d", number("parameters")));
    for (String key : new String[] {"block_count", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv", "attention.key_length",
        "context_length", "vocab_size", "rope.freq_base", "rope.scaling.type", "attention.layer_norm_rms_epsilon"}) {
      value(architecture + "." + key).ifPresent(value -> add(lines, key.replace('_', ' ').replace('.', ' '), value));
    }
    addTokenizer(lines);
    types.forEach((type, sum) -> add(lines, "type " + type,
        String.format(Locale.ROOT, "%d tensors, %,d parameters, %s", sum.tensors, sum.parameters, MemoryCheck.gib(sum.bytes))));
    return lines;
  }

  private void addTokenizer(List<String> lines) {
    if (!values.containsKey("tokenizer.ggml.model")) {
      add(lines, "tokenizer", "none");
      return;
    }
    JsonNode tokens = values.get("tokenizer.ggml.tokens");
    String pre = text("tokenizer.ggml.pre").map(name -> " (" + name + ")").orElse("");
    add(lines, "tokenizer", text("tokenizer.ggml.model").orElse("?") + pre + (tokens == null ? "" : ", " + tokens.path("count").asLong() + " tokens")
        + value("tokenizer.ggml.bos_token_id").map(id -> ", BOS " + id).orElse("") + value("tokenizer.ggml.eos_token_id").map(id -> ", EOS " + id).orElse(""));
    add(lines, "chat template", values.containsKey("tokenizer.chat_template") ? "yes; see 'graft template --model'" : "no");
  }

  /** Key, type and value of each entry. */
  List<String> metadata() {
    List<String> lines = new ArrayList<>();
    lines.add("metadata (" + description.path("metadata").size() + ")");
    for (JsonNode entry : description.path("metadata")) {
      lines.add(String.format(Locale.ROOT, "  %-44s %-8s %s", Failures.oneLine(entry.path("key").asText()), entry.path("type").asText(), shown(entry.path("value"))));
    }
    return lines;
  }

  /** Name, type, shape and size of each tensor. */
  List<String> tensors() {
    List<String> lines = new ArrayList<>();
    lines.add("tensors (" + description.path("tensors").size() + ")");
    for (JsonNode tensor : description.path("tensors")) {
      List<String> shape = new ArrayList<>();
      tensor.path("shape").forEach(n -> shape.add(n.asText()));
      lines.add(String.format(Locale.ROOT, "  %-44s %-8s %-20s %,15d bytes", Failures.oneLine(tensor.path("name").asText()), tensor.path("type").asText(),
          String.join(" x ", shape), tensor.path("bytes").asLong()));
    }
    return lines;
  }

  private static long parameters(JsonNode tensor) {
    long product = 1;
    for (JsonNode n : tensor.path("shape")) {
      product *= n.asLong();
    }
    return product;
  }

  private static void add(List<String> lines, String name, String value) {
    lines.add(String.format(Locale.ROOT, "%-34s %s", name, Failures.oneLine(value)));
  }

  private long number(String field) {
    return description.path(field).asLong();
  }

  private Optional<String> text(String key) {
    return Optional.ofNullable(values.get(key)).filter(JsonNode::isTextual).map(JsonNode::asText);
  }

  private Optional<String> value(String key) {
    return Optional.ofNullable(values.get(key)).map(Inspection::shown);
  }

  private static String shown(JsonNode value) {
    String text = value.asText();
    if (value.has("array")) {
      List<String> items = new ArrayList<>();
      value.path("items").forEach(item -> items.add(item.isTextual() ? "'" + item.asText() + "'" : item.asText()));
      String more = items.size() < value.path("count").asLong() ? ", ..." : "";
      return Failures.oneLine(value.path("array").asText() + "[" + value.path("count").asLong() + "] " + String.join(", ", items) + more);
    } else if (value.isContainerNode()) {
      text = value.toString();
    }
    text = Failures.oneLine(text.replace("\n", "\\n").replace("\t", "\\t"));
    return text.length() > LONGEST_VALUE ? text.substring(0, LONGEST_VALUE) + "... (" + text.length() + " characters)" : text;
  }
}
