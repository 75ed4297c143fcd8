package dev.graft.trainer.data;

/** A stretch of a row's text that is learnt, or is not. */
record Span(String text, boolean learnt) {}
