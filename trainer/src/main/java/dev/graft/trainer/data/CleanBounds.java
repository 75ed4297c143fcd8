package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.HashSet;
import java.util.Set;

/**
 * Tells where a prompt's tokens cannot depend on what follows, so that the prompt need not be encoded by itself: behind a special token,
 * and behind a line end before anything but white space. (Tokenizers split text at both before they merge.)
 */
final class CleanBounds {
  private final Set<String> special = new HashSet<>();
  private int longest;

  CleanBounds(Vocabulary vocabulary) {
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.isSpecial(id)) {
        String text = vocabulary.text(id);
        special.add(text);
        longest = Math.max(longest, text.length());
      }
    }
  }

  boolean clean(Script script) {
    if (script.spans().size() == 1) {
      return true;
    }
    String prompt = script.spans().get(0).text();
    String next = script.spans().get(1).text();
    if (prompt.isEmpty() || next.isEmpty() || Character.isWhitespace(next.charAt(0))) {
      return false;
    } else if (prompt.charAt(prompt.length() - 1) == '\n') {
      return true;
    }
    for (int length = Math.min(longest, prompt.length()); length > 0; length--) {
      if (special.contains(prompt.substring(prompt.length() - length))) {
        return true;
      }
    }
    return false;
  }
}
