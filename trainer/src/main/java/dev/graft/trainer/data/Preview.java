package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Shows the exact tokens of an example, and which of them are learnt. */
public final class Preview {

  /**
   * One token.
   *
   * @param text what it stands for; bytes that are no whole character are written {@code <0xE2>}
   * @param learnt whether it is a target
   */
  public record Token(int id, String text, boolean learnt) {}

  private Preview() {}

  /** Sequences of an example by name: {@code tokens}, or {@code prompt}, {@code chosen} and {@code rejected}. */
  public static Map<String, List<Token>> sequences(Example example, Vocabulary vocabulary) {
    Map<String, List<Token>> sequences = new LinkedHashMap<>();
    if (example instanceof SftExample sft) {
      List<Token> tokens = new ArrayList<>();
      for (int i = 0; i < sft.tokens().length; i++) {
        tokens.add(new Token(sft.tokens()[i], text(vocabulary, sft.tokens()[i]), sft.learnt().get(i)));
      }
      sequences.put("tokens", tokens);
    } else if (example instanceof PreferenceExample pair) {
      sequences.put("prompt", tokens(vocabulary, pair.prompt(), false));
      sequences.put("chosen", tokens(vocabulary, pair.chosen(), true));
      sequences.put("rejected", tokens(vocabulary, pair.rejected(), true));
    } else if (example instanceof PromptExample prompt) {
      sequences.put("tokens", tokens(vocabulary, prompt.tokens(), false));
    }
    return sequences;
  }

  /** An example for programs: {@code index, line} and a list of {@code {id, text, learnt}} for each sequence. */
  public static ObjectNode toJson(int index, Example example, Vocabulary vocabulary) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("index", index).put("line", example.line());
    sequences(example, vocabulary).forEach((name, tokens) -> {
      ArrayNode list = node.putArray(name);
      for (Token token : tokens) {
        list.addObject().put("id", token.id()).put("text", token.text()).put("learnt", token.learnt());
      }
    });
    return node;
  }

  private static List<Token> tokens(Vocabulary vocabulary, int[] ids, boolean learnt) {
    List<Token> tokens = new ArrayList<>();
    for (int id : ids) {
      tokens.add(new Token(id, text(vocabulary, id), learnt));
    }
    return tokens;
  }

  private static String text(Vocabulary vocabulary, int id) {
    if (id >= vocabulary.size()) {
      return "<" + id + ">"; // a row of the embedding without a name
    }
    byte[] piece = vocabulary.piece(id);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(piece)).toString();
    } catch (CharacterCodingException e) {
      StringBuilder bytes = new StringBuilder();
      for (byte b : piece) {
        bytes.append(String.format("<0x%02X>", b & 0xFF));
      }
      return bytes.toString();
    }
  }
}
