package dev.graft.eval.bench;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Losses;
import dev.graft.bindings.Model;
import dev.graft.bindings.ModelInfo;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.Peak;
import dev.graft.bindings.RuntimeInfo;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Trains on random tokens and measures, with the machine's peak before and after in the same run. */
final class TrainBench {
  private TrainBench() {}

  /**
   * What to measure.
   *
   * @param model a GGUF
   * @param sequence tokens of a row
   * @param batch rows of a step
   * @param rank of the adapter
   * @param targets of the adapter
   * @param recompute blocks are computed again in the backward pass
   * @param steps measured, after one that is not
   * @param seed of adapter and tokens
   */
  record Settings(Path model, int sequence, int batch, int rank, String targets, Recompute recompute, int steps, long seed) {}

  /**
   * What came out.
   *
   * @param peakResidentBytes most bytes ever resident up to the end of training, mapped weights and the JVM included
   * @param sessionBytes what the session itself says it takes
   */
  record Result(Settings settings, RuntimeInfo runtime, ModelInfo model, long adapterParameters, Peak before, Peak after, List<StepTimes> steps,
      StepFlops flops, OptionalLong peakResidentBytes, long sessionBytes) {
    /** The higher of the two measured FMA peaks, so that a slow moment of the machine does not flatter. */
    double peakFlops() {
      return Math.max(before.fmaFlops(), after.fmaFlops());
    }

    /** Products of forward and backward, by median time, as a share of the peak. */
    double ratio() {
      return flops.compute() / StepTimes.median(steps, StepTimes::compute) / peakFlops();
    }

    /** Tokens of a step by median time of a whole step. */
    double tokensPerSecond() {
      return (double) settings.batch * settings.sequence / StepTimes.median(steps, StepTimes::total);
    }
  }

  static Result run(GraftRuntime runtime, Settings s, Consumer<String> note) {
    Peak before = runtime.peak();
    note.accept(String.format(Locale.ROOT, "f32 FMA peak %.1f GFLOP/s, copy %.1f GB/s", before.fmaFlops() * 1e-9, before.copyBytes() * 1e-9));
    long targets = (long) s.batch * (s.sequence - 1);
    SessionOptions options = new SessionOptions(true, (long) s.batch * s.sequence, targets, s.recompute, 0, s.seed);
    try (Model model = Model.open(runtime, s.model);
        Adapter adapter = Adapter.create(model, new LoraSpec(s.rank, 2f * s.rank, false, s.targets, s.seed))) {
      long sessionBytes = TrainingSession.memoryBytes(model, s.rank, s.targets, options);
      List<StepTimes> steps = new ArrayList<>();
      try (TrainingSession session = TrainingSession.open(model, adapter, options);
          PackedBatch batch = randomBatch(s, model.info().vocabulary())) {
        for (int i = 0; i <= s.steps; i++) {
          StepTimes times = step(session, batch, targets);
          note.accept(String.format(Locale.ROOT, "%s: forward %.3f s, backward %.3f s, optimizer %.3f s, loss %.4f",
              i == 0 ? "warm-up" : "step " + i, times.forward(), times.backward(), times.optimizer(), times.loss()));
          if (i > 0) {
            steps.add(times);
          }
        }
      }
      OptionalLong resident = ProcessMemory.peakBytes();
      return new Result(s, runtime.info(), model.info(), adapter.info().parameters(), before, runtime.peak(), List.copyOf(steps),
          StepFlops.of(model.info(), s.batch, s.sequence), resident, sessionBytes);
    }
  }

  private static StepTimes step(TrainingSession session, PackedBatch batch, long targets) {
    long start = System.nanoTime();
    session.forward(batch, true);
    double loss = Losses.sft(batch, targets);
    long scored = System.nanoTime();
    session.backward(batch);
    long differentiated = System.nanoTime();
    session.step(1e-4f, 0, 1);
    long end = System.nanoTime();
    return new StepTimes((scored - start) * 1e-9, (differentiated - scored) * 1e-9, (end - differentiated) * 1e-9, loss);
  }

  private static PackedBatch randomBatch(Settings s, int vocabulary) {
    SplittableRandom random = new SplittableRandom(s.seed);
    PackedBatch.Builder builder = new PackedBatch.Builder();
    for (int row = 0; row < s.batch; row++) {
      int[] tokens = random.ints(s.sequence, 0, vocabulary).toArray();
      int segment = builder.addSegment(-1, tokens);
      for (int i = 1; i < tokens.length; i++) {
        builder.addTarget(segment, i - 1, tokens[i]);
      }
    }
    return builder.build();
  }
}
