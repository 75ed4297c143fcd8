package dev.graft.eval.cli;

import dev.graft.bindings.PreferenceOptions;
import dev.graft.trainer.preference.DpoOptions;
import dev.graft.trainer.preference.DpoRun;
import dev.graft.trainer.run.RunOptions;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft dpo}. */
@Command(
    name = "dpo",
    customSynopsis = "graft dpo --model M.gguf --data D.jsonl --output DIR [flags]",
    description = "Trains a LoRA adapter on a quantized GGUF, or with --full all weights, from preferences: DPO and its kin.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft dpo --model model.gguf --data pairs.jsonl --init-adapter sft/adapter.gguf --output dpo/",
      "  graft dpo --model model.gguf --data pairs.jsonl --output dpo/ --loss ipo --beta 0.1 --reference-cache cache/",
      "  graft dpo --model model.gguf --data labelled.jsonl --output kto/ --loss kto",
      "",
      "A row is {\"prompt\", \"chosen\", \"rejected\"}; for --loss kto {\"prompt\", \"completion\", \"label\": true or false}, and pairs count",
      "as two such rows. The policy starts at --init-adapter; the reference is --reference-adapter, else the frozen --init-adapter,",
      "else the bare base. Its log-probabilities are computed once before training and kept in DIR/reference-*.bin, or in",
      "--reference-cache for several runs to share; what does not fit any more, or is damaged, is computed again. Lines of metrics.jsonl",
      "have rewards/..., logps/... and logits/... as TRL names them. Everything else (the folder, Ctrl-C, --resume) is as for graft sft."
    })
final class DpoCommand implements Callable<Integer> {
  /** With LoRA; ten times what full weights take. */
  private static final double DPO_RATE = 5e-5;
  private static final double FULL_RATE = 1e-6;

  @Mixin CommonOptions common;
  @Mixin ModelOptions model;
  @Mixin TrainingFlags flags;
  @Mixin MethodFlags method;

  @Option(
      names = "--loss",
      paramLabel = "KIND",
      defaultValue = "sigmoid",
      description = "sigmoid (DPO), robust, ipo, hinge, apo_zero, apo_down, sppo_hard, exo_pair, nca_pair, bco_pair, aot, simpo, orpo, cpo, kto, and kin; a wrong one is"
          + " answered with the whole list. Default: ${DEFAULT-VALUE}.")
  String loss;

  @Option(names = "--beta", paramLabel = "X", description = "Strength of the pull towards the reference. Default: 0.1.")
  Double beta;

  @Option(names = "--label-smoothing", paramLabel = "X", description = "Share of pairs taken to be labelled the wrong way round, below 0.5. Default: 0 (robust, exo_pair: their own).")
  Double labelSmoothing;

  @Option(names = "--simpo-gamma", paramLabel = "X", description = "SimPO's target margin. Default: the loss's own.")
  Double simpoGamma;

  @Option(names = "--sft-weight", paramLabel = "X", description = "Adds this times the chosen answers' mean negative log-likelihood (RPO). Default: 0 (orpo, cpo: 1).")
  Double sftWeight;

  @Option(names = "--length-normalize", description = "Divides log-probabilities by the count of tokens. Default: off.")
  boolean lengthNormalize;

  @Option(names = "--ld-alpha", paramLabel = "X", description = "Weight of tokens beyond the shorter answer's length (LD-DPO), from 0 to 1. Default: 1.")
  Double ldAlpha;

  @Option(names = "--wpo", description = "Weights each pair by how likely the policy is to give it, at most 1 (WPO, with its alignment). Default: off.")
  boolean wpo;

  @Option(names = "--desirable-weight", paramLabel = "X", description = "KTO's weight of good answers. Default: 1.")
  Double desirableWeight;

  @Option(names = "--undesirable-weight", paramLabel = "X", description = "KTO's weight of bad answers. Default: 1.")
  Double undesirableWeight;

  @Option(names = "--reference-adapter", paramLabel = "A.gguf", description = "The frozen reference. Default: --init-adapter, else the bare base.")
  Path referenceAdapter;

  @Option(
      names = "--reference",
      paramLabel = "cache|online",
      defaultValue = "cache",
      description = "Computes the reference's log-probabilities once before training, or in each step. Default: ${DEFAULT-VALUE}.")
  String reference;

  @Option(names = "--reference-cache", paramLabel = "FOLDER", description = "Keeps them here, for several runs to share. Default: the run's own folder.")
  Path referenceCache;

  @Option(names = "--no-prefix-sharing", description = "Computes a pair's prompt twice, once for each answer; for comparison. Default: once.")
  boolean noPrefixSharing;

  @Option(
      names = "--max-bad-fraction",
      paramLabel = "X",
      defaultValue = "0.01",
      description = "Faulty rows (identical or empty answers, the reverse of another row, ...) are dropped up to this share of all, and refused above it. Default: ${DEFAULT-VALUE}.")
  double maxBadFraction;

  @Override
  public Integer call() {
    RunOptions options = flags.options(model.model, model.template, common, method, method.full ? FULL_RATE : DPO_RATE);
    DpoOptions dpo = options();
    return TrainingShell.run(common, model.model, method, (runtime, listener, stop) -> DpoRun.run(runtime, options, dpo, listener, stop));
  }

  private DpoOptions options() {
    if (!reference.equals("cache") && !reference.equals("online")) {
      throw CliException.usage("--reference " + reference + " is not known; give cache or online");
    }
    PreferenceOptions own = PreferenceOptions.defaults(loss);
    PreferenceOptions asked = own
        .withBeta(beta == null ? own.beta() : beta)
        .withLabelSmoothing(labelSmoothing == null ? own.labelSmoothing() : labelSmoothing)
        .withGamma(simpoGamma == null ? own.gamma() : simpoGamma)
        .withSftWeight(sftWeight == null ? own.sftWeight() : sftWeight)
        .withLengthNormalize(lengthNormalize || own.lengthNormalize())
        .withLdAlpha(ldAlpha == null ? own.ldAlpha() : ldAlpha)
        .withWpo(wpo || own.wpo())
        .withRowWeights(desirableWeight == null ? own.desirableWeight() : desirableWeight, undesirableWeight == null ? own.undesirableWeight() : undesirableWeight);
    return new DpoOptions(asked, referenceAdapter, reference.equals("online"), referenceCache, !noPrefixSharing, maxBadFraction);
  }
}
