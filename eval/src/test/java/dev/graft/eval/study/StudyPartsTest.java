package dev.graft.eval.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.eval.statistics.Interval;
import dev.graft.trainer.plan.BatchShape;
import dev.graft.trainer.plan.EvaluationPlan;
import dev.graft.trainer.plan.Flops;
import dev.graft.trainer.plan.MemoryPlan;
import dev.graft.trainer.plan.Way;
import dev.graft.trainer.plan.WayPlan;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudyPartsTest {
  @TempDir Path folder;

  @Test
  void theGridsAreTheStudys() {
    StudyProfile paper = StudyProfile.named("paper").orElseThrow();
    assertThat(paper.sft().stream().map(Candidate::name)).containsExactly("1e-5", "1e-6", "1e-7", "1e-8");
    assertThat(paper.dpo()).hasSize(12);
    assertThat(paper.trainings()).isEqualTo(32);
    assertThat(paper.full()).isTrue();
    StudyProfile lora = StudyProfile.named("lora").orElseThrow();
    for (int i = 0; i < 4; i++) {
      assertThat(lora.rates().get(i)).isCloseTo(100 * paper.rates().get(i), within(1e-12));
    }
    assertThat(paper.asLora().rates()).isEqualTo(lora.rates());
    assertThat(paper.with(List.of(3e-4), null, null, null, null, null).asLora().rates()).containsExactly(3e-4);
  }

  @Test
  void candidatesAreNamedShortly() {
    assertThat(new Candidate(1e-6, 0.1).name()).isEqualTo("beta0.1-1e-6");
    assertThat(Candidate.scientific(2.5e-4)).isEqualTo("2.5e-4");
    assertThat(Candidate.scientific(0.5)).isEqualTo("5e-1");
    assertThat(Candidate.scientific(10)).isEqualTo("1e1");
    assertThat(Double.parseDouble(Candidate.scientific(1.2345678901234e-7))).isEqualTo(1.2345678901234e-7);
  }

  @Test
  void theBestIsChosenByScoreThenLossThenRate() {
    Scored good = new Scored(new Candidate(1e-3, null), 0.8, 0.5);
    Scored lower = new Scored(new Candidate(1e-4, null), 0.8, 0.4);
    Scored smaller = new Scored(new Candidate(1e-5, null), 0.8, 0.4);
    Scored unknown = new Scored(new Candidate(1e-6, null), 0.8, Double.NaN);
    Scored bad = new Scored(new Candidate(1e-7, null), 0.7, 0.1);
    assertThat(Scored.best(List.of(bad, good))).contains(good);
    assertThat(Scored.best(List.of(good, lower, bad))).contains(lower);
    assertThat(Scored.best(List.of(smaller, good, lower))).contains(smaller);
    assertThat(Scored.best(List.of(unknown, good))).contains(good);
    assertThat(Scored.best(List.of())).isEmpty();
  }

  @Test
  void theStateKeepsWhatIsDoneAndRefusesOtherSettings() throws IOException {
    Map<String, Object> settings = Map.of("rates", List.of("1e-3"), "seed", 42L, "model", "ab".repeat(32));
    StudyState state = StudyState.open(folder, settings);
    state.spent("a", 1.5);
    state.finish("a", 0.5, JsonNodeFactory.instance.objectNode().put("steps", 7));
    state.spent("b", 3);
    StudyState again = StudyState.open(folder, settings);
    assertThat(again.done("a").path("steps").asInt()).isEqualTo(7);
    assertThat(again.done("a").path("seconds").asDouble()).isEqualTo(2.0);
    assertThat(again.done("b").isMissingNode()).isTrue();
    assertThat(again.of("b").path("seconds").asDouble()).isEqualTo(3.0);
    assertThatThrownBy(() -> StudyState.open(folder, Map.of("rates", List.of("1e-4"), "seed", 42L, "model", "cd".repeat(32))))
        .isInstanceOf(RunException.class).hasMessageContaining("rates [\"1e-4\"] (it was [\"1e-3\"])").hasMessageContaining("model cdcdcdcdcdcd... (it was abababababab...)")
        .hasMessageNotContaining("seed");
    assertThatThrownBy(() -> StudyState.open(folder, Map.of("seed", 42L))).hasMessageContaining("no rates");
    Files.writeString(folder.resolve(StudyState.NAME), "{\"format\": 1, \"stages\"");
    assertThatThrownBy(() -> StudyState.open(folder, settings)).isInstanceOf(RunException.class).hasMessageContaining("study.json").hasMessageContaining("--output");
  }

  /** Oracle: numpy's mean and standard deviation, and the printed quantile t(.975, 4) = 2.7764451. */
  @Test
  void theIntervalOfAMeanIsStudents() {
    Interval interval = OutcomeResults.mean95(new double[] {3, 4, 5, 4, 2});
    assertThat(interval.low()).isCloseTo(3.6 - 2.7764451 * 0.5099019514, within(1e-7));
    assertThat(interval.high()).isCloseTo(3.6 + 2.7764451 * 0.5099019514, within(1e-7));
    assertThat(OutcomeResults.mean95(new double[] {3})).isNull();
  }

  @Test
  void aStudyThatDoesNotFitIsRefusedWithWhatWouldHelp() {
    StudyProfile profile = StudyProfile.named("quick").orElseThrow();
    TaskPlan task = new TaskPlan("uti", way(1L << 30), way(3L << 30), 60, 1, 1, 0, 0, List.of("--recompute block: 1.50 GiB, which fits"));
    assertThatThrownBy(() -> new StudyPlan(profile, List.of(task), "").requireMemory())
        .isInstanceOf(RunException.class).hasMessageContaining("a training of uti needs 3.09 GiB and 2.00 GiB are available").hasMessageContaining("--recompute block");
    new StudyPlan(profile, List.of(new TaskPlan("uti", way(1L << 30), way(1L << 30), 60, 1, 1, 0, 0, List.of())), "").requireMemory();
  }

  private static WayPlan way(long bytes) {
    MemoryPlan memory = new MemoryPlan(0, bytes, 0, 0, 0, 0, 2L << 30);
    return new WayPlan(Way.SFT, 0, 0, BatchShape.EMPTY, 0, 0, Flops.NONE, Flops.NONE, Flops.NONE, new EvaluationPlan(0, 0, Flops.NONE, Flops.NONE, 0), memory, 1, 1, 0, 60);
  }

  @Test
  void aCurveIsReadUpToItsLastWholeLine() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"step\":1,\"loss\":2.5,\"tokens\":10,\"seconds\":0.5}\n{\"step\":1,\"eval_loss\":2.25,\"eval_seconds\":0.25}\n{\"step\":2,\"loss\":1.");
    Curve curve = Curve.read(file);
    assertThat(curve.steps()).isEqualTo(1);
    assertThat(curve.tokens()).isEqualTo(10);
    assertThat(curve.evaluations()).containsExactly(new Curve.Point(1, 2.25));
    Files.writeString(file, "{\"step\":1,\"loss\":2.5}\nno\n");
    assertThatThrownBy(() -> Curve.read(file)).hasMessageContaining("metrics.jsonl:2");
  }
}
