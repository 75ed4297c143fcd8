package dev.graft.eval.bench;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.Generator;
import dev.graft.bindings.Generator.Keep;
import dev.graft.bindings.GeneratorOptions;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GgufTensor;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.ModelInfo;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.Peak;
import dev.graft.bindings.Recompute;
import dev.graft.bindings.RuntimeInfo;
import dev.graft.bindings.Sampling;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.llama.LlamaAnswer;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import dev.graft.trainer.llama.LlamaRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Reads random prompts and writes greedily, with the machine's peaks before and after in the same run, and llama.cpp in between where asked. */
final class DecodeBench {
  /** Prompt tokens of sequences whose reading is not timed. */
  private static final int SHORT = 16;
  /** Of the adapter of a forward pass in training. */
  private static final int RANK = 16;

  private DecodeBench() {}

  /**
   * What to measure.
   *
   * @param model a GGUF
   * @param prompt tokens read before writing
   * @param tokens written by each sequence
   * @param batches numbers of sequences that write at a time
   * @param repeats of everything; the best counts
   * @param peer llama.cpp is measured too
   * @param seed of the prompts
   */
  record Settings(Path model, int prompt, int tokens, List<Integer> batches, int repeats, boolean peer, long seed) {}

  /**
   * Speed of sequences that write together.
   *
   * @param batch how many
   * @param seconds of one step, which writes a token of each: the median of its run, the best of the runs
   */
  record Written(int batch, double seconds) {
    double tokensPerSecond() {
      return batch / seconds;
    }
  }

  /** One sequence of llama.cpp's: tokens/s of prompt and answer. */
  record PeerSpeed(double promptTokensPerSecond, double tokensPerSecond) {}

  /**
   * What came out.
   *
   * @param promptTokensPerSecond of one prompt
   * @param trainingTokensPerSecond of the same tokens in a forward pass of training: with an adapter, and what backward needs is kept
   * @param stepBytes weights that a step reads, at most once each
   */
  record Result(Settings settings, RuntimeInfo runtime, ModelInfo model, Peak before, Peak after, double promptTokensPerSecond, double trainingTokensPerSecond,
      List<Written> written, long stepBytes, Optional<PeerSpeed> peer) {
    /** The higher of the two measured bandwidths, so that a slow moment of the machine does not flatter. */
    double readBytes() {
      return Math.max(before.readBytes(), after.readBytes());
    }

    double fmaFlops() {
      return Math.max(before.fmaFlops(), after.fmaFlops());
    }

    /** Weights read in a second by one sequence as a share of the bandwidth. */
    double bandwidthShare(Written w) {
      return stepBytes / w.seconds() / readBytes();
    }

    /** Multiply-adds of a step's rows as a share of the f32 FMA peak. */
    double fmaShare(Written w) {
      return model.flopsPerToken() * w.tokensPerSecond() / fmaFlops();
    }
  }

  static Result run(GraftRuntime runtime, Settings s, Consumer<String> note) throws IOException {
    Peak before = runtime.peak();
    note.accept(String.format(Locale.ROOT, "reads %.1f GB/s, f32 FMA peak %.1f GFLOP/s", before.readBytes() * 1e-9, before.fmaFlops() * 1e-9));
    try (Model model = Model.open(runtime, s.model)) {
      int[] prompt = new SplittableRandom(s.seed).ints(s.prompt, 0, model.info().vocabulary()).toArray();
      double read = 0;
      double forward = 0;
      double[] steps = new double[s.batches.size()];
      Arrays.fill(steps, Double.POSITIVE_INFINITY);
      double peerFirst = Double.POSITIVE_INFINITY;
      double peerAll = Double.POSITIVE_INFINITY;
      try (LlamaProcess llama = s.peer ? LlamaProcess.start(LlamaOptions.of(s.model).withThreads(runtime.info().threads()).withContext(context(s))) : null) {
        if (llama != null) {
          seconds(llama, prompt, 1); // reads the file
        }
        for (int round = 0; round < s.repeats; round++) {
          for (int i = 0; i < steps.length; i++) {
            Speed speed = write(model, s, s.batches.get(i), prompt);
            read = Math.max(read, speed.promptTokensPerSecond);
            steps[i] = Math.min(steps[i], speed.step);
            note.accept(String.format(Locale.ROOT, "round %d, %d at a time: %.1f tokens/s", round + 1, s.batches.get(i), s.batches.get(i) / speed.step));
          }
          forward = Math.max(forward, trainingForward(model, s, prompt));
          if (llama != null) {
            double first = seconds(llama, prompt, 1);
            double all = seconds(llama, prompt, s.tokens + 1);
            note.accept(String.format(Locale.ROOT, "round %d, llama.cpp: %.2f s for one token, %.2f s for %d", round + 1, first, all, s.tokens + 1));
            peerFirst = Math.min(peerFirst, first);
            peerAll = Math.min(peerAll, all);
          }
        }
      }
      List<Written> written = IntStream.range(0, steps.length).mapToObj(i -> new Written(s.batches.get(i), steps[i])).toList();
      return new Result(s, runtime.info(), model.info(), before, runtime.peak(), read, forward, written, stepBytes(s.model, model.info()),
          s.peer ? Optional.of(peerSpeed(s, peerFirst, peerAll)) : Optional.empty());
    }
  }

