package dev.graft.eval.cli;

import dev.graft.bindings.Recompute;
import dev.graft.trainer.run.Schedule;
import dev.graft.trainer.run.RunOptions;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The flags of a training run; a picocli {@code @Mixin}. A null field was not given. */
final class TrainingFlags {
  private static final double DEFAULT_EPOCHS = 3;

  @Option(names = "--data", required = true, paramLabel = "D.jsonl", description = "The rows to learn. Required.")
  Path data;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "The run's folder, made when missing. Required.")
  Path output;

  @Option(names = "--eval-data", paramLabel = "E.jsonl", description = "Rows to evaluate on. Default: none.")
  Path evalData;

  @Option(names = "--max-steps", paramLabel = "N", description = "Optimizer steps; instead of --epochs.")
  Long maxSteps;

  @Option(names = "--epochs", paramLabel = "X", description = "Passes over the data, a fraction is fine; the last step wraps round to be full. Default: 3.")
  Double epochs;

  @Option(names = "--batch-size", paramLabel = "N", defaultValue = "4", description = "Rows of a batch. Default: ${DEFAULT-VALUE}.")
  int batchSize;

  @Option(names = "--gradient-accumulation", paramLabel = "N", defaultValue = "1", description = "Batches of an optimizer step. Default: ${DEFAULT-VALUE}.")
  int gradientAccumulation;

  @Option(names = "--learning-rate", paramLabel = "X", description = "Peak learning rate. Default: 2e-4 (dpo: 5e-5; --full: 1e-5, dpo 1e-6; pretrain: 1e-3).")
  Double learningRate;

  @Option(
      names = "--lr-scheduler",
      paramLabel = "constant|linear|cosine",
      defaultValue = "linear",
      description = "linear and cosine fall to 0 at the last step. Default: ${DEFAULT-VALUE}.")
  Schedule scheduler;

  @Option(names = "--warmup-steps", paramLabel = "N", defaultValue = "0", description = "Steps of a linear warmup from 0. Default: ${DEFAULT-VALUE}.")
  int warmupSteps;

  @Option(names = "--weight-decay", paramLabel = "X", defaultValue = "0", description = "Decoupled weight decay of AdamW. Default: ${DEFAULT-VALUE}.")
  double weightDecay;

  @Option(names = "--max-grad-norm", paramLabel = "X", defaultValue = "1.0", description = "Clips the gradient's norm to this; 0 for no clipping. Default: ${DEFAULT-VALUE}.")
  double maxGradNorm;

  @Option(
      names = "--adam-beta2",
      paramLabel = "X",
      defaultValue = "0.999",
      description = "Decay of AdamW's second moment; 0.95 is usual for pretraining, where few steps must do. Default: ${DEFAULT-VALUE}.")
  double beta2;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most tokens of a row: longer ones lose the left of their prompt, then the right of their completion. Default: the model's context.")
  int maxLength;

  @Option(names = "--no-shuffle", description = "Takes rows in file order, wrapping round. Default: a new order for each epoch.")
  boolean noShuffle;

  @Option(
      names = "--micro-batch-tokens",
      paramLabel = "N",
      defaultValue = "512",
      description = "Most tokens computed at once; bounds memory, does not change what is learnt. A longer row gets a batch to itself. Default: ${DEFAULT-VALUE}.")
  int microBatchTokens;

  @Option(
      names = "--recompute",
      paramLabel = "none|block|offload",
      defaultValue = "none",
      converter = RecomputeConverter.class,
      description = "Keeps activations, or computes each block again in the backward pass: less memory, more time; offload also keeps the blocks' inputs in the host's memory, not the GPU's. Default: ${DEFAULT-VALUE}.")
  Recompute recompute;

  @Option(names = "--eval-steps", paramLabel = "N", description = "Evaluates every N steps and at the end. Default: at the end of each epoch.")
  Long evalSteps;

  @Option(names = "--save-steps", paramLabel = "N", defaultValue = "100", description = "Saves a checkpoint every N steps and at the end. Default: ${DEFAULT-VALUE}.")
  long saveSteps;

  @Option(names = "--save-total-limit", paramLabel = "N", defaultValue = "2", description = "Keeps the newest N checkpoints; 0 for all. Default: ${DEFAULT-VALUE}.")
  int saveTotalLimit;

  @Option(names = "--resume", description = "Goes on from the newest checkpoint in --output; starts anew when there is none. Default: off.")
  boolean resume;

  @Option(names = "--overwrite", description = "Replaces a run that is in --output. Default: off.")
  boolean overwrite;

  @Option(
      names = "--early-stopping-patience",
      paramLabel = "N",
      description = "Stops after N evaluations in a row without a lower loss; adapter.gguf is then the best. Default: never.")
  Integer patience;

  @Option(names = "--load-best", description = "adapter.gguf is the best evaluated one, not that of the last step. Default: off.")
  boolean loadBest;

  /**
   * @param model the GGUF to start from  @param template how text becomes prompts  @param method what is trained
   * @param usualRate learning rate when none was given
   */
  RunOptions options(Path model, String template, CommonOptions common, MethodFlags method, double usualRate) {
    if (maxSteps != null && epochs != null) {
      throw CliException.usage("--max-steps and --epochs exclude one another; give one of them");
    }
    positive("--max-steps", maxSteps);
    positive("--eval-steps", evalSteps);
    positive("--early-stopping-patience", patience == null ? null : Long.valueOf(patience));
    return new RunOptions(
        new RunOptions.Files(model, data, evalData, method.initAdapter, output),
        method.lora(),
        method.allWeights(),
        new RunOptions.Optimizer(learningRate == null ? usualRate : learningRate, scheduler, warmupSteps, weightDecay, maxGradNorm, beta2),
        new RunOptions.Batching(batchSize, gradientAccumulation, microBatchTokens, recompute, maxLength, !noShuffle),
        new RunOptions.Length(maxSteps == null ? 0 : maxSteps, epochs == null ? DEFAULT_EPOCHS : epochs),
        new RunOptions.Cadence(evalSteps == null ? 0 : evalSteps, saveSteps, saveTotalLimit, patience == null ? 0 : patience, loadBest),
        template,
        common.seed(),
        resume,
        overwrite);
  }

  private static void positive(String flag, Long value) {
    if (value != null && value < 1) {
      throw CliException.usage(flag + " " + value + " must be at least 1");
    }
  }
}
