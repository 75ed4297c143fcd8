package dev.graft.trainer.template;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands around a call's arguments where they are no JSON, as Qwen3-Coder, GLM-4.5, MiniMax-M2 and Seed-OSS write them: {@code (open KEY then VALUE close)* end}. A string
 * stands there as it is, everything else as JSON.
 *
 * @param end what ends the call: one tag
 */
public record ArgumentTexts(String open, String then, String close, String end) {
  private static final Pattern TAG = Pattern.compile("\\s*<[^<>]*>");

  /** And what comes before the first argument, whether there is one or not. */
  record Found(String head, ArgumentTexts texts) {}

  /**
   * Takes a call of two arguments apart.
   *
   * @param before between the name and the first key  @param then between key and value  @param between between a value and the next key
   * @param after what follows the last value  @param none what follows the name of a call without arguments; null: not known
   * @return empty when its parts have no tags, which would tell them from values
   */
  static Optional<Found> of(String before, String then, String between, String after, String none) {
    for (int i = 0; i < before.length(); i++) {
      String open = before.substring(i);
      if (before.charAt(i) != '<' || !between.endsWith(open)) {
        continue;
      }
      String head = before.substring(0, i);
      String close = between.substring(0, between.length() - open.length());
      String rest = after.startsWith(close) ? after.substring(close.length()) : "";
      Matcher end = TAG.matcher(rest);
      if (end.lookingAt() && !then.isBlank() && close.strip().startsWith("<") && (none == null || none.startsWith(head + end.group()))) {
        return Optional.of(new Found(head, new ArgumentTexts(open, then, close, end.group())));
      }
    }
    return Optional.empty();
  }

  /** What a value cannot hold, since it ends there. */
  public String closer() {
    return close.strip();
  }

  boolean has(String text) {
    return open.contains(text) || then.contains(text) || close.contains(text) || end.contains(text);
  }
}
