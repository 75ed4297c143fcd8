package dev.graft.trainer.template;

/**
 * A function that a model wants called.
 *
 * @param arguments a JSON object as text
 */
public record ToolCall(String name, String arguments) {}
