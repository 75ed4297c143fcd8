package dev.graft.eval.synthetic.corpus;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A row of the corpus.
 *
 * @param kind what it is, for the manifest
 * @param turns one text, or the turns of a chat: user, assistant, user, ...
 */
record CorpusRow(String kind, List<String> turns) {
  boolean chat() {
    return turns.size() > 1;
  }

  /** All its text. */
  String text() {
    return String.join("\n", turns);
  }

  /** As the file has it. */
  Map<String, Object> json() {
    if (!chat()) {
      return Map.of("text", turns.get(0));
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (int i = 0; i < turns.size(); i++) {
      Map<String, Object> message = new LinkedHashMap<>();
      message.put("role", i % 2 == 0 ? "user" : "assistant");
      message.put("content", turns.get(i));
      messages.add(message);
    }
    return Map.of("messages", messages);
  }
}
