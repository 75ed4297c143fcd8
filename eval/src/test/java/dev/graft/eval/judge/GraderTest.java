package dev.graft.eval.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.trainer.run.RunException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How answers are read. */
class GraderTest {
  private static final LabelGrader UTI = new LabelGrader(List.of("UTI", "No UTI"));
  private static final LabelGrader WHO = new LabelGrader(List.of("MD", "nurse practitioner", "nurse", "A&E staff"));

  private static TestRow row(String gold) {
    return new TestRow(1, JsonNodeFactory.instance.numberNode(0), null, gold, JsonNodeFactory.instance.objectNode());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      quoteCharacter = '`',
      value = {
        "UTI|UTI",
        "uti|UTI",
        "`  UTI.\n`|UTI",
        "**UTI**|UTI",
        "ＵＴＩ|UTI", // full width
        "No UTI|No UTI",
        "no-uti|No UTI",
        "NO, UTI!|No UTI",
        "No\u00a0UTI|No UTI",
        "No UTI, but a UTI is possible|No UTI", // begins with the longer one
        "UTI: there is no sign of anything else|UTI",
        "UTI or No UTI?|UTI", // begins with it
        "The answer is UTI|UTI",
        "I see no UTI here|No UTI",
        "I see no UTI here, so No UTI.|No UTI", // twice the same
        "It may be a UTI, or no UTI|null",
        "UTIs are common|null", // not the word
        "It is acute|null",
        "Nothing|null",
        "no|null",
        "``|null",
        "...|null"
      })
  void labelsAreReadInThisOrder(String answer, String label) {
    assertThat(UTI.read(answer)).isEqualTo(label);
    assertThat(UTI.grade(row("UTI"), answer)).isEqualTo(new Verdict(label, "UTI".equals(label) ? 1 : 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      value = {
        "Nurse practitioner|nurse practitioner",
        "nurse practitioner should call|nurse practitioner",
        "the nurse-practitioner|nurse practitioner",
        "a nurse or the nurse practitioner|null",
        "the nurse, then the nurse|nurse",
        "A & E staff|A&E staff",
        "send it to A&E staff, please|A&E staff",
        "practitioner|null"
      })
  void aLongerLabelHidesTheOneWithinIt(String answer, String label) {
    assertThat(WHO.read(answer)).isEqualTo(label);
  }

  @Test
  void goldIsSpeltAsTheLabel() {
    assertThat(UTI.gold(" no  uti ")).isEqualTo("No UTI");
    assertThat(UTI.gold("UTI today")).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTI", "UTI,uti", "UTI,", "+,-"})
  void labelsThatCannotBeToldApartAreRefused(String labels) {
    assertThatThrownBy(() -> new LabelGrader(List.of(labels.split(",", -1)))).isInstanceOfSatisfying(RunException.class, e -> assertThat(e.exitCode()).isEqualTo(2))
        .hasMessageContaining("--labels");
  }

  @Test
  void withoutLabelsAnAnswerIsOneOfTheCompletionsOrNone() {
    ExactGrader grader = new ExactGrader(List.of("Call today.", "Refill", "!!", "call TODAY"));
    assertThat(grader.gold("call today")).isEqualTo("Call today.");
    assertThat(grader.grade(row("Call today."), " call  today\n")).isEqualTo(new Verdict("Call today.", 1));
    assertThat(grader.grade(row("Call today."), "refill!")).isEqualTo(new Verdict("Refill", 0));
    assertThat(grader.grade(row("Call today."), "call today please")).isEqualTo(new Verdict(null, 0));
    assertThat(grader.grade(row("!!"), " !! ")).isEqualTo(new Verdict("!!", 1));
    assertThat(grader.grade(row("!!"), "?")).isEqualTo(new Verdict(null, 0));
  }

  @ParameterizedTest
  @CsvSource({"run/adapter.gguf,run", "run/best/adapter.gguf,run/best", "run/checkpoints/step-20/adapter.gguf,run/step-20", "a/uti.gguf,uti", "a/adapter-v2.gguf,adapter-v2"})
  void anAdapterIsCalledAfterItsFileOrFolder(String file, String name) {
    assertThat(EvalSystem.of(List.of(file), false)).singleElement().extracting(EvalSystem::name).isEqualTo(name);
  }

  @Test
  void namesAreUnique() {
    assertThat(EvalSystem.of(List.of("x=run/adapter.gguf", "run/adapter.gguf"), true)).extracting(EvalSystem::name).containsExactly("base", "x", "run");
    for (List<String> twice : List.of(List.of("a=1.gguf", "a=2.gguf"), List.of("base=1.gguf"), List.of("run/adapter.gguf", "other/run/adapter.gguf"))) {
      assertThatThrownBy(() -> EvalSystem.of(twice, true)).isInstanceOf(RunException.class).hasMessageContaining("is taken");
    }
    assertThatThrownBy(() -> EvalSystem.of(List.of(), false)).isInstanceOf(RunException.class);
    assertThatThrownBy(() -> EvalSystem.of(List.of("=x.gguf"), true)).isInstanceOf(RunException.class);
    assertThatThrownBy(() -> EvalSystem.of(List.of("x="), true)).isInstanceOf(RunException.class);
  }
}
