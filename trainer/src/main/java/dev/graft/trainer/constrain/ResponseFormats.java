package dev.graft.trainer.constrain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What a request says its answer must be: OpenAI's {@code response_format} of type {@code text}, {@code json_object} or {@code json_schema}; vLLM's {@code guided_choice},
 * {@code guided_regex}, {@code guided_json} and {@code guided_grammar}, also as {@code structured_outputs} with {@code choice, regex, json, json_object} or {@code grammar}
 * (grammars in llama.cpp's notation).
 */
public final class ResponseFormats {
  /** The parameters of a request that are read. */
  public static final List<String> PARAMETERS = List.of("response_format", "guided_choice", "guided_regex", "guided_json", "guided_grammar", "structured_outputs");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FORMAT = "response_format";
  private static final String GUIDED = "guided_";
  private static final String STRUCTURED = "structured_outputs";

  private final JsonNode request;
  private final Supplier<Constraints> constraints;
  private final List<String> given = new ArrayList<>();

  private ResponseFormats(JsonNode request, Supplier<Constraints> constraints) {
    this.request = request;
    this.constraints = constraints;
  }

  /**
   * Reads the parameters of a request; its others are passed over.
   *
   * @param request the request's body, an object  @param constraints asked only when there is a form to make
   * @return the constraint, or null when the answer may be anything
   * @throws ConstraintException naming the parameter: in its message, and as {@link ConstraintException#parameter}
   */
  public static TokenConstraint read(JsonNode request, Supplier<Constraints> constraints) {
    return new ResponseFormats(request, constraints).read();
  }

  private TokenConstraint read() {
    Supplier<TokenConstraint> form = null;
    JsonNode format = value(request, FORMAT);
    if (format != null) {
      form = responseFormat(format);
      if (form != null) {
        given.add(FORMAT);
      }
    }
    for (String kind : List.of("choice", "regex", "json", "grammar")) {
      JsonNode value = value(request, GUIDED + kind);
      if (value != null) {
        given.add(GUIDED + kind);
        form = guided(kind, value, GUIDED + kind);
      }
    }
    JsonNode structured = value(request, STRUCTURED);
    if (structured != null) {
      if (!structured.isObject()) {
        throw ConstraintException.of(STRUCTURED, "an object is wanted, with one of choice, regex, json, json_object, grammar");
      }
      for (String kind : List.of("choice", "regex", "json", "json_object", "grammar")) {
        JsonNode value = value(structured, kind);
        if (value != null) {
          given.add(STRUCTURED + "." + kind);
          form = guided(kind, value, STRUCTURED + "." + kind);
        }
      }
    }
    if (given.size() > 1) {
      throw ConstraintException.of(given.get(1), "the answer's form is already given by " + given.get(0) + "; give one of them");
    }
    return form == null ? null : form.get();
  }

  private Supplier<TokenConstraint> responseFormat(JsonNode format) {
    JsonNode type = format.get("type");
    String name = type != null && type.isTextual() ? type.textValue() : "";
    switch (name) {
      case "text":
        return null;
      case "json_object":
        JsonNode schema = value(format, "schema"); // llama.cpp's extension
        return schema == null ? () -> constraints.get().jsonObject() : named(FORMAT + ".schema", () -> constraints.get().jsonSchema(schema));
      case "json_schema":
        JsonNode outer = value(format, "json_schema");
        if (outer == null || !outer.isObject()) {
          throw ConstraintException.of(FORMAT + ".json_schema", "an object with name and schema is wanted");
        }
        JsonNode strict = value(outer, "strict");
        if (strict != null && !strict.isBoolean()) {
          throw ConstraintException.of(FORMAT + ".json_schema.strict", "true or false is wanted; the schema is followed either way");
        }
        JsonNode inner = value(outer, "schema");
        return named(FORMAT + ".json_schema.schema", () -> constraints.get().jsonSchema(inner));
      default:
        throw ConstraintException.of(FORMAT + ".type", "text, json_object or json_schema is wanted, not " + (type == null ? "nothing" : type));
    }
  }

  private Supplier<TokenConstraint> guided(String kind, JsonNode value, String parameter) {
    switch (kind) {
      case "choice":
        List<String> choices = new ArrayList<>();
        for (JsonNode choice : value) {
          choices.add(choice.textValue());
        }
        if (!value.isArray() || choices.contains(null)) {
          throw ConstraintException.of(parameter, "a list of strings is wanted");
        }
        return named(parameter, () -> constraints.get().choice(choices));
      case "json":
        return named(parameter, () -> constraints.get().jsonSchema(value.isTextual() ? parse(value.textValue()) : value));
      case "json_object":
        if (!value.isBoolean() || !value.booleanValue()) {
          throw ConstraintException.of(parameter, "true is wanted");
        }
        return () -> constraints.get().jsonObject();
      default:
        if (!value.isTextual()) {
          throw ConstraintException.of(parameter, "a string is wanted");
        }
        return named(parameter, () -> kind.equals("regex") ? constraints.get().regex(value.textValue()) : constraints.get().gbnf(value.textValue()));
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new ConstraintException("JSON schema: not JSON: " + e.getOriginalMessage());
    }
  }

  private static Supplier<TokenConstraint> named(String parameter, Supplier<TokenConstraint> make) {
    return () -> {
      try {
        return make.get();
      } catch (ConstraintException e) {
        throw ConstraintException.of(parameter, e.getMessage());
      }
    };
  }

  /** A value that is there and not null. */
  private static JsonNode value(JsonNode object, String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }
}
