package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.JsonSchema.NothingFits;
import dev.graft.trainer.constrain.JsonSchema.Part;
import java.math.BigDecimal;
import java.util.List;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;

/** What several schemas together say of numbers. */
final class NumberShape {
  private static final int FRACTION = 16;

  private NumberShape() {}

  static Automaton automaton(List<Part> parts, boolean integer, JsonParts json) {
    NumberRange range = range(parts, integer);
    if (range.min() == null && range.max() == null) {
      return Automata.makeChar(Grammar.CALL + (integer ? json.integer() : json.number()));
    }
    Automaton numbers = range.automaton();
    if (numbers.getNumStates() == 0) {
      throw new NothingFits("no number is within the bounds that are asked for");
    }
    return numbers;
  }

  static NumberRange range(List<Part> parts, boolean integer) {
    BigDecimal min = null;
    BigDecimal max = null;
    boolean minExclusive = false;
    boolean maxExclusive = false;
    for (Part part : parts) {
      for (String keyword : List.of("minimum", "exclusiveMinimum")) {
        BigDecimal bound = bound(part, keyword);
        boolean exclusive = keyword.startsWith("ex") || isTrue(part, "exclusiveMinimum");
        if (bound != null && (min == null || bound.compareTo(min) > 0 || bound.compareTo(min) == 0 && exclusive)) {
          min = bound;
          minExclusive = exclusive;
        }
      }
      for (String keyword : List.of("maximum", "exclusiveMaximum")) {
        BigDecimal bound = bound(part, keyword);
        boolean exclusive = keyword.startsWith("ex") || isTrue(part, "exclusiveMaximum");
        if (bound != null && (max == null || bound.compareTo(max) < 0 || bound.compareTo(max) == 0 && exclusive)) {
          max = bound;
          maxExclusive = exclusive;
        }
      }
    }
    int scale = Math.max(min == null ? 0 : min.scale(), max == null ? 0 : max.scale());
    return new NumberRange(min, minExclusive, max, maxExclusive, integer ? 0 : Math.max(FRACTION, scale + 1));
  }

  /** True for the way in which draft 4 says exclusive. */
  private static boolean isTrue(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    return value != null && value.isBoolean() && value.booleanValue();
  }

  private static BigDecimal bound(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    return value != null && value.isBoolean() && keyword.startsWith("ex") ? null : SchemaKeywords.number(part, keyword);
  }
}
