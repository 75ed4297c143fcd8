package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code graft data make}. */
class DataMakeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private JsonNode manifest(Path data) throws IOException {
    return JSON.readTree(data.resolve("manifest.json").toFile());
  }

  private static List<JsonNode> rows(Path file) throws IOException {
    return Files.readAllLines(file).stream().map(line -> {
      try {
        return JSON.readTree(line);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }).toList();
  }

  @ParameterizedTest
  @CsvSource({"uti,label", "triage,urgency"})
  void aTaskBecomesRowsPreferencesAndAManifest(String task, String field) throws Exception {
    Path data = folder.resolve("deep/data");
    Cli.Result result = Cli.run("data", "make", task, "--n", 80, "--seed", 3, "--output", data, "--json").ok();
    JsonNode manifest = manifest(data);
    assertThat(JSON.readTree(result.out())).isEqualTo(manifest);
    assertThat(manifest.path("task").asText()).isEqualTo(task);
    assertThat(manifest.path("seed").asLong()).isEqualTo(3);
    assertThat(manifest.path("generator_version").asInt()).isPositive();
    assertThat(manifest.path("rows").asInt()).isEqualTo(80);
    assertThat(manifest.path("near_duplicates").path("highest_left").asDouble()).isLessThanOrEqualTo(0.6);
    int ids = 0;
    for (String split : List.of("train", "eval", "dev", "test")) {
      List<JsonNode> sft = rows(data.resolve("sft/" + split + ".jsonl"));
      List<JsonNode> dpo = rows(data.resolve("dpo/" + split + ".jsonl"));
      assertThat(sft).hasSameSizeAs(dpo).hasSize(manifest.path("splits").path(split).asInt());
      assertThat(manifest.path("labels").path(split).path(field)).hasSize(2);
      for (int i = 0; i < sft.size(); i++) {
        assertThat(sft.get(i).path("id").asText()).isEqualTo(String.format("%s-%05d", task, ids++));
        assertThat(dpo.get(i).path("id")).isEqualTo(sft.get(i).path("id"));
        assertThat(dpo.get(i).path("prompt")).isEqualTo(sft.get(i).path("prompt"));
        assertThat(dpo.get(i).path("chosen")).isEqualTo(sft.get(i).path("completion"));
        assertThat(dpo.get(i).path("rejected")).isNotEqualTo(dpo.get(i).path("chosen"));
        assertThat(sft.get(i).path(field).asText()).isNotEmpty();
      }
    }
    assertThat(manifest.path("files").size()).isEqualTo(8);
    for (var entry : manifest.path("files").properties()) {
      byte[] bytes = Files.readAllBytes(data.resolve(entry.getKey()));
      assertThat(entry.getValue().path("sha256").asText()).isEqualTo(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
      assertThat(entry.getValue().path("bytes").asInt()).isEqualTo(bytes.length);
    }
  }

  @Test
  void theSameSeedGivesTheSameBytesInAnotherProcess() throws Exception {
    Cli.run("data", "make", "uti", "--n", 40, "--output", folder.resolve("a")).ok();
    Cli.start(folder, "data", "make", "uti", "--n", 40, "--output", folder.resolve("b")).await().ok();
    for (String file : List.of("manifest.json", "sft/train.jsonl", "dpo/test.jsonl")) {
      assertThat(folder.resolve("a").resolve(file)).hasSameBinaryContentAs(folder.resolve("b").resolve(file));
    }
  }

  @Test
  void graftReadsWhatItMakes() throws Exception {
    Path model = folder.resolve("tiny.gguf");
    Cli.run("bench", "make-model", "--output", model).ok();
    for (String task : List.of("uti", "triage")) {
      Cli.run("data", "make", task, "--n", 24, "--output", folder.resolve(task)).ok();
      for (String kind : List.of("sft", "dpo")) {
        Path file = folder.resolve(task).resolve(kind).resolve("train.jsonl");
        assertThat(Cli.run("preview", "--model", model, "--data", file, "--rows", 1).ok().out()).isNotEmpty();
      }
    }
    Cli.run("data", "make", "corpus", "--n", 60, "--output", folder.resolve("corpus")).ok();
    Path chats = folder.resolve("chats.jsonl");
    Files.write(chats, Files.readAllLines(folder.resolve("corpus/train.jsonl")).stream().filter(line -> line.startsWith("{\"messages\"")).toList());
    assertThat(Cli.run("preview", "--model", model, "--data", chats, "--rows", 1).ok().out()).isNotEmpty();
  }

  @Test
  void theCorpusHasTextAndChats() throws Exception {
    Path data = folder.resolve("corpus");
    Cli.run("data", "make", "corpus", "--n", 300, "--output", data).ok();
    assertThat(rows(data.resolve("heldout.jsonl"))).hasSize(3);
    List<JsonNode> train = rows(data.resolve("train.jsonl"));
    assertThat(train).hasSize(297).anyMatch(r -> r.has("text")).anyMatch(r -> r.has("messages")).allMatch(r -> r.has("text") != r.has("messages"));
    for (JsonNode row : train) {
      for (int i = 0; i < row.path("messages").size(); i++) {
        assertThat(row.path("messages").get(i).path("role").asText()).isEqualTo(i % 2 == 0 ? "user" : "assistant");
        assertThat(row.path("messages").get(i).path("content").asText()).isNotBlank();
      }
    }
    assertThat(manifest(data).path("characters").asLong()).isPositive();
  }

  @Test
  void aFullFolderIsKeptUnlessToldOtherwise() throws Exception {
    Files.writeString(folder.resolve("mine.txt"), "mine");
    assertThat(Cli.run("data", "make", "uti", "--n", 8, "--output", folder).fails(2).err()).contains("is not empty").contains("--overwrite");
    Cli.run("data", "make", "uti", "--n", 8, "--output", folder, "--overwrite").ok();
    Cli.run("data", "make", "corpus", "--n", 20, "--output", folder, "--overwrite").ok();
    assertThat(folder.resolve("mine.txt")).hasContent("mine");
    assertThat(folder.resolve("sft")).doesNotExist();
    assertThat(folder.resolve("train.jsonl")).exists();
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "tirage --n 8|unknown task 'tirage'; did you mean triage?",
    "corpsu --n 8|unknown task 'corpsu'; did you mean corpus?",
    "zzzz --n 8|unknown task 'zzzz'; tasks: uti, triage",
    "uti --n 3|--n 3 is too small",
    "uti --n 0|--n 0 must be at least 1",
    "uti --n -5|--n -5 must be at least 1",
    "uti --n x|'x' is not a whole number",
    "corpus --n 1|--n 1 is too small",
    "uti extra|unexpected argument 'extra'"
  })
  void aWrongCommandLineIsOneLineAndLeavesNothing(String args, String message) {
    Path data = folder.resolve("none");
    String[] split = ("data make " + args + " --output " + data).split(" ");
    assertThat(Cli.run((Object[]) split).fails(2).err()).contains(message);
    assertThat(data).doesNotExist();
  }

  @Test
  void whatCannotBeWrittenIsOneLine() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThat(Cli.run("data", "make", "uti", "--n", 8, "--output", file).fails(2).err()).contains("is a file");
    assertThat(Cli.run("data", "make", "uti", "--n", 8, "--output", file.resolve("below")).fails(1).err()).contains("cannot be written");
    assertThat(Cli.run("data", "make", "uti", "--n", 8, "--output", "/proc/graft/data").fails(1).err()).contains("--output /proc/graft/data: cannot be written");
  }

  @Test
  void withoutATaskItSaysSo() {
    assertThat(Cli.run("data", "make", "--output", folder.resolve("x")).fails(2).err()).contains("TASK");
    assertThat(Cli.run("data").fails(2).err()).contains("give a command: make");
  }
}
