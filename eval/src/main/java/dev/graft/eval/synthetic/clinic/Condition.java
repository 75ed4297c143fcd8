package dev.graft.eval.synthetic.clinic;

import java.util.List;

/** A long-standing illness: its name, how telegraphic notes shorten it, whom it concerns, and what treats it. */
public record Condition(String name, String abbreviation, Who who, List<String> medicines) {}
