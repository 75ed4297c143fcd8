package dev.graft.trainer.constrain;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/** One of some texts. */
final class Choices {
  private Choices() {}

  /** Over bytes, not deterministic. */
  static Automaton automaton(List<String> choices) {
    if (choices.isEmpty()) {
      throw new ConstraintException("the list of choices is empty; give at least one");
    }
    Graph graph = new Graph();
    long bytes = 0;
    for (int i = 0; i < choices.size(); i++) {
      ByteBuffer utf8;
      try {
        utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(choices.get(i)));
      } catch (CharacterCodingException e) {
        throw new ConstraintException("choice " + i + " is not Unicode text: half of a surrogate pair");
      }
      bytes += utf8.remaining();
      if (bytes > Limits.TEXT) {
        throw new ConstraintException("the list of choices is longer than " + Limits.TEXT + " bytes");
      }
      int end = graph.text(0, choices.get(i));
      graph.accept(end);
    }
    return graph.finish();
  }
}
