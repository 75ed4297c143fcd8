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
    int min = 0;
    int max = -1;
    Automaton text = null;
    for (Part part : parts) {
      min = Math.max(min, SchemaKeywords.count(part, "minLength"));
      int most = SchemaKeywords.count(part, "maxLength");
      max = most < 0 ? max : max < 0 ? most : Math.min(max, most);
      for (String keyword : List.of("pattern", "format")) {
        if (part.node().has(keyword)) {
          Automaton these = text(part, keyword);
          text = text == null ? these : Automatons.both(text, these, "the pattern with another");
        }
      }
    }
    if (max >= 0 && min > max) {
      throw new NothingFits("a string of at least " + min + " and at most " + max + " characters");
    }
    if (text == null) {
      return json.string(min, max);
    }
    if (min > 0 || max >= 0) {
      text = Automatons.both(text, Regex.compile("[\\s\\S]{" + min + "," + (max < 0 ? "" : max) + "}", true), "the pattern with its minLength and maxLength");
    }
    if (text.getNumStates() == 0) {
      throw new NothingFits("no string has the pattern, format and length that are asked for");
    }
    return json.string(text, "a string");
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
