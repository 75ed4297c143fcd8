package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.JsonSchema.Part;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** Whether enumerated values satisfy the keywords beside them. One use. */
final class ValueCheck {
  private static final List<String> OF_CONTAINERS =
      List.of("properties", "required", "additionalProperties", "items", "prefixItems", "additionalItems", "minItems", "maxItems");

  private final List<Part> parts;
  private final NumberRange range;
  private final List<Automaton> texts = new ArrayList<>();

  ValueCheck(List<Part> parts) {
    this.parts = parts;
    range = NumberShape.range(parts, false);
    for (Part part : parts) {
      for (String keyword : List.of("pattern", "format")) {
        if (part.node().has(keyword)) {
          texts.add(StringShape.text(part, keyword));
        }
      }
    }
  }

  boolean fits(JsonNode value) {
    if (value.isNumber()) {
      return inRange(value.decimalValue());
    }
    if (value.isTextual()) {
      int length = value.textValue().codePointCount(0, value.textValue().length());
      return parts.stream().allMatch(part -> length >= SchemaKeywords.count(part, "minLength") && (!part.node().has("maxLength") || length <= SchemaKeywords.count(part, "maxLength")))
          && texts.stream().allMatch(text -> Operations.run(text, value.textValue()));
    }
    if (value.isContainerNode()) {
      for (Part part : parts) {
        for (String keyword : OF_CONTAINERS) {
          if (part.node().has(keyword)) {
            throw part.bad(keyword, "beside an enum or const of objects or arrays this is not supported; list only values that fit");
          }
        }
      }
    }
    return true;
  }

  private boolean inRange(BigDecimal value) {
    int low = range.min() == null ? 1 : value.compareTo(range.min());
    int high = range.max() == null ? -1 : value.compareTo(range.max());
    return (low > 0 || low == 0 && !range.minExclusive()) && (high < 0 || high == 0 && !range.maxExclusive());
  }
}
