package dev.graft.eval.synthetic.clinic;

import java.util.List;
import java.util.stream.Stream;

/**
 * What a note is to say. The text is realised from it, so that labels come from here and never from the text.
 *
 * @param style kind of note
 * @param reason why the patient came, without naming a symptom, or null: then the first findings that are present are the reason
 * @param findings symptoms and how the note speaks of them; a symptom occurs once
 * @param conditions long-standing illnesses
 * @param operations past operations
 * @param pyuria true when white cells were found in the urine and the note says so
 * @param longStandingLeak true when the note mentions stress incontinence that has not changed for years
 */
public record ClinicalCase(
    Patient patient,
    Style style,
    String reason,
    List<Finding> findings,
    List<Condition> conditions,
    List<Operation> operations,
    boolean pyuria,
    boolean longStandingLeak) {

  /** Symptoms in a frame, in the order of the findings. */
  public List<Symptom> in(Frame frame) {
    return stream(frame).toList();
  }

  /** True when the symptom is in that frame. */
  public boolean has(Frame frame, String key) {
    return stream(frame).anyMatch(symptom -> symptom.key().equals(key));
  }

  private Stream<Symptom> stream(Frame frame) {
    return findings.stream().filter(finding -> finding.frame() == frame).map(Finding::symptom);
  }
}
