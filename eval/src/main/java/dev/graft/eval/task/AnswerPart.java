package dev.graft.eval.task;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The part of an answer that an outcome is read from: all of it; what follows a mark ({@code Urgency:}, in any case of letters, where it first
 * begins a word) up to the end of the line; or what the only group of a regular expression holds at its first match. Immutable.
 *
 * @param line the mark, or null  @param regex the expression, or null
 * @param orWhole whether an answer without the mark or a match is judged whole
 */
public record AnswerPart(String line, Pattern regex, boolean orWhole) {
  /** The whole answer. */
  public static final AnswerPart WHOLE = new AnswerPart(null, null, true);

  /** The part, without white space at its ends; empty when the answer has none. */
  public Optional<String> of(String answer) {
    Optional<String> part = regex != null ? match(answer) : line != null ? afterMark(answer) : Optional.of(answer);
    return part.isEmpty() && orWhole ? Optional.of(answer) : part;
  }

  private Optional<String> afterMark(String answer) {
    for (int at = 0; at + line.length() <= answer.length(); at++) {
      if (answer.regionMatches(true, at, line, 0, line.length()) && (at == 0 || !Character.isLetterOrDigit(answer.charAt(at - 1)))) {
        return Optional.of(answer.substring(at + line.length()).lines().findFirst().orElse("").strip());
      }
    }
    return Optional.empty();
  }

  private Optional<String> match(String answer) {
    Matcher matcher = regex.matcher(answer);
    return matcher.find() ? Optional.ofNullable(matcher.group(1)).map(String::strip) : Optional.empty();
  }

  /** As settings have it: {@code whole}, {@code line Urgency:} or {@code regex ...}, with {@code , else whole}. */
  @Override
  public String toString() {
    return line == null && regex == null ? "whole" : (line != null ? "line " + line : "regex " + regex) + (orWhole ? ", else whole" : "");
  }
}
