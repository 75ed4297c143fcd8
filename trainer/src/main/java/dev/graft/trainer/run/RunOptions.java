package dev.graft.trainer.run;

import dev.graft.bindings.Recompute;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Everything that a training run is told, whatever it learns. Constructors refuse values out of range with the flag's name.
 *
 * @param files what is read and written
 * @param adapter the LoRA adapter to make
 * @param full all weights are trained instead; or null
 * @param optimizer AdamW and its schedule
 * @param batching how rows become steps
 * @param length how long to train
 * @param cadence how often to evaluate and save
 * @param template {@code auto}, {@code none}, a name or a file: how text becomes a prompt
 * @param seed seed of adapter, order and dropout
 * @param resume go on from the last checkpoint
 * @param overwrite throw away a run that is in the folder
 */
public record RunOptions(
    Files files,
    Lora adapter,
    Full full,
    Optimizer optimizer,
    Batching batching,
    Length length,
    Cadence cadence,
    String template,
    long seed,
    boolean resume,
    boolean overwrite) {

  /** @throws RunException when two of the flags exclude one another */
  public RunOptions {
    require(!(resume && overwrite), "--resume and --overwrite exclude one another; give one of them");
    require(cadence.patience == 0 || files.evalData != null, "--early-stopping-patience needs --eval-data");
    require(!cadence.loadBest || files.evalData != null, "--load-best needs --eval-data");
    require(cadence.evalSteps == 0 || files.evalData != null, "--eval-steps needs --eval-data");
    require(full == null || files.initAdapter == null, "--init-adapter is for training an adapter; training all weights starts from --model alone");
    require(full == null || adapter.dropout == 0, "--lora-dropout acts on an adapter; training all weights knows none");
  }

  /**
   * @param model the GGUF  @param data rows to learn  @param evalData rows to evaluate on, or null
   * @param initAdapter adapter to go on from, or null  @param output folder of the run
   */
  public record Files(Path model, Path data, Path evalData, Path initAdapter, Path output) {}

  /**
   * @param rank rank of new adapters, at least 1  @param alpha scale is alpha/rank, or alpha/sqrt(rank) with rslora
   * @param dropout probability in [0, 1)  @param targets {@code all-linear} or names with commas
   */
  public record Lora(int rank, double alpha, double dropout, boolean rslora, String targets) {
    /** Checks ranges. */
    public Lora {
      require(rank >= 1, "--lora-rank " + rank + " must be at least 1");
      require(alpha > 0 && Double.isFinite(alpha), "--lora-alpha " + alpha + " must be positive");
      require(dropout >= 0 && dropout < 1, "--lora-dropout " + dropout + " must be at least 0 and below 1");
    }
  }

  /** Training of all weights. @param outputType F32, F16, BF16 or Q8_0 for the matrices of the file; null: each tensor in the type that it had */
  public record Full(String outputType) {
    /** Checks the type. */
    public Full {
      require(outputType == null || outputType.matches("(?i)F32|F16|BF16|Q8_0"), "--output-type " + outputType + " is not known; give F32, F16, BF16 or Q8_0");
    }
  }

  /**
   * @param learningRate peak of the schedule  @param warmupSteps steps from 0 to the peak  @param weightDecay decoupled
   * @param maxGradNorm the gradient's norm is cut to this; 0 for no clipping  @param beta2 decay of AdamW's second moment
   */
  public record Optimizer(double learningRate, Schedule schedule, int warmupSteps, double weightDecay, double maxGradNorm, double beta2) {
    /** Checks ranges. */
    public Optimizer {
      require(learningRate >= 0 && Double.isFinite((float) learningRate), "--learning-rate " + learningRate + " must be a finite number, 0 or more");
      require(warmupSteps >= 0, "--warmup-steps " + warmupSteps + " must be 0 or more");
      require(weightDecay >= 0 && Double.isFinite((float) weightDecay), "--weight-decay " + weightDecay + " must be 0 or more");
      require(maxGradNorm >= 0 && Double.isFinite((float) maxGradNorm), "--max-grad-norm " + maxGradNorm + " must be 0 (no clipping) or more");
      require(beta2 >= 0 && (float) beta2 < 1, "--adam-beta2 " + beta2 + " must be 0 or more and below 1");
    }
  }

  /**
   * @param batchSize rows of a batch  @param accumulation batches of an optimizer step  @param microBatchTokens most tokens that are
   *     computed at once  @param recompute recompute activations in the backward  @param maxLength most tokens of a row; 0: the
   *     model's context  @param shuffle a new order for each epoch
   */
  public record Batching(int batchSize, int accumulation, int microBatchTokens, Recompute recompute, int maxLength, boolean shuffle) {
    /** Checks ranges. */
    public Batching {
      require(batchSize >= 1, "--batch-size " + batchSize + " must be at least 1");
      require(accumulation >= 1, "--gradient-accumulation " + accumulation + " must be at least 1");
      require((long) batchSize * accumulation <= 1 << 24, "--batch-size times --gradient-accumulation is more than 16777216 rows; give less");
      require(microBatchTokens >= 1 && microBatchTokens <= 1 << 24, "--micro-batch-tokens " + microBatchTokens + " must be from 1 to 16777216");
      require(maxLength == 0 || maxLength >= 2, "--max-length " + maxLength + " must be at least 2, or 0 for the model's context");
    }

    /** Rows of one optimizer step. */
    public int rowsPerStep() {
      return batchSize * accumulation;
    }
  }

  /** @param maxSteps optimizer steps, or 0: epochs count  @param epochs passes over the data, a fraction is fine */
  public record Length(long maxSteps, double epochs) {
    /** Checks ranges. */
    public Length {
      require(maxSteps >= 0, "--max-steps " + maxSteps + " must be at least 1");
      require(epochs > 0 && epochs <= 1e6, "--epochs " + epochs + " must be positive, and at most a million");
    }

    /** Optimizer steps of a run over so many rows; the last step wraps round to be full. */
    public long steps(int rows, int rowsPerStep) {
      return maxSteps > 0 ? maxSteps : Math.max(1, (long) Math.ceil(epochs * rows / rowsPerStep - 1e-9));
    }
  }

  /**
   * @param evalSteps evaluate every so many steps; 0: at the end of each epoch  @param saveSteps checkpoint every so many steps
   * @param saveTotalLimit newest checkpoints kept; 0 for all  @param patience stop after so many evaluations without improvement; 0: never
   * @param loadBest the final adapter is the best evaluated one
   */
  public record Cadence(long evalSteps, long saveSteps, int saveTotalLimit, int patience, boolean loadBest) {
    /** Checks ranges. */
    public Cadence {
      require(evalSteps >= 0, "--eval-steps " + evalSteps + " must be at least 1");
      require(saveSteps >= 1, "--save-steps " + saveSteps + " must be at least 1");
      require(saveTotalLimit >= 0, "--save-total-limit " + saveTotalLimit + " must be at least 1, or 0 to keep all");
      require(patience >= 0, "--early-stopping-patience " + patience + " must be at least 1");
    }
  }

  /** Whether the final adapter is the best evaluated one. */
  public boolean finalIsBest() {
    return cadence.loadBest || cadence.patience > 0;
  }

  /** The flags by name, in a fixed order, as config.json has them; paths are elsewhere. */
  public Map<String, Object> flags() {
    Map<String, Object> flags = new LinkedHashMap<>();
    flags.put("full", full != null);
    flags.put("output-type", full == null ? null : full.outputType);
    flags.put("lora-rank", adapter.rank);
    flags.put("lora-alpha", adapter.alpha);
    flags.put("lora-dropout", adapter.dropout);
    flags.put("rslora", adapter.rslora);
    flags.put("lora-targets", adapter.targets);
    flags.put("learning-rate", optimizer.learningRate);
    flags.put("lr-scheduler", optimizer.schedule.flag());
    flags.put("warmup-steps", optimizer.warmupSteps);
    flags.put("weight-decay", optimizer.weightDecay);
    flags.put("max-grad-norm", optimizer.maxGradNorm);
    flags.put("adam-beta2", optimizer.beta2);
    flags.put("batch-size", batching.batchSize);
    flags.put("gradient-accumulation", batching.accumulation);
    flags.put("micro-batch-tokens", batching.microBatchTokens);
    flags.put("recompute", batching.recompute.text());
    flags.put("max-length", batching.maxLength);
    flags.put("no-shuffle", !batching.shuffle);
    flags.put("max-steps", length.maxSteps);
    flags.put("epochs", length.maxSteps > 0 ? null : (Double) length.epochs);
    flags.put("eval-steps", cadence.evalSteps);
    flags.put("save-steps", cadence.saveSteps);
    flags.put("save-total-limit", cadence.saveTotalLimit);
    flags.put("early-stopping-patience", cadence.patience);
    flags.put("load-best", cadence.loadBest);
    flags.put("template", template);
    flags.put("seed", seed);
    return flags;
  }

  private static void require(boolean ok, String message) {
    if (!ok) {
      throw RunException.usage(message);
    }
  }
}
