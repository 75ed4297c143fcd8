package dev.graft.trainer.run;

import dev.graft.bindings.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/** The steps of a run, with what comes between them: metrics, evaluations, checkpoints, early stopping, the final file. One thread. */
final class TrainingLoop {
  private final RunOptions options;
  private final RunPlan plan;
  private final RunFolder folder;
  private final Checkpoints checkpoints;
  private final TrainingSession session;
  private final Trained trained;
  private final TrainingStep step;
  private final Learner learner;
  private final boolean evaluates;
  private final RunListener listener;
  private final StopRequest stop;
  private final Runnable completeConfig;
  private TrainState state;
  private long savedStep;

  /** @param completeConfig writes config.json once all hashes are known; called before a checkpoint */
  TrainingLoop(RunOptions options, RunPlan plan, RunFolder folder, Checkpoints checkpoints, TrainingSession session, Trained trained, TrainingStep step,
      Learner learner, RunListener listener, StopRequest stop, Runnable completeConfig) {
    this.options = options;
    this.plan = plan;
    this.folder = folder;
    this.checkpoints = checkpoints;
    this.session = session;
    this.trained = trained;
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
        writeResult();
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
    return evaluates && new Evaluations(plan.steps(), options.cadence().evalSteps(), plan.rowsPerStep(), plan.rows()).after(state.step());
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
    Path best = folder.best(trained.file());
    try {
      Files.createDirectories(best.getParent());
    } catch (IOException e) {
      throw RunException.failed(best + ": cannot be written: " + SafeFiles.reason(e) + "; " + checkpoints.lastGood(), e);
    }
    trained.save(best);
  }

  private void save(MetricsLog log) {
    if (state.step() == savedStep) {
      return;
    }
    completeConfig.run();
    log.sync();
    Path saved = checkpoints.save(state, session, trained, options.cadence().saveTotalLimit());
    savedStep = state.step();
    listener.saved(saved);
  }

  private void writeResult() {
    Path result = folder.result(trained.file());
    Path best = folder.best(trained.file());
    if (options.finalIsBest() && state.bestStep() != state.step() && Files.exists(best)) {
      Path temporary = SafeFiles.temporaryFor(result);
      try {
        Files.copy(best, temporary, StandardCopyOption.REPLACE_EXISTING);
        SafeFiles.moveIntoPlace(temporary, result);
      } catch (IOException e) {
        throw RunException.failed(result + ": cannot be written: " + SafeFiles.reason(e) + "; what it would hold is in " + best, e);
      }
    } else {
      trained.save(result);
    }
  }

  private RunSummary summary(boolean interrupted) {
    boolean best = options.finalIsBest() && state.bestStep() > 0;
    boolean any = state.step() > 0;
    boolean full = trained.adapter() == null;
    String result = interrupted ? null : folder.result(trained.file()).toString();
    String evaluated = state.bestStep() > 0 ? folder.best(trained.file()).toString() : null;
    return new RunSummary(folder.root().toString(), state.step(), plan.steps(), (double) state.step() * plan.rowsPerStep() / plan.rows(),
        interrupted ? "signal" : state.step() < plan.steps() ? "early" : null, state.tokens(), state.seconds(),
        state.seconds() > 0 ? state.tokens() / state.seconds() : 0, any ? (Double) state.firstLoss() : null, any ? (Double) state.lastLoss() : null,
        state.lastEvalLoss(), state.bestLoss(), state.bestStep() > 0 ? (Long) state.bestStep() : null, HostMemory.peakResidentBytes(),
        full ? null : result, full ? result : null, interrupted ? null : best ? "best" : "last", full ? null : evaluated, full ? evaluated : null, checkpoints.newest().map(saved -> saved.path().toString()).orElse(null));
  }
}
