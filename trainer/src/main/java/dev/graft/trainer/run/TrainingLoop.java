package dev.graft.trainer.run;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/** The steps of a run, with what comes between them: metrics, evaluations, checkpoints, early stopping, the final adapter. One thread. */
final class TrainingLoop {
  /** general.name of adapters: the same whatever the folder, so that equal runs write equal files. */
  private static final String ADAPTER_NAME = "graft-lora";

  private final RunOptions options;
  private final RunPlan plan;
  private final RunFolder folder;
  private final Checkpoints checkpoints;
  private final TrainingSession session;
  private final Adapter adapter;
  private final TrainingStep step;
  private final Learner learner;
  private final boolean evaluates;
  private final RunListener listener;
  private final StopRequest stop;
  private final Runnable completeConfig;
  private TrainState state;
  private long savedStep;

  /** @param completeConfig writes config.json once all hashes are known; called before a checkpoint */
  TrainingLoop(RunOptions options, RunPlan plan, RunFolder folder, Checkpoints checkpoints, TrainingSession session, Adapter adapter, TrainingStep step,
      Learner learner, RunListener listener, StopRequest stop, Runnable completeConfig) {
    this.options = options;
    this.plan = plan;
    this.folder = folder;
    this.checkpoints = checkpoints;
    this.session = session;
    this.adapter = adapter;
    this.step = step;
    this.learner = learner;
    this.evaluates = plan.evalRows() > 0;
    this.listener = listener;
    this.stop = stop;
    this.completeConfig = completeConfig;
  }

  RunSummary run(TrainState from) {
    state = from;
    savedStep = from.step();
    learner.restore(from.task());
    try (MetricsLog log = MetricsLog.open(folder.metrics(), from.step(), from.evaluated())) {
      while (!stop.requested()) {
        if (!state.evaluated() && !evaluate(log)) {
          break;
        }
        if (state.step() % options.cadence().saveSteps() == 0 || finished()) {
          save(log);
        }
        if (finished() || !train(log)) {
          break;
        }
      }
      save(log);
      boolean interrupted = !finished();
      if (!interrupted) {
        writeAdapter();
      }
      return summary(interrupted);
    } finally {
      listener.finished();
    }
  }

  /** All steps are done, or no evaluation has been better for too long; and the last evaluation is done. */
  private boolean finished() {
    return state.evaluated() && (state.step() >= plan.steps() || stoppedEarly());
  }

  private boolean stoppedEarly() {
    int patience = options.cadence().patience();
    return patience > 0 && state.sinceBest() >= patience;
  }

  private boolean train(MetricsLog log) {
    Optional<StepMetrics> metrics = step.run(state.step() + 1, stop);
    metrics.ifPresent(done -> {
      log.add(done);
      state = state.after(done, learner.state());
      if (!evaluationDue()) {
        state = state.withoutEvaluation();
      }
      listener.step(done, plan.steps());
    });
    return metrics.isPresent();
  }

  private boolean evaluationDue() {
    if (!evaluates) {
      return false;
    }
    long done = state.step();
    long every = options.cadence().evalSteps();
    boolean epochEnds = done * plan.rowsPerStep() / plan.rows() > (done - 1) * plan.rowsPerStep() / plan.rows();
    return done == plan.steps() || (every > 0 ? done % every == 0 : epochEnds);
  }

  /** False when a stop was requested on the way. */
  private boolean evaluate(MetricsLog log) {
    if (!evaluates) { // resumed without --eval-data
      state = state.withoutEvaluation();
      return true;
    }
    long start = System.nanoTime();
    Optional<Learner.Evaluation> result = learner.evaluate(session, state.step(), stop, listener);
    if (result.isEmpty()) {
      return false;
    }
    double epoch = (double) state.step() * plan.rowsPerStep() / plan.rows();
    EvalMetrics metrics = new EvalMetrics(
        state.step(), epoch, result.get().loss(), result.get().targets(), (System.nanoTime() - start) / 1e9, result.get().more());
    boolean best = state.improvedBy(metrics.evalLoss());
    if (best) {
      saveBest();
    }
    log.add(metrics);
    state = state.after(metrics);
    listener.evaluated(metrics, best);
    return true;
  }

  private void saveBest() {
    Path best = folder.bestAdapter();
    try {
      Files.createDirectories(best.getParent());
    } catch (IOException e) {
      throw RunException.failed(best + ": cannot be written: " + SafeFiles.reason(e) + "; " + checkpoints.lastGood(), e);
    }
    adapter.save(best, ADAPTER_NAME);
  }

  private void save(MetricsLog log) {
    if (state.step() == savedStep) {
      return;
    }
    completeConfig.run();
    log.sync();
    Path saved = checkpoints.save(state, session, adapter, options.cadence().saveTotalLimit());
    savedStep = state.step();
    listener.saved(saved);
  }

  private void writeAdapter() {
    if (options.finalIsBest() && state.bestStep() != state.step() && Files.exists(folder.bestAdapter())) {
      Path temporary = SafeFiles.temporaryFor(folder.adapter());
      try {
        Files.copy(folder.bestAdapter(), temporary, StandardCopyOption.REPLACE_EXISTING);
        SafeFiles.moveIntoPlace(temporary, folder.adapter());
      } catch (IOException e) {
        throw RunException.failed(folder.adapter() + ": cannot be written: " + SafeFiles.reason(e) + "; the adapter is in " + folder.bestAdapter(), e);
      }
    } else {
      adapter.save(folder.adapter(), ADAPTER_NAME);
    }
  }

  private RunSummary summary(boolean interrupted) {
    boolean best = options.finalIsBest() && state.bestStep() > 0;
    boolean any = state.step() > 0;
    return new RunSummary(folder.root().toString(), state.step(), plan.steps(), (double) state.step() * plan.rowsPerStep() / plan.rows(),
        interrupted ? "signal" : state.step() < plan.steps() ? "early" : null, state.tokens(), state.seconds(),
        state.seconds() > 0 ? state.tokens() / state.seconds() : 0, any ? (Double) state.firstLoss() : null, any ? (Double) state.lastLoss() : null,
        state.lastEvalLoss(), state.bestLoss(), state.bestStep() > 0 ? (Long) state.bestStep() : null, HostMemory.peakResidentBytes(),
        interrupted ? null : folder.adapter().toString(), interrupted ? null : best ? "best" : "last",
        state.bestStep() > 0 ? folder.bestAdapter().toString() : null, checkpoints.newest().map(saved -> saved.path().toString()).orElse(null));
  }
}
