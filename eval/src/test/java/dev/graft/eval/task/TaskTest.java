package dev.graft.eval.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.DataSetWriter;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticTasks;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The four shipped tasks, and their data. */
class TaskTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  static List<String> names() {
    return Task.names();
  }

  static List<JsonNode> rows(Path file) throws IOException {
    return Files.readAllLines(file).stream().map(line -> {
      try {
        return JSON.readTree(line);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }).toList();
  }

  /** Counts of the paper; two outcomes of one answer in triage alone. */
  @ParameterizedTest
  @CsvSource({"uti,300,200,100,200,uti,f1,mcnemar", "reasoning,4095,456,200,410,reasoning,accuracy,mcnemar", "summary,4500,300,150,300,summary,mean_score,paired-t",
      "triage,1300,200,100,200,provider urgency,f1,mcnemar"})
  void theStudysTasksAreShipped(String name, int train, int eval, int dev, int test, String outcomes, String metric, String test2) {
    Task task = Task.load(name);
    assertThat(task.study()).isEqualTo("savage2025");
    assertThat(task.splits().values()).containsExactly(train, eval, dev, test);
    assertThat(task.outcomes()).extracting(Outcome::name).containsExactly(outcomes.split(" "));
    assertThat(task.outcomes()).allMatch(o -> o.metric().id().equals(metric) && o.test().id().equals(test2));
    assertThat(task.splits().values().stream().mapToInt(n -> n).toArray()).isEqualTo(SyntheticTasks.named(task.generator().orElseThrow()).orElseThrow().studySplits());
  }

  @ParameterizedTest
  @MethodSource("names")
  void preparedRowsAreThoseOfTheGeneratorAndHaveWhatTheOutcomesNeed(String name) throws IOException {
    Task task = Task.load(name);
    TaskData data = TaskData.prepare(task, TaskSource.OWN, folder.resolve("data"), 7, 40, false);
    DataSetWriter.write(DataSet.make(SyntheticTasks.named(name).orElseThrow(), 40, 7), DataFolder.open(folder.resolve("made"), false));
    for (Split split : Split.values()) {
      assertThat(data.sft(split)).hasSameBinaryContentAs(folder.resolve("made/sft/" + split.fileName() + ".jsonl"));
      assertThat(data.dpo(split)).hasSameBinaryContentAs(folder.resolve("made/dpo/" + split.fileName() + ".jsonl"));
      for (JsonNode row : rows(data.sft(split))) {
        for (Outcome outcome : task.outcomes()) {
          assertThat(row.path(outcome.field()).asText()).isNotEmpty();
          assertThat(outcome.labels().isEmpty() || outcome.labels().contains(row.path(outcome.field()).asText())).isTrue();
          if (!outcome.labels().isEmpty()) { // the right answer is read as the right label
            assertThat(new dev.graft.eval.judge.LabelGrader(outcome.labels(), outcome.spellings()).read(outcome.part().of(row.path("completion").asText()).orElseThrow()))
                .isEqualTo(row.path(outcome.field()).asText());
          }
        }
      }
    }
  }

  @Test
  void preparingAgainFindsWhatIsThere() throws IOException {
    Task uti = Task.load("uti");
    Path data = folder.resolve("data");
    JsonNode manifest = TaskData.prepare(uti, TaskSource.OWN, data, 1, 40, false).manifest();
    Path test = data.resolve("sft/test.jsonl");
    FileTime old = FileTime.fromMillis(1000);
    Files.setLastModifiedTime(test, old);
    assertThat(TaskData.prepare(uti, TaskSource.OWN, data, 1, 40, false).manifest().toString()).isEqualTo(manifest.toString());
    assertThat(Files.getLastModifiedTime(test)).isEqualTo(old);
    for (int[] other : new int[][] {{2, 40}, {1, 44}}) { // seed, rows
      assertThatThrownBy(() -> TaskData.prepare(uti, TaskSource.OWN, data, other[0], other[1], false)).isInstanceOf(RunException.class).hasMessageContaining("is not empty");
    }
    byte[] bytes = Files.readAllBytes(test);
    Files.writeString(test, "{}\n");
    assertThatThrownBy(() -> TaskData.prepare(uti, TaskSource.OWN, data, 1, 40, false)).hasMessageContaining("is not empty"); // not what the manifest says
    TaskData.prepare(uti, TaskSource.OWN, data, 1, 40, true);
    assertThat(test).hasBinaryContent(bytes);
    Files.delete(data.resolve("manifest.json")); // as after a crash
    TaskData.prepare(uti, TaskSource.OWN, data, 1, 40, false);
    assertThat(data.resolve("manifest.json")).exists();
  }

  @Test
  void aUsersFolderIsSearchedForLeaks() throws IOException {
    Task uti = Task.load("uti");
    Path data = folder.resolve("data");
    TaskData prepared = TaskData.prepare(uti, TaskSource.OWN, data, 1, 60, false);
    TaskData.open(uti, data);
    Files.delete(data.resolve("manifest.json"));
    TaskData.open(uti, data); // instructions alike, passages not
    List<String> train = Files.readAllLines(prepared.sft(Split.TRAIN));
    List<String> test = new java.util.ArrayList<>(Files.readAllLines(prepared.sft(Split.TEST)));
    String good = test.get(2);
    test.set(2, train.get(4).replace("uti-00004", "another").replace("The patient ", "The  PATIENT ").replace(" years", " winters"));
    Files.write(prepared.sft(Split.TEST), test);
    assertThatThrownBy(() -> TaskData.open(uti, data)).isInstanceOf(DataException.class).hasMessageContaining("test.jsonl:3: is nearly alike to").hasMessageContaining("train.jsonl:5");
    test.set(2, good.replaceAll("uti-\\d+", "uti-00004"));
    Files.write(prepared.sft(Split.TEST), test);
    assertThatThrownBy(() -> TaskData.open(uti, data)).hasMessageContaining("test.jsonl:3: id 'uti-00004' is also that of").hasMessageContaining("train.jsonl:5, of another split");
    Files.writeString(prepared.sft(Split.TEST), "");
    assertThatThrownBy(() -> TaskData.open(uti, data)).isInstanceOf(DataException.class).hasMessageContaining("test.jsonl: is empty");
    Files.delete(prepared.sft(Split.TEST));
    assertThatThrownBy(() -> TaskData.open(uti, data)).hasMessageContaining("test.jsonl: no such file");
    assertThatThrownBy(() -> TaskData.open(Task.load("triage"), TaskData.prepare(uti, TaskSource.OWN, folder.resolve("x"), 1, 40, false).folder()))
        .hasMessageContaining("holds rows of the task uti, not triage");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "Urgency: urgent|urgent", "urgency: URGENT now\\nResponder: physician|URGENT now", "**Urgency:** non-urgent|** non-urgent", "I say Urgency: urgent, Responder: MA|urgent, Responder: MA",
      "urgent; a physician|urgent; a physician", "NoUrgency: urgent|NoUrgency: urgent", "``|``"})
  void aLinesPartIsRead(String answer, String part) {
    assertThat(new AnswerPart("Urgency:", null, true).of(answer.replace("\\n", "\n"))).contains(part);
    assertThat(new AnswerPart("Urgency:", null, false).of("urgent")).isEmpty();
  }

  /** Answers of untuned models are read too, and a negated label is not its opposite. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', nullValues = "null", value = {
      "This is non-urgent and for a medical assistant.|nonurgent|medical assistant", "Not urgent. Doctor.|nonurgent|physician", "urgent, physician|urgent|physician",
      "Urgency: urgent Responder: physician|urgent|physician", "Call 911|null|null"})
  void triageIsReadOutOfProse(String answer, String urgency, String provider) {
    for (Outcome outcome : Task.load("triage").outcomes()) {
      String label = new dev.graft.eval.judge.LabelGrader(outcome.labels(), outcome.spellings()).read(outcome.part().of(answer).orElse(""));
      assertThat(label).isEqualTo(outcome.name().equals("urgency") ? urgency : provider);
    }
  }
}
