package dev.graft.trainer.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A tokenizer without llama.cpp for a byte-level vocabulary: special tokens by their text, everything else byte by byte. */
public final class ByteTokenizer implements Tokenizer {
  private final Vocabulary vocabulary;
  private int requests;

  public ByteTokenizer(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** How often it was asked. */
  public int requests() {
    return requests;
  }

  @Override
  public List<int[]> encodeAll(List<String> texts) {
    requests++;
    return texts.stream().map(this::one).toList();
  }

  private int[] one(String text) {
    List<Integer> ids = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int special = special(text, at);
      if (special >= 0) {
        ids.add(special);
        at += vocabulary.text(special).length();
      } else {
        int end = at + Character.charCount(text.codePointAt(at));
        for (byte b : text.substring(at, end).getBytes(StandardCharsets.UTF_8)) {
          ids.add(b & 0xFF);
        }
        at = end;
      }
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  private int special(String text, int at) {
    for (int id = 256; id < vocabulary.size(); id++) {
      if (vocabulary.isSpecial(id) && text.startsWith(vocabulary.text(id), at)) {
        return id;
      }
    }
    return -1;
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public void close() {}
}
