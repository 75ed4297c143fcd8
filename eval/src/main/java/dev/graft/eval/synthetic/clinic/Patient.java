package dev.graft.eval.synthetic.clinic;

/** Whom a note is about; age in years. */
public record Patient(Sex sex, int age) {}
