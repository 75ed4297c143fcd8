package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.process.Commands;
import dev.graft.eval.process.Stage;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunFolder;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Runs the stages of a study, each a command in a process of its own, unless they are done; and writes down what they took. One thread. */
final class StageRunner {
  private static final long SAVE_EVERY_NANOS = 10_000_000_000L;
  private static final long ORPHAN_NANOS = 20_000_000_000L;
  private static final long LOOK_AGAIN_MILLIS = 100;
  private static final int KILLED = 128;

  private final StudySettings settings;
  private final StudyState state;
  private final Commands child;
  private final StudyProgress progress;

  StageRunner(StudySettings settings, StudyState state, Commands child, StudyProgress progress) {
    this.settings = settings;
    this.state = state;
    this.child = child;
    this.progress = progress;
  }

  /** What a stage's command left, in a few words and in figures. */
  interface Outcome {
    /** Reads it. @param json what the command printed, or a missing node  @param line why it broke off as diverged, or null */
    Told of(JsonNode json, String line);
  }

  /** @param words for the user  @param figures to keep */
  record Told(String words, ObjectNode figures) {}

  StudyState state() {
    return state;
  }

  StudyProgress progress() {
    return progress;
  }

  /**
   * Trains. A training whose loss stops being finite counts as done, with the steps that it did.
   *
   * @param steps that it is to do
   * @return what is kept of it: steps, tokens, seconds, peak_memory_bytes, eval_loss, plateau_step, and diverged in words
   */
  JsonNode train(Stage stage, long steps) {
    Path folder = stage.result().getParent();
    JsonNode done = run(stage, () -> under(stage, folder, steps), (json, line) -> trained(folder, line));
    clean(folder);
    return done;
  }

  /** Runs a command that judges, whose result gets a line for each judgement. @param judgements how many there will be */
  JsonNode judge(Stage stage, long judgements, Outcome outcome) {
    return run(stage, () -> judging(stage, judgements), outcome);
  }

  private JsonNode run(Stage stage, Runnable tick, Outcome outcome) {
    JsonNode before = state.done(stage.name());
    if (!before.isMissingNode()) {
      progress.done(stage.name(), stage.title(), "done before", 0);
      return before;
    }
    try {
      Files.createDirectories(stage.result().getParent());
      awaitOrphan(stage.result().getParent());
      List<String> arguments = new ArrayList<>(stage.arguments());
      arguments.addAll(settings.common());
      double earlier = state.of(stage.name()).path("seconds").asDouble();
      Clock clock = new Clock(stage.name());
      Commands.Result result = child.run(arguments, line -> {}, () -> {
        clock.saveNowAndThen();
        tick.run();
      });
      String diverged = diverged(stage, result);
      Told told = outcome.of(result.json(), diverged);
      told.figures().put("peak_memory_bytes", Math.max(result.json().path("peak_memory_bytes").asLong(), state.of(stage.name()).path("peak_memory_bytes").asLong()));
      state.finish(stage.name(), clock.sinceSaved(), told.figures());
      JsonNode done = state.done(stage.name());
      progress.done(stage.name(), stage.title(), told.words(), done.path("seconds").asDouble() - earlier);
      return done;
    } catch (IOException e) {
      throw RunException.failed(stage.title() + ": " + stage.result().getParent() + ": " + SafeFiles.reason(e) + "; start again to go on", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw StudyException.stopped(1);
    }
  }

  /** Null when it went well, the child's line when it diverged. @throws StudyException when it failed or was stopped */
  private String diverged(Stage stage, Commands.Result result) {
    if (result.code() == 0 && Files.exists(stage.result())) {
      return null;
    } else if (child.stopped()) {
      throw StudyException.stopped(result.code());
    }
    String line = result.lastLine().replaceFirst("^graft: ", "");
    if (result.code() == 1 && line.contains("is not finite")) {
      return line;
    } else if (result.code() > KILLED || result.code() == 0) {
      String how = result.code() == 0 ? "left no " + stage.result() : "was killed by signal " + (result.code() - KILLED) + ", by the system for lack of memory perhaps";
      throw StudyException.failed(1, stage.title() + ": " + how + "; what is done is kept, start again to go on");
    }
    throw StudyException.failed(result.code(), stage.title() + ": " + line);
  }

  /** A child of a study that was killed ends by itself, but may take a moment. */
  private void awaitOrphan(Path folder) throws InterruptedException {
    long end = System.nanoTime() + ORPHAN_NANOS;
    while (Files.exists(folder.resolve(".lock")) && !free(folder) && System.nanoTime() < end) {
      Thread.sleep(LOOK_AGAIN_MILLIS);
    }
  }

  private static boolean free(Path folder) {
    try (RunFolder locked = RunFolder.open(folder)) {
      return locked != null;
    } catch (RunException e) {
      return false;
    }
  }

  private void under(Stage stage, Path folder, long steps) {
    Path metrics = folder.resolve("metrics.jsonl");
    if (Files.exists(metrics)) {
      Curve curve = Curve.read(metrics);
      String loss = curve.lastTraining().map(value -> String.format(Locale.ROOT, ", loss %.4f", value)).orElse("");
      progress.under(stage.name(), stage.title(), ": step " + curve.steps() + " of " + steps + loss, (double) curve.steps() / steps);
    }
  }

  private void judging(Stage stage, long judgements) {
    if (progress.due()) {
      long lines = LineCount.of(stage.result());
      progress.under(stage.name(), stage.title(), ": " + lines + " of " + judgements + " judged", (double) lines / Math.max(1, judgements));
    }
  }

  private static Told trained(Path folder, String diverged) {
    Path metrics = folder.resolve("metrics.jsonl");
    Curve curve = Files.exists(metrics) ? Curve.read(metrics) : new Curve(List.of(), List.of(), 0, 0, 0);
    ObjectNode figures = JsonNodeFactory.instance.objectNode();
    figures.put("steps", curve.steps());
    figures.put("tokens", curve.tokens());
    figures.put("step_seconds", curve.stepSeconds());
    curve.lastEvaluation().ifPresent(last -> figures.put("eval_loss", last.loss()));
    Plateau.of(curve.evaluations()).ifPresent(plateau -> figures.put("plateau_step", plateau.step()).put("plateau_loss", plateau.loss()));
    if (diverged != null) {
      figures.put("diverged", diverged);
      return new Told("diverged after step " + curve.steps(), figures);
    }
    return new Told(String.format(Locale.ROOT, "%d steps, evaluation loss %.4f, at its plateau %.4f at step %d", curve.steps(), figures.path("eval_loss").asDouble(Double.NaN),
        figures.path("plateau_loss").asDouble(Double.NaN), figures.path("plateau_step").asLong()), figures);
  }

  /** Checkpoints and the best evaluated are of no use once a training is written down as done. */
  private static void clean(Path folder) {
    try {
      SafeFiles.deleteTree(folder.resolve("checkpoints"));
      SafeFiles.deleteTree(folder.resolve("best"));
    } catch (IOException e) {
      throw RunException.failed(folder + ": cannot be tidied: " + SafeFiles.reason(e), e);
    }
  }

  /** Adds up the time of a stage, written down now and then, so that little of it is lost with a kill. */
  private final class Clock {
    private final String stage;
    private long saved = System.nanoTime();

    Clock(String stage) {
      this.stage = stage;
    }

    double sinceSaved() {
      return (System.nanoTime() - saved) * 1e-9;
    }

    void saveNowAndThen() {
      if (System.nanoTime() - saved > SAVE_EVERY_NANOS) {
        state.spent(stage, sinceSaved());
        saved = System.nanoTime();
      }
    }
  }
}
