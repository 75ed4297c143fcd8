package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code graft pretrain}: new models on plain text, on from old ones, resumed, and what cannot be. */
class PretrainTest {
  @TempDir static Path shared;
  private static Path tokenizer;
  private static Path text;

  @TempDir Path folder;

  @BeforeAll
  static void make() throws IOException {
    StringBuilder words = new StringBuilder();
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      String sentence = (i % 2 == 0 ? "She denies a fever" : "He has a cough") + (i % 3 == 0 ? " today." : " since Monday.");
      words.append(sentence).append('\n');
      rows.add("{\"text\": \"" + sentence + "\"}");
    }
    rows.add("{\"messages\": [{\"role\": \"user\", \"content\": \"A cough?\"}, {\"role\": \"assistant\", \"content\": \"Yes.\"}]}");
    text = Files.write(shared.resolve("text.jsonl"), rows);
    Path plain = Files.writeString(shared.resolve("plain.txt"), words);
    tokenizer = shared.resolve("tokenizer.gguf");
    Cli.run("tokenizer", "--data", plain, "--vocab-size", 290, "--output", tokenizer, "--quiet").ok();
  }

  private static Object[] flags(Path output, Object... more) {
    List<Object> flags = new ArrayList<>(List.of("pretrain", "--tokenizer", tokenizer, "--data", text, "--eval-data", text, "--output", output, "--quiet", "--layers", 2, "--width", 64,
        "--heads", 4, "--feed-forward", 96, "--context", 128, "--batch-size", 8, "--max-steps", 100, "--learning-rate", 5e-3, "--eval-steps", 25, "--save-steps", 25,
        "--save-total-limit", 0));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  @Test
  void learnsTextFromNothingAndResumesToTheSameBits() throws IOException {
    Path whole = folder.resolve("whole");
    Cli.run(flags(whole)).ok();
    List<JsonNode> lines = Golden.lines(whole.resolve("metrics.jsonl"));
    double first = lines.get(0).path("loss").asDouble();
    double last = lines.get(lines.size() - 1).path("eval_loss").asDouble();
    assertThat(first).isBetween(5.0, 6.5); // ln 290 is 5.7
    assertThat(last).isLessThan(1.0);
    assertThat(Cli.run("inspect", whole.resolve("model.gguf")).ok().out()).contains("290");
    Object[] question = {"generate", "--model", whole.resolve("model.gguf"), "--prompt", "She denies", "--template", "none", "--max-tokens", 6, "--quiet"};
    String ours = Cli.run(question).ok().out();
    assertThat(ours).isNotBlank();
    assertThat(Cli.run(Stream.concat(Stream.of(question), Stream.of("--engine", "llama.cpp")).toArray()).ok().out()).isEqualTo(ours);

    Path broken = folder.resolve("broken");
    Cli.run(flags(broken)).ok();
    for (String step : List.of("75", "100")) {
      try (Stream<Path> files = Files.list(broken.resolve("checkpoints/step-" + step))) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(broken.resolve("checkpoints/step-" + step));
    }
    Files.delete(broken.resolve("model.gguf"));
    assertThat(Cli.run(flags(broken, "--resume", "--layers", 2)).code()).isEqualTo(2); // given twice
    Object[] deeper = flags(broken, "--resume");
    deeper[List.of(deeper).indexOf("--layers") + 1] = 3;
    assertThat(Cli.run(deeper).fails(2).err()).contains("--layers 3 (it was 2)");
    Cli.run(flags(broken, "--resume")).ok();
    for (String file : List.of("initial.gguf", "model.gguf", "best/model.gguf", "checkpoints/step-100/trainer.state")) {
      assertThat(broken.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
  }

  @Test
  void goesOnFromItsModelInAnyPlainTypeAndWritesQ8() {
    Path start = folder.resolve("start");
    Cli.run(flags(start, "--output-type", "BF16")).ok();
    Path on = folder.resolve("on");
    Cli.run("pretrain", "--model", start.resolve("model.gguf"), "--data", text, "--output", on, "--max-steps", 5, "--learning-rate", 1e-4, "--output-type", "Q8_0", "--quiet").ok();
    assertThat(Golden.lines(on.resolve("metrics.jsonl")).get(0).path("loss").asDouble()).isLessThan(1.2);
    assertThat(Cli.run("inspect", on.resolve("model.gguf")).ok().out()).containsIgnoringCase("type Q8_0");
    // java-llama.cpp is another reader of the same file.
    Cli.run("generate", "--model", on.resolve("model.gguf"), "--prompt", "A cough?", "--max-tokens", 3, "--quiet", "--engine", "llama.cpp").ok();
    assertThat(Cli.run("pretrain", "--model", on.resolve("model.gguf"), "--data", text, "--output", folder.resolve("no")).fails(2).err()).containsIgnoringCase("F32, F16 or BF16");
  }

  @Test
  void whatCannotBeIsOneLine() {
    Path out = folder.resolve("out");
    Object[] odd = flags(out);
    odd[List.of(odd).indexOf("--heads") + 1] = 3;
    assertThat(Cli.run(odd).fails(2).err()).contains("width (64) is not a multiple of heads (3)");
    assertThat(Cli.run("pretrain", "--data", text, "--output", out).fails(2).err()).contains("--tokenizer");
    assertThat(Cli.run("pretrain", "--tokenizer", tokenizer, "--model", tokenizer, "--data", text, "--output", out).fails(2).err()).contains("not both");
    assertThat(Cli.run("pretrain", "--model", tokenizer, "--layers", 2, "--data", text, "--output", out).fails(2).err()).contains("--layers is for a new model");
    Object[] huge = flags(out);
    huge[List.of(huge).indexOf("--width") + 1] = 65536;
    huge[List.of(huge).indexOf("--layers") + 1] = 900;
    assertThat(Cli.run(huge).fails(1).err()).contains("not enough memory");
    assertThat(Cli.run(flags(out, "--init-deviation", -1)).fails(2).err()).contains("deviation");
    assertThat(out.resolve("initial.gguf")).doesNotExist();
    assertThat(Cli.run("pretrain", "--tokenizer", folder.resolve("none.gguf"), "--data", text, "--output", out).fails(3).err()).contains("none.gguf");
  }
}
