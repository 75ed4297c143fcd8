package dev.graft.eval.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlateauTest {
  private static List<Curve.Point> curve(double... stepsAndLosses) {
    List<Curve.Point> points = new ArrayList<>();
    for (int i = 0; i < stepsAndLosses.length; i += 2) {
      points.add(new Curve.Point((long) stepsAndLosses[i], stepsAndLosses[i + 1]));
    }
    return points;
  }

  /** The figures of the points, joined by straight lines, every 25 steps. */
  private static List<Curve.Point> dense(List<Curve.Point> sparse) {
    List<Curve.Point> points = new ArrayList<>();
    for (int i = 0; i + 1 < sparse.size(); i++) {
      Curve.Point a = sparse.get(i);
      Curve.Point b = sparse.get(i + 1);
      for (long step = a.step(); step < b.step(); step += 25) {
        points.add(new Curve.Point(step, a.loss() + (b.loss() - a.loss()) * (step - a.step()) / (b.step() - a.step())));
      }
    }
    points.add(sparse.get(sparse.size() - 1));
    return points;
  }

  private static long step(List<Curve.Point> points) {
    return Plateau.of(points).orElseThrow().step();
  }

  /** UTI classification, Llama 3, SFT at 1e-6, as the study published it: it turns up after step 150. */
  private static final List<Curve.Point> UTI = curve(25, 2.438, 150, 1.085, 500, 1.513, 1000, 1.988);

  /** MedQA, Llama 3, SFT at 1e-6, as the study published it: 91% of the fall is done at step 100. */
  private static final List<Curve.Point> MEDQA = curve(50, .852, 100, .412, 500, .370, 1000, .367);

  @Test
  void theStudysCurves() {
    assertThat(step(UTI)).isEqualTo(150);
    assertThat(step(dense(UTI))).isBetween(125L, 150L);
    assertThat(step(MEDQA)).isEqualTo(100);
    assertThat(step(dense(MEDQA))).isEqualTo(100);
  }

  @Test
  void aSteadyFallIsFollowedNearlyToItsEnd() {
    assertThat(step(dense(curve(25, 2.6, 1000, 2.0)))).isBetween(900L, 925L);
  }

  @Test
  void whatOnlyRisesStopsAtOnce() {
    assertThat(step(curve(25, 1.0, 50, 1.2, 75, 1.9))).isEqualTo(25);
  }

  @Test
  void whatHardlyMovesIsNotWorthSteps() {
    assertThat(step(curve(25, 2.000, 50, 1.995, 1000, 1.990))).isEqualTo(25);
  }

  @Test
  void noiseOfTheTailDoesNotMatter() {
    assertThat(step(curve(25, 2.0, 50, 1.0, 75, 0.52, 100, 0.50, 125, 0.53, 150, 0.49, 175, 0.51))).isEqualTo(75);
  }

  @Test
  void whatIsLearntAfterTheFormOfTheAnswersCounts() {
    assertThat(step(curve(12, 5.2, 24, 0.62, 36, 0.45, 48, 0.31, 60, 0.30))).isEqualTo(48);
  }

  @Test
  void lossesThatAreNotFiniteDoNotCount() {
    assertThat(step(curve(25, Double.NaN, 50, 1.0, 75, 0.5, 100, Double.POSITIVE_INFINITY))).isEqualTo(75);
    assertThat(Plateau.of(curve(25, Double.NaN))).isEmpty();
    assertThat(Plateau.of(List.of())).isEmpty();
  }
}
