package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that cannot go on: one line, exit code, and what was saved stays. */
class TrainingFailureTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");

  @TempDir Path folder;

  private Object[] sft(Path output, Object... more) {
    List<Object> flags = new ArrayList<>(List.of("sft", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", output, "--quiet", "--no-shuffle"));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  @Test
  void aLossThatIsNotFiniteStopsAndNamesStepAndRows() {
    Path run = folder.resolve("run");
    String line = Cli.run(sft(run, "--learning-rate", 1e30, "--lr-scheduler", "constant", "--max-steps", 5, "--save-steps", 1, "--batch-size", 2)).fails(1).err();
    assertThat(line).contains("step 2").contains("not finite").containsPattern("lines? [34]").contains("checkpoints/step-1");
    assertThat(run.resolve("checkpoints/step-1/trainer.state")).exists();
    assertThat(run.resolve("adapter.gguf")).doesNotExist();
    assertThat(Golden.lines(run.resolve("metrics.jsonl"))).hasSize(1);
  }

  @Test
  void aFullDiskKeepsTheLastGoodCheckpoint() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")));
    Path run = folder.resolve("run");
    Object[] flags = sft(run, "--max-steps", 2, "--save-steps", 1, "--lr-scheduler", "constant", "--lora-rank", 128);
    Cli.run(flags).ok();
    // A limit on the size of a file stands for a full disk: 8 MiB, enough for what JNA unpacks, not for this checkpoint.
    List<String> limited = List.of("/bin/bash", "-c", "ulimit -f 8192; exec \"$0\" \"$@\"");
    Object[] more = Stream.concat(Stream.of(flags), Stream.of("--resume")).toArray();
    more[List.of(more).indexOf("--max-steps") + 1] = 4;
    Cli.Result result = Cli.start(folder, limited, more).await();
    assertThat(result.fails(1).err()).contains("step-3").contains("last good checkpoint is").contains("step-2");
    assertThat(run.resolve("checkpoints").toFile().list()).contains("step-2").doesNotContain("step-3", ".tmp-step-3");
    Cli.run(more).ok();
    assertThat(Golden.lines(run.resolve("metrics.jsonl"))).extracting(line -> line.path("step").asInt()).containsExactly(1, 2, 3, 4);
  }

  @Test
  void aFirstStartThatFailsLeavesNoFolder() throws IOException {
    Path run = folder.resolve("run");
    Path bad = Files.writeString(folder.resolve("bad.jsonl"), "{\n");
    for (Object[] more : new Object[][] {{"--data", bad}, {"--data", folder.resolve("none.jsonl")}, {"--init-adapter", bad}}) {
      List<Object> flags = new ArrayList<>(List.of("sft", "--model", GOLDEN.model(), "--output", run, "--quiet"));
      flags.addAll(List.of(more));
      if (!flags.contains("--data")) {
        flags.addAll(List.of("--data", GOLDEN.sft()));
      }
      assertThat(Cli.run(flags.toArray()).code()).isEqualTo(3);
      assertThat(run).doesNotExist();
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsOneLine() {
    assertThat(Cli.run(sft(Path.of("/proc/graft/run"))).fails(1).err()).contains("--output /proc/graft/run");
    assertThat(Cli.run("score", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", "/proc/graft.jsonl", "--quiet").fails(1).err()).contains("/proc/graft.jsonl");
  }

  @Test
  void whatDoesNotFitIntoMemoryIsRefusedWithTheFlagsThatHelp() {
    Path run = folder.resolve("run");
    assertThat(Cli.run(sft(run, "--micro-batch-tokens", 16_000_000, "--batch-size", 1_000_000)).fails(1).err())
        .contains("not enough memory").contains("--recompute block").contains("--micro-batch-tokens");
    assertThat(run.resolve("metrics.jsonl")).doesNotExist();
  }

  @Test
  void badNumbersAreUsageErrors() {
    Path run = folder.resolve("run");
    for (String flag : new String[] {"--lora-rank=0", "--batch-size=0", "--learning-rate=-1", "--learning-rate=NaN", "--lora-dropout=1", "--max-steps=0", "--epochs=0",
        "--warmup-steps=-1", "--max-length=1", "--gradient-accumulation=0", "--max-grad-norm=-1", "--recompute=all", "--isa=mmx", "--device=tpu", "--threads=-1",
        "--lora-targets=attn_x", "--lora-alpha=0", "--early-stopping-patience=2", "--load-best", "--eval-steps=2"}) {
      String name = flag.replaceFirst("=.*", "").substring(2);
      assertThat(Cli.run(sft(run, flag)).fails(2).err()).as(flag).contains(flag.startsWith("--lora-targets") ? "attn_x" : flag.matches("--(isa|device).*") ? name : "--" + name);
    }
    assertThat(Cli.run(sft(run, "--max-steps", 1, "--epochs", 1)).fails(2).err()).contains("exclude one another");
  }

  @Test
  void anAdapterForAnotherModelIsRefused() {
    Path wide = folder.resolve("wide.gguf");
    Cli.run("bench", "make-model", "--output", wide, "--layers", 1, "--width", 64, "--heads", 2, "--kv-heads", 1, "--feed-forward", 96, "--vocabulary-size", 320, "--type", "F32").ok();
    Cli.run("score", "--model", wide, "--adapter", GOLDEN.adapter(), "--data", GOLDEN.sft(), "--output", folder.resolve("o"), "--quiet").fails(3);
    Cli.run(replaceModel(wide, sft(folder.resolve("run"), "--init-adapter", GOLDEN.adapter()))).fails(3);
  }

  private static Object[] replaceModel(Path model, Object[] flags) {
    flags[2] = model;
    return flags;
  }

  @Test
  void earlyStoppingKeepsTheBest() {
    Path run = folder.resolve("run");
    // At such a rate the loss soon rises.
    Cli.run(sft(run, "--eval-data", GOLDEN.sft(), "--eval-steps", 1, "--early-stopping-patience", 1, "--learning-rate", 0.5, "--lr-scheduler", "constant",
        "--max-steps", 50)).ok();
    List<JsonNode> lines = Golden.lines(run.resolve("metrics.jsonl"));
    assertThat(lines.get(1).has("eval_loss")).isTrue();
    assertThat(lines.stream().filter(line -> line.has("loss"))).hasSizeLessThan(50);
    assertThat(run.resolve("adapter.gguf")).hasSameBinaryContentAs(run.resolve("best/adapter.gguf"));
  }
}
