package dev.graft.eval.synthetic.clinic;

/** How a note speaks of a symptom. */
public enum Frame {
  /** The patient has it now. */
  PRESENT,
  /** The patient does not have it. */
  DENIED,
  /** The patient had it once and has it no longer. */
  PAST,
  /** Somebody else has it; the patient does not. */
  OTHER_PERSON
}
