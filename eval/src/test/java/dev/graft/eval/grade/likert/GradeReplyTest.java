package dev.graft.eval.grade.likert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.net.http.HttpHeaders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a judge is asked, how its words are read, how long we wait. */
class GradeReplyTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "4|4", "` 4\n`|4", "4.|4", "**4**|4", "4/5|4", "4 / 5|4", "4.0|4", "4 out of 5|4", "Grade: 4|4", "Score: 3/5|3", "`{\"grade\": 2}`|2", "On the scale from 1 to 5: 2|2",
        "`The answer lists 3 drugs of 7, so grade: 4`|4", "`<think>maybe 2 or 3</think>5`|5", "`I give it a 1.`|1", "`Rating is 5`|5", "5 of 5. 5|5"
      })
  void oneGradeIsRead(String reply, int grade) {
    assertThat(GradeReply.read(reply)).isEqualTo(OptionalInt.of(grade));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "good", "0", "6", "45", "4.5", "3,5", "2 or 3", "between 3 and 4", "-3", "grade 4 or grade 5", "four", "v4", "1e0", "99999999999999999999"})
  void doubtfulRepliesAreNone(String reply) {
    assertThat(GradeReply.read(reply)).isEmpty();
  }

  @Test
  void placesAreFilledOnceAndNeverWithinTexts(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("ask.txt"), "P={prompt} G={gold} A={answer} {other}");
    assertThat(Rubric.of(file, null).ask("{answer}", "$1", "{gold}\\")).isEqualTo("P={answer} G=$1 A={gold}\\ {other}");
    assertThat(Rubric.shipped("be strict").ask("the task", "the gold", "the answer")).contains("the task").contains("the gold").contains("the answer").contains("For this task: be strict")
        .doesNotContain("{");
    Path without = Files.writeString(folder.resolve("without.txt"), "{prompt}");
    assertThatThrownBy(() -> Rubric.of(without, null)).isInstanceOf(DataException.class).hasMessageContaining("has no {answer}");
    assertThatThrownBy(() -> Rubric.of(folder.resolve("none.txt"), null)).isInstanceOf(DataException.class).hasMessageContaining("no such file");
  }

  @Test
  void waitsDoubleUpToAMinuteAndLeaveOutARandomHalf() {
    Backoff backoff = new Backoff(Duration.ofSeconds(1));
    assertThat(backoff.millis(0, 0)).isEqualTo(500);
    assertThat(backoff.millis(0, 0.999999)).isEqualTo(1000);
    assertThat(backoff.millis(3, 0.999999)).isEqualTo(8000);
    assertThat(backoff.millis(50, 0.999999)).isEqualTo(60_000);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"retry-after|7|7000", "retry-after|0.5|500", "retry-after-ms|250|250", "retry-after|Wed, 21 Oct 2015 07:28:10 GMT|10000", "retry-after|soon|", "x|1|"})
  void serversMayAskForAWait(String name, String value, Long millis) {
    HttpHeaders headers = HttpHeaders.of(Map.of(name, List.of(value)), (a, b) -> true);
    assertThat(Backoff.asked(headers, Instant.parse("2015-10-21T07:28:00Z"))).isEqualTo(millis == null ? OptionalLong.empty() : OptionalLong.of(millis));
  }

  @Test
  void addressesAreOfTheBaseOrInFull() {
    assertThat(EndpointOptions.address("https://api.openai.com/v1")).hasToString("https://api.openai.com/v1/chat/completions");
    assertThat(EndpointOptions.address("http://localhost:8080/v1/")).hasToString("http://localhost:8080/v1/chat/completions");
    assertThat(EndpointOptions.address("http://h/v1/chat/completions?api-version=1")).hasToString("http://h/v1/chat/completions?api-version=1");
    for (String bad : List.of("localhost:8080", "ftp://x/y", "http://", "http://user:pass@h/v1", "http://a b/")) {
      assertThatThrownBy(() -> EndpointOptions.address(bad)).isInstanceOfSatisfying(RunException.class, e -> assertThat(e.exitCode()).isEqualTo(2));
    }
    assertThat(new EndpointOptions(EndpointOptions.address("http://h"), "m", "sk-1", 1, Duration.ofSeconds(1), 1, 1, Duration.ofSeconds(1)).toString()).doesNotContain("sk-1");
  }

  @Test
  void theMostProbableDigitIsTheGrade() {
    Likert grade = NativeJudge.of(new double[] {Math.log(0.1), Math.log(0.1), Math.log(0.2), Math.log(0.35), Math.log(0.05)});
    assertThat(grade.grade()).isEqualTo(4);
    assertThat(grade.mass()).isCloseTo(0.8, within(1e-12));
    assertThat(grade.expected()).isCloseTo((0.1 + 0.2 + 0.6 + 1.4 + 0.25) / 0.8, within(1e-12));
  }
}
