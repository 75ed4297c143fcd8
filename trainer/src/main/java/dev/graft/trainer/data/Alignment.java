package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Finds which bytes of a text each token stands for. */
final class Alignment {
  private Alignment() {}

  /**
   * Number of tokens before each bound between spans, or null when a token straddles a bound or the tokens do not spell the text.
   *
   * @param tokens of all spans' text encoded at once
   */
  static int[] bounds(Vocabulary vocabulary, int[] tokens, List<Span> spans) {
    StringBuilder text = new StringBuilder();
    int[] targets = new int[spans.size() - 1];
    int offset = 0;
    for (int i = 0; i < spans.size(); i++) {
      text.append(spans.get(i).text());
      offset += spans.get(i).text().getBytes(StandardCharsets.UTF_8).length;
      if (i < targets.length) {
        targets[i] = offset;
      }
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    int[] bounds = new int[targets.length];
    int found = 0;
    int at = 0;
    boolean afterSpecial = true;
    for (int i = 0; i < tokens.length; i++) {
      byte[] piece = vocabulary.piece(tokens[i]);
      int start = start(bytes, at, piece, afterSpecial);
      int skip = start < 0 && vocabulary.addSpacePrefix() && piece.length > 0 && piece[0] == ' ' ? 1 : 0; // the space put before a first word
      if (skip == 1) {
        start = matches(bytes, at, piece, 1) ? at : -1;
      }
      if (start < 0) {
        return null;
      }
      while (found < targets.length && targets[found] >= at && targets[found] <= start) {
        bounds[found++] = i;
      }
      at = start + piece.length - skip;
      if (found < targets.length && targets[found] < at) {
        return null;
      }
      afterSpecial = vocabulary.isSpecial(tokens[i]);
    }
    while (found < targets.length && targets[found] >= at) {
      bounds[found++] = tokens.length;
    }
    return found == targets.length && blank(bytes, at) ? bounds : null;
  }

  /** Where the piece stands: here, or after white space that a special token swallowed; -1 when nowhere. */
  private static int start(byte[] bytes, int at, byte[] piece, boolean afterSpecial) {
    int start = at;
    while (!matches(bytes, start, piece, 0)) {
      if (!afterSpecial || start >= bytes.length || !isSpace(bytes[start])) {
        return -1;
      }
      start++;
    }
    return start;
  }

  private static boolean matches(byte[] bytes, int at, byte[] piece, int from) {
    if (at + piece.length - from > bytes.length) {
      return false;
    }
    for (int i = from; i < piece.length; i++) {
      if (bytes[at + i - from] != piece[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b >= '\t' && b <= '\r';
  }

  private static boolean blank(byte[] bytes, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (!isSpace(bytes[i])) {
        return false;
      }
    }
    return true;
  }
}
