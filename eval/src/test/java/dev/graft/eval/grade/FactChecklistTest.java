package dev.graft.eval.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.summary.SummaryTask;
import dev.graft.trainer.data.DataException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Grades by facts. */
class FactChecklistTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ROW = "{\"facts\": ["
      + "{\"fact\": \"pneumonia\", \"any_of\": [\"pneumonia\"], \"must_not\": [], \"weight\": 2},"
      + "{\"fact\": \"home in 2 weeks\", \"any_of\": [\"2 weeks\", \"2-week\"], \"must_not\": [\"6 weeks\"], \"weight\": 1},"
      + "{\"fact\": \"Left lobe\", \"any_of\": [\"left lobe\"], \"must_not\": [\"right lobe\"], \"weight\": 1}], \"min_words\": 3, \"max_words\": 12}";

  private static FactChecklist.Result graded(String row, String answer) throws IOException {
    return FactChecklist.of(Path.of("test.jsonl"), 7, JSON.readTree(row)).grade(answer);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Pneumonia of the left lobe; visit in 2 weeks|1.0|5",
        "PNEUMONIA of the LEFT LOBE, 2-week follow-up|1.0|5",
        "Pneumonia of the left lobe; visit in 12 weeks|0.75|4",
        "Pneumonia of the left lobe; visit in 1.2 weeks|0.75|4",
        "Pneumonia of the left lobe; visit in 2 weeks or 6 weeks|0.75|4",
        "Pneumonia of the right lobe then|0.5|3",
        "In the left lobe something|0.25|2",
        "Pneumonia|0.5|2", // too short
        "Nothing of it here|0|1",
        "pneumonia left lobe 2 weeks and then thirteen words or more of other text|1.0|4",
        "pneumonia left lobe 2 weeks and then twenty-five words or more of other text which goes on and on and on and will not end soon enough|1.0|3"
      })
  void theShareBecomesAGrade(String answer, double share, int grade) throws IOException {
    FactChecklist.Result result = graded(ROW, answer);
    assertThat(result.share()).isEqualTo(share);
    assertThat(result.grade()).isEqualTo(grade);
  }

  @Test
  void whatIsAmissIsNamed() throws IOException {
    FactChecklist.Result result = graded(ROW, "It was in the right lobe");
    assertThat(result.missing()).containsExactly("pneumonia", "home in 2 weeks");
    assertThat(result.contradicted()).containsExactly("Left lobe");
    assertThat(graded(ROW, "").words()).isZero();
  }

  @Test
  void rightSummariesGetAFiveAndWorseOnesLess() {
    SummaryTask task = new SummaryTask();
    int worse = 0;
    int caught = 0;
    for (int i = 0; i < 120; i++) {
      SyntheticRow row = task.make(i, new SplittableRandom(i));
      JsonNode data = JSON.valueToTree(row.fields());
      FactChecklist checklist = FactChecklist.of(Path.of("row"), i, data);
      FactChecklist.Result good = checklist.grade(row.completion());
      assertThat(good.grade()).as("%s: %s", row.completion(), good).isEqualTo(5);
      assertThat(good.share()).as("%s: %s", row.completion(), good).isEqualTo(1);
      for (String text : row.rejected()) {
        worse++;
        FactChecklist.Result bad = checklist.grade(text);
        caught += bad.grade() < 5 || bad.share() < 1 ? 1 : 0;
      }
      FactChecklist.Result copied = checklist.grade(row.prompt());
      assertThat(copied.grade()).as("a copied note").isLessThanOrEqualTo(3);
    }
    assertThat(caught).isEqualTo(worse).isGreaterThan(120);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|has no facts",
        "{\"facts\": []}|has no facts",
        "{\"facts\": [{\"fact\": \"x\"}]}|facts[0] has no any_of",
        "{\"facts\": [{\"any_of\": \"x\"}]}|facts[0].any_of must be a list",
        "{\"facts\": [{\"any_of\": [3]}]}|facts[0].any_of holds 3",
        "{\"facts\": [{\"any_of\": [\"x\"], \"weight\": 0}]}|facts[0].weight is 0"
      })
  void aBadChecklistIsNamed(String row, String message) {
    assertThatThrownBy(() -> graded(row, "x")).isInstanceOf(DataException.class).hasMessageContaining("test.jsonl:7: ").hasMessageContaining(message);
  }
}
