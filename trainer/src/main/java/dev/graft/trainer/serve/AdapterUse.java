package dev.graft.trainer.serve;

/**
 * An adapter that answers, by the name under which the engine knows it.
 *
 * @param scale multiplies the adapter's own scale; 1 as trained
 */
public record AdapterUse(String name, float scale) {}
