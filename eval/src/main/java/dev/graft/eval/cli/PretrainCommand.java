package dev.graft.eval.cli;

import dev.graft.bindings.GgufFile;
import dev.graft.bindings.RandomModel;
import dev.graft.trainer.pretrain.InitialModel;
import dev.graft.trainer.pretrain.PretrainTask;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.TrainingRun;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft pretrain}. */
@Command(
    name = "pretrain",
    customSynopsis = "graft pretrain --tokenizer T.gguf|--model M.gguf --data D --output DIR [flags]",
    description = "Trains all weights of a small model on text, from scratch or on from a model in F32, F16 or BF16.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft tokenizer --data text.jsonl --vocab-size 4096 --output tokenizer.gguf",
      "  graft pretrain --tokenizer tokenizer.gguf --data text.jsonl --output base/ --layers 6 --width 256 --heads 4 --output-type Q8_0",
      "  graft pretrain --model base/model.gguf --data more.jsonl --output base2/",
      "",
      "Every token is learnt, prompts and user turns included. Data: {\"text\": ...} rows, .txt files, and any row of graft sft.",
      "The folder gets initial.gguf (the new model before the first step), model.gguf, metrics.jsonl, config.json and",
      "checkpoints/step-N/; with --eval-data also best/model.gguf. Ctrl-C and --resume are as for graft sft. All weights take 16",
      "bytes a parameter in training."
    })
final class PretrainCommand implements Callable<Integer> {
  private static final double RATE = 1e-3;
  /** Weights, gradient and both moments of AdamW, in f32. */
  private static final int BYTES_PER_PARAMETER = 16;

  @Mixin CommonOptions common;
  @Mixin TrainingFlags flags;

  @Option(names = "--model", paramLabel = "M.gguf", description = "Goes on from this model, in F32, F16 or BF16. Default: a new one, see --tokenizer.")
  Path model;

  @Option(names = "--tokenizer", paramLabel = "T.gguf", description = "Starts a new model with the tokenizer (and chat template) of this GGUF: 'graft tokenizer' makes one, any model has one.")
  Path tokenizer;

  @Option(
      names = "--template",
      paramLabel = "auto|none|NAME|FILE",
      defaultValue = "auto",
      description = "Chat template for chat rows: the tokenizer's own, none, a built-in one, or a Jinja file. Default: ${DEFAULT-VALUE}.")
  String template;

  @Option(names = "--architecture", paramLabel = "llama|qwen2|qwen3", description = "Of a new model. Default: llama.")
  String architecture;

  @Option(names = "--layers", paramLabel = "N", description = "Blocks of a new model. Default: 6.")
  Integer layers;

  @Option(names = "--width", paramLabel = "N", description = "Width of a new model. Default: 256.")
  Integer width;

  @Option(names = "--heads", paramLabel = "N", description = "Query heads of a new model. Default: one for each 64 of the width.")
  Integer heads;

  @Option(names = "--kv-heads", paramLabel = "N", description = "Key/value heads of a new model. Default: as many as query heads.")
  Integer kvHeads;

  @Option(names = "--head-width", paramLabel = "N", description = "Width of a head of a new model. Default: width / heads.")
  Integer headWidth;

  @Option(names = "--feed-forward", paramLabel = "N", description = "Feed-forward width of a new model. Default: 8/3 of the width, in whole 32s.")
  Integer feedForward;

  @Option(names = "--context", paramLabel = "N", description = "Context length of a new model. Default: 512.")
  Integer context;

  @Option(names = "--tied", negatable = true, description = "A new model's embedding serves as output too (--no-tied: an output matrix of its own). Default: tied.")
  Boolean tied;

  @Option(names = "--init-deviation", paramLabel = "X", description = "Standard deviation of a new model's matrices. Default: 0.02.")
  Double deviation;

  @Option(names = "--rope-base", paramLabel = "X", description = "Base of a new model's rotary positions. Default: 10000.")
  Double ropeBase;

  @Option(names = "--name", paramLabel = "TEXT", description = "general.name of a new model. Default: its architecture.")
  String name;

  @Option(names = "--output-type", paramLabel = "F32|F16|BF16|Q8_0", description = "Type of the matrices in model.gguf. Default: as it starts, F32 for a new model.")
  String outputType;

  @Override
  public Integer call() {
    InitialModel initial = initial();
    Path start = initial == null ? model : flags.output.resolve(PretrainTask.INITIAL);
    MethodFlags method = new MethodFlags();
    method.full = true;
    method.outputType = outputType;
    RunOptions options = flags.options(start, template, common, method, RATE);
    return TrainingShell.run(common, start, method, (runtime, listener, stop) -> {
      if (initial != null) { // before a file is written that could not be trained
        MemoryCheck.require(runtime, 0, BYTES_PER_PARAMETER * initial.parameters(), "a smaller --width, --layers or --vocab-size of the tokenizer would help");
      }
      return TrainingRun.run(runtime, options, new PretrainTask(options, initial), listener, stop);
    });
  }

  private InitialModel initial() {
    if ((model == null) == (tokenizer == null)) {
      throw CliException.usage("give --tokenizer T.gguf for a new model, or --model M.gguf to go on from one" + (model == null ? "" : "; not both"));
    }
    if (model != null) {
      refuseShape();
      return null;
    }
    int columns = or(width, 256);
    int queries = or(heads, Math.max(1, columns / 64));
    int vocabulary;
    try (GgufFile file = GgufFile.open(tokenizer)) {
      vocabulary = Vocabulary.read(file, tokenizer).size();
    }
    RandomModel shape = new RandomModel(architecture == null ? "llama" : architecture, or(layers, 6), columns, queries, or(kvHeads, queries), or(headWidth, 0),
        or(feedForward, Math.max(32, (int) (columns * 8L / 3 + 31) / 32 * 32)), vocabulary, or(context, 512), tied == null || tied, "F32", tokenizer, common.seed());
    return new InitialModel(shape, vocabulary, deviation == null ? 0.02 : deviation, ropeBase == null ? 10000 : ropeBase, name);
  }

  private void refuseShape() {
    Object[][] given = {{"--architecture", architecture}, {"--layers", layers}, {"--width", width}, {"--heads", heads}, {"--kv-heads", kvHeads}, {"--head-width", headWidth},
        {"--feed-forward", feedForward}, {"--context", context}, {"--tied", tied}, {"--init-deviation", deviation}, {"--rope-base", ropeBase}, {"--name", name}};
    for (Object[] flag : given) {
      if (flag[1] != null) {
        throw CliException.usage(flag[0] + " is for a new model; with --model the shape is that file's");
      }
    }
  }

  private static int or(Integer given, int otherwise) {
    return given == null ? otherwise : given;
  }
}
