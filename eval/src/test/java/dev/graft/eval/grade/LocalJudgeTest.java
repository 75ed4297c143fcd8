package dev.graft.eval.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.eval.grade.likert.GradeCache;
import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.grade.likert.Likert;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.eval.grade.likert.LlamaJudge;
import dev.graft.eval.grade.likert.LocalOptions;
import dev.graft.eval.grade.likert.NativeJudge;
import dev.graft.eval.quickstart.DemoBase;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.StopRequest;
import dev.graft.trainer.score.ScoredRow;
import dev.graft.trainer.score.Scorer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local judges, on the small model that comes with Graft: its grades mean little, but its probabilities can be checked. */
class LocalJudgeTest {
  private static final double NEARLY = 0.7;

  @TempDir Path folder;

  private static List<LikertJudge.Question> questions() {
    List<LikertJudge.Question> questions = new ArrayList<>();
    for (String text : List.of("The answer is wrong. Grade:", "The patient has a fever and a cough. How good is this summary, from 1 to 5?", "Reply with one digit.")) {
      questions.add(new LikertJudge.Question("row", text));
    }
    return questions;
  }

  private List<Likert> grades(LikertJudge judge, String cache) {
    try (GradeCache grades = GradeCache.open(folder.resolve(cache)); judge) {
      Grading.Result result = new Grading(judge, grades).grade(questions(), Silent.LISTENER, new StopRequest());
      assertThat(result.why()).isEmpty();
      return result.grades();
    }
  }

  @Test
  void ourEngineChoosesByTheProbabilitiesThatScoringGivesAndLlamaCppUnderAGrammar() throws IOException {
    Path model = folder.resolve("demo.gguf");
    DemoBase.write(model);
    List<Likert> grades = grades(new NativeJudge(new LocalOptions(model, "auto", 0, 64), GraftRuntime.open("cpu", null, 2)), "native");
    for (int q = 0; q < grades.size(); q++) {
      double[] p = scored(model, questions().get(q).text());
      double sum = 0;
      double mean = 0;
      int best = 0;
      for (int g = 0; g < 5; g++) {
        sum += p[g];
        mean += p[g] * (g + 1);
        best = p[g] > p[best] ? g : best;
      }
      assertThat(grades.get(q).grade()).isEqualTo(best + 1);
      assertThat(grades.get(q).mass()).isCloseTo(sum, within(1e-4 * sum));
      assertThat(grades.get(q).expected()).isCloseTo(mean / sum, within(1e-3));
    }
    List<Likert> llama = grades(new LlamaJudge(new LocalOptions(model, "auto", 2, 2048)), "llama");
    assertThat(llama).hasSize(3).allSatisfy(grade -> assertThat(grade.reply()).matches("[1-5]"));
    for (int q = 0; q < grades.size(); q++) { // llama.cpp rounds activations to 8 bits, so of two nearly equal grades it may choose the other
      double[] p = scored(model, questions().get(q).text());
      assertThat(p[llama.get(q).grade() - 1]).as(Arrays.toString(p)).isGreaterThan(NEARLY * p[grades.get(q).grade() - 1]);
    }
  }

  /** Probability of "1" to "5" as the reply's first token, by graft score. */
  private double[] scored(Path model, String question) throws IOException {
    List<String> rows = new ArrayList<>();
    for (int g = 1; g <= 5; g++) {
      rows.add("{\"prompt\": \"" + question + "\", \"completion\": \"" + g + "\"}");
    }
    Path data = Files.write(folder.resolve("rows.jsonl"), rows);
    double[] p = new double[5];
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2); Model opened = Model.open(runtime, model); RowSource source = RowSource.open(model, opened.info().vocabulary(), "auto")) {
      Dataset read = source.read(data, Dataset.Kind.SFT, 0, true);
      List<ScoredRow> scored = new ArrayList<>();
      new Scorer(read, 2048).run(opened, null, runtime, scored::add, done -> { });
      for (int g = 0; g < 5; g++) {
        p[g] = Math.exp(scored.get(g).logps()[0]);
      }
    }
    return p;
  }
}
