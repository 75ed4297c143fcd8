package dev.graft.trainer.plan;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.preference.ReferenceSize;
import dev.graft.trainer.run.Evaluations;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.SessionSize;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;

/** Works out what ways of training cost, without training. One thread. */
public final class Planner {
  private final Model model;
  private final Adapter adapter;
  private final long available;
  private final RunOptions options;
  private final List<? extends Example> rows;
  private final List<? extends Example> evalRows;
  private final ModelCost cost;

  /**
   * @param adapter as the run would begin with, or any where all weights are trained; stays open and as it is  @param available bytes of memory, 0 when that is not known
   * @param rows to learn, at least one, all of one kind  @param evalRows to evaluate on, may be empty
   */
  public Planner(Model model, Adapter adapter, long available, RunOptions options, List<? extends Example> rows, List<? extends Example> evalRows) {
    this.model = model;
    this.adapter = adapter;
    this.available = available;
    this.options = options;
    this.rows = List.copyOf(rows);
    this.evalRows = List.copyOf(evalRows);
    this.cost = ModelCost.of(model.info());
  }

  /** Optimizer steps of the run. */
  public long steps() {
    return options.length().steps(rows.size(), options.batching().rowsPerStep());
  }

  /** Passes over the data. */
  public double epochs() {
    return (double) steps() * options.batching().rowsPerStep() / rows.size();
  }

  /** What a way costs. */
  public WayPlan plan(Way way, Speed speed) {
    PlannedRows train = planned(rows, way);
    SessionSize size = size(way, options);
    Flops epoch = trained(train.total());
    Flops kl = cost.score(train.mismatchedTotal());
    Flops reference = reference(way, train);
    EvaluationPlan evaluation = evaluation(way, speed);
    double stepsOfEpoch = (double) rows.size() / options.batching().rowsPerStep();
    double epochSeconds =
        speed.training(epoch) + speed.scoring(kl) + optimizerSeconds(speed) * stepsOfEpoch + (way.online() ? speed.scoring(reference) : 0);
    double once = way.online() ? 0 : speed.scoring(reference.plus(evaluation.onceFlops()));
    double step = epochSeconds / stepsOfEpoch;
    return new WayPlan(way, train.promptTokens(), train.completionTokens(), train.total(), train.microBatches(options, size.maxTokens()), size.maxTokens(), epoch,
        kl, reference, evaluation, memory(way, options), step, epochSeconds, once, once + step * steps() + evaluation.seconds() * evaluation.count());
  }

  /** A step of the optimizer was measured on the adapter; it takes the longer the more it updates. */
  private double optimizerSeconds(Speed speed) {
    return options.full() == null ? speed.optimizerSeconds() : speed.optimizerSeconds() * model.info().parameters() / adapter.info().parameters();
  }

  /** Training passes; where all weights are trained, those of their gradients too, as large as the forward's. */
  private Flops trained(BatchShape shape) {
    Flops frozen = cost.train(shape, options.batching().recompute().again());
    return options.full() == null ? frozen : frozen.plus(new Flops(0, cost.score(shape).forward(), 0, 0));
  }

  private PlannedRows planned(List<? extends Example> examples, Way way) {
    int asked = options.batching().maxLength();
    return new PlannedRows(examples, way, asked > 0 ? asked : model.info().contextLength());
  }

  /** One pass of the reference over all rows. */
  private Flops reference(Way way, PlannedRows set) {
    return way.reference() == Way.Reference.NONE ? Flops.NONE : cost.score(set.total().plus(set.mismatchedTotal()));
  }

  private EvaluationPlan evaluation(Way way, Speed speed) {
    if (evalRows.isEmpty()) {
      return new EvaluationPlan(0, 0, Flops.NONE, Flops.NONE, 0);
    }
    PlannedRows eval = planned(evalRows, way);
    Flops policy = cost.score(eval.total().plus(eval.mismatchedTotal()));
    Flops reference = reference(way, eval);
    Flops each = way.online() ? policy.plus(reference) : policy;
    return new EvaluationPlan(eval.rows(), Evaluations.of(options, rows.size()).count(), each, way.online() ? Flops.NONE : reference, speed.scoring(each));
  }

  /** The session that a way needs. */
  private SessionSize size(Way way, RunOptions with) {
    return SessionSize.of(planned(rows, way), evalRows.isEmpty() ? null : planned(evalRows, way), with.batching());
  }

  private MemoryPlan memory(Way way, RunOptions with) {
    SessionSize size = size(way, with);
    SessionOptions training = size.training(with);
    if (with.full() != null) {
      return memoryOfWeights(way, size, training);
    }
    boolean given = with.files().initAdapter() != null;
    int rank = given ? adapter.info().rank() : with.adapter().rank();
    String targets = given ? "all-linear" : with.adapter().targets();
    long bytes = TrainingSession.memoryBytes(model, rank, targets, training);
    long parameters = adapter.info().parameters() * rank / adapter.info().rank();
    long trained = 4 * parameters * Float.BYTES; // itself, gradient, two moments
    long reference = way.online() ? TrainingSession.memoryBytes(model, rank, "all-linear", SessionOptions.scoring(size.maxTokens(), size.maxTargets())) : 0;
    return new MemoryPlan(model.info().fileBytes(), bytes - trained, trained, reference, cachePass(way, training, rank), MemoryCheck.javaBytes(model.runtime()), available);
  }

