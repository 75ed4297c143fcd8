package dev.graft.eval.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bootstrap of F1, Bonferroni's threshold, and what a printed table says about McNemar's p. */
class BootstrapAndBoundsTest {
  /** BCa by NumPy with two million multinomial resamples; F1 is discrete, so a step of it is allowed beside the Monte Carlo error. */
  @ParameterizedTest
  @CsvSource({
    "40, 5, 50, 10, 0.74698795, 0.90909091, 0.006",
    "98, 2, 97, 3, 0.94358974, 0.99065421, 0.002",
    "9, 1, 8, 2, 0.6, 0.96296296, 0.04",
    "3, 4, 390, 6, 0.10526316, 0.71428571, 0.04",
    "300, 40, 600, 60, 0.82748092, 0.88311688, 0.002"
  })
  void theBootstrapIntervalOfF1(long tp, long fp, long tn, long fn, double low, double high, double tolerance) {
    Interval interval = F1Bootstrap.interval95(new Confusion(tp, fp, tn, fn), 40_000, 7);
    assertThat(interval.low()).isCloseTo(low, within(tolerance));
    assertThat(interval.high()).isCloseTo(high, within(tolerance));
  }

  @Test
  void theSameSeedGivesTheSameInterval() {
    Confusion counts = new Confusion(40, 5, 50, 10);
    assertThat(F1Bootstrap.interval95(counts, 1000, 1)).isEqualTo(F1Bootstrap.interval95(counts, 1000, 1)).isNotEqualTo(F1Bootstrap.interval95(counts, 1000, 2));
  }

  @Test
  void edgesOfTheBootstrap() {
    assertThat(F1Bootstrap.interval95(Confusion.NONE, 1000, 1)).isNull();
    assertThat(F1Bootstrap.interval95(new Confusion(0, 0, 9, 0), 1000, 1)).isNull();
    assertThat(F1Bootstrap.interval95(new Confusion(9, 0, 9, 0), 1000, 1)).isEqualTo(new Interval(1, 1));
    assertThat(F1Bootstrap.interval95(new Confusion(0, 3, 9, 2), 1000, 1)).isEqualTo(new Interval(0, 0));
    Interval one = F1Bootstrap.interval95(new Confusion(1, 0, 0, 1), 1000, 1);
    assertThat(one.low()).isBetween(0.0, 1.0);
    assertThat(one.high()).isBetween(one.low(), 1.0);
    assertThatIllegalArgumentException().isThrownBy(() -> F1Bootstrap.interval95(new Confusion(1, 1, 1, 1), 99, 1));
  }

  @Test
  void theTableDrawsABinomial() {
    SplittableRandom random = new SplittableRandom(3);
    for (double p : new double[] {0.001, 0.3, 0.97, 1}) {
      int n = 400;
      BinomialTable table = new BinomialTable(n, p);
      double sum = 0;
      double squares = 0;
      int draws = 200_000;
      for (int i = 0; i < draws; i++) {
        int x = table.draw(random);
        assertThat(x).isBetween(0, n);
        sum += x;
        squares += (double) x * x;
      }
      double mean = sum / draws;
      double deviation = Math.sqrt(n * p * (1 - p));
      assertThat(mean).isCloseTo(n * p, within(5 * deviation / Math.sqrt(draws) + 1e-9));
      assertThat(squares / draws - mean * mean).isCloseTo(n * p * (1 - p), within(0.02 * n * p * (1 - p) + 1e-6));
    }
  }

  @Test
  void bonferroniDividesAlpha() {
    Bonferroni study = new Bonferroni(0.05, 5);
    assertThat(study.threshold()).isCloseTo(0.01, within(1e-15));
    assertThat(study.significant(0.0099)).isTrue();
    assertThat(study.significant(0.0101)).isFalse();
    assertThat(study.significant(null)).isNull();
    assertThatIllegalArgumentException().isThrownBy(() -> new Bonferroni(0, 5));
    assertThatIllegalArgumentException().isThrownBy(() -> new Bonferroni(Double.NaN, 5));
    assertThatIllegalArgumentException().isThrownBy(() -> new Bonferroni(0.05, 0));
  }

  @Test
  void boundsAreThoseOfAllTables() {
    McNemarBounds bounds = McNemar.bounds(3, 1, 4); // b - c = 2: tables (2, 0) and (3, 1)
    assertThat(bounds.smallest()).isEqualTo(Math.min(McNemar.of(2, 0).pExact(), McNemar.of(3, 1).pExact()));
    assertThat(bounds.largest()).isEqualTo(Math.max(McNemar.of(2, 0).pExact(), McNemar.of(3, 1).pExact()));
    assertThat(McNemar.bounds(5, 5, 5)).isEqualTo(new McNemarBounds(1, 1));
    assertThat(McNemar.bounds(0, 4, 4).smallest()).isEqualTo(McNemar.of(0, 4).pExact());
    assertThat(McNemar.bounds(2, 3, 9)).isEqualTo(McNemar.bounds(3, 2, 9));
    assertThatIllegalArgumentException().isThrownBy(() -> McNemar.bounds(5, 1, 4));
  }

  /**
   * What the study prints of MedQA, 410 test questions: SFT to DPO 28% to 36% with P = .003 (Llama 3), 33% to 40% with P = .004 (Mistral).
   * Shares alone do not give the discordant pairs, so only bounds follow; each claim must lie within those of some counts that round to its shares.
   */
  @ParameterizedTest
  @CsvSource({"28, 36, 0.003", "33, 40, 0.004"})
  void theStudysPValuesArePossible(int before, int after, double p) {
    boolean possible = false;
    for (int a = 0; a <= 410; a++) {
      for (int b = 0; b <= 410; b++) {
        if (Math.round(100.0 * a / 410) == before && Math.round(100.0 * b / 410) == after) {
          possible |= McNemar.bounds(a, b, 410).admit(p);
        }
      }
    }
    assertThat(possible).isTrue();
  }

  /** Base to SFT (7% to 28%): whatever the discordant pairs, the difference is below the study's threshold of .01. */
  @Test
  void fineTuningsGainOnMedQaIsSignificantWhateverThePairs() {
    assertThat(McNemar.bounds(29, 115, 410).largest()).isLessThan(1e-6);
    assertThat(McNemar.bounds(115, 148, 410).largest()).isGreaterThan(0.01); // DPO's over SFT's is not, by its shares alone
  }
}
