package dev.graft.eval.cli;

import dev.graft.trainer.run.RunOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** What a run trains, a LoRA adapter or all weights; a picocli {@code @Mixin}. A null field was not given. */
final class MethodFlags {
  @Option(names = "--init-adapter", paramLabel = "A.gguf", description = "Goes on from this adapter, with its rank, alpha and targets. Default: a new one.")
  Path initAdapter;

  @Option(names = "--lora-rank", paramLabel = "N", description = "Rank of the adapter. Default: 16.")
  Integer loraRank;

  @Option(names = "--lora-alpha", paramLabel = "X", description = "Scales the adapter by alpha/rank. Default: 32.")
  Double loraAlpha;

  @Option(names = "--lora-dropout", paramLabel = "P", defaultValue = "0", description = "Dropout before the adapter. Default: ${DEFAULT-VALUE}.")
  double loraDropout;

  @Option(
      names = "--lora-targets",
      paramLabel = "LIST",
      converter = TargetList.class,
      description = "all-linear, or some of attn_q,attn_k,attn_v,attn_output,ffn_gate,ffn_up,ffn_down. Default: all-linear.")
  String loraTargets;

  @Option(names = "--rslora", description = "Scales by alpha/sqrt(rank) instead (rank-stabilized LoRA). Default: off.")
  boolean rslora;

  @Option(
      names = "--full",
      description = "Trains all weights of a model in F32, F16 or BF16, not an adapter; DIR gets model.gguf. Takes 16 bytes a parameter. Default: off.")
  boolean full;

  @Option(
      names = "--output-type",
      paramLabel = "F32|F16|BF16|Q8_0",
      description = "With --full, the type of the matrices in model.gguf. Default: as in --model.")
  String outputType;

  /** The adapter to make. */
  RunOptions.Lora lora() {
    return new RunOptions.Lora(loraRank == null ? 16 : loraRank, loraAlpha == null ? 32 : loraAlpha, loraDropout, rslora, loraTargets == null ? "all-linear" : loraTargets);
  }

  /** Null unless all weights are trained. */
  RunOptions.Full allWeights() {
    if (outputType != null && !full) {
      throw CliException.usage("--output-type " + outputType + " needs --full; an adapter is always written in F32");
    }
    return full ? new RunOptions.Full(outputType) : null;
  }

  /** What the user should know about flags that do nothing together. */
  List<String> notes() {
    List<String> given = new ArrayList<>();
    if (loraRank != null) {
      given.add("--lora-rank");
    }
    if (loraAlpha != null) {
      given.add("--lora-alpha");
    }
    if (loraTargets != null) {
      given.add("--lora-targets");
    }
    if (rslora) {
      given.add("--rslora");
    }
    if (given.isEmpty() || (initAdapter == null && !full)) {
      return List.of();
    }
    return List.of(String.join(", ", given) + (full ? " not used: with --full there is no adapter" : " not used: rank, alpha and targets are those of --init-adapter"));
  }
}