  /** Of training all weights: they, their gradients and moments lie beside the file; DPO's reference is the file once more, mapped. */
  private MemoryPlan memoryOfWeights(Way way, SessionSize size, SessionOptions training) {
    long bytes = TrainingSession.memoryBytesOfWeights(model, training);
    long trained = Math.min(bytes, 4 * model.info().parameters() * Float.BYTES);
    long reference = way.online() ? TrainingSession.memoryBytes(model, 0, "all-linear", SessionOptions.scoring(size.maxTokens(), size.maxTargets())) : 0;
    long cache = cachePass(way, training, 0);
    return new MemoryPlan(model.info().fileBytes(), bytes - trained, trained, reference, cache == 0 ? 0 : cache + trained, MemoryCheck.javaBytes(model.runtime()), available);
  }

  /** The largest of the sessions that fill the cache, one after the other. */
  private long cachePass(Way way, SessionOptions training, int rank) {
    if (way.reference() != Way.Reference.CACHE) {
      return 0;
    }
    return Stream.of(rows, evalRows)
        .filter(examples -> !examples.isEmpty())
        .flatMap(examples -> planned(examples, way).sets().stream())
        .mapToLong(set -> TrainingSession.memoryBytes(model, rank, "all-linear", ReferenceSize.of(model, rank, set, training)))
        .max()
        .orElse(0);
  }

  /**
   * Measures the machine, in some 10 seconds; with too little memory for that, `usual` is taken.
   *
   * @param way whose rows are imitated  @param usual the speed to take when measuring does not fit into memory  @param note told what takes time
   */
  public Speed measure(Way way, DoubleSupplier usual, Consumer<String> note) {
    PlannedRows train = planned(rows, way);
    long maxTokens = size(way, options).maxTokens();
    BatchShape total = train.total();
    SpeedProbe probe = new SpeedProbe(model, adapter, options.batching().recompute(), (float) options.adapter().dropout(), (double) total.targets() / Math.max(1, total.rows()),
        Math.max(2, total.rows() / Math.max(1, rows.size())));
    String targets = options.files().initAdapter() != null ? "all-linear" : options.adapter().targets();
    long needed = model.info().fileBytes() + probe.bytes(adapter.info().rank(), targets, maxTokens) + MemoryCheck.javaBytes(model.runtime());
    if (available > 0 && needed > available) {
      note.accept("too little memory to measure the speed: a guess from the f32 peak is taken");
      return Speed.given(usual.getAsDouble(), "a guess from this machine's f32 peak");
    }
    note.accept("measuring this machine's speed on the model");
    return probe.measure(maxTokens);
  }

  /** Flags that would lower the memory of a way, each with what it would then need, largest help first; empty when it fits. */
  public List<String> advice(Way way) {
    MemoryPlan now = memory(way, options);
    List<String> advice = new ArrayList<>();
    if (now.fits()) {
      return advice;
    }
    RunOptions.Batching b = options.batching();
    long longest = planned(rows, way).longest();
    RunOptions recomputed = with(new RunOptions.Batching(b.batchSize(), b.accumulation(), b.microBatchTokens(), Recompute.BLOCK, b.maxLength(), b.shuffle()));
    int least = (int) Math.max(1, Math.min(longest, b.microBatchTokens()));
    RunOptions smaller = with(new RunOptions.Batching(b.batchSize(), b.accumulation(), least, b.recompute(), b.maxLength(), b.shuffle()));
    RunOptions both = with(new RunOptions.Batching(b.batchSize(), b.accumulation(), least, Recompute.BLOCK, b.maxLength(), b.shuffle()));
    RunOptions offloaded = with(new RunOptions.Batching(b.batchSize(), b.accumulation(), b.microBatchTokens(), Recompute.OFFLOAD, b.maxLength(), b.shuffle()));
    add(advice, "--recompute block", now, memory(way, recomputed));
    if (memory(way, offloaded).peak() < memory(way, recomputed).peak()) {
      add(advice, "--recompute offload", now, memory(way, offloaded));
    }
    add(advice, "--micro-batch-tokens " + least, now, memory(way, smaller));
    if (!b.recompute().again() && least < b.microBatchTokens()) {
      add(advice, "both", now, memory(way, both));
    }
    if (way.online()) {
      add(advice, "--reference cache", now, memory(way.with(Way.Reference.CACHE), options));
    }
    if (way.method() == Way.Method.DPO && !way.prefixSharing()) {
      add(advice, "leaving --no-prefix-sharing out", now, memory(new Way(Way.Method.DPO, true, way.reference()), options));
    }
    if (!memory(way, both).fits()) {
      advice.add("a lower --max-length (the longest row has " + longest + " tokens to compute), a smaller --lora-rank, or a model in fewer bits");
    }
    return advice;
  }

  private static void add(List<String> advice, String flags, MemoryPlan now, MemoryPlan then) {
    if (then.peak() < now.peak()) {
      advice.add(flags + ": " + MemoryCheck.gib(then.peak()) + (then.fits() ? ", which fits" : ", still too much"));
    }
  }

  private RunOptions with(RunOptions.Batching batching) {
    return new RunOptions(options.files(), options.adapter(), options.full(), options.optimizer(), batching, options.length(), options.cadence(), options.template(), options.seed(),
        options.resume(), options.overwrite());
  }
}
