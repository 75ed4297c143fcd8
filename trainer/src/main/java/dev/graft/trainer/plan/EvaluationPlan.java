package dev.graft.trainer.plan;

/**
 * What the evaluations of a run cost.
 *
 * @param rows of the evaluation data, 0 for none  @param count how many evaluations there are, unless the run stops early
 * @param flops of one: the policy, KTO's KL estimate, and with {@link Way#online} the reference
 * @param onceFlops the cached reference on their rows  @param seconds of one
 */
public record EvaluationPlan(int rows, long count, Flops flops, Flops onceFlops, double seconds) {}
