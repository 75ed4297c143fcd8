package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ConfigFileTest {
  @TempDir Path folder;

  private List<String> expand(String yaml, String... typed) throws IOException {
    Path file = Files.writeString(folder.resolve("run.yaml"), yaml);
    List<String> args = new java.util.ArrayList<>(List.of("sft", "--config", file.toString()));
    args.addAll(List.of(typed));
    return ConfigFile.expand(new CommandLine(new RootCommand()), args).stream().filter(arg -> !arg.equals("--config") && !arg.equals(file.toString())).toList();
  }

  @Test
  void keysBecomeFlags() throws IOException {
    String yaml = "batch-size: 8\nlearning-rate: 2e-5\nno-shuffle: true\nresume: false\nlora-targets: [attn_q, attn_v]\nmodel: m.gguf\nlr-scheduler: cosine\n";
    assertThat(expand(yaml)).containsExactly("sft", "--batch-size=8", "--learning-rate=2e-5", "--no-shuffle", "--lora-targets=attn_q,attn_v", "--model=m.gguf", "--lr-scheduler=cosine");
  }

  @Test
  void theCommandLineWins() throws IOException {
    assertThat(expand("batch-size: 8\nseed: 1\n", "--batch-size", "2", "--seed=3")).containsExactly("sft", "--batch-size", "2", "--seed=3");
  }

  @Test
  void aTypedFlagWinsOverWhatItExcludes() throws IOException {
    assertThat(expand("epochs: 2\nseed: 1\n", "--max-steps", "3")).containsExactly("sft", "--seed=1", "--max-steps", "3");
    assertThat(expand("max-steps: 2\n", "--epochs=3")).containsExactly("sft", "--epochs=3");
  }

  @Test
  void nanAndASecondDocumentAreRefused() {
    assertThatThrownBy(() -> expand("seed: 1\nlearning-rate: .nan\n")).hasMessageContaining("line 2: 'learning-rate' must be a number, not '.nan'");
    assertThatThrownBy(() -> expand("seed: 1\n---\nseed: 2\n")).isInstanceOf(CliException.class).hasMessageContaining("a second YAML document");
  }

  @Test
  void anEmptyFileIsFine() throws IOException {
    assertThat(expand("# nothing\n")).containsExactly("sft");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "batch-siez: 8|line 1: unknown key 'batch-siez'; did you mean batch-size?",
        "batch_size: 8|unknown key 'batch_size'; did you mean batch-size?",
        "config: x|unknown key 'config'",
        "help: true|unknown key 'help'",
        "batch-size: many|'batch-size' must be a whole number, not 'many'",
        "batch-size: 1.5|'batch-size' must be a whole number, not '1.5'",
        "batch-size:|'batch-size' must be a whole number",
        "no-shuffle: 3|'no-shuffle' must be true or false, not '3'",
        "learning-rate: fast|'learning-rate' must be a number, not 'fast'",
        "model: {a: 1}|'model' must be a text, not a nested value",
        "[a]|must be a mapping",
        "seed: 'x|not valid YAML"
      })
  void mistakesNameFileLineAndKey(String yaml, String message) {
    assertThatThrownBy(() -> expand(yaml)).isInstanceOf(CliException.class).hasMessageContaining(message).hasMessageContaining("run.yaml");
  }

  @Test
  void aKeyTwiceIsRefused() {
    assertThatThrownBy(() -> expand("seed: 1\nseed: 2\n")).isInstanceOf(CliException.class).hasMessageContaining("line 2").hasMessageContaining("seed");
  }

  @Test
  void aMissingFileIsAUsageError() {
    assertThat(Cli.run("sft", "--config", folder.resolve("none.yaml")).fails(2).err()).contains("none.yaml").contains("no such file");
  }
}
