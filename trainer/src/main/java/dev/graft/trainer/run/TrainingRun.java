package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Training of a LoRA adapter (Hu et al. 2021, arXiv:2106.09685) or of all weights into a folder, whatever the {@link Task}: reads, checks, resumes, and
 * hands over to {@link TrainingLoop}. One thread; the {@link StopRequest} may come from any.
 */
public final class TrainingRun {
  private static final ObjectMapper JSON = new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);
  /** Forward passes worth this many FLOP take some seconds; below, a guess of the time is not worth measuring for. */
  private static final double WORTH_MEASURING_FLOP = 5e12;
  /** Share of the f32 FMA peak that a step reaches by isa (amx passes it), as 'graft bench train' prints it. */
  private static final Map<String, Double> USUAL_SHARE = Map.of("amx", 1.2, "avx512", 0.7, "avx2", 0.35, "neon", 0.35, "ref", 0.004);

  private final GraftRuntime runtime;
  private final RunOptions options;
  private final Task task;
  private final RunListener listener;
  private final StopRequest stop;

  private TrainingRun(GraftRuntime runtime, RunOptions options, Task task, RunListener listener, StopRequest stop) {
    this.runtime = runtime;
    this.options = options;
    this.task = task;
    this.listener = listener;
    this.stop = stop;
  }

  /**
   * Runs to the end, or until a stop is requested; then the newest checkpoint holds everything done.
   *
   * @param runtime where to compute; stays open
   * @param task what is learnt; for this run alone
   * @throws RunException what is wrong in one line, with an exit code
   * @throws dev.graft.trainer.data.DataException when a row cannot be used
   * @throws dev.graft.bindings.GraftException when the native side refuses
   */
  public static RunSummary run(GraftRuntime runtime, RunOptions options, Task task, RunListener listener, StopRequest stop) {
    return new TrainingRun(runtime, options, task, listener, stop).run();
  }

  private RunSummary run() {
    // Locked before the model is read: a second run must fail at once.
    try (RunFolder folder = RunFolder.open(options.files().output())) {
      Checkpoints checkpoints = new Checkpoints(folder.checkpoints());
      Optional<Checkpoints.Saved> saved = options.resume() ? checkpoints.resumable(listener::note) : Optional.empty();
      if (folder.hasRun() && !options.resume() && !options.overwrite()) {
        throw RunException.usage("--output " + folder.root() + ": already holds a run; go on with --resume, replace it with --overwrite, or choose another folder");
      }
      JsonNode before = null;
      if (saved.isPresent()) {
        before = RunConfig.read(folder.config());
        List<String> notes = RunConfig.checkFlags(before, options, task, runtime.info());
        if (!notes.isEmpty()) {
          listener.note("resuming with " + String.join(", ", notes) + ": results may differ in the last bits from an unbroken run");
        }
      } else if (options.resume()) {
        listener.note("nothing to resume in " + folder.root() + ": starting anew");
      }
      task.prepare(folder, saved.isPresent(), listener);
      Map<String, FileHash> hashes = hashes();
      if (before != null) {
        RunConfig.checkFiles(before, task, hashes);
      }
      try (Model model = Model.open(runtime, options.files().model())) {
        return run(folder, checkpoints, saved, before, hashes, model);
      }
    }
  }

  private Map<String, FileHash> hashes() {
    Map<String, FileHash> hashes = new LinkedHashMap<>();
    hashes.put("model", FileHash.start(options.files().model()));
    hashes.put("data", FileHash.start(rereadable("--data", options.files().data())));
    if (options.files().evalData() != null) {
      hashes.put("eval-data", FileHash.start(rereadable("--eval-data", options.files().evalData())));
    }
    if (options.files().initAdapter() != null) {
      hashes.put("init-adapter", FileHash.start(options.files().initAdapter()));
    }
    task.files().forEach((name, path) -> {
      if (path != null) {
        hashes.put(name, FileHash.start(path));
      }
    });
    return hashes;
  }

  /** Data are read twice, for their rows and for their hash, and again to resume: a pipe would be torn apart. */
  private static Path rereadable(String flag, Path file) {
    if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
      throw RunException.badData(flag + " " + file + ": is not a regular file; write the rows to a file first", null);
    }
    return file;
  }

  private RunSummary run(RunFolder folder, Checkpoints checkpoints, Optional<Checkpoints.Saved> saved, JsonNode before, Map<String, FileHash> hashes, Model model) {
    model.info().notes().forEach(listener::note);
    int maxLength = options.batching().maxLength() > 0 ? options.batching().maxLength() : model.info().contextLength();
    Task.Data data;
    ZonedDateTime now = before != null && before.hasNonNull("template_clock") ? ZonedDateTime.parse(before.get("template_clock").asText()) : ZonedDateTime.now();
    try (RowSource rows = RowSource.open(model.path(), model.info().vocabulary(), options.template(), Clock.fixed(now.toInstant(), now.getZone()))) {
      data = task.read(rows, maxLength, listener);
    }
    SessionSize size = SessionSize.of(data.train(), data.eval(), options.batching());
    SessionOptions session = size.training(options);

    // All weights take their memory as they are opened, so that is checked before.
    Long available = options.full() == null ? null : (Long) requireMemory(model, TrainingSession.memoryBytesOfWeights(model, session) + task.learnerBytes(model, null, session));
    try (Trained trained = Trained.open(model, options)) {
      RunPlan plan = plan(model, trained, data, size.maxTokens(), session, available);
      if (before != null) {
        RunConfig.checkSteps(before, options, plan.steps());
      }
      Task.Setup setup = new Task.Setup(runtime, model, trained.adapter(), hashes, folder, options, size.maxTokens(), size.maxTargets(), listener, stop, checkpoints::lastGood);
      try (Learner learner = task.learner(setup);
          TrainingSession training = TrainingSession.open(model, trained.parameters(), session)) {
        TrainState state = TrainState.START;
        if (saved.isPresent()) {
          state = checkpoints.state(saved.get());
          checkpoints.load(saved.get(), training);
          listener.note("resuming from " + saved.get().path());
        } else {
          folder.clear();
        }
        Supplier<ObjectNode> config =
            () -> RunConfig.build(task, options, runtime.info(), hashes, plan, JSON.valueToTree(model.info()), trained, data.report())
                .put("template_clock", now.toString());
        RunConfig.write(folder.config(), config.get());
        Runnable withHashes =
            () -> {
              hashes.values().forEach(FileHash::get); // waits
              RunConfig.write(folder.config(), config.get());
            };
        listener.started(plan, state.step());
        TrainingStep step = new TrainingStep(training, learner, data.train(), options, plan.steps(), checkpoints::lastGood);
        return new TrainingLoop(options, plan, folder, checkpoints, training, trained, step, learner, listener, stop, withHashes).run(state);
      }
    }
  }

  /** What the machine has left, or 0. @throws RunException when that is less than is needed */
  private long requireMemory(Model model, long work) {
    String advice = (options.batching().recompute().again() ? "" : "--recompute block, ") + "a lower --micro-batch-tokens (" + options.batching().microBatchTokens()
        + " now) or --max-length, or " + (options.full() == null ? "a smaller --lora-rank" : "a LoRA adapter instead of all weights") + " would help";
    return MemoryCheck.require(runtime, model.info().fileBytes(), work, advice);
  }

  private RunPlan plan(Model model, Trained trained, Task.Data data, long maxTokens, SessionOptions session, Long checked) {
    RowSet train = data.train();
    long work = trained.memoryBytes(session) + task.learnerBytes(model, trained.adapter(), session);
    long available = checked != null ? checked : requireMemory(model, work);
    int perStep = options.batching().rowsPerStep();
    long steps = options.length().steps(train.rows(), perStep);
    int[] all = IntStream.range(0, train.rows()).toArray();
    long tokens = train.tokens(all);
    return new RunPlan(train.rows(), tokens, train.targets(all), data.eval() == null ? 0 : data.eval().rows(), steps, perStep,
        trained.parameters().parameters(), maxTokens, model.info().fileBytes(), work, available,
        seconds(model, trained, (double) tokens / train.rows() * perStep * steps, evaluated(data)));
  }

  /** Tokens that all evaluations score. */
  private double evaluated(Task.Data data) {
    RowSet eval = data.eval();
    return eval == null ? 0 : (double) eval.tokens(IntStream.range(0, eval.rows()).toArray()) * Evaluations.of(options, data.train().rows()).count();
  }

  /** A guess: one more pass when activations are recomputed. */
  private Double seconds(Model model, Trained trained, double tokens, double evaluated) {
    double flop = (tokens * (trained.passes() + (options.batching().recompute().again() ? 1 : 0)) + evaluated) * model.info().flopsPerToken();
    return flop < WORTH_MEASURING_FLOP ? null : (Double) (flop / usualSpeed(runtime));
  }

  /** FLOP/s that a step usually reaches here: a guess from the f32 peak, which is measured for it (about a second). */
  public static double usualSpeed(GraftRuntime runtime) {
    return USUAL_SHARE.getOrDefault(runtime.info().isa(), 0.5) * runtime.peak().fmaFlops();
  }
}
