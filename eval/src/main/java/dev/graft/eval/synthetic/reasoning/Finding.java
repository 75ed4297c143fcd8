package dev.graft.eval.synthetic.reasoning;

/**
 * Something that a patient has.
 *
 * @param id unique among all kinds
 * @param says a line for {@link dev.graft.eval.synthetic.prose.Grammar}
 */
record Finding(String id, Kind kind, String says) {
  /** Where a finding is told. */
  enum Kind {
    SYMPTOM,
    SIGN,
    LAB,
    TEST,
    RISK
  }
}
