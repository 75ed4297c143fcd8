package dev.graft.trainer.constrain;

import java.math.BigDecimal;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Decimal numbers between two bounds, digit by digit, without exponents.
 *
 * @param min or null for none  @param max or null for none
 * @param fraction most digits after the point; 0 for integers
 */
record NumberRange(BigDecimal min, boolean minExclusive, BigDecimal max, boolean maxExclusive, int fraction) {
  private static final int DIGITS = 16;

  /** Deterministic; without states when no number fits. */
  Automaton automaton() {
    Graph graph = new Graph();
    int end = graph.state();
    graph.accept(end);
    BigDecimal zero = BigDecimal.ZERO;
    if (max == null || max.signum() >= 0) {
      boolean fromMin = min != null && min.signum() >= 0;
      new Magnitudes(graph, end, fromMin ? min : zero, fromMin && minExclusive, max, maxExclusive).from(0);
    }
    if (min == null || min.signum() < 0) {
      boolean fromMax = max != null && max.signum() <= 0;
      BigDecimal most = min == null ? null : min.negate();
      boolean noZero = !fromMax || max.signum() == 0;
      new Magnitudes(graph, end, fromMax ? max.negate() : zero, noZero || maxExclusive, most, minExclusive).from(graph.text(0, "-"));
    }
    return Automatons.deterministic(graph.finish(), "a range of numbers");
  }

  /** Numbers without a sign between two bounds that are not below 0. */
  private final class Magnitudes {
    private final Graph graph;
    private final int end;
    private final Bound low;
    private final Bound high;

    Magnitudes(Graph graph, int end, BigDecimal low, boolean lowExclusive, BigDecimal high, boolean highExclusive) {
      this.graph = graph;
      this.end = end;
      this.low = new Bound(low, lowExclusive);
      this.high = high == null ? null : new Bound(high, highExclusive);
    }

    void from(int state) {
      int most = high == null ? Math.max(DIGITS, low.whole) : high.whole;
      for (int length = low.whole; length <= most; length++) {
        digits(state, length, 0, length == low.whole, high != null && length == high.whole);
      }
    }

    /**
     * @param length digits before the point  @param at digits so far
     * @param onLow whether they are those of the lower bound  @param onHigh whether they are those of the upper
     */
    private void digits(int state, int length, int at, boolean onLow, boolean onHigh) {
      if (at >= length && fits(at, onLow, onHigh)) {
        graph.free(state, end);
      }
      int from = state;
      if (at == length) {
        if (fraction == 0) {
          return;
        }
        from = graph.text(state, ".");
      } else if (at == length + fraction) {
        return;
      }
      int least = onLow ? low.digit(at) : at == 0 && length > 1 ? 1 : 0;
      int most = onHigh ? high.digit(at) : 9;
      int free = -1; // one state for all digits strictly between the bounds
      for (int d = least; d <= most; d++) {
        boolean stillLow = onLow && d == least;
        boolean stillHigh = onHigh && d == most;
        if (stillLow || stillHigh) {
          int to = graph.state();
          graph.edge(from, '0' + d, to);
          digits(to, length, at + 1, stillLow, stillHigh);
        } else if (free < 0) {
          free = graph.state();
          graph.edge(from, '0' + d, free);
          digits(free, length, at + 1, false, false);
        } else {
          graph.edge(from, '0' + d, free);
        }
      }
    }

    private boolean fits(int at, boolean onLow, boolean onHigh) {
      if (onLow && (!low.zerosFrom(at) || low.exclusive)) {
        return false;
      }
      return !onHigh || !high.exclusive || !high.zerosFrom(at);
    }
  }

  private static final class Bound {
    final int whole;
    final boolean exclusive;
    private final String digits;

    Bound(BigDecimal value, boolean exclusive) {
      String text = value.toPlainString();
      int point = text.indexOf('.');
      whole = point < 0 ? text.length() : point;
      digits = text.replace(".", "");
      this.exclusive = exclusive;
    }

    int digit(int at) {
      return at < digits.length() ? digits.charAt(at) - '0' : 0;
    }

    boolean zerosFrom(int at) {
      return at >= digits.length() || digits.substring(at).chars().allMatch(c -> c == '0');
    }
  }
}
