package dev.graft.trainer.bpe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How often each word stands in a text. Special tokens in the text are cut out first, as llama.cpp's encoder does. Numbers are
 * counted digit by digit: so no merge ever joins two digits, each stays a token, and numbers of any length look alike. One thread.
 */
final class WordCounts {
  private final List<String> special;
  private final Map<String, Count> counts = new LinkedHashMap<>();
  private long bytes;
  private long specials;

  /** A word as it was seen. */
  record Word(byte[] bytes, long count) {}

  private static final class Count {
    private long value;
  }

  /** @param special texts of the special tokens */
  WordCounts(List<String> special) {
    this.special = special.stream().sorted(Comparator.comparingInt(String::length).reversed()).toList(); // llama.cpp looks for the longest first
  }

  /** Counts the words of a text. */
  void add(String text) {
    add(text, 0);
  }

  /** Cuts the text at the special tokens from this one on. */
  private void add(String text, int token) {
    int from = 0;
    for (int i = token; i < special.size(); i++) {
      int at = text.indexOf(special.get(i), from);
      if (at >= 0) {
        while (at >= 0) {
          add(text.substring(from, at), i + 1);
          specials++;
          from = at + special.get(i).length();
          bytes += special.get(i).getBytes(StandardCharsets.UTF_8).length;
          at = text.indexOf(special.get(i), from);
        }
        add(text.substring(from), i + 1);
        return;
      }
    }
    words(text);
  }

  private void words(String text) {
    for (int at = 0; at < text.length(); ) {
      int end = PreTokenizer.end(text, at);
      if (CharacterClasses.of(text.codePointAt(at)) == CharacterClasses.NUMBER) {
        for (int next = text.offsetByCodePoints(at, 1); next < end; next = text.offsetByCodePoints(at, 1)) {
          count(text, at, next);
          at = next;
        }
      }
      count(text, at, end);
      at = end;
    }
  }

  private void count(String text, int from, int to) {
    counts.computeIfAbsent(text.substring(from, to), word -> new Count()).value++;
  }

  /** The words in the order in which they were first seen. */
  List<Word> words() {
    List<Word> words = new ArrayList<>(counts.size());
    counts.forEach((word, count) -> words.add(new Word(word.getBytes(StandardCharsets.UTF_8), count.value)));
    return words;
  }

  /** Bytes of all text, special tokens included. */
  long bytes() {
    long all = bytes;
    for (Map.Entry<String, Count> entry : counts.entrySet()) {
      all += entry.getValue().value * utf8Length(entry.getKey());
    }
    return all;
  }

  /** Special tokens found in the text. */
  long specials() {
    return specials;
  }

  private static long utf8Length(String text) {
    long length = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      length += c < 0x80 ? 1 : c < 0x800 ? 2 : Character.isSurrogate(c) ? 2 : 3;
    }
    return length;
  }
}
