package dev.graft.eval.grade;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which answers say the same. */
class EquivalenceTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, String> OPTIONS = Map.of("A", "Acute pancreatitis", "B", "Acute cholecystitis", "C", "Ascending cholangitis", "D", "Cholecystitis");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Acute cholecystitis|acute  CHOLECYSTITIS.",
        "Acute cholecystitis|**Acute cholecystitis**",
        "Acute cholecystitis|The most likely diagnosis is acute cholecystitis.",
        "Acute cholecystitis|Diagnosis: acute cholecystitis",
        "Acute cholecystitis|I think the answer is acute cholecystitis",
        "Acute cholecystitis|This patient most likely has acute cholecystitis, given the fever and the pain.",
        "Acute cholecystitis|Acute cholecystitis. The patient has fever and pain in the right upper quadrant.",
        "Acute cholecystitis|`Acute cholecystitis\n\nExplanation: gallstones block the duct.`",
        "Acute cholecystitis|Acute cholecystitis (inflammation of the gallbladder)",
        "Crohn's disease|Crohn disease",
        "Crohn\u2019s disease|Crohns disease",
        "Sj\u00f6gren syndrome|Sjogren's syndrome", // composed
        "Sjo\u0308gren syndrome|Sj\u00f6gren syndrome", // decomposed
        "Iron deficiency anemia|iron-deficiency anaemia",
        "Kidney stones|a kidney stone",
        "Lung biopsies|lung biopsy",
        "\u03b2-blocker|Beta blockers",
        "Acetaminophen (Tylenol)|acetaminophen",
        "An epidural hematoma|epidural hematoma",
        "Increase the dose by 0.5 mg|increase dose by 0.5 mg",
        "1,000 mg of calcium|1000 mg of calcium",
        "Vagal maneuvers followed by adenosine|Vagal maneuvers followed by adenosine",
        "HBsAg+|HBsAg positive",
        "Lisinopril + hydrochlorothiazide|lisinopril and hydrochlorothiazide"
      })
  void theSame(String gold, String answer) {
    assertThat(new Equivalence(gold, List.of(), Map.of()).read(answer)).contains(gold);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Acute cholecystitis|Not acute cholecystitis",
        "Acute cholecystitis|No acute cholecystitis",
        "Acute cholecystitis|The answer is not acute cholecystitis",
        "Acute cholecystitis|It is unlikely to be acute cholecystitis",
        "Acute cholecystitis|Acute cholecystitis is unlikely",
        "Acute cholecystitis|acute cholecystitis or ascending cholangitis",
        "Acute cholecystitis|acute cholecystitis, ascending cholangitis",
        "Acute cholecystitis|acute cholecystitis and pancreatitis",
        "Acute cholecystitis|Acute cholecystitis (or cholangitis)",
        "Acute cholecystitis|Acute cholecystitis (unlikely)",
        "Acute cholecystitis|`Acute cholecystitis\nAscending cholangitis\nor pancreatitis`",
        "Acute cholecystitis|Acute cholecystitis. Wait, actually it is cholangitis.",
        "Acute cholecystitis|Acute cholecystitis. On reflection it is not acute cholecystitis.",
        "Acute cholecystitis|Chronic cholecystitis",
        "Acute cholecystitis|cholecystitis",
        "Hepatitis A|Hepatitis",
        "Hepatitis A|Hepatitis B",
        "Hepatitis|Hepatitis A",
        "Aspirin 81 mg|Aspirin 810 mg",
        "Increase the dose by 0.5 mg|increase the dose by 5 mg",
        "Increase the dose by 0.5 mg|increase the dose by 0 5 mg",
        "HBsAg+|HBsAg-",
        "Ferritin < 30|Ferritin > 30",
        "Heart failure (with preserved ejection fraction)|Heart failure (with reduced ejection fraction)",
        "Heart failure (with preserved ejection fraction)|Heart failure",
        "Acute cholecystitis|``",
        "Acute cholecystitis|The most likely diagnosis is",
        "Acute cholecystitis|B"
      })
  void notTheSame(String gold, String answer) {
    assertThat(new Equivalence(gold, List.of(), Map.of()).read(answer)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "B", "b", "(B)", "B.", "`B) Acute cholecystitis`", "B: acute cholecystitis", "Option B", "The answer is B", "`The correct answer is B) Acute cholecystitis.`", "Answer: B",
        "`B\n\nThe gallbladder is inflamed.`", "Acute cholecystitis", "`B. The gallbladder is inflamed, so a surgeon is called.`"
      })
  void lettersOfOptionsAreRead(String answer) {
    assertThat(new Equivalence("Acute cholecystitis", List.of(), OPTIONS).right(answer)).isTrue();
    assertThat(new Equivalence("B", List.of(), OPTIONS).right(answer)).isTrue();
    assertThat(new Equivalence("Ascending cholangitis", List.of(), OPTIONS).right(answer)).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "C", "E", "B and C", "B or C", "`B, C`", "B/C", "`B) Ascending cholangitis`", "not B", "`B) Acute cholecystitis or C) Ascending cholangitis`", "`A, B, C, D`",
        "`B\nC`", "`B. Wait, C.`", "`Acute cholecystitis. It could also be ascending cholangitis.`", "A patient with cholecystitis"
      })
  void severalOptionsOrOthersAreNot(String answer) {
    assertThat(new Equivalence("Acute cholecystitis", List.of(), OPTIONS).right(answer)).isFalse();
  }

  @Test
  void strangeAnswersAreJustWrong() {
    Equivalence equivalence = new Equivalence("Acute cholecystitis", List.of(), OPTIONS);
    for (String part : List.of("most ", "the ", "(", "((a)", " ", "not ", "A, ", "B or ", ". B", "\n", "\ud83d", "\0", "*", "a\u0301", "is is ", "not acute ", ", given ", "1.", "<think>")) {
      assertThat(equivalence.right(part.repeat(20_000))).as(part).isFalse();
    }
  }

  private static Verdict graded(String row, String answer) throws IOException {
    JsonNode data = JSON.readTree(row);
    return new EquivalenceGrader().grade(new TestRow(1, data.path("id"), data.get("prompt"), data.path("completion").asText(), data), answer);
  }

  @Test
  void theGraderTakesAliasesAndOptionsFromTheRow() throws IOException {
    String open = "{\"id\": 1, \"prompt\": \"What is it?\", \"completion\": \"Gout\", \"aliases\": [\"Gouty arthritis\"], \"options\": {\"A\": \"Gout\", \"B\": \"Pseudogout\"}, \"answer_idx\": \"A\"}";
    assertThat(graded(open, "gouty arthritis.")).isEqualTo(new Verdict("Gout", 1));
    assertThat(graded(open, "Pseudogout").score()).isZero();
    assertThat(graded(open, "A").score()).as("the prompt shows no options").isZero();
    String closed = open.replace("What is it?", "What is it? A) Gout B) Pseudogout");
    assertThat(graded(closed, "A")).isEqualTo(new Verdict("Gout", 1));
    assertThat(graded(closed, "(b)")).isEqualTo(new Verdict("Pseudogout", 0));
  }
}
