package dev.graft.eval.synthetic.clinic;

/** A symptom and how the note speaks of it. */
public record Finding(Symptom symptom, Frame frame) {}
