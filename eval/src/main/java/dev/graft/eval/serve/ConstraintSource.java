package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GraftException;
import dev.graft.trainer.constrain.TokenConstraint;
import java.util.List;

/** Makes what an answer is held to, for one model's vocabulary. Threads may share it. Each method throws an IllegalArgumentException or a GraftException for a form that cannot be, saying why. */
interface ConstraintSource {
  /** One of these texts. */
  TokenConstraint choice(List<String> texts);

  /** Text that matches a regular expression as a whole. */
  TokenConstraint regex(String pattern);

  /** JSON that a schema allows. @param schema null for any JSON object */
  TokenConstraint json(JsonNode schema);

  /**
   * What a request asks for: {@code response_format} as OpenAI has it, or {@code guided_choice}, {@code guided_regex} or {@code guided_json} as vLLM has them.
   *
   * @return null when nothing
   * @throws ApiException naming the field at fault
   */
  default TokenConstraint of(Fields fields) {
    JsonNode format = fields.get("response_format");
    List<String> choice = fields.texts("guided_choice", 10_000);
    String regex = fields.text("guided_regex");
    JsonNode schema = fields.get("guided_json");
    String type = format.isNull() ? "text" : format.path("type").asText();
    String given = (type.equals("text") ? "" : "response_format ") + (choice.isEmpty() ? "" : "guided_choice ") + (regex == null ? "" : "guided_regex ")
        + (schema.isNull() ? "" : "guided_json ");
    if (given.strip().contains(" ")) {
      throw ApiException.bad(given.strip().split(" ")[1], given.strip().replace(" ", " and ") + " cannot be given together");
    }
    try {
      if (!choice.isEmpty()) {
        return choice(choice);
      } else if (regex != null) {
        return regex(regex);
      } else if (!schema.isNull()) {
        return json(schema);
      }
      return switch (type) {
        case "text" -> null;
        case "json_object" -> json(null);
        case "json_schema" -> json(schemaOf(format));
        default -> throw ApiException.bad("response_format", "response_format must be an object whose type is text, json_object or json_schema");
      };
    } catch (IllegalArgumentException | GraftException e) {
      throw ApiException.bad(given.isEmpty() ? "response_format" : given.strip(), e.getMessage());
    }
  }

  private static JsonNode schemaOf(JsonNode format) {
    JsonNode schema = format.path("json_schema").path("schema");
    if (!schema.isObject() && !schema.isBoolean()) {
      throw ApiException.bad("response_format", "response_format.json_schema.schema must be a JSON schema");
    }
    return schema;
  }

  /** Where an engine cannot hold answers to a form: everything but plain text is refused. */
  ConstraintSource NONE =
      new ConstraintSource() {
        @Override
        public TokenConstraint choice(List<String> texts) {
          throw none();
        }

        @Override
        public TokenConstraint regex(String pattern) {
          throw none();
        }

        @Override
        public TokenConstraint json(JsonNode schema) {
          throw none();
        }

        private IllegalArgumentException none() {
          return new IllegalArgumentException("This engine cannot hold an answer to a form; ask for plain text");
        }
      };
}
