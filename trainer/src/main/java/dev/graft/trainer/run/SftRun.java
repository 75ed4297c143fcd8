package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.AdapterInfo;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Dataset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Supervised fine-tuning of a LoRA adapter (Hu et al. 2021, arXiv:2106.09685) into a folder: reads, checks, resumes, and hands over
 * to {@link SftLoop}. One thread; the {@link StopRequest} may come from any.
 */
public final class SftRun {
  private static final ObjectMapper JSON = new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);
  /** Forward passes worth this many FLOP take some seconds; below, a guess of the time is not worth measuring for. */
  private static final double WORTH_MEASURING_FLOP = 5e12;
  /** Share of the f32 FMA peak that a step reaches by isa (amx passes it), as 'graft bench train' prints it; for the guess of the time only. */
  private static final Map<String, Double> USUAL_SHARE = Map.of("amx", 1.2, "avx512", 0.7, "avx2", 0.35, "neon", 0.35, "ref", 0.004);

  private final GraftRuntime runtime;
  private final SftOptions options;
  private final RunListener listener;
  private final StopRequest stop;

  private SftRun(GraftRuntime runtime, SftOptions options, RunListener listener, StopRequest stop) {
    this.runtime = runtime;
    this.options = options;
    this.listener = listener;
    this.stop = stop;
  }

  /**
   * Runs to the end, or until a stop is requested; then the newest checkpoint holds everything done.
   *
   * @param runtime where to compute; stays open
   * @throws RunException what is wrong in one line, with an exit code
   * @throws dev.graft.trainer.data.DataException when a row cannot be used
   * @throws dev.graft.bindings.GraftException when the native side refuses
   */
  public static RunSummary run(GraftRuntime runtime, SftOptions options, RunListener listener, StopRequest stop) {
    return new SftRun(runtime, options, listener, stop).run();
  }

  private RunSummary run() {
    // Locked before the model is read: a second run must fail at once.
    try (RunFolder folder = RunFolder.open(options.files().output())) {
      Checkpoints checkpoints = new Checkpoints(folder.checkpoints());
      Optional<Checkpoints.Saved> saved = options.overwrite() ? Optional.empty() : checkpoints.newest();
      if (folder.hasRun() && !options.resume() && !options.overwrite()) {
        throw RunException.usage("--output " + folder.root() + ": already holds a run; go on with --resume, replace it with --overwrite, or choose another folder");
      }
      JsonNode before = null;
      if (saved.isPresent()) {
        before = RunConfig.read(folder.config());
        List<String> notes = RunConfig.checkFlags(before, options, runtime.info());
        if (!notes.isEmpty()) {
          listener.note("resuming with " + String.join(", ", notes) + ": results may differ in the last bits from an unbroken run");
        }
      } else if (options.resume()) {
        listener.note("nothing to resume in " + folder.root() + ": starting anew");
      }
      Map<String, FileHash> hashes = hashes();
      if (before != null) {
        RunConfig.checkFiles(before, hashes);
      }
      try (Model model = Model.open(runtime, options.files().model())) {
        return run(folder, checkpoints, saved, before, hashes, model);
      }
    }
  }

  private Map<String, FileHash> hashes() {
    Map<String, FileHash> hashes = new LinkedHashMap<>();
    hashes.put("model", FileHash.start(options.files().model()));
    hashes.put("data", FileHash.start(options.files().data()));
    if (options.files().evalData() != null) {
      hashes.put("eval-data", FileHash.start(options.files().evalData()));
    }
    if (options.files().initAdapter() != null) {
      hashes.put("init-adapter", FileHash.start(options.files().initAdapter()));
    }
    return hashes;
  }

  private RunSummary run(RunFolder folder, Checkpoints checkpoints, Optional<Checkpoints.Saved> saved, JsonNode before, Map<String, FileHash> hashes, Model model) {
    model.info().notes().forEach(listener::note);
    int maxLength = options.batching().maxLength() > 0 ? options.batching().maxLength() : model.info().contextLength();
    Dataset data;
    Dataset evalData = null;
    try (RowSource rows = RowSource.open(model.path(), model.info().vocabulary(), options.template())) {
      data = rows.read(options.files().data(), Dataset.Kind.SFT, maxLength, false);
      report("data", data);
      if (options.files().evalData() != null) {
        evalData = rows.read(options.files().evalData(), Dataset.Kind.SFT, maxLength, false);
        report("eval-data", evalData);
      }
    }
    SftBatches batches = batches(data);
    SftBatches evalBatches = evalData == null ? null : batches(evalData);
    int longest = Math.max(batches.longest(), evalBatches == null ? 0 : evalBatches.longest());
    long together = Math.max(batches.mostTokens(options.batching().rowsPerStep()), evalBatches == null ? 0 : evalBatches.mostTokens(evalBatches.rows()));
    long maxTokens = Math.max(longest, Math.min(options.batching().microBatchTokens(), together));
    SessionOptions session =
        new SessionOptions(true, maxTokens, maxTokens, options.batching().recompute(), (float) options.adapter().dropout(), options.seed());

    try (Adapter adapter = adapter(model)) {
      RunPlan plan = plan(model, adapter, batches, evalBatches, maxTokens, session);
      if (before != null) {
        RunConfig.checkSteps(before, options, plan.steps());
      }
      try (TrainingSession training = TrainingSession.open(model, adapter, session)) {
        TrainState state = TrainState.START;
        if (saved.isPresent()) {
          state = checkpoints.state(saved.get());
          checkpoints.load(saved.get(), training);
          listener.note("resuming from " + saved.get().path());
        } else {
          folder.clear();
        }
        Supplier<ObjectNode> config =
            () -> RunConfig.build("sft", options, runtime.info(), hashes, plan, JSON.valueToTree(model.info()), adapterInfo(adapter), data.report().toJson());
        RunConfig.write(folder.config(), config.get());
        Runnable withHashes =
            () -> {
              hashes.values().forEach(FileHash::get); // waits
              RunConfig.write(folder.config(), config.get());
            };
        listener.started(plan, state.step());
        SftStep step = new SftStep(training, batches, options, maxTokens, plan.steps(), checkpoints);
        Evaluator evaluator = evalBatches == null ? null : new Evaluator(evalBatches, maxTokens, checkpoints);
        return new SftLoop(options, plan, folder, checkpoints, training, adapter, step, evaluator, listener, stop, withHashes).run(state);
      }
    }
  }

  private static ObjectNode adapterInfo(Adapter adapter) {
    AdapterInfo info = adapter.info();
    return JSON.createObjectNode().put("rank", info.rank()).put("alpha", info.alpha()).put("scale", info.scale()).put("parameters", info.parameters());
  }

  private void report(String flag, Dataset data) {
    data.report().warnings().forEach(line -> listener.note("--" + flag + ": " + line));
  }

  private static SftBatches batches(Dataset data) {
    SftBatches batches = new SftBatches(data.sft());
    if (batches.rows() == 0) {
      throw RunException.badData(data.file() + ": no row has anything to learn; see 'graft preview'", null);
    }
    return batches;
  }

  private Adapter adapter(Model model) {
    if (options.files().initAdapter() != null) {
      return Adapter.open(model, options.files().initAdapter());
    }
    SftOptions.Lora lora = options.adapter();
    return Adapter.create(model, new LoraSpec(lora.rank(), (float) lora.alpha(), lora.rslora(), lora.targets(), options.seed()));
  }

  private RunPlan plan(Model model, Adapter adapter, SftBatches batches, SftBatches evalBatches, long maxTokens, SessionOptions session) {
    String targets = options.files().initAdapter() != null ? "all-linear" : options.adapter().targets();
    long work = TrainingSession.memoryBytes(model, adapter.info().rank(), targets, session);
    String advice = (options.batching().recompute() ? "" : "--recompute block, ") + "a lower --micro-batch-tokens (" + options.batching().microBatchTokens()
        + " now) or --max-length, or a smaller --lora-rank would help";
    long available = MemoryCheck.require(runtime.info().device(), model.info().fileBytes(), work, advice);
    int perStep = options.batching().rowsPerStep();
    long steps = options.length().steps(batches.rows(), perStep);
    int[] all = IntStream.range(0, batches.rows()).toArray();
    long tokens = batches.tokens(all);
    return new RunPlan(batches.rows(), tokens, batches.targets(all), evalBatches == null ? 0 : evalBatches.rows(), steps, perStep,
        adapter.info().parameters(), maxTokens, model.info().fileBytes(), work, available, seconds(model, (double) tokens / batches.rows() * perStep * steps));
  }

  /** A guess: a frozen base costs two forward passes a token, and a third when activations are recomputed. */
  private Double seconds(Model model, double tokens) {
    double flop = tokens * model.info().flopsPerToken() * (options.batching().recompute() ? 3 : 2);
    return flop < WORTH_MEASURING_FLOP ? null : (Double) (flop / (USUAL_SHARE.getOrDefault(runtime.info().isa(), 0.5) * runtime.peak().fmaFlops()));
  }
}
