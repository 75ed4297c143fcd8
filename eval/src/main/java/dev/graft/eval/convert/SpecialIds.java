package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Special tokens, whether BOS and EOS stand around a text, and chat templates, from the files that say so. */
final class SpecialIds {
  private static final long MOST_BYTES = 256L << 20;
  private static final String[][] NAMES = {{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"pad", "padding"}};

  private final Path folder;
  private final HfConfig config;
  private final HfTokenizer.Vocabulary vocabulary;
  private final JsonFile tokenizerConfig;
  private final JsonFile generation;

  private SpecialIds(Path folder, HfConfig config, HfTokenizer.Vocabulary vocabulary) throws IOException {
    this.folder = folder;
    this.config = config;
    this.vocabulary = vocabulary;
    this.tokenizerConfig = JsonFile.readIfThere(folder.resolve("tokenizer_config.json"), MOST_BYTES);
    this.generation = JsonFile.readIfThere(folder.resolve("generation_config.json"), MOST_BYTES);
  }

  /** Sets all of {@code tokenizer.*}. */
  static void write(GgufWriter writer, Path folder, HfConfig config, HfTokenizer.Vocabulary vocabulary) throws IOException {
    writer.set("tokenizer.ggml.model", vocabulary.kind()).set("tokenizer.ggml.pre", vocabulary.pre());
    writer.set("tokenizer.ggml.tokens", vocabulary.tokens());
    if (vocabulary.scores() != null) {
      writer.set("tokenizer.ggml.scores", vocabulary.scores());
    }
    writer.set("tokenizer.ggml.token_type", vocabulary.types());
    if (vocabulary.merges() != null) {
      writer.set("tokenizer.ggml.merges", vocabulary.merges());
    }
    new SpecialIds(folder, config, vocabulary).write(writer);
  }

  private void write(GgufWriter writer) throws IOException {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (String[] name : NAMES) {
      ids.put(name[1], id(name[0]));
    }
    ids.put("eot", endOfTurn(ids.get("eos")));
    ids.forEach((name, id) -> {
      if (id >= 0) {
        writer.set("tokenizer.ggml." + name + "_token_id", (long) id);
      }
    });
    writer.set("tokenizer.ggml.add_bos_token", around("bos", ids.get("bos"), vocabulary.single()[0]));
    writer.set("tokenizer.ggml.add_eos_token", around("eos", ids.get("eos"), vocabulary.single()[1]));
    if (vocabulary.kind().equals("llama")) {
      writer.set("tokenizer.ggml.add_space_prefix", vocabulary.spacePrefix());
    }
    Map<String, String> templates = templates();
    templates.forEach((name, source) -> writer.set("tokenizer.chat_template" + (name.isEmpty() ? "" : "." + name), source));
    List<String> named = templates.keySet().stream().filter(name -> !name.isEmpty()).toList();
    if (!named.isEmpty()) {
      writer.set("tokenizer.chat_templates", named);
    }
  }

  /** The id of a special token: by its text in tokenizer_config.json, else as config.json or generation_config.json has it; -1 for none. */
  private int id(String name) {
    JsonNode token = tokenizerConfig.get(name + "_token");
    String text = token.isObject() ? token.path("content").asText() : token.isTextual() ? token.asText() : null;
    if (text != null) {
      Integer id = vocabulary.ids().get(text);
      if (id == null) {
        throw tokenizerConfig.bad(name + "_token", token, "expected a token of tokenizer.json");
      }
      return id;
    }
    for (JsonFile file : List.of(config.file(), generation)) {
      int id = HfConfig.id(file.get(name + "_token_id"));
      if (id >= 0 && id < vocabulary.tokens().size()) {
        return id;
      }
    }
    return -1;
  }

  /** The first other token at which generation stops, when several are declared. */
  private int endOfTurn(int eos) {
    TreeSet<Integer> stops = new TreeSet<>();
    for (JsonFile file : List.of(generation, config.file())) {
      for (JsonNode id : file.get("eos_token_id")) {
        stops.add(HfConfig.id(id));
      }
    }
    stops.remove(eos);
    return stops.stream().filter(id -> id >= 0 && id < vocabulary.tokens().size() && vocabulary.types()[id] == 3).reduce(-1, (a, b) -> b);
  }

  /** Whether a token stands around every text: tokenizer_config.json says so, else the post-processor, else what the kind is used to. */
  private boolean around(String name, int id, int processor) {
    JsonNode flag = tokenizerConfig.get("add_" + name + "_token");
    if (id < 0) {
      return false;
    } else if (flag.isBoolean()) {
      return flag.asBoolean();
    }
    boolean sentencePieceClass = vocabulary.kind().equals("llama") && tokenizerConfig.get("tokenizer_class").asText("").startsWith("LlamaTokenizer");
    return processor == id || sentencePieceClass && name.equals("bos");
  }

  /** Chat templates by name, the default one's empty. */
  private Map<String, String> templates() throws IOException {
    Map<String, String> templates = new LinkedHashMap<>();
    JsonNode own = tokenizerConfig.get("chat_template");
    if (own.isTextual()) {
      templates.put("", own.asText());
    }
    for (JsonNode item : own) {
      String name = item.path("name").asText("");
      if (item.path("template").isTextual() && name.matches("[A-Za-z0-9_-]{1,64}")) {
        templates.put(name.equals("default") ? "" : name, item.path("template").asText());
      }
    }
    Path json = folder.resolve("chat_template.json");
    if (Files.isRegularFile(json) && JsonFile.read(json, MOST_BYTES).get("chat_template").isTextual()) {
      templates.put("", JsonFile.read(json, MOST_BYTES).get("chat_template").asText());
    }
    Path jinja = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(jinja) && Files.size(jinja) <= MOST_BYTES) {
      templates.put("", new String(Files.readAllBytes(jinja), StandardCharsets.UTF_8));
    }
    return templates;
  }
}
