package dev.graft.trainer.bpe;

import dev.graft.bindings.VocabularyFile;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The plainest encoder there can be, straight from the papers: special tokens, words, then merges, lowest rank first. */
final class BpeEncoder {
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, Integer> ranks = new HashMap<>();
  private final List<String> special = new ArrayList<>();

  BpeEncoder(VocabularyFile file) {
    for (int i = 0; i < file.tokens().size(); i++) {
      ids.put(file.tokens().get(i), i);
      if (file.types().get(i) == VocabularyFile.CONTROL) {
        special.add(file.tokens().get(i));
      }
    }
    special.sort(Comparator.comparingInt(String::length).reversed());
    file.merges().forEach(merge -> ranks.put(merge, ranks.size()));
  }

  int[] encode(String text) {
    List<Integer> result = new ArrayList<>();
    fragment(text, 0, result);
    return result.stream().mapToInt(Integer::intValue).toArray();
  }

  private void fragment(String text, int from, List<Integer> result) {
    for (int i = from; i < special.size(); i++) {
      int at = text.indexOf(special.get(i));
      if (at >= 0) {
        fragment(text.substring(0, at), i + 1, result);
        result.add(ids.get(special.get(i)));
        fragment(text.substring(at + special.get(i).length()), i, result);
        return;
      }
    }
    for (int at = 0; at < text.length(); ) {
      int end = PreTokenizer.end(text, at);
      word(text.substring(at, end), result);
      at = end;
    }
  }

  private void word(String word, List<Integer> result) {
    List<String> parts = new ArrayList<>();
    for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
      parts.add(String.valueOf(ByteAlphabet.of(b)));
    }
    while (true) {
      int best = -1;
      int rank = Integer.MAX_VALUE;
      for (int i = 0; i + 1 < parts.size(); i++) {
        int own = ranks.getOrDefault(parts.get(i) + " " + parts.get(i + 1), Integer.MAX_VALUE);
        if (own < rank) {
          rank = own;
          best = i;
        }
      }
      if (best < 0) {
        break;
      }
      parts.set(best, parts.get(best) + parts.remove(best + 1));
    }
    parts.forEach(part -> result.add(ids.get(part)));
  }
}
