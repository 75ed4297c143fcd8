package dev.graft.eval.task;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A text with {@code {name}} where a row's value goes; {@code {{} and {@code }}} are braces. Immutable. */
record Template(String text) {
  private static final Pattern PLACE = Pattern.compile("\\{\\{|}}|\\{([^{}]*)}|[{}]");

  /** Names in it, in order. @throws IllegalArgumentException when a brace stands alone */
  Set<String> names() {
    Set<String> names = new LinkedHashSet<>();
    Matcher matcher = PLACE.matcher(text);
    while (matcher.find()) {
      if (matcher.group(1) != null) {
        names.add(matcher.group(1).strip());
      } else if (matcher.group().length() == 1) {
        throw new IllegalArgumentException("a '" + matcher.group() + "' stands alone at character " + (matcher.start() + 1) + "; write '" + matcher.group().repeat(2)
            + "' for the brace itself");
      }
    }
    return names;
  }

  /** The text with the values in their places. @param values of all {@link #names} */
  String fill(Map<String, String> values) {
    return PLACE.matcher(text).replaceAll(place -> Matcher.quoteReplacement(place.group(1) == null ? place.group().substring(1) : values.get(place.group(1).strip())));
  }
}
