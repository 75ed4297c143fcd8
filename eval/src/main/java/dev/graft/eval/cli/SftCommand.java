package dev.graft.eval.cli;

import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.SftRun;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft sft}. */
@Command(
    name = "sft",
    customSynopsis = "graft sft --model M.gguf --data D.jsonl --output DIR [flags]",
    description = "Trains a LoRA adapter on a quantized GGUF, or with --full all weights, by supervised fine-tuning.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft sft --model model.gguf --data rows.jsonl --output run/",
      "  graft sft --model model.gguf --data rows.jsonl --output run/ --resume",
      "  graft sft --model f16.gguf --data rows.jsonl --output run/ --full --learning-rate 1e-5",
      "  graft sft --model model.gguf --data a.jsonl --eval-data b.jsonl --output run/ --early-stopping-patience 3",
      "",
      "Rows of text ({\"text\": \"...\"}, or a whole .txt file) are learnt token by token, in windows of --max-length.",
      "The folder gets adapter.gguf (loadable by any llama.cpp), metrics.jsonl, config.json and checkpoints/step-N/; with",
      "--eval-data also best/adapter.gguf. In metrics.jsonl tokens, seconds and tokens_per_second are those of the step,",
      "prompts included. Ctrl-C, SIGTERM or SIGHUP saves a checkpoint (exit 130, 143, 129); --resume goes on bit for bit (same",
      "threads and isa). --resume takes the flags of the first start. These may change: how often is saved and evaluated;",
      "--max-steps or --epochs with --lr-scheduler constant; --threads, --device, --isa, --micro-batch-tokens and --recompute",
      "(the last bits then differ)."
    })
final class SftCommand implements Callable<Integer> {
  private static final double SFT_RATE = 2e-4;
  private static final double FULL_RATE = 1e-5;
  static final String PROMPTS =
      "Learns the prompts of chats and of prompts with completions too: system, user and template tokens, all but BOS. Default: answers alone.";

  @Mixin CommonOptions common;
  @Mixin ModelOptions model;
  @Mixin TrainingFlags flags;
  @Mixin MethodFlags method;

  @Option(names = "--train-on-prompts", description = PROMPTS)
  boolean trainOnPrompts;

  @Override
  public Integer call() {
    RunOptions options = flags.options(model.model, model.template, common, method, method.full ? FULL_RATE : SFT_RATE);
    return TrainingShell.run(common, model.model, method, (runtime, listener, stop) -> SftRun.run(runtime, options, trainOnPrompts, listener, stop));
  }
}
