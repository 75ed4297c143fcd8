package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** A form put together from texts and JSON, for {@link Constraints#form}. Immutable; equal when it describes the same. */
public sealed interface Form {
  /** Exactly this text. */
  record Text(String text) implements Form {}

  /**
   * JSON that a schema describes; its references are within itself.
   *
   * @param schema an object, true or false; copied  @param parameter what errors call it
   * @throws ConstraintException when it is no schema, or too large
   */
  record Json(JsonNode schema, String parameter) implements Form {
    public Json {
      try {
        schema = JsonSchema.checked(schema);
      } catch (ConstraintException e) {
        throw ConstraintException.of(parameter, e.getMessage());
      }
    }
  }

  /**
   * Any text, also none, but for some.
   *
   * @param without texts that are nowhere in it  @param notJson whether it must not begin like a JSON object
   */
  record Free(List<String> without, boolean notJson) implements Form {
    public Free {
      without = List.copyOf(without);
    }
  }

  /** One after the other. */
  record Sequence(List<Form> items) implements Form {
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /** One of them. */
  record OneOf(List<Form> items) implements Form {
    public OneOf {
      items = List.copyOf(items);
    }
  }

  /** Any number of them, also none. */
  record Repeated(Form item) implements Form {}

  /** One after the other. */
  static Form sequence(Form... items) {
    return new Sequence(List.of(items));
  }
}
