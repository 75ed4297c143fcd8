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

  /** A whole choice but for its index and end. */
  void whole(ObjectNode choice, String text, List<TokenLogprob> tokens);

  /** The first piece of a choice in a stream. @return false when this way has none */
  boolean first(ObjectNode choice);

  /** More text of a choice in a stream. @param offset characters of the choice before it */
  void more(ObjectNode choice, String text, List<TokenLogprob> tokens, int offset);

  /** The last piece of a choice in a stream, but for its reason. */
  void last(ObjectNode choice);
}
