/** Structured clinical cases and their realisation as text, which all tasks about notes share. */
package dev.graft.eval.synthetic.clinic;
