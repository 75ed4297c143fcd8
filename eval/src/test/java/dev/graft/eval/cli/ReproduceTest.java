package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.graft.bindings.Recompute;
import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.process.ChildCommand;
import dev.graft.eval.process.Commands;
import dev.graft.eval.quickstart.DemoBase;
import dev.graft.eval.report.StudyResults;
import dev.graft.eval.study.Study;
import dev.graft.eval.study.StudyException;
import dev.graft.eval.study.StudyProfile;
import dev.graft.eval.study.StudySettings;
import dev.graft.eval.task.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ReproduceTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> MACHINE = List.of("--threads", "2", "--device", "cpu", "--isa", "auto");

  @TempDir Path folder;

  /** Runs commands within this JVM, for speed, and writes down which. */
  private static class Inside implements Commands {
    final List<String> ran = new ArrayList<>();

    @Override
    public Result run(List<String> arguments, Consumer<String> heard, Runnable tick) throws IOException, InterruptedException {
      ran.add(arguments.get(arguments.indexOf("--output") + 1));
      Cli.Result result = Cli.run(arguments.toArray());
      tick.run();
      return new Result(result.code(), result.out().isBlank() ? MissingNode.getInstance() : JSON.readTree(result.out()), result.err().strip());
    }

    @Override
    public boolean stopped() {
      return false;
    }
  }

  /** The same, but one command is a process, killed by SIGKILL at its first step; and another is lost between its end and its being written down. */
  private static final class Broken extends Inside {
    private final String killed;
    private final String lost;

    Broken(String killed, String lost) {
      this.killed = killed;
      this.lost = lost;
    }

    @Override
    public Result run(List<String> arguments, Consumer<String> heard, Runnable tick) throws IOException, InterruptedException {
      Path output = Path.of(arguments.get(arguments.indexOf("--output") + 1));
      if (output.endsWith(killed)) {
        List<ProcessHandle> others = ProcessHandle.current().children().toList();
        Thread killer = new Thread(() -> kill(output, others));
        killer.start();
        Result result = new ChildCommand().run(arguments, heard, tick);
        killer.join();
        return result;
      }
      Result result = super.run(arguments, heard, tick);
      if (output.endsWith(lost)) {
        throw new Lost();
      }
      return result;
    }

    private static void kill(Path output, List<ProcessHandle> others) {
      Path metrics = output.resolve("metrics.jsonl");
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      try {
        while (System.nanoTime() < end) {
          if (Files.exists(metrics) && Files.size(metrics) > 0) {
            ProcessHandle.current().children().filter(child -> !others.contains(child)).forEach(ProcessHandle::destroyForcibly);
            return;
          }
          Thread.sleep(1);
        }
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** What a kill of the study itself is to its code: it goes no further. */
  private static final class Lost extends Error {
    private static final long serialVersionUID = 1;
  }

  private StudySettings settings(String output, int steps) throws IOException {
    Path base = folder.resolve("base.gguf");
    if (!Files.exists(base)) {
      DemoBase.write(base);
    }
    StudyProfile tiny = StudyProfile.named("quick").orElseThrow().with(List.of(1e-3), List.of(0.1), steps, 1, 1, 12);
    return new StudySettings(base, "auto", folder.resolve(output), tiny, List.of(Task.load("uti")), Optional.empty(), 42, 512, Recompute.NONE, OptionalDouble.of(1e11), MACHINE, List.of(), "");
  }

  private static StudyResults run(StudySettings settings, Commands commands) {
    return new Study(settings, () -> GraftRuntime.open("cpu", null, 2), line -> {}).run(commands, plan -> {});
  }

  @Test
  void aStudyBrokenBetweenAndInsideTrialsEndsAsAnUnbrokenOne() throws IOException {
    StudySettings whole = settings("whole", 3);
    Inside all = new Inside();
    StudyResults expected = run(whole, all);
    assertThat(all.ran).hasSize(7);

    StudySettings broken = settings("broken", 3);
    Broken breaking = new Broken("dpo-sweep/beta0.1-1e-3", "sft/1e-3");
    catchThrowableOfType(Lost.class, () -> run(broken, breaking)); // after sft-sweep and sft, of which the second is not written down
    StudyException killed = catchThrowableOfType(StudyException.class, () -> run(broken, new Broken("dpo-sweep/beta0.1-1e-3", "none")));
    assertThat(killed.getMessage()).startsWith("uti: DPO sweep, beta 0.1, rate 1e-3: was killed by signal 9");
    Inside rest = new Inside();
    StudyResults actual = run(broken, rest);

    assertThat(rest.ran.stream().map(path -> broken.output().relativize(Path.of(path)).toString()))
        .containsExactly("uti/dpo-sweep/beta0.1-1e-3", "uti/dpo/beta0.1-1e-3", "uti/dpo-dev", "uti/test");
    assertThat(actual.tasks().get(0).outcomes()).isEqualTo(expected.tasks().get(0).outcomes());
    for (String file : List.of("uti/sft/1e-3/adapter.gguf", "uti/dpo/beta0.1-1e-3/adapter.gguf", "uti/test/predictions.jsonl", "uti/dpo-dev/predictions.jsonl")) {
      assertThat(broken.output().resolve(file)).as(file).hasSameBinaryContentAs(whole.output().resolve(file));
    }
    assertThat(files(broken.output(), "checkpoints")).isEmpty();
    assertThat(files(broken.output().resolve("uti/references"), "reference-")).hasSize(2); // train and eval, for sweep and training alike

    Inside nothing = new Inside();
    assertThat(run(broken, nothing).tasks().get(0).outcomes()).isEqualTo(expected.tasks().get(0).outcomes());
    assertThat(nothing.ran).isEmpty();
    assertThat(Cli.run("reproduce", "savage2025", "--model", broken.model(), "--profile", "quick", "--tasks", "uti", "--rates", "1e-2", "--betas", "0.1", "--steps", 3, "--eval-steps", 1,
        "--warmup-steps", 1, "--rows", 12, "--flops-per-second", "1e11", "--output", broken.output(), "--quiet").fails(2).err()).contains("rates [\"1e-2\"] (it was [\"1e-3\"])");
    check(JSON.readTree(broken.output().resolve("results.json").toFile()));
    assertThat(broken.output().resolve("report.html")).exists();
  }

  private static void check(JsonNode results) {
    JsonNode trials = results.path("tasks").path(0).path("trials");
    assertThat(trials).hasSize(4);
    JsonNode sweep = trials.path(0);
    assertThat(sweep.path("evaluation")).hasSize(3);
    assertThat(trials.path(1).path("steps").asLong()).isEqualTo(sweep.path("plateau_step").asLong());
    assertThat(trials.path(1).path("chosen").asBoolean()).isTrue();
    assertThat(results.path("threshold").asDouble()).isEqualTo(0.01);
    assertThat(results.path("tasks").path(0).path("outcomes").path(0).path("comparisons")).hasSize(3);
  }

  private static List<Path> files(Path folder, String name) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(path -> path.getFileName().toString().startsWith(name)).toList();
    }
  }

  @Test
  void aJudgeModelGradesTheAnswersOfAStudy() throws IOException {
    Path model = folder.resolve("base.gguf");
    DemoBase.write(model);
    Path task = Files.writeString(folder.resolve("graded.yaml"), """
        name: graded
        title: Graded
        source: {generator: uti}
        splits: {train: 3, eval: 3, dev: 3, test: 3}
        max-tokens: 2
        outcomes:
          - {name: quality, grader: likert, metric: mean_score, test: paired-t, rubric: "Is it brief?"}
        """);
    List<Object> command = new ArrayList<>(List.of("reproduce", "savage2025", "--model", model, "--profile", "quick", "--tasks", task, "--rates", "1e-3", "--betas", "0.1", "--steps", 1,
        "--eval-steps", 1, "--warmup-steps", 1, "--rows", 12, "--flops-per-second", "1e11", "--output", folder.resolve("graded"), "--quiet"));
    assertThat(Cli.run(command.toArray()).fails(2).err()).contains("needs --judge-model");
    List<String> judged = new ArrayList<>();
    Inside heard = new Inside() {
      @Override
      public Result run(List<String> arguments, Consumer<String> told, Runnable tick) throws IOException, InterruptedException {
        if (arguments.get(0).equals("eval")) {
          judged.addAll(arguments);
        }
        return super.run(arguments, told, tick);
      }
    };
    StudyProfile tiny = StudyProfile.named("quick").orElseThrow().with(List.of(1e-3), List.of(0.1), 1, 1, 1, 12);
    JudgeFlags flags = new JudgeFlags();
    new CommandLine(new Holder(flags)).parseArgs("--judge-model", model.toString(), "--judge-rubric", "Is it short?");
    StudyResults results = run(new StudySettings(model, "auto", folder.resolve("graded"), tiny, List.of(Task.load(task.toString())), Optional.empty(), 42, 512, Recompute.NONE, OptionalDouble.of(1e11),
        MACHINE, flags.arguments(), flags.identity()), heard);
    assertThat(judged).containsSequence("--judge-model", model.toAbsolutePath().toString()).containsSequence("--judge-rubric", "Is it short?");
    assertThat(results.tasks()).hasSize(1);
    List<JsonNode> graded = Golden.lines(folder.resolve("graded/graded/test/predictions.jsonl"));
    assertThat(graded).hasSize(9).allSatisfy(line -> assertThat(line.path("score").asDouble()).isBetween(1.0, 5.0));
    assertThat(Cli.run(command.toArray()).fails(2).err()).contains("needs --judge-model");
    command.addAll(List.of("--judge-model", model));
    assertThat(Cli.run(command.toArray()).fails(2).err()).contains("judge").contains("Is it short?"); // graded otherwise
  }

  /** Gives flags to picocli. */
  @CommandLine.Command
  private static final class Holder {
    @CommandLine.Mixin private final JudgeFlags flags;

    Holder(JudgeFlags flags) {
      this.flags = flags;
    }
  }

  @Test
  void aFailedTrialIsNamedInOneLineAndADivergedOneIsPassedOver() throws IOException {
    Inside failing = new Inside() {
      @Override
      public Result run(List<String> arguments, Consumer<String> heard, Runnable tick) {
        return new Result(3, MissingNode.getInstance(), "graft: rows.jsonl:1: is bad; mend it");
      }
    };
    StudyException failed = catchThrowableOfType(StudyException.class, () -> run(settings("failed", 1), failing));
    assertThat(failed.getMessage()).isEqualTo("uti: SFT sweep, rate 1e-3: rows.jsonl:1: is bad; mend it");
    assertThat(failed.exitCode()).isEqualTo(3);
    Inside diverging = new Inside() {
      @Override
      public Result run(List<String> arguments, Consumer<String> heard, Runnable tick) {
        return new Result(1, MissingNode.getInstance(), "graft: step 1: the gradient is not finite (line 1 of d); lower --learning-rate");
      }
    };
    assertThat(catchThrowableOfType(dev.graft.trainer.run.RunException.class, () -> run(settings("failed", 1), diverging)).getMessage()).contains("every training diverged");
  }

  @Test
  void aPlanPrintsAndWritesNothing() throws IOException {
    Path output = folder.resolve("none");
    String text = Cli.run("reproduce", "savage2025", "--plan", "--profile", "quick", "--tasks", "uti", "--rows", 12, "--flops-per-second", "1e11", "--output", output, "--quiet").ok().out();
    assertThat(text).contains("uti").contains("8 trainings").contains("at its peak");
    assertThat(output).doesNotExist();
  }

  @Test
  void badInputIsOneLine() throws IOException {
    assertThat(Cli.run("reproduce", "savage2024").fails(2).err()).contains("savage2025");
    assertThat(Cli.run("reproduce", "savage2025", "--profile", "papr").fails(2).err()).contains("paper");
    assertThat(Cli.run("reproduce", "savage2025", "--tasks", "uti,uti", "--quiet").fails(2).err()).contains("twice");
    assertThat(Cli.run("reproduce", "savage2025", "--tasks", "utis", "--quiet").fails(2).err()).contains("utis");
    assertThat(Cli.run("reproduce", "savage2025", "--judge-model", "j.gguf", "--quiet").fails(2).err()).contains("none of --tasks");
    assertThat(Cli.run("reproduce", "savage2025", "--rates", "0", "--quiet").fails(2).err()).contains("--rates 0");
    assertThat(Cli.run("reproduce", "savage2025", "--rates", "1e-3,0.001", "--quiet").fails(2).err()).contains("twice");
    Files.writeString(Files.createDirectories(folder.resolve("other")).resolve("letter.txt"), "");
    assertThat(Cli.run("reproduce", "savage2025", "--tasks", "uti", "--output", folder.resolve("other"), "--quiet").fails(2).err()).contains("holds no study");
    Path model = folder.resolve("base.gguf");
    DemoBase.write(model);
    assertThat(Cli.run("reproduce", "savage2025", "--model", model, "--tasks", "uti", "--data-dir", folder, "--output", folder.resolve("x"), "--quiet").fails(2).err())
        .contains("uti/sft/train.jsonl is missing").contains("graft data prepare");
    assertThat(Cli.run("reproduce", "savage2025", "--model", folder.resolve("no.gguf"), "--tasks", "uti", "--output", folder.resolve("y"), "--quiet").fails(3).err()).contains("no.gguf");
  }

  @Test
  void aCommandEndsWithItsParent() throws IOException, InterruptedException {
    List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Dgraft.watch-parent=true", "-cp", System.getProperty("java.class.path"),
        "dev.graft.eval.cli.Main", "data", "make", "corpus", "--n", "2000000", "--output", folder.resolve("corpus").toString());
    Process process = new ProcessBuilder(command).redirectError(folder.resolve("err").toFile()).redirectOutput(folder.resolve("out").toFile()).start();
    process.getOutputStream().close(); // as the system does when the parent is gone
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(143);
  }
}
