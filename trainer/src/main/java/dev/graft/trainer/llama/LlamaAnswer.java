package dev.graft.trainer.llama;

/**
 * What llama.cpp wrote.
 *
 * @param text the answer, without special tokens
 * @param ids the answer's tokens, as encoding its text gives them (java-llama.cpp hands out no ids)
 * @param finishReason {@code stop} (end of generation or a stop text) or {@code length} (as far as java-llama.cpp lets one tell)
 */
public record LlamaAnswer(String text, int[] ids, String finishReason) {}
