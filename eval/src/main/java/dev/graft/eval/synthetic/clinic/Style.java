package dev.graft.eval.synthetic.clinic;

/** Kinds of notes. */
public enum Style {
  /** Prose of an emergency department. */
  EMERGENCY,
  /** A clinic note with headings. */
  CLINIC,
  /** A nurse's call from a nursing home or ward. */
  CALL,
  /** From a discharge summary. */
  DISCHARGE,
  /** Abbreviations and fragments. */
  TELEGRAPHIC,
  /** A narrative letter. */
  LETTER
}
