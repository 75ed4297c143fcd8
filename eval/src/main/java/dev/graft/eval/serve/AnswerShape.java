package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.TokenLogprob;
import java.util.List;

/** How one of OpenAI's two ways of answering looks. */
interface AnswerShape {
  /** What ids of answers begin with. */
  String idPrefix();

  /** The type of a whole answer's object, or of a piece of a stream. */
  String object(boolean stream);

  /** A whole choice but for its index and end. @param calls of functions; only chats have them */
  void whole(ObjectNode choice, String text, List<IssuedCall> calls, List<TokenLogprob> tokens);

  /** The first piece of a choice in a stream. @return false when this way has none */
  boolean first(ObjectNode choice);

  /** More text of a choice in a stream. @param offset characters of the choice before it */
  void more(ObjectNode choice, String text, List<TokenLogprob> tokens, int offset);

  /** A call of a function in a stream, whole but for its arguments. @param number of calls of the choice before it */
  default void callBegins(ObjectNode choice, int number, IssuedCall call) {
    throw new IllegalStateException("only chats have calls");
  }

  /** Its arguments. */
  default void callArguments(ObjectNode choice, int number, IssuedCall call) {
    throw new IllegalStateException("only chats have calls");
  }

  /** The last piece of a choice in a stream, but for its reason. */
  void last(ObjectNode choice);
}
