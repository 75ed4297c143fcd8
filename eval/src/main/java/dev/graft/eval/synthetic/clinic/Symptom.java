package dev.graft.eval.synthetic.clinic;

import java.util.List;

/**
 * A symptom.
 *
 * @param key its name in the lexicon
 * @param system organ system
 * @param who whom it can concern
 * @param phrases noun phrases without an article; the first is its name
 * @param lay what the patient says of it, first person
 * @param meaning completes "NAME means ..."
 */
public record Symptom(String key, String system, Who who, List<String> phrases, List<String> lay, String meaning) {
  /** The name that questions use. */
  public String name() {
    return phrases.get(0);
  }
}