  private record Speed(double promptTokensPerSecond, double step) {}

  private static int context(Settings s) {
    return s.prompt + s.tokens + 1;
  }

  /** One sequence reads the prompt, timed; each of the others a short one. All write on. */
  private static Speed write(Model model, Settings s, int batch, int[] prompt) {
    try (Generator generator = Generator.open(model, new GeneratorOptions(batch, context(s)))) {
      int[] all = IntStream.range(0, batch).toArray();
      int[] ones = new int[batch];
      Arrays.fill(ones, 1);
      Keep[] logits = new Keep[batch];
      Arrays.fill(logits, Keep.LOGITS);
      double read = 0;
      for (int i = 0; i < batch; i++) {
        int[] own = i == 0 ? prompt : Arrays.copyOfRange(prompt, i % prompt.length, Math.min(prompt.length, i % prompt.length + SHORT));
        long start = System.nanoTime();
        generator.begin(i, new int[0], new float[0], own, context(s), false);
        generator.append(new int[] {i}, new int[] {own.length}, own, new Keep[] {Keep.LOGITS});
        read = Math.max(read, i == 0 ? own.length / ((System.nanoTime() - start) * 1e-9) : 0);
      }
      double[] seconds = new double[s.tokens];
      int[] next = new int[batch];
      for (int t = 0; t < s.tokens; t++) {
        long start = System.nanoTime();
        for (int i = 0; i < batch; i++) {
          next[i] = generator.sample(i, Sampling.GREEDY, 0, null);
        }
        generator.append(all, ones, next, logits);
        seconds[t] = (System.nanoTime() - start) * 1e-9;
      }
      Arrays.sort(seconds);
      return new Speed(read, seconds[seconds.length / 2]);
    }
  }

  /** Tokens/s of the prompt in a forward pass of training. */
  private static double trainingForward(Model model, Settings s, int[] prompt) {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    builder.addTarget(builder.addSegment(-1, prompt), prompt.length - 1, prompt[0]);
    LoraSpec lora = new LoraSpec(RANK, 2f * RANK, false, "all-linear", s.seed);
    try (Adapter adapter = Adapter.create(model, lora);
        TrainingSession session = TrainingSession.open(model, adapter, new SessionOptions(true, prompt.length, 1, Recompute.BLOCK, 0, s.seed));
        PackedBatch batch = builder.build()) {
      long start = System.nanoTime();
      session.forward(batch, true);
      return prompt.length / ((System.nanoTime() - start) * 1e-9);
    }
  }

  /** From the best times of a prompt with one token and with all: the difference is that of writing the rest. */
  private static PeerSpeed peerSpeed(Settings s, double first, double all) throws IOException {
    if (!(all > first)) {
      throw new IOException("llama.cpp took longer for one token than for " + (s.tokens + 1) + ", so other programs disturb; raise --tokens or --repeats");
    }
    return new PeerSpeed(s.prompt / first, s.tokens / (all - first));
  }

  private static double seconds(LlamaProcess llama, int[] prompt, int tokens) throws IOException {
    long start = System.nanoTime();
    LlamaAnswer answer = llama.generate(LlamaRequest.greedy(prompt, tokens));
    double seconds = (System.nanoTime() - start) * 1e-9;
    if (!"length".equals(answer.finishReason())) {
      throw new IOException("llama.cpp ended its answer before " + tokens + " tokens, so its speed is not known; try another --seed");
    }
    return seconds;
  }

  /** All weights, without a table of embeddings that is not the output too: of that a step reads single rows. */
  private static long stepBytes(Path path, ModelInfo info) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      List<GgufTensor> tensors = new ArrayList<>(file.tensors());
      boolean tied = tensors.stream().noneMatch(t -> t.name().equals("output.weight"));
      long table = tensors.stream().filter(t -> t.name().equals("token_embd.weight")).mapToLong(GgufTensor::bytes).sum();
      return info.weightBytes() - (tied ? 0 : table);
    }
  }
}
