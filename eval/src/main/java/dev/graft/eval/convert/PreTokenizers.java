package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which of llama.cpp's pre-tokenizers splits text as a {@code tokenizer.json} does. Byte-level BPE never merges across the words that
 * this makes, so a wrong one gives other tokens without any error.
 */
final class PreTokenizers {
  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String TAIL = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String UPPER = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}";
  private static final String LOWER = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";
  private static final String CASED_TAIL = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String GPT2 = "gpt-2's expression";
  private static final String DIGITS = "digits apart";

  /** What text is split by, one after another, and llama.cpp's name for it (llama-vocab.cpp). */
  private static final Map<List<String>, String> KNOWN = Map.of(
      List.of(CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + TAIL), "llama-bpe",
      List.of(CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + TAIL), "qwen2",
      List.of("[^\\r\\n\\p{L}\\p{N}]?[" + UPPER + "]*[" + LOWER + "]+|[^\\r\\n\\p{L}\\p{N}]?[" + UPPER + "]+[" + LOWER + "]*|\\p{N}" + CASED_TAIL), "tekken",
      List.of("[^\\r\\n\\p{L}\\p{N}]?[" + UPPER + "]*[" + LOWER + "]+" + CONTRACTIONS + "?|[^\\r\\n\\p{L}\\p{N}]?[" + UPPER + "]+[" + LOWER + "]*" + CONTRACTIONS
          + "?|\\p{N}{1,3}" + CASED_TAIL), "gpt-4o",
      List.of(GPT2), "gpt-2",
      List.of(DIGITS, GPT2), "smollm");

  private PreTokenizers() {}

  /** llama.cpp's name for a {@code pre_tokenizer}; empty when none splits so, as far as is known here. */
  static Optional<String> name(JsonNode preTokenizer) {
    List<String> steps = new ArrayList<>();
    return collect(preTokenizer, steps) ? Optional.ofNullable(KNOWN.get(steps)) : Optional.empty();
  }

  /** Whether the bytes' alphabet of GPT-2 is used. */
  static boolean byteLevel(JsonNode preTokenizer) {
    if (preTokenizer.path("type").asText().equals("ByteLevel")) {
      return true;
    }
    for (JsonNode step : preTokenizer.path("pretokenizers")) {
      if (step.path("type").asText().equals("ByteLevel")) {
        return true;
      }
    }
    return false;
  }

  /** What splits, in order; false when a step is not understood. */
  private static boolean collect(JsonNode node, List<String> steps) {
    switch (node.path("type").asText()) {
      case "Sequence" -> {
        for (JsonNode step : node.path("pretokenizers")) {
          if (step.path("type").asText().equals("Sequence") || !collect(step, steps)) {
            return false;
          }
        }
        return true;
      }
      case "ByteLevel" -> {
        if (node.path("use_regex").asBoolean(true)) {
          steps.add(GPT2);
        }
        return !node.path("add_prefix_space").asBoolean(false);
      }
      case "Digits" -> {
        steps.add(DIGITS);
        return node.path("individual_digits").asBoolean(false);
      }
      case "Split" -> {
        steps.add(node.path("pattern").path("Regex").asText());
        return node.path("behavior").asText().equals("Isolated") && !node.path("invert").asBoolean(false)
            || node.path("behavior").asText().equals("Removed") && node.path("invert").asBoolean(false);
      }
      default -> {
        return false;
      }
    }
  }
}
