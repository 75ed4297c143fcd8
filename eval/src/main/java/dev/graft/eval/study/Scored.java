package dev.graft.eval.study;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/**
 * A trained candidate and how good it is on the development rows.
 *
 * @param score the task's metric, the mean over its outcomes; higher is better  @param evalLoss after its last step, NaN when not known
 */
public record Scored(Candidate candidate, double score, double evalLoss) {
  /** The best last: by score; equal ones by the lower evaluation loss, then the smaller rate, then the smaller beta. */
  private static final Comparator<Scored> ORDER = Comparator.comparingDouble(Scored::score)
      .thenComparing(Comparator.comparingDouble(Scored::evalLoss).reversed()) // NaN counts as the largest
      .thenComparing(Comparator.comparingDouble((Scored s) -> s.candidate.rate()).reversed())
      .thenComparing(Comparator.comparingDouble((Scored s) -> s.candidate.beta() == null ? 0 : s.candidate.beta()).reversed());

  /** The best, or empty when there is none. */
  public static Optional<Scored> best(Collection<Scored> all) {
    return all.stream().max(ORDER);
  }
}
