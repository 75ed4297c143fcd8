package dev.graft.trainer.serve;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The text of an answer as its tokens come. Hands out whole characters only, and keeps back what may be the beginning of a stop
 * text. One thread.
 */
final class AnswerText {
  private final List<String> stops;
  private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
  private final StringBuilder text = new StringBuilder();
  private int handedOut;
  private boolean stopped;

  AnswerText(List<String> stops) {
    this.stops = stops;
  }

  /** Adds a token's bytes. Returns what can be shown now, maybe nothing. */
  String add(byte[] bytes) {
    if (stopped) {
      return "";
    }
    pending.writeBytes(bytes);
    byte[] all = pending.toByteArray();
    int whole = wholeCharacters(all);
    text.append(new String(all, 0, whole, StandardCharsets.UTF_8));
    pending.reset();
    pending.write(all, whole, all.length - whole);
    return handOut();
  }

  /** The end: what was kept back; the first bytes of a character that never came whole are dropped, as llama.cpp does. */
  String finish() {
    pending.reset();
    String rest = text.substring(handedOut);
    handedOut = text.length();
    return rest;
  }

  /** True once a stop text has come; the text ends before it. */
  boolean stopped() {
    return stopped;
  }

  /** All of it, after {@link #finish}. */
  String text() {
    return text.toString();
  }

  private String handOut() {
    findStop();
    int safe = stopped ? text.length() : text.length() - longestBeginningOfStop();
    String now = text.substring(handedOut, Math.max(handedOut, safe));
    handedOut += now.length();
    return now;
  }

  private void findStop() {
    int first = -1;
    for (String stop : stops) {
      int at = text.indexOf(stop, Math.max(0, handedOut - stop.length()));
      first = at >= 0 && (first < 0 || at < first) ? at : first;
    }
    if (first >= 0) {
      text.setLength(Math.max(first, handedOut));
      stopped = true;
    }
  }

  private int longestBeginningOfStop() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, text.length()); n > longest; n--) {
        if (stop.startsWith(text.substring(text.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }

  /** Bytes that do not end within a UTF-8 character (broken ones count as whole: they will not get better). */
  static int wholeCharacters(byte[] bytes) {
    for (int back = 1; back <= Math.min(3, bytes.length); back++) {
      int b = bytes[bytes.length - back] & 0xFF;
      if (b >= 0xC0) { // a lead byte: how many must follow?
        int length = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
        return length > back ? bytes.length - back : bytes.length;
      } else if (b < 0x80) {
        return bytes.length;
      }
    }
    return bytes.length;
  }
}
