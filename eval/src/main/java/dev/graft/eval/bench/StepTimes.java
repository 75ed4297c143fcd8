package dev.graft.eval.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How long one training step took, in seconds.
 *
 * @param forward embeddings to log-probabilities
 * @param backward weights of the targets to gradients
 * @param optimizer clipping and AdamW
 * @param loss of the step
 */
record StepTimes(double forward, double backward, double optimizer, double loss) {
  /** Forward and backward. */
  double compute() {
    return forward + backward;
  }

  /** All three. */
  double total() {
    return forward + backward + optimizer;
  }

  /** The median of one figure over several steps. */
  static double median(List<StepTimes> steps, ToDoubleFunction<StepTimes> figure) {
    double[] values = steps.stream().mapToDouble(figure).sorted().toArray();
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : Arrays.stream(values, middle - 1, middle + 1).average().orElseThrow();
  }
}
