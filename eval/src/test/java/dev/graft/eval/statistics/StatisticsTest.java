package dev.graft.eval.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import org.junit.jupiter.api.Test;

/** Edges, and the exact test against exact arithmetic. */
class StatisticsTest {
  /** 2·(C(n,0) + … + C(n,min)) / 2ⁿ in whole numbers. */
  private static double exactP(int b, int c) {
    int n = b + c;
    BigInteger sum = BigInteger.ZERO;
    BigInteger term = BigInteger.ONE;
    for (int k = 0; k <= Math.min(b, c); k++) {
      sum = sum.add(term);
      term = term.multiply(BigInteger.valueOf(n - k)).divide(BigInteger.valueOf(k + 1));
    }
    BigDecimal p = new BigDecimal(sum.shiftLeft(1)).divide(new BigDecimal(BigInteger.ONE.shiftLeft(n)), new MathContext(40));
    return p.min(BigDecimal.ONE).doubleValue();
  }

  @Test
  void exactMcNemarIsExactInTheTailsToo() {
    for (int b = 0; b <= 40; b++) {
      for (int c = 0; c <= 40; c++) {
        double expected = exactP(b, c);
        double ours = McNemar.of(b, c).pExact();
        assertThat(Math.abs(ours - expected) <= 1e-12 * expected).as("%d %d: %s, expected %s", b, c, ours, expected).isTrue();
      }
    }
    assertThat(Math.abs(McNemar.of(3, 500).pExact() / exactP(3, 500) - 1) < 1e-10).isTrue();
    assertThat(McNemar.of(0, 3000).pExact()).isZero(); // below the smallest double
  }

  @Test
  void withoutDiscordantPairsOnlyTheExactTestSaysSomething() {
    assertThat(McNemar.of(0, 0)).isEqualTo(new McNemar(0, 0, 1, null, null));
    assertThat(McNemar.of(new boolean[] {true, false}, new boolean[] {true, false})).isEqualTo(McNemar.of(0, 0));
  }

  @Test
  void theContinuityCorrectionIsNotFloored() {
    assertThat(McNemar.of(4, 4).statistic()).isEqualTo(1.0 / 8);
    assertThat(McNemar.of(4, 4).pExact()).isEqualTo(1);
  }

  @Test
  void bCountsWhereOnlyTheFirstIsRight() {
    McNemar m = McNemar.of(new boolean[] {true, true, false, true, false}, new boolean[] {false, false, true, true, false});
    assertThat(m.b()).isEqualTo(2);
    assertThat(m.c()).isEqualTo(1);
  }

  @Test
  void tIsNullWhereItIsNoNumber() {
    assertThat(PairedTTest.of(new double[] {2}, new double[] {1})).isEqualTo(new PairedTTest(null, 0, null));
    assertThat(PairedTTest.of(new double[] {2, 3}, new double[] {2, 3})).isEqualTo(new PairedTTest(null, 1, null));
    assertThat(PairedTTest.of(new double[] {2, 3}, new double[] {1, 2})).isEqualTo(new PairedTTest(null, 1, 0.0));
    assertThat(PairedTTest.of(new double[] {1e308, -1e308}, new double[] {-1e308, 1e308}).t()).isNull();
    assertThat(PairedTTest.of(new double[] {3, 1}, new double[] {1, 0}).t()).isPositive();
    assertThatIllegalArgumentException().isThrownBy(() -> PairedTTest.of(new double[] {Double.NaN, 1}, new double[] {1, 1}));
    assertThatIllegalArgumentException().isThrownBy(() -> PairedTTest.of(new double[2], new double[3]));
  }

  @Test
  void wilsonEndsAtTheEnds() {
    assertThat(Wilson.interval95(0, 0)).isNull();
    assertThat(Wilson.interval95(0, 7).low()).isZero();
    assertThat(Wilson.interval95(7, 7).high()).isEqualTo(1);
    assertThat(Wilson.interval95(0, 7).high()).isEqualTo(1 - Wilson.interval95(7, 7).low(), org.assertj.core.api.Assertions.within(1e-15));
    assertThatIllegalArgumentException().isThrownBy(() -> Wilson.interval95(8, 7));
  }

  @Test
  void confusionFiguresOfAKnownTable() {
    Confusion table = new Confusion(40, 5, 50, 10);
    assertThat(table.accuracy()).isEqualTo(90.0 / 105);
    assertThat(table.f1()).isEqualTo(80.0 / 95);
    assertThat(table.sensitivity()).isEqualTo(0.8);
    assertThat(table.specificity()).isEqualTo(50.0 / 55);
    assertThat(table.sensitivity95()).isEqualTo(Wilson.interval95(40, 50));
    assertThat(table.specificity95()).isEqualTo(Wilson.interval95(50, 55));
  }

  @Test
  void whatHasNoRowsIsNull() {
    assertThat(Confusion.NONE.accuracy()).isNull();
    assertThat(Confusion.NONE.f1()).isNull();
    Confusion negatives = new Confusion(0, 0, 3, 0);
    assertThat(negatives.f1()).isNull();
    assertThat(negatives.sensitivity()).isNull();
    assertThat(negatives.sensitivity95()).isNull();
    assertThat(negatives.specificity()).isEqualTo(1);
    assertThat(new Confusion(0, 0, 0, 3).f1()).isZero();
    assertThat(new Confusion(2, 0, 0, 0).specificity()).isNull();
  }

  @Test
  void anUnreadAnswerIsWrongWhateverTheRow() {
    Confusion counts = Confusion.NONE.plus(true, null).plus(false, null).plus(true, true).plus(false, false).plus(true, false).plus(false, true).plus(false, null);
    assertThat(counts).isEqualTo(new Confusion(1, 3, 1, 2));
  }
}
