package dev.graft.eval.serve;

import dev.graft.trainer.serve.AnswerRequest;
import java.util.List;

/**
 * What a client asked for, ready for the engine.
 *
 * @param requests in the order of the answers' indexes  @param n answers to each prompt
 * @param echo what stands before each answer's text: its prompt, or nothing
 */
record AnswerJob(String model, List<AnswerRequest> requests, int n, boolean stream, boolean includeUsage, AnswerShape shape, List<String> echo) {}
