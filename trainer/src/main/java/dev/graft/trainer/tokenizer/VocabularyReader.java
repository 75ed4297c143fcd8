package dev.graft.trainer.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.data.DataException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Reads {@code tokenizer.*} as llama.cpp does (llama-vocab.cpp, {@code llama_vocab::impl::load}). */
final class VocabularyReader {
  private static final String PREFIX = "tokenizer.ggml.";

  /** Tokens that end a turn, in the order in which one is looked for when the file names none. */
  private static final List<String> END_OF_TURN =
      List.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<EOT>", "_<EOT>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>");

  /** Tokens that end generation wherever they are, by their text. */
  private static final List<String> END_OF_GENERATION =
      List.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>",
          "_<EOT>", "<|end_of_text|>", "<end_of_utterance>");

  /** Fill-in-the-middle tokens that llama.cpp also stops at: keys of the file and the texts that it knows them by. */
  private static final Map<String, List<String>> FILL_IN_MIDDLE =
      Map.of(
          "fim_pad_token_id", List.of("<|fim_pad|>", "<fim-pad>", "<PAD>"),
          "fim_rep_token_id", List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>"),
          "fim_sep_token_id", List.of("<|file_sep|>"));

  /** Pre-tokenizers of byte-level BPE that add a BOS unless the file says otherwise. */
  private static final Set<String> PRE_ADDS_BOS = Set.of("llama3", "llama-v3", "llama-bpe", "falcon3", "tekken", "chameleon");

  private final Metadata metadata;
  private final Path path;
  private final Map<String, Integer> idOf = new HashMap<>();

  private VocabularyReader(Metadata metadata, Path path) {
    this.metadata = metadata;
    this.path = path;
  }

  static Vocabulary read(Metadata metadata, Path path) {
    return new VocabularyReader(metadata, path).read();
  }

  private Vocabulary read() {
    String model = string(PREFIX + "model", "");
    String pre = string(PREFIX + "pre", "");
    if (model.isEmpty() || model.equals("no_vocab")) {
      throw bad("has no tokenizer (tokenizer.ggml.model is missing); take a model file that carries its vocabulary");
    }
    VocabularyKind kind = VocabularyKind.of(model);
    byte[][] texts = texts();
    TokenType[] types = types(texts.length);
    for (int i = 0; i < texts.length; i++) {
      idOf.put(new String(texts[i], StandardCharsets.UTF_8), i);
    }
    SpecialTokens special = special(model, pre, kind, texts.length);
    for (String text : END_OF_GENERATION) {
      Integer id = idOf.get(text);
      if (id != null) {
        types[id] = TokenType.CONTROL; // as llama.cpp: a token of that name is one, whatever the file says
      }
    }
    String template = string("tokenizer.chat_template", null);
    return new Vocabulary(kind, texts, types, special, template == null || template.isBlank() ? null : template);
  }

  private byte[][] texts() {
    String key = PREFIX + "tokens";
    JsonNode value = metadata.value(key).orElseThrow(() -> bad("has no vocabulary (" + key + " is missing); take a model file that carries it"));
    JsonNode items = items(value);
    long count = value.isObject() ? value.path("count").asLong(items.size()) : items.size();
    if (count <= 0 || count > Integer.MAX_VALUE) {
      throw bad("has a vocabulary of " + count + " tokens (" + key + "); the file is damaged");
    }
    byte[][] texts = new byte[(int) count][];
    for (int i = 0; i < texts.length; i++) {
      JsonNode item = items.path(i);
      boolean exact = items.size() == count && item.isTextual() && item.textValue().indexOf('\uFFFD') < 0;
      texts[i] = exact ? item.textValue().getBytes(StandardCharsets.UTF_8) : metadata.bytes(key, i);
      if (texts[i].length == 0) {
        texts[i] = ("[EMPTY_" + i + "]").getBytes(StandardCharsets.UTF_8);
      }
    }
    return texts;
  }

  private TokenType[] types(int size) {
    String key = PREFIX + "token_type";
    TokenType[] types = new TokenType[size];
    JsonNode items = metadata.value(key).map(VocabularyReader::items).orElse(null);
    if (items != null && items.size() != size) {
      throw bad(key + " has " + items.size() + " entries for " + size + " tokens; the file is damaged");
    }
    for (int i = 0; i < size; i++) {
      types[i] = items == null ? TokenType.NORMAL : TokenType.of(items.path(i).asInt());
    }
    return types;
  }

  private SpecialTokens special(String model, String pre, VocabularyKind kind, int size) {
    boolean noBos = pre.equals("glm4") || pre.equals("chatglm-bpe");
    int bos = id("bos_token_id", size, noBos ? Vocabulary.NONE : defaultBos(model));
    int eos = id("eos_token_id", size, defaultEos(model));
    int eot = id("eot_token_id", size, first(END_OF_TURN));
    int eom = id("eom_token_id", size, first(List.of("<|eom_id|>")));
    Set<Integer> stops = new TreeSet<>(List.of(eos, eot, eom));
    END_OF_GENERATION.forEach(text -> stops.add(idOf.getOrDefault(text, Vocabulary.NONE)));
    FILL_IN_MIDDLE.forEach((key, texts) -> stops.add(id(key, size, first(texts))));
    stops.remove(Vocabulary.NONE);
    boolean addBos = flag("add_bos_token", kind == VocabularyKind.SPM || model.equals("bert") || PRE_ADDS_BOS.contains(pre) && kind == VocabularyKind.BPE);
    boolean addEos = flag("add_eos_token", model.equals("t5"));
    boolean addSpace = flag("add_space_prefix", kind == VocabularyKind.SPM || model.equals("t5"));
    return new SpecialTokens(bos, eos, eot, eom, addBos && bos != Vocabulary.NONE, addEos && eos != Vocabulary.NONE, addSpace, stops);
  }

  private static int defaultBos(String model) {
    return switch (model) {
      case "llama" -> 1;
      case "gpt2" -> 11;
      case "bert" -> 101;
      default -> Vocabulary.NONE;
    };
  }

  private static int defaultEos(String model) {
    return switch (model) {
      case "llama" -> 2;
      case "gpt2" -> 11;
      case "t5" -> 1;
      default -> Vocabulary.NONE;
    };
  }

  private int first(List<String> texts) {
    return texts.stream().filter(idOf::containsKey).map(idOf::get).findFirst().orElse(Vocabulary.NONE);
  }

  /** As llama.cpp: an id outside of the vocabulary is passed over for the default. */
  private int id(String name, int size, int fallback) {
    long id = metadata.value(PREFIX + name).filter(JsonNode::isIntegralNumber).map(JsonNode::longValue).orElse((long) fallback);
    if (id >= 0 && id < size) {
      return (int) id;
    }
    return fallback >= 0 && fallback < size ? fallback : Vocabulary.NONE;
  }

  private boolean flag(String name, boolean fallback) {
    return metadata.value(PREFIX + name).filter(JsonNode::isBoolean).map(JsonNode::booleanValue).orElse(fallback);
  }

  private String string(String key, String fallback) {
    return metadata.value(key).filter(JsonNode::isTextual).map(JsonNode::textValue).orElse(fallback);
  }

  private static JsonNode items(JsonNode value) {
    return value.isObject() ? value.path("items") : value;
  }

  private DataException bad(String what) {
    return new DataException(path, 0, what);
  }
}
