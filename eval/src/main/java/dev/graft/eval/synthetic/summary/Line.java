package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Grammar;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One statement of a note.
 *
 * @param text with values put in; without a stop at its end
 * @param predicate it is told of the patient, and starts with a verb
 */
record Line(String text, boolean predicate) {
  /** One alternative of a grammar line. */
  static Line of(String line, Map<String, String> words, SplittableRandom random) {
    String chosen = Grammar.choose(line, random).strip();
    boolean predicate = Character.isLowerCase(chosen.charAt(0));
    String text = Grammar.named(chosen, words);
    return new Line(text.endsWith(".") ? text.substring(0, text.length() - 1) : text, predicate);
  }

  /** As a sentence. */
  String sentence(String subject) {
    return (predicate ? subject + " " + text : text) + ".";
  }

  /** As in a chart: no subject, no "was". */
  String clipped() {
    String bare = predicate ? text.replaceFirst("^(was|had been|has) ", "") : text.replaceFirst("^The ", "");
    return Character.toUpperCase(bare.charAt(0)) + bare.substring(1);
  }
}
