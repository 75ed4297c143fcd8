package dev.graft.trainer.constrain;

import dev.graft.trainer.constrain.JsonSchema.NothingFits;
import dev.graft.trainer.constrain.JsonSchema.Part;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/** What several schemas together say of strings. */
final class StringShape {
  private StringShape() {}

  /** The rule of such strings in JSON. */
  static int rule(List<Part> parts, JsonParts json) {
    Lengths lengths = lengths(parts);
    Automaton text = text(parts, lengths);
    return text == null ? json.string(lengths.min(), lengths.max()) : json.string(text, "a string");
  }

  /** Appends such strings as they are, as an argument. @return the state after them */
  static int argument(Graph graph, List<Part> parts, ArgumentParts arguments) {
    Lengths lengths = lengths(parts);
    Automaton text = text(parts, lengths);
    if (text == null && !lengths.any()) {
      text = lengths.automaton();
    }
    if (text == null) {
      return graph.call(0, arguments.anyText());
    }
    Automaton bytes = arguments.text(text);
    if (bytes.getNumStates() == 0) {
      throw new NothingFits("no string of these can be written as an argument");
    }
    return graph.append(0, bytes);
  }

  /** @param max -1: no most */
  private record Lengths(int min, int max) {
    boolean any() {
      return min == 0 && max < 0;
    }

    Automaton automaton() {
      return Regex.compile("[\\s\\S]{" + min + "," + (max < 0 ? "" : max) + "}", true);
    }
  }

  private static Lengths lengths(List<Part> parts) {
    int min = 0;
    int max = -1;
    for (Part part : parts) {
      min = Math.max(min, SchemaKeywords.count(part, "minLength"));
      int most = SchemaKeywords.count(part, "maxLength");
      max = most < 0 ? max : max < 0 ? most : Math.min(max, most);
    }
    if (max >= 0 && min > max) {
      throw new NothingFits("a string of at least " + min + " and at most " + max + " characters");
    }
    return new Lengths(min, max);
  }

  /** The texts of patterns and formats, over code points, of a length; null when there are none. */
  private static Automaton text(List<Part> parts, Lengths lengths) {
    Automaton text = null;
    for (Part part : parts) {
      for (String keyword : List.of("pattern", "format")) {
        if (part.node().has(keyword)) {
          Automaton these = text(part, keyword);
          text = text == null ? these : Automatons.both(text, these, "the pattern with another");
        }
      }
    }
    if (text != null && !lengths.any()) {
      text = Automatons.both(text, lengths.automaton(), "the pattern with its minLength and maxLength");
    }
    if (text != null && text.getNumStates() == 0) {
      throw new NothingFits("no string has the pattern, format and length that are asked for");
    }
    return text;
  }

  /** The texts of a pattern or format, over code points. */
  static Automaton text(Part part, String keyword) {
    String value = SchemaKeywords.text(part, keyword);
    try {
      return keyword.equals("pattern") ? Regex.compile(value, false) : Formats.automaton(value);
    } catch (ConstraintException e) {
      throw part.bad(keyword, e.getMessage());
    }
  }
}
