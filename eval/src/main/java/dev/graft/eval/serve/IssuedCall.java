package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.template.ToolCall;
import java.security.SecureRandom;

/** A call of a function as it is told to a client, with an id that the function's result comes back under. */
record IssuedCall(String id, ToolCall call) {
  private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Mistral's templates take ids of just this many letters and digits; others take any. */
  private static final int LENGTH = 9;

  static IssuedCall of(ToolCall call) {
    StringBuilder id = new StringBuilder();
    RANDOM.ints(LENGTH, 0, LETTERS.length()).forEach(i -> id.append(LETTERS.charAt(i)));
    return new IssuedCall(id.toString(), call);
  }

  /** All but its arguments. @return the function, which they go to */
  ObjectNode begin(ObjectNode node) {
    return node.put("id", id).put("type", "function").putObject("function").put("name", call.name());
  }
}
