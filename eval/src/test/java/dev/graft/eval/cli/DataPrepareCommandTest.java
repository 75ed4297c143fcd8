package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** graft data prepare and graft data tasks. */
class DataPrepareCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void columnsAreMappedAndLeftOutRowsAreTold() throws IOException {
    List<String> lines = new ArrayList<>(List.of("Text;Answer"));
    for (int i = 0; i < 30; i++) {
      lines.add("word" + i * 7 + " word" + i * 13 + " and " + i + ";" + (i % 2 == 0 ? "UTI" : "no"));
    }
    lines.add(lines.get(3));
    Path csv = Files.write(folder.resolve("notes.csv"), lines);
    Path out = folder.resolve("out");
    Object[] command = {"data", "prepare", "--task", "uti", "--source", csv, "--map", "passage=Text", "--map", "label=Answer", "--n", 30, "--output", out};
    Cli.Result result = Cli.run(command).ok();
    assertThat(result.err()).contains("30 rows of task uti (train 11, eval 8, dev 4, test 7)");
    JsonNode manifest = JSON.readTree(out.resolve("manifest.json").toFile());
    assertThat(manifest.path("recipe").path("import").path("columns").path("passage").asText()).isEqualTo("Text");
    Cli.run(command).ok();
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--source", csv, "--n", 30, "--output", folder.resolve("x")).fails(3).err())
        .contains("notes.csv: has no column 'passage', 'label'; its columns are Text, Answer; say which is which with --map NAME=COLUMN");
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--source", csv, "--map", "passage", "--output", folder.resolve("x")).fails(2).err()).contains("--map passage: give NAME=COLUMN");
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--source", csv, "--map", "text=Text", "--output", folder.resolve("x")).fails(2).err()).contains("the task has no 'text'; it has id, passage");
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--map", "text=Text", "--output", folder.resolve("x")).fails(2).err()).contains("give it with --source FILE");
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--source", folder.resolve("none.csv"), "--output", folder.resolve("x")).fails(3).err()).contains("none.csv: no such file");
    assertThat(Cli.run("data", "prepare", "--task", "uti", "--n", 3, "--output", folder.resolve("x")).fails(2).err()).contains("--n 3 is too small");
  }

  @Test
  void tasksAreListedAndChecked() throws IOException {
    assertThat(Cli.run("data", "tasks").ok().out()).contains("uti: UTI classification", "outcome   provider: label [physician, medical assistant]");
    JsonNode json = JSON.readTree(Cli.run("data", "tasks", "triage", "--json").ok().out());
    assertThat(json.path("tasks").get(0).path("splits").path("train").asInt()).isEqualTo(1300);
    assertThat(Cli.run("data", "tasks", Files.writeString(folder.resolve("t.yaml"), "name: a\nsplit: 3\n")).fails(3).err()).contains("t.yaml:2: unknown key 'split'");
  }
}
