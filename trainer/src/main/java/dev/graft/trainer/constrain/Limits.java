package dev.graft.trainer.constrain;

/** Bounds on what a form may cost. What passes them takes at most a few seconds and some hundred megabytes to prepare. */
final class Limits {
  /** States of all rules of a grammar together. */
  static final int STATES = 400_000;

  /** Transitions of one automaton before it is made deterministic. */
  static final int TRANSITIONS = 2_000_000;

  /** Lucene's measure of the work of making an automaton deterministic. */
  static final int DETERMINIZE_WORK = 30_000;

  /** Automata above this many states are not minimized: it gains little and costs much. */
  static final int MINIMIZE_STATES = 2_000;

  /** Places for a character in a regular expression, repetitions written out. */
  static final int EXPRESSION_SIZE = 20_000;

  /** Groups within groups. */
  static final int EXPRESSION_DEPTH = 100;

  /** Bytes of a regular expression, a grammar, or a list of choices. */
  static final int TEXT = 1_000_000;

  /** Rules that wait for their callee's end: how deep an answer nests. */
  static final int STACK = 256;

  /** Values in a schema, and how deep they nest. */
  static final int SCHEMA_VALUES = 50_000;

  static final int SCHEMA_DEPTH = 200;

  /** Rules of one grammar. */
  static final int RULES = 20_000;

  /** Ways to read one schema: products of its anyOf, oneOf and allOf. */
  static final int ALTERNATIVES = 300;

  /** minLength, maxLength, minItems and maxItems. */
  static final int COUNT = 10_000;

  /** Optional properties of one object. */
  static final int OPTIONAL_PROPERTIES = 200;

  /** Digits of a bound of a number before or after its point. */
  static final int BOUND_DIGITS = 30;

  /** Bytes of masks that one constraint keeps. */
  static final long MASK_BYTES = 16L << 20;

  /** Sets of stacks that one constraint keeps. */
  static final int STACK_SETS = 8_192;

  private Limits() {}
}
