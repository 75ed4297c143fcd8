package dev.graft.trainer.constrain;

final class Gbnf {
  private Gbnf() {}

  static int read(String text, Grammar grammar) {
    throw new ConstraintException("");
  }
}
