package dev.graft.trainer.template;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Optional;

/**
 * What stands around the names and arguments of calls: {@code first name middle arguments (next name middle arguments)* last}.
 *
 * @param next null where there can be but one call
 * @param opener what begins a call that is text: its marker, without white space; maybe empty  @param again the marker of each further call, empty where it has none
 * @param closer what ends the last one  @param between what ends the others
 * @param nameKey key of the name where a call is a JSON object of name and arguments, else null  @param argumentsKey likewise
 */
record ToolCallTexts(
    String first, String middle, String next, String last, String opener, String again, String closer, String between, String nameKey, String argumentsKey) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "n";

  /** Takes the four apart. Empty when they have no marker and are no JSON: nothing would tell such calls from text. */
  static Optional<ToolCallTexts> of(String first, String middle, String next, String last) {
    int object = first.lastIndexOf('{');
    String after = object < 0 ? null : behind(first.substring(object) + NAME + middle + "{}" + last);
    if (after == null) {
      String again = next == null ? "" : commonEnd(first, next).strip();
      String between = next == null ? "" : next.substring(0, next.length() - commonEnd(first, next).length()).strip();
      return first.isBlank() ? Optional.empty() : Optional.of(new ToolCallTexts(first, middle, next, last, first.strip(), again, last.strip(), between, null, null));
    }
    String[] keys = keys(first.substring(object) + NAME + middle + "{}" + last);
    if (keys == null) {
      return Optional.empty();
    }
    String opener = first.substring(0, object).strip();
    boolean list = opener.endsWith("[") && after.strip().startsWith("]");
    if (list || next == null) {
      String bare = list ? opener.substring(0, opener.length() - 1).strip() : opener;
      String closer = list ? after.strip().substring(1).strip() : after.strip();
      return Optional.of(new ToolCallTexts(first, middle, next, last, bare, "", closer, "", keys[0], keys[1]));
    }
    String gap = behind(first.substring(object) + NAME + middle + "{}" + next);
    if (gap == null) {
      return Optional.empty();
    }
    gap = gap.lastIndexOf('{') < 0 ? gap : gap.substring(0, gap.lastIndexOf('{'));
    String again = commonEnd(first.substring(0, object), gap);
    String between = gap.substring(0, gap.length() - again.length()).strip();
    return Optional.of(new ToolCallTexts(first, middle, next, last, opener, again.strip(), after.strip(), between, keys[0], keys[1]));
  }

  /** What both texts end with, from where a marker begins. */
  static String commonEnd(String a, String b) {
    int length = 0;
    while (length < Math.min(a.length(), b.length()) && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
      length++;
    }
    String common = a.substring(a.length() - length);
    if (length == a.length() || length == b.length()) {
      return common;
    }
    for (int i = 0; i < length; i++) {
      if (common.charAt(i) == '<' || common.charAt(i) == '[' || common.charAt(i) == '\n') {
        return common.substring(i);
      }
    }
    return "";
  }

  /** What follows the JSON object that a text begins with; null when it begins with none. */
  private static String behind(String text) {
    try (JsonParser parser = JSON.createParser(text)) {
      JsonNode node = parser.readValueAsTree();
      return node != null && node.isObject() ? text.substring((int) parser.currentLocation().getCharOffset()) : null;
    } catch (IOException e) {
      return null;
    }
  }

  private static String[] keys(String text) {
    try {
      String name = null;
      String arguments = null;
      for (var entry : JSON.readTree(text).properties()) { // the first value of the text alone
        name = entry.getValue().isTextual() && entry.getValue().textValue().equals(NAME) ? entry.getKey() : name;
        arguments = entry.getValue().isObject() ? entry.getKey() : arguments;
      }
      return name == null || arguments == null ? null : new String[] {name, arguments};
    } catch (JsonProcessingException e) {
      return null;
    }
  }
}
