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
      schema = checked(schema, parameter);
    }
  }

  /**
   * An object that a schema describes, not as JSON but as {@code (open NAME then VALUE close)*}. Strings are written as they are and cannot hold {@code close} (its white space
   * aside); all other values are JSON. Names that the schema leaves open have at most 64 characters, none of them white space or one of {@code < > = " '}.
   *
   * @param schema an object, true or false; copied  @param parameter what errors call it
   * @throws ConstraintException when it is no schema, or too large
   */
  record Arguments(JsonNode schema, String parameter, String open, String then, String close) implements Form {
    public Arguments {
      schema = checked(schema, parameter);
      if (close.isBlank()) {
        throw new IllegalArgumentException("nothing would end a value");
      }
    }

    String closer() {
      return close.strip();
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

  private static JsonNode checked(JsonNode schema, String parameter) {
    try {
      return JsonSchema.checked(schema);
    } catch (ConstraintException e) {
      throw ConstraintException.of(parameter, e.getMessage());
    }
  }

  /** One after the other. */
  static Form sequence(Form... items) {
    return new Sequence(List.of(items));
  }
}
