package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@code tokenizer.json} as llama.cpp's vocabulary: byte-level BPE becomes {@code gpt2} with its merges, SentencePiece's BPE with byte
 * fallback becomes {@code llama} with a score for each token.
 */
final class HfTokenizer {
  private static final long MOST_BYTES = 256L << 20;
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;
  private static final String SPACE = "\u2581";

  private final JsonFile file;
  private final JsonNode model;
  private final List<String> notes;
  private final Map<String, Integer> ids = new HashMap<>();
  private final String[] texts;
  private final int[] types;
  private final List<String> merges = new ArrayList<>();

  /**
   * A vocabulary.
   *
   * @param kind {@code tokenizer.ggml.model}: gpt2 or llama
   * @param pre llama.cpp's name of the pre-tokenizer
   * @param tokens texts by id  @param types llama.cpp's numbers  @param ids of the texts
   * @param scores of a llama vocabulary, else null
   * @param merges of a gpt2 vocabulary, else null
   * @param spacePrefix of a llama vocabulary: whether a space is put before text
   * @param single token ids that the post-processor puts before and after a text; -1 for none
   */
  record Vocabulary(String kind, String pre, List<String> tokens, int[] types, Map<String, Integer> ids, float[] scores, List<String> merges, boolean spacePrefix, int[] single) {}

  private HfTokenizer(JsonFile file, int size, List<String> notes) {
    this.file = file;
    this.model = file.get("model");
    this.notes = notes;
    this.texts = new String[size];
    this.types = new int[size];
  }

