package dev.graft.eval.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How long one optimizer step on a round's pairs took, in seconds for each pair.
 *
 * @param forward of the policy  @param loss log-probabilities to weights  @param backward weights to gradients
 * @param reference log-probabilities of the reference, 0 where they come from the cache or are not needed
 * @param optimizer clipping and AdamW
 * @param cpu processor time of this process, all threads, in all of the above; what else runs on the machine is not in it
 */
record DpoBenchTimes(double forward, double loss, double backward, double reference, double optimizer, double cpu) {
  /** Everything that a step waits for. */
  double total() {
    return forward + loss + backward + reference + optimizer;
  }

  DpoBenchTimes dividedBy(double pairs) {
    return new DpoBenchTimes(forward / pairs, loss / pairs, backward / pairs, reference / pairs, optimizer / pairs, cpu / pairs);
  }

  /** The median of one figure over rounds. */
  static double median(List<DpoBenchTimes> rounds, ToDoubleFunction<DpoBenchTimes> figure) {
    return median(rounds.stream().mapToDouble(figure).toArray());
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
