package dev.graft.eval.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Agreement with SciPy and statsmodels; which versions stands in the file. */
class StatisticsOracleTest {
  private static final double TOLERANCE = 1e-9;

  private static JsonNode cases(String name, int atLeast) throws IOException {
    JsonNode cases = new ObjectMapper().readTree(StatisticsOracleTest.class.getResource("/statistics/oracle.json")).path(name);
    assertThat(cases.size()).isGreaterThanOrEqualTo(atLeast);
    return cases;
  }

  /** Within 1e-9, relative for what is small (a p-value of 1e-15 must not pass as 0); null agrees with null alone. */
  private static void agree(String what, Double ours, JsonNode theirs) {
    if (theirs.isNull()) {
      assertThat(ours).as(what).isNull();
      return;
    }
    double expected = theirs.doubleValue();
    assertThat(ours).as(what).isNotNull();
    boolean near = Math.abs(ours - expected) <= TOLERANCE * Math.abs(expected); // NaN fails
    assertThat(near).as("%s: %s, expected %s", what, ours, expected).isTrue();
  }

  @Test
  void mcNemar() throws IOException {
    for (JsonNode c : cases("mcnemar", 30)) {
      McNemar ours = McNemar.of(c.path("b").asLong(), c.path("c").asLong());
      agree("exact " + c, ours.pExact(), c.path("p_exact"));
      agree("statistic " + c, ours.statistic(), c.path("statistic"));
      agree("corrected " + c, ours.pCorrected(), c.path("p_corrected"));
    }
  }

  @Test
  void pairedTTest() throws IOException {
    for (JsonNode c : cases("t_test", 30)) {
      PairedTTest ours = PairedTTest.of(doubles(c.path("first")), doubles(c.path("second")));
      String name = c.path("name").asText();
      assertThat(ours.df()).isEqualTo(c.path("df").asLong());
      agree("t of " + name, ours.t(), c.path("t"));
      agree("p of " + name, ours.p(), c.path("p"));
    }
  }

  @Test
  void wilson() throws IOException {
    for (JsonNode c : cases("wilson", 20)) {
      Interval ours = Wilson.interval95(c.path("successes").asLong(), c.path("trials").asLong());
      assertThat(ours.low()).as("%s", c).isBetween(c.path("low").doubleValue() - TOLERANCE, c.path("low").doubleValue() + TOLERANCE);
      assertThat(ours.high()).as("%s", c).isBetween(c.path("high").doubleValue() - TOLERANCE, c.path("high").doubleValue() + TOLERANCE);
    }
  }

  private static double[] doubles(JsonNode array) {
    List<Double> values = new ArrayList<>();
    array.forEach(value -> values.add(value.doubleValue()));
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
