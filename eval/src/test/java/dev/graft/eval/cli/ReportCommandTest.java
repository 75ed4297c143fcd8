package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** graft report, on files. */
class ReportCommandTest {
  private static final String RESULTS = "{\"format\": 1, \"study\": \"savage2025\", \"systems\": [\"base\", \"SFT\"], \"tasks\": [{\"name\": \"uti\", \"title\": \"Urine\"}]}";

  @TempDir Path folder;

  @Test
  void rebuildsThePageAndTheTables() throws IOException {
    Path results = Files.writeString(folder.resolve("results.json"), RESULTS);
    Cli.Result result = Cli.run("report", folder).ok();
    assertThat(result.out().strip()).isEqualTo(folder.resolve("report.html").toString());
    assertThat(result.err()).contains("not complete: Urine: not begun.");
    assertThat(folder.resolve("report.html")).content().contains("Urine: not begun.").endsWith("</html>\n");
    assertThat(folder.resolve("metrics.csv")).content().startsWith("task,outcome,system,n,metric,value");
    assertThat(results).hasContent(RESULTS);
    assertThat(Cli.run("report", folder, "--json").ok().out()).contains("\"complete\" : false");
  }

  @Test
  void thePageAloneGoesWhereItIsAsked() throws IOException {
    Files.writeString(folder.resolve("results.json"), RESULTS);
    Path page = folder.resolve("page.html");
    Cli.run("report", folder, "--output", page, "--quiet").ok();
    assertThat(page).exists();
    assertThat(folder.resolve("report.html")).doesNotExist();
    assertThat(Cli.run("report", folder, "--output", "-").ok().out()).isEqualTo(Files.readString(page));
  }

  @Test
  void badInputIsOneLine() throws IOException {
    assertThat(Cli.run("report", folder).fails(3).err()).contains("results.json: cannot be read: no such file or folder");
    Files.writeString(folder.resolve("results.json"), "{\n\"format\": oops}");
    assertThat(Cli.run("report", folder).fails(3).err()).contains("results.json:2:");
    Files.writeString(folder.resolve("results.json"), RESULTS);
    assertThat(Cli.run("report", folder, "--output", folder.resolve("results.json")).fails(2).err()).contains("is also the input");
    assertThat(Cli.run("report", folder, "--output", folder).fails(2).err()).contains("is a folder");
    assertThat(Cli.run("report", folder, "--output", folder.resolve("no/such/page.html")).fails(1).err()).contains("cannot be written");
    assertThat(Cli.run("report").fails(2).err()).contains("DIR");
  }
}
