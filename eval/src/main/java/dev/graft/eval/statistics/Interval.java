package dev.graft.eval.statistics;

/** A confidence interval of a proportion. */
public record Interval(double low, double high) {}
