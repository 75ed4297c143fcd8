package dev.graft.eval.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Cohen's kappa against printed results of other programs. */
class KappaTest {
  private static Kappa of(int[]... table) {
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    for (int i = 0; i < table.length; i++) {
      for (int j = 0; j < table.length; j++) {
        for (int n = 0; n < table[i][j]; n++) {
          first.add(i + 1);
          second.add(j + 1);
        }
      }
    }
    return Kappa.of(first.stream().mapToInt(i -> i).toArray(), second.stream().mapToInt(i -> i).toArray());
  }

  /** The table of SAS's PROC FREQ printout that statsmodels tests against: kappa 0.4842, ASE 0.1380, limits 0.2137 and 0.7547. */
  @Test
  void sas() {
    Kappa k = of(new int[] {0, 4, 1}, new int[] {0, 8, 0}, new int[] {0, 1, 5});
    assertThat(k.kappa()).isCloseTo(0.4842, within(5e-5));
    assertThat(k.standardError()).isCloseTo(0.1380, within(5e-5));
    assertThat(k.interval95().low()).isCloseTo(0.2137, within(5e-5));
    assertThat(k.interval95().high()).isCloseTo(0.7547, within(5e-5));
  }

  /** Raters 2 and 3 of R irr's data "anxiety": kappa2 prints -0.006289308, and 0.2520325 with squared weights over the grades that occur (1, 2, 3, 4, 6 relabelled 1 to 5). */
  @Test
  void irr() {
    int[] second = {3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4};
    int[] third = {2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2};
    assertThat(Kappa.of(second, third).kappa()).isCloseTo(-0.006289308, within(1e-9));
    for (int[] grades : List.of(second, third)) {
      for (int i = 0; i < grades.length; i++) {
        grades[i] = grades[i] == 6 ? 5 : grades[i];
      }
    }
    assertThat(Kappa.of(second, third).quadratic()).isCloseTo(0.2520325, within(1e-7));
  }

  /** By NumPy from the papers' formulas. */
  @Test
  void fivePoints() {
    Kappa k = of(new int[] {10, 2, 1, 0, 0}, new int[] {3, 12, 4, 1, 0}, new int[] {0, 5, 20, 6, 1}, new int[] {0, 1, 7, 25, 5}, new int[] {0, 0, 2, 6, 30});
    assertThat(k.n()).isEqualTo(141);
    assertThat(k.agreement()).isEqualTo(97.0 / 141);
    assertThat(k.kappa()).isCloseTo(0.5974565273812613, within(1e-12));
    assertThat(k.standardError()).isCloseTo(0.05043241538409934, within(1e-12));
    assertThat(k.quadratic()).isCloseTo(0.8635171423218638, within(1e-12));
  }

  /** 20 and 15 of 50 agreed, marginals 25/25 and 30/20: (0.7 - 0.5) / (1 - 0.5). */
  @Test
  void byHand() {
    Kappa k = of(new int[] {20, 5}, new int[] {10, 15});
    assertThat(k.agreement()).isEqualTo(0.7);
    assertThat(k.kappa()).isCloseTo(0.4, within(1e-12));
    assertThat(k.quadratic()).isCloseTo(0.4, within(1e-12));
  }

  @Test
  void edges() {
    Kappa same = Kappa.of(new int[] {4, 4, 4}, new int[] {4, 4, 4});
    assertThat(same).isEqualTo(new Kappa(3, 1, null, null, null, null));
    Kappa full = Kappa.of(new int[] {1, 2, 5}, new int[] {1, 2, 5});
    assertThat(full.kappa()).isCloseTo(1, within(1e-12));
    assertThat(full.interval95().high()).isCloseTo(1, within(1e-12));
    Kappa none = Kappa.of(new int[] {1}, new int[] {5});
    assertThat(none.agreement()).isZero();
    assertThat(none.kappa()).isZero();
    assertThatIllegalArgumentException().isThrownBy(() -> Kappa.of(new int[0], new int[0]));
    assertThatIllegalArgumentException().isThrownBy(() -> Kappa.of(new int[1], new int[2]));
  }
}
