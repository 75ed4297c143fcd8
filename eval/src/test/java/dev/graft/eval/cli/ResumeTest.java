package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stopping, resuming, and what is refused about it. */
class ResumeTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");

  @TempDir Path folder;

  /** Shuffled, with dropout and evaluations: everything that a resumed run must take up again. */
  private static Object[] flags(Path output, Object... more) {
    List<Object> flags = new ArrayList<>(
        List.of("sft", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--eval-data", GOLDEN.sft(), "--eval-steps", 3, "--output", output, "--quiet",
            "--batch-size", 2, "--gradient-accumulation", 2, "--learning-rate", 0.005, "--lr-scheduler", "cosine", "--warmup-steps", 2, "--lora-rank", 4,
            "--lora-dropout", 0.1, "--save-steps", 5, "--save-total-limit", 0, "--max-steps", 10));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  private static void assertSameRun(Path a, Path b) throws IOException {
    assertThat(a.resolve("adapter.gguf")).hasSameBinaryContentAs(b.resolve("adapter.gguf"));
    assertThat(a.resolve("best/adapter.gguf")).hasSameBinaryContentAs(b.resolve("best/adapter.gguf"));
    assertThat(withoutTimes(a)).isEqualTo(withoutTimes(b));
    assertThat(a.resolve("checkpoints/step-10/trainer.state")).hasSameBinaryContentAs(b.resolve("checkpoints/step-10/trainer.state"));
  }

  private static List<JsonNode> withoutTimes(Path run) {
    List<JsonNode> lines = Golden.lines(run.resolve("metrics.jsonl"));
    lines.forEach(line -> ((ObjectNode) line).remove(List.of("seconds", "tokens_per_second", "eval_seconds")));
    return lines;
  }

  /** The folder as it was after step 5 (the later steps' lines of metrics.jsonl are still there). */
  private static void forgetAfterStep5(Path run) throws IOException {
    Files.delete(run.resolve("adapter.gguf"));
    for (String file : new String[] {"trainer.state", "adapter.gguf", "state.json"}) {
      Files.delete(run.resolve("checkpoints/step-10").resolve(file));
    }
    Files.delete(run.resolve("checkpoints/step-10"));
  }

  @Test
  void resumingGivesTheBitsOfAnUnbrokenRun() throws IOException {
    Path whole = folder.resolve("a/run");
    Path broken = folder.resolve("b/run");
    Cli.run(flags(whole)).ok();
    Cli.run(flags(broken)).ok();
    assertSameRun(whole, broken); // the same seed gives the same bits
    forgetAfterStep5(broken);
    Cli.run(flags(broken, "--resume")).ok();
    assertSameRun(whole, broken);
  }

  @Test
  void aSignalSavesAndTheResumedRunIsTheUnbrokenOne() throws IOException, InterruptedException {
    Path whole = folder.resolve("a/run");
    Path broken = folder.resolve("b/run");
    Object[] longer = {"--max-steps=150", "--save-steps=1000", "--threads=1", "--lora-dropout=0", "--eval-steps=50"};
    Cli.run(replaced(flags(whole), longer)).ok();
    Cli.Child child = Cli.start(folder, replaced(flags(broken), longer));
    child.awaitLines(broken.resolve("metrics.jsonl"), 3);
    child.process().destroy(); // SIGTERM
    Cli.Result stopped = child.await();
    assertThat(stopped.code()).as(stopped.err()).isEqualTo(143);
    assertThat(broken.resolve("adapter.gguf")).doesNotExist();
    assertThat(Golden.lines(broken.resolve("metrics.jsonl")).size()).isBetween(3, 150);
    Cli.run(replaced(flags(broken, "--resume"), longer)).ok();
    assertThat(withoutTimes(broken)).isEqualTo(withoutTimes(whole));
    assertThat(broken.resolve("adapter.gguf")).hasSameBinaryContentAs(whole.resolve("adapter.gguf"));
  }

  /** Flags of the second list win over those of the first. */
  private static Object[] replaced(Object[] flags, Object[] with) {
    List<Object> result = new ArrayList<>(List.of(flags));
    for (Object flag : with) {
      int at = result.indexOf(flag.toString().replaceFirst("=.*", ""));
      if (at >= 0) {
        result.remove(at + 1);
        result.remove(at);
      }
      result.add(flag);
    }
    return result.toArray();
  }

  @Test
  void otherFlagsOrFilesAreRefusedByName() throws IOException {
    Path run = folder.resolve("run");
    Cli.run(flags(run)).ok();
    assertThat(Cli.run(flags(run)).fails(2).err()).contains("--resume").contains("--overwrite");
    assertThat(Cli.run(replaced(flags(run, "--resume"), new Object[] {"--learning-rate=0.1"})).fails(2).err()).contains("--learning-rate 0.1 (it was 0.005)");
    Path other = Files.writeString(folder.resolve("other.jsonl"), "{\"prompt_ids\": [1, 2], \"completion_ids\": [3]}\n");
    assertThat(Cli.run(replaced(flags(run, "--resume"), new Object[] {"--data=" + other})).fails(2).err()).contains("--data is not the file");
    assertThat(Cli.run(replaced(flags(run, "--resume"), new Object[] {"--max-steps=20"})).fails(2).err()).contains("cosine");
    Cli.run(flags(run, "--resume")).ok(); // nothing left to do
  }

  @Test
  void withNothingToResumeItStartsAnewAndOverwriteReplaces() throws IOException {
    Path run = folder.resolve("run");
    Object[] flags = replaced(flags(run, "--resume"), new Object[] {"--max-steps=2"});
    List<Object> loud = new ArrayList<>(List.of(flags));
    loud.remove("--quiet");
    assertThat(Cli.run(loud.toArray()).ok().err()).contains("nothing to resume");
    Files.writeString(run.resolve("checkpoints/step-2/state.json"), "{");
    assertThat(Cli.run(flags).fails(3).err()).contains("damaged checkpoint");
    loud.set(loud.indexOf("--resume"), "--overwrite");
    Cli.run(loud.toArray()).ok();
  }

  /** Empty, or with a file missing: no checkpoint. */
  @Test
  void aCheckpointThatIsNotWholeIsPassedOver() throws IOException {
    Path whole = folder.resolve("a/run");
    Path broken = folder.resolve("b/run");
    Cli.run(flags(whole)).ok();
    Cli.run(flags(broken)).ok();
    Files.delete(broken.resolve("adapter.gguf"));
    Files.delete(broken.resolve("checkpoints/step-10/trainer.state"));
    Files.createDirectories(broken.resolve("checkpoints/step-12"));
    List<Object> loud = new ArrayList<>(List.of(flags(broken, "--resume")));
    loud.remove("--quiet");
    String said = Cli.run(loud.toArray()).ok().err();
    assertThat(said).contains("step-10: trainer.state is missing there; going back to").contains("step-12: trainer.state is missing there").contains("resuming from").contains("step-5");
    assertSameRun(whole, broken);
    for (String step : new String[] {"step-5", "step-10"}) {
      Files.delete(broken.resolve("checkpoints").resolve(step).resolve("state.json"));
    }
    assertThat(Cli.run(flags(broken, "--resume")).fails(3).err()).contains("damaged checkpoint").contains("no whole checkpoint");
    assertThat(broken.resolve("adapter.gguf")).exists();
  }

  @Test
  void onlyTheNewestCheckpointsAreKept() {
    Path run = folder.resolve("run");
    Cli.run(replaced(flags(run), new Object[] {"--save-steps=1", "--save-total-limit=2", "--max-steps=4"})).ok();
    assertThat(run.resolve("checkpoints").toFile().list()).containsExactlyInAnyOrder("step-3", "step-4");
  }

  @Test
  void aSecondRunInTheFolderIsRefused() throws IOException, InterruptedException {
    Path run = folder.resolve("run");
    Cli.Child child = Cli.start(folder, replaced(flags(run), new Object[] {"--max-steps=100000"}));
    try {
      child.awaitLines(run.resolve("metrics.jsonl"), 1);
      assertThat(Cli.run(flags(run, "--resume")).fails(1).err()).contains("another run").contains("process " + child.process().pid());
    } finally {
      child.process().destroyForcibly().waitFor();
    }
    Cli.run(replaced(flags(run, "--resume"), new Object[] {"--max-steps=2"})).ok(); // a killed run leaves no lock
  }
}
