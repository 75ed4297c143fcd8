package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.JsonSchema.Part;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Which keywords a schema may have, and their values. */
final class SchemaKeywords {
  private static final Set<String> ANNOTATIONS =
      Set.of("title", "description", "default", "example", "examples", "$comment", "$schema", "$defs", "definitions", "readOnly", "writeOnly", "deprecated", "contentMediaType",
          "contentEncoding", "discriminator");

  private static final Set<String> SUPPORTED =
      Set.of("type", "enum", "const", "nullable", "properties", "required", "additionalProperties", "items", "prefixItems", "additionalItems", "minItems", "maxItems", "minLength",
          "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "anyOf", "oneOf", "allOf", "$ref");

  private SchemaKeywords() {}

  static boolean isAnnotation(String keyword) {
    return ANNOTATIONS.contains(keyword) || keyword.startsWith("x-");
  }

  /** @throws ConstraintException when there is a keyword that is neither followed nor an annotation */
  static void check(Part part) {
    part.node().fieldNames().forEachRemaining(keyword -> {
      boolean rootId = keyword.equals("$id") && part.at().equals("#");
      boolean neutral = keyword.equals("uniqueItems") && !flag(part, keyword, false);
      if (!SUPPORTED.contains(keyword) && !isAnnotation(keyword) && !rootId && !neutral) {
        throw part.bad(keyword, "the keyword " + keyword + " is not supported; leave it out, or say it with those that are");
      }
    });
  }

  static String text(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    if (!value.isTextual()) {
      throw part.bad(keyword, "a string is wanted");
    }
    return value.textValue();
  }

  static boolean flag(Part part, String keyword, boolean fallback) {
    JsonNode value = part.node().get(keyword);
    if (value == null) {
      return fallback;
    }
    if (!value.isBoolean()) {
      throw part.bad(keyword, "true or false is wanted");
    }
    return value.booleanValue();
  }

  /** A number of characters or elements; -1 when the keyword is missing. */
  static int count(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    if (value == null) {
      return -1;
    }
    if (!value.isNumber() || value.decimalValue().signum() < 0 || value.decimalValue().stripTrailingZeros().scale() > 0) {
      throw part.bad(keyword, "a whole number from 0 is wanted");
    }
    if (value.decimalValue().compareTo(BigDecimal.valueOf(Limits.COUNT)) > 0) {
      throw part.bad(keyword, value + " is more than " + Limits.COUNT + ", the most that is supported");
    }
    return value.decimalValue().intValue();
  }

  /** A bound of a number, or null when the keyword is missing. */
  static BigDecimal number(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    if (value == null) {
      return null;
    }
    if (!value.isNumber()) {
      throw part.bad(keyword, "a number is wanted");
    }
    BigDecimal number = value.decimalValue().stripTrailingZeros();
    if (number.precision() - number.scale() > Limits.BOUND_DIGITS || number.scale() > Limits.BOUND_DIGITS) {
      throw part.bad(keyword, value + " has more than " + Limits.BOUND_DIGITS + " digits before or after its point, the most that is supported");
    }
    return number;
  }

  /** The schemas of allOf, anyOf, oneOf, prefixItems; none when the keyword is missing. */
  static List<Part> list(Part part, String keyword) {
    JsonNode value = part.node().get(keyword);
    List<Part> parts = new ArrayList<>();
    if (value == null) {
      return parts;
    }
    if (!value.isArray() || value.isEmpty() && !keyword.equals("prefixItems") && !keyword.equals("items")) {
      throw part.bad(keyword, "a list of schemas is wanted");
    }
    for (int i = 0; i < value.size(); i++) {
      parts.add(new Part(value.get(i), part.at() + "/" + keyword + "/" + i));
    }
    return parts;
  }
}
