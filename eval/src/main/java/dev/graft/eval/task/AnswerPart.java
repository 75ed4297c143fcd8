package dev.graft.eval.task;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of an answer that an outcome is read from: all of it; what follows a line's beginning ({@code Urgency:}, in any case of letters, the
 * first such line); or what the only group of a regular expression holds at its first match. Immutable.
 *
 * @param line the beginning, or null  @param regex the expression, or null
 */
public record AnswerPart(String line, Pattern regex) {
  /** The whole answer. */
  public static final AnswerPart WHOLE = new AnswerPart(null, null);

  /** The part, without white space at its ends; empty when the answer has none. */
  public Optional<String> of(String answer) {
    if (line != null) {
      String wanted = line.toLowerCase(Locale.ROOT);
      return answer.lines().map(String::strip).filter(l -> l.toLowerCase(Locale.ROOT).startsWith(wanted)).findFirst().map(l -> l.substring(line.length()).strip());
    } else if (regex == null) {
      return Optional.of(answer);
    }
    Matcher matcher = regex.matcher(answer);
    return matcher.find() ? Optional.ofNullable(matcher.group(1)).map(String::strip) : Optional.empty();
  }

  /** As settings have it: {@code whole}, {@code line Urgency:} or {@code regex ...}. */
  @Override
  public String toString() {
    return line != null ? "line " + line : regex != null ? "regex " + regex : "whole";
  }
}
