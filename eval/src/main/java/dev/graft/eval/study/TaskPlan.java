package dev.graft.eval.study;

import dev.graft.trainer.plan.MemoryPlan;
import dev.graft.trainer.plan.WayPlan;
import java.util.List;

/**
 * What a task's stages are expected to take.
 *
 * @param task its name  @param sft a sweep's training of SFT  @param dpo the same of DPO  @param steps of one  @param sftEpochs passes over its rows  @param dpoEpochs the same of DPO
 * @param devAnswers seconds in which one system answers the development rows  @param testAnswers the same of the test rows
 * @param advice flags that would lower the memory, when it does not suffice
 */
public record TaskPlan(String task, WayPlan sft, WayPlan dpo, long steps, double sftEpochs, double dpoEpochs, double devAnswers, double testAnswers, List<String> advice) {
  /** Java, its libraries and the tokenizer of a command, in seconds. */
  static final double START_SECONDS = 2;

  /** Seconds of a training. @param first whether DPO's reference must be computed before */
  double training(boolean ofDpo, long count, boolean first) {
    WayPlan way = ofDpo ? dpo : sft;
    double evaluations = way.evaluation().count() * way.evaluation().seconds() * count / Math.max(1, steps);
    return START_SECONDS + way.stepSeconds() * count + evaluations + (first ? way.onceSeconds() : 0);
  }

  /** Tokens computed by a sweep's training, evaluations apart. */
  long tokens(boolean ofDpo) {
    return Math.round((ofDpo ? dpoEpochs : sftEpochs) * (ofDpo ? dpo : sft).perEpoch().rows());
  }

  /** Operations of so many steps, evaluations and DPO's reference apart. */
  double flops(boolean ofDpo, long count) {
    return (ofDpo ? dpoEpochs * dpo.allEpochFlops() : sftEpochs * sft.allEpochFlops()) * count / Math.max(1, steps);
  }

  /** Memory of the larger of both. */
  MemoryPlan memory() {
    return sft.memory().peak() > dpo.memory().peak() ? sft.memory() : dpo.memory();
  }
}
