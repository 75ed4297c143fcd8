package dev.graft.eval.grade.likert;

import java.nio.file.Path;

/**
 * A local model as a judge.
 *
 * @param model a GGUF  @param template of its prompts, as --template  @param threads for llama.cpp, 0 for its choice
 * @param batchTokens most tokens that our engine computes at once; a longer question gets a batch to itself
 */
public record LocalOptions(Path model, String template, int threads, long batchTokens) {}
