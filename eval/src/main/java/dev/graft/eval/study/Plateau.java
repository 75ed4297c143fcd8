package dev.graft.eval.study;

import java.util.List;
import java.util.Optional;

/**
 * Where an evaluation loss stops improving. The rule: the first evaluation whose loss has fallen to within a tenth of the whole fall (from the
 * first evaluation to the lowest) of the lowest and to within an eighth of the lowest itself, or to within a hundredth of that. Evaluations that are
 * not finite do not count.
 *
 * <p>Why so, and not "no better within a window of N evaluations": a window depends on how often is evaluated, and stops the slow rates of a
 * sweep (1e-8 beside 1e-5) at their first evaluation although they fall steadily to the end; here those are trained to nine tenths of their way.
 * Where the loss turns up (overfitting), the rule gives the lowest point or one just before it, which costs less and has forgotten less; where it
 * creeps on for long, the bend: of the study's MedQA curve (0.852 at step 50, 0.412 at 100, 0.370 at 500, 0.367 at 1000) step 100, since the 900
 * steps after it gain 9% of the fall and the 100 before 91%. Noise of the tail moves the lowest loss a little and so the bound, but not the step where
 * a steep curve crosses it. The eighth is for a base that does not know the form of the answers: its loss falls by several nats in the first steps, while
 * it learns that, and what it then learns of the task is less than a tenth of the whole. The hundredth is for curves that hardly move: what they gain is
 * not worth steps.
 *
 * @param step optimizer step of that evaluation  @param loss at it, nats
 */
public record Plateau(long step, double loss) {
  /** The rule in words, in two lines. */
  public static final String RULE_1 = "the first evaluation whose loss is within a tenth of the whole fall (first evaluation to lowest) of the lowest";
  /** The second. */
  public static final String RULE_2 = "loss and within an eighth of that loss, or within a hundredth of it; evaluations that are not finite do not count";
  /** The rule in words. */
  public static final String RULE = RULE_1 + " " + RULE_2;

  private static final double SHARE_OF_FALL = 0.1;
  private static final double MOST_OF_LOSS = 0.125;
  private static final double LEAST_OF_LOSS = 0.01;

  /**
   * Finds it.
   *
   * @param evaluations in the order of their steps
   * @return empty when no loss is finite
   */
  public static Optional<Plateau> of(List<Curve.Point> evaluations) {
    List<Curve.Point> finite = evaluations.stream().filter(point -> Double.isFinite(point.loss())).toList();
    if (finite.isEmpty()) {
      return Optional.empty();
    }
    double lowest = finite.stream().mapToDouble(Curve.Point::loss).min().getAsDouble();
    double near = lowest + Math.max(Math.min(SHARE_OF_FALL * (finite.get(0).loss() - lowest), MOST_OF_LOSS * Math.abs(lowest)), LEAST_OF_LOSS * Math.abs(lowest));
    return finite.stream().filter(point -> point.loss() <= near).findFirst().map(point -> new Plateau(point.step(), point.loss()));
  }
}
