package dev.graft.trainer.data;

import java.util.ArrayList;
import java.util.List;

/**
 * The text of one sequence, cut where what is learnt begins and ends. Learnt stretches are what the model must write itself.
 *
 * @param spans not empty, alternating; texts not empty except a lone first one
 * @param ending whether EOS is appended when the last learnt stretch does not end with an end token
 */
record Script(List<Span> spans, boolean ending) {

  Script {
    spans = List.copyOf(spans);
  }

  /** A prompt and what follows it. */
  static Script of(String prompt, String completion, boolean ending) {
    return new Script(List.of(new Span(prompt, false), new Span(completion, true)), ending);
  }

  /** A prompt alone. */
  static Script prompt(String prompt) {
    return new Script(List.of(new Span(prompt, false)), false);
  }

  /** The whole text. */
  String text() {
    StringBuilder text = new StringBuilder();
    spans.forEach(span -> text.append(span.text()));
    return text.toString();
  }

  /** Cuts text at the bounds of its learnt stretches, given as start and end, ascending. */
  static Script cut(String text, List<int[]> learnt) {
    List<Span> spans = new ArrayList<>();
    int at = 0;
    for (int[] stretch : learnt) {
      if (stretch[0] > at || spans.isEmpty()) {
        spans.add(new Span(text.substring(at, stretch[0]), false));
      }
      spans.add(new Span(text.substring(stretch[0], stretch[1]), true));
      at = stretch[1];
    }
    if (at < text.length() || spans.isEmpty()) {
      spans.add(new Span(text.substring(at), false));
    }
    return new Script(spans, true);
  }
}
