package dev.graft.trainer.data;

import java.util.List;
import java.util.Map;

/** One row as it stands in the file, its shape checked, not yet tokens. */
sealed interface Row {
  int line();

  /** Ready ids; completion is null where only the prompt was asked for; label is null where the row has none that is true or false. */
  record SftIds(int line, int[] prompt, int[] completion, Boolean label) implements Row {}

  /** Ready ids of a pair. */
  record PreferenceIds(int line, int[] prompt, int[] chosen, int[] rejected) implements Row {}

  /** A prompt with one answer, or two: chosen and rejected; none where only the prompt was asked for; label as in {@link SftIds}. */
  record Text(int line, Turns prompt, List<Turns> answers, Map<String, Object> extra, Boolean label) implements Row {
    boolean preference() {
      return answers.size() == 2;
    }
  }

  /** Text all of which is learnt. */
  record Plain(int line, String text) implements Row {}

  /** A conversation. */
  record Chat(int line, List<Map<String, Object>> messages, Map<String, Object> extra) implements Row {}

  /** A field that is a string or a list of messages; the other one is null. */
  record Turns(String text, List<Map<String, Object>> messages) {}
}
