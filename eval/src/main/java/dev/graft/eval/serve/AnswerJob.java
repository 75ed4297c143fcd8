package dev.graft.eval.serve;

import dev.graft.trainer.serve.AnswerRequest;
import java.util.List;

/**
 * What a client asked for, ready for the engine.
 *
 * @param requests in the order of the answers' indexes  @param n answers to each prompt
 * @param tools what answers may call, or null for nothing
 * @param echo what stands before each answer's text: its prompt, or nothing
 */
record AnswerJob(String model, List<AnswerRequest> requests, int n, boolean stream, boolean includeUsage, AnswerShape shape, ToolUse tools, List<String> echo) {}
