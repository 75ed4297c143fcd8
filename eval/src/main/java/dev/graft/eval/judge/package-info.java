/**
 * Judging: a model and its adapters answer the rows of a test file ({@link dev.graft.eval.judge.EvalRun}), a {@link
 * dev.graft.eval.judge.Grader} reads and scores each answer, the lines of {@code predictions.jsonl} keep them ({@link
 * dev.graft.eval.judge.Prediction}), and {@link dev.graft.eval.judge.SystemMetrics} and {@link dev.graft.eval.judge.Comparison} say what
 * they amount to.
 */
package dev.graft.eval.judge;