  /**
   * Reads it.
   *
   * @param size rows of the embedding
   * @param pre the pre-tokenizer's name when the caller knows it, or null
   * @param notes gets sentences for the user
   */
  static Vocabulary read(Path folder, int size, String pre, List<String> notes) throws IOException {
    Path path = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(path)) {
      throw new BadFileException(path + ": no such file" + (Files.exists(folder.resolve("tokenizer.model"))
          ? "; there is only a tokenizer.model: load the folder with transformers' AutoTokenizer and save it, which writes tokenizer.json" : ""));
    }
    return new HfTokenizer(JsonFile.read(path, MOST_BYTES), size, notes).read(pre);
  }

  private Vocabulary read(String pre) {
    String type = model.path("type").asText(model.has("merges") ? "BPE" : "");
    if (!type.equals("BPE")) {
      throw file.bad("model.type", model.path("type"), "BPE is supported");
    }
    for (String affix : new String[] {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!model.path(affix).asText("").isEmpty() && !model.path(affix).isNull()) {
        throw file.bad("model." + affix, model.path(affix), "none is supported");
      }
    }
    readTokens();
    readMerges();
    if (PreTokenizers.byteLevel(file.get("pre_tokenizer"))) {
      return byteLevel(pre);
    } else if (model.path("byte_fallback").asBoolean(false) && replacesSpaces()) {
      return sentencePiece();
    }
    throw file.bad("pre_tokenizer", file.get("pre_tokenizer"), "byte-level BPE, and SentencePiece's BPE with byte fallback, are supported");
  }

  private void readTokens() {
    JsonNode vocab = model.path("vocab");
    if (!vocab.isObject() || vocab.isEmpty()) {
      throw file.bad("model.vocab", vocab.isObject() ? vocab : model.path("none"), "expected an id for each token");
    }
    for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
      put(entry.getKey(), entry.getValue(), NORMAL);
    }
    String unknown = model.path("unk_token").asText("");
    if (model.path("byte_fallback").asBoolean(false)) {
      ids.forEach((text, id) -> types[id] = text.matches("<0x[0-9A-F]{2}>") ? BYTE : text.equals(unknown) ? UNKNOWN : types[id]);
    }
    for (JsonNode added : file.get("added_tokens")) {
      String text = added.path("content").asText("");
      boolean unk = text.equals(unknown) && model.path("byte_fallback").asBoolean(false);
      put(text, added.path("id"), unk ? UNKNOWN : added.path("special").asBoolean(false) ? CONTROL : USER_DEFINED);
    }
    int unused = 0;
    for (int id = 0; id < texts.length; id++) {
      if (texts[id] == null) {
        texts[id] = "[PAD" + id + "]";
        types[id] = UNUSED;
        unused++;
        if (ids.putIfAbsent(texts[id], id) != null) {
          throw new BadFileException(file.path() + ": has no token " + id + ", and a token " + texts[id] + " that would have to stand for it");
        }
      }
    }
    if (unused > 0) {
      notes.add(unused + " of " + texts.length + " ids have no token; they are named [PAD...] and marked as unused, as llama.cpp does it");
    }
  }

  private void put(String text, JsonNode node, int type) {
    String shown = SafetensorsFile.shown(text);
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0 || node.intValue() >= texts.length) {
      throw new BadFileException(file.path() + ": token '" + shown + "' has the id " + SafetensorsFile.shown(node.toString()) + ", but the embedding has " + texts.length + " rows");
    }
    int id = node.intValue();
    Integer before = ids.put(text, id);
    if (texts[id] != null && !texts[id].equals(text) || before != null && before != id) {
      throw new BadFileException(file.path() + ": token '" + shown + "' with id " + id + " contradicts " + (before != null && before != id ? "its other id " + before
          : "token '" + SafetensorsFile.shown(texts[id]) + "' with the same id"));
    }
    texts[id] = text;
    types[id] = types[id] == BYTE ? BYTE : type;
  }

  private void readMerges() {
    JsonNode list = model.path("merges");
    if (!list.isArray()) {
      throw file.bad("model.merges", list, "expected a list of merges");
    }
    for (JsonNode merge : list) {
      String left;
      String right;
      if (merge.isArray() && merge.size() == 2) {
        left = merge.get(0).asText();
        right = merge.get(1).asText();
      } else {
        String[] parts = merge.asText("").split(" ", -1);
        left = parts[0];
        right = parts.length == 2 ? parts[1] : "";
      }
      if (left.isEmpty() || right.isEmpty() || left.indexOf(' ') >= 0 || right.indexOf(' ') >= 0) {
        throw new BadFileException(file.path() + ": merge " + merges.size() + ", " + SafetensorsFile.shown(merge.toString()) + ", is not two tokens");
      }
      for (String text : new String[] {left, right, left + right}) {
        if (!ids.containsKey(text)) {
          throw new BadFileException(file.path() + ": merge " + merges.size() + ", " + SafetensorsFile.shown(merge.toString()) + ", needs the token '" + SafetensorsFile.shown(text)
              + "', which the vocabulary lacks");
        }
      }
      merges.add(left + " " + right);
    }
  }

  private Vocabulary byteLevel(String given) {
    String normalizer = file.get("normalizer").path("type").asText("");
    if (normalizer.equals("NFC")) {
      notes.add("tokenizer.json brings text into Unicode's form NFC first, which llama.cpp does not; text that is not in that form gets other tokens");
    } else if (!normalizer.isEmpty()) {
      throw file.bad("normalizer", file.get("normalizer"), "none and NFC are supported for byte-level BPE");
    }
    String pre = given != null ? given : PreTokenizers.name(file.get("pre_tokenizer")).orElseThrow(() -> file.bad("pre_tokenizer", file.get("pre_tokenizer"),
        "none of llama.cpp's is known to split so; if you know which does, give its name with --pre"));
    Set<String> made = new HashSet<>();
    merges.forEach(merge -> made.add(merge.replace(" ", "")));
    boolean ignores = model.path("ignore_merges").asBoolean(false);
    boolean llamaIgnores = pre.equals("llama-bpe") || pre.equals("tekken");
    long whole = ids.entrySet().stream().filter(e -> types[e.getValue()] == NORMAL && e.getKey().codePointCount(0, e.getKey().length()) > 1 && !made.contains(e.getKey())).count();
    if (ignores != llamaIgnores && whole > 0) {
      notes.add(whole + " tokens are no merge's result; tokenizer.json " + (ignores ? "takes" : "does not take") + " a word that is such a token as a whole, llama.cpp "
          + (llamaIgnores ? "does" : "does not"));
    }
    return new Vocabulary("gpt2", pre, Arrays.asList(texts), types, ids, null, merges, false, single());
  }

  private boolean replacesSpaces() {
    return normalizers().stream().anyMatch(n -> n.path("type").asText().equals("Replace") && n.path("content").asText().equals(SPACE)) || metaspace() != null;
  }

  private List<JsonNode> normalizers() {
    List<JsonNode> all = new ArrayList<>();
    JsonNode normalizer = file.get("normalizer");
    if (normalizer.path("type").asText().equals("Sequence")) {
      normalizer.path("normalizers").forEach(all::add);
    } else if (normalizer.isObject()) {
      all.add(normalizer);
    }
    return all;
  }

  private JsonNode metaspace() {
    JsonNode pre = file.get("pre_tokenizer");
    if (pre.path("type").asText().equals("Metaspace")) {
      return pre;
    }
    for (JsonNode step : pre.path("pretokenizers")) {
      if (step.path("type").asText().equals("Metaspace")) {
        return step;
      }
    }
    return null;
  }

  /** SentencePiece merges the pair whose result has the highest score; tokenizer.json the one whose merge stands first. */
  private Vocabulary sentencePiece() {
    for (JsonNode normalizer : normalizers()) {
      if (!normalizer.path("type").asText().matches("Prepend|Replace")) {
        throw file.bad("normalizer", normalizer, "Prepend and Replace are supported with byte fallback");
      }
    }
    float[] scores = new float[texts.length];
    boolean[] made = new boolean[texts.length];
    int last = -1;
    int mixed = 0;
    for (int rank = 0; rank < merges.size(); rank++) {
      int id = ids.get(merges.get(rank).replaceFirst(" ", ""));
      if (!made[id]) {
        made[id] = true;
        scores[id] = -1 - rank;
      } else if (id != last) {
        mixed++;
      }
      last = id;
    }
    int others = 0;
    for (int id = 0; id < texts.length; id++) {
      boolean several = texts[id].codePointCount(0, texts[id].length()) > 1;
      if (types[id] == NORMAL && !made[id]) {
        scores[id] = -2 - merges.size() - id;
        others += several ? 1 : 0;
      }
    }
    if (mixed > 0) {
      notes.add(mixed + " merges make a token that an earlier, more urgent one makes too; llama.cpp gives both the same urgency, so some texts may get other tokens");
    }
    if (others > 0) {
      notes.add(others + " tokens are no merge's result; llama.cpp may form them from their parts, tokenizer.json never does");
    }
    JsonNode metaspace = metaspace();
    boolean prefix = normalizers().stream().anyMatch(n -> n.path("type").asText().equals("Prepend"))
        || metaspace != null && metaspace.path("prepend_scheme").asText(metaspace.path("add_prefix_space").asBoolean(true) ? "always" : "never").matches("always|first");
    return new Vocabulary("llama", "default", Arrays.asList(texts), types, ids, scores, null, prefix, single());
  }

  /** Ids that the post-processor puts before and after a single text. */
  private int[] single() {
    int[] around = {-1, -1};
    List<JsonNode> processors = new ArrayList<>();
    JsonNode post = file.get("post_processor");
    if (post.path("type").asText().equals("Sequence")) {
      post.path("processors").forEach(processors::add);
    } else {
      processors.add(post);
    }
    for (JsonNode processor : processors) {
      JsonNode pieces = processor.path("single");
      if (processor.path("type").asText().equals("TemplateProcessing") && pieces.isArray() && !pieces.isEmpty()) {
        around[0] = ids.getOrDefault(pieces.get(0).path("SpecialToken").path("id").asText(""), -1);
        around[1] = ids.getOrDefault(pieces.get(pieces.size() - 1).path("SpecialToken").path("id").asText(""), -1);
      }
    }
    return around;
  }
}
