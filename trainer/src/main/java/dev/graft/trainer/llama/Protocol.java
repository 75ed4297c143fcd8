package dev.graft.trainer.llama;

/** What parent and child agree on: one JSON object a line, the child's after a mark, because native code may print on the same pipe. */
final class Protocol {
  /** Starts every line of the child that is meant for the parent. */
  static final String MARK = "\u0002graft\u0003";

  private Protocol() {}
}
