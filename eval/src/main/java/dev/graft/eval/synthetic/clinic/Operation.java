package dev.graft.eval.synthetic.clinic;

/** A past operation. */
public record Operation(String name, Who who) {}
