package dev.graft.eval.synthetic.clinic;

import java.util.Locale;
import java.util.Map;

/**
 * A case as text.
 *
 * @param source the case
 * @param text the note
 * @param facts what the note says besides symptoms, for questions about it: "temperature" to "37.2 °C" and so on, in order
 */
public record Note(ClinicalCase source, String text, Map<String, String> facts) {
  /** Before a symptom's key: the words in which the note speaks of it. */
  public static final String PHRASE = "phrase of ";

  /** Before a symptom's key: since how long the patient has it. */
  public static final String DURATION = "duration of ";

  /** The words in which the note speaks of a symptom, or its name where the patient's own words stand. */
  public String phrase(Symptom symptom) {
    String phrase = facts.get(PHRASE + symptom.key());
    return phrase == null || !text.toLowerCase(Locale.ROOT).contains(phrase.toLowerCase(Locale.ROOT)) ? symptom.name() : phrase;
  }
}
