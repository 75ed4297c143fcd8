package dev.graft.eval.cli;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.Sampling;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.PromptExample;
import dev.graft.trainer.generate.BatchGenerator;
import dev.graft.trainer.generate.Completion;
import dev.graft.trainer.generate.GenerateOptions;
import dev.graft.trainer.generate.LlamaGenerator;
import dev.graft.trainer.generate.Prompt;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft generate}. */
@Command(
    name = "generate",
    customSynopsis = {
      "graft generate --model M.gguf [--adapter A.gguf] --prompt P [flags]",
      "graft generate --model M.gguf [--adapter A.gguf] --data D.jsonl --output OUT.jsonl [flags]"
    },
    description = "Answers a prompt, or every row of a data file.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft generate --model model.gguf --adapter run/adapter.gguf --prompt 'What is LoRA?'",
      "  graft generate --model model.gguf --data rows.jsonl --output answers.jsonl --max-tokens 64",
      "",
      "With --data a line for each row, in order: {\"index\", \"text\", \"ids\", \"finish_reason\": \"stop\" or \"length\"}; ids are all",
      "tokens generated, the one that ended the answer included (with --engine llama.cpp: the text's tokens). The prompt of",
      "any kind of row is used."
    })
final class GenerateCommand implements Callable<Integer> {
  private static final int DEFAULT_MAX_TOKENS = 256;

  @Mixin CommonOptions common;
  @Mixin ModelOptions model;

  @Option(names = "--adapter", paramLabel = "A.gguf", description = "A LoRA adapter to apply. Default: none.")
  Path adapter;

  @Option(names = "--prompt", paramLabel = "P", description = "A text to answer; the answer goes to stdout as it comes. This or --data.")
  String prompt;

  @Option(names = "--data", paramLabel = "D.jsonl", description = "Rows to answer; needs --output.")
  Path data;

  @Option(names = "--output", paramLabel = "OUT.jsonl", description = "The file to write for --data, - for standard output.")
  Path output;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens of an answer. Default: 256, or what its prompt leaves of the model's context.")
  Integer maxTokens;

  @Option(names = "--temperature", paramLabel = "X", defaultValue = "0", description = "0 is greedy. Default: ${DEFAULT-VALUE}.")
  float temperature;

  @Option(names = "--top-k", paramLabel = "N", defaultValue = "0", description = "Samples from the N likeliest tokens; 0 is off. Default: ${DEFAULT-VALUE}.")
  int topK;

  @Option(names = "--top-p", paramLabel = "X", defaultValue = "1", description = "Samples from the likeliest tokens of this mass; 1 is off. Default: ${DEFAULT-VALUE}.")
  float topP;

  @Option(
      names = "--min-p",
      paramLabel = "X",
      defaultValue = "0",
      description = "Drops tokens less likely than this share of the likeliest; 0 is off. Default: ${DEFAULT-VALUE}.")
  float minP;

  @Option(names = "--stop", paramLabel = "TEXT", arity = "1", description = "Ends an answer before this text; may be given several times. Default: none.")
  List<String> stop = new ArrayList<>();

  @Option(names = "--parallel", paramLabel = "N", defaultValue = "8", description = "Most rows answered at once. Default: ${DEFAULT-VALUE}.")
  int parallel;

  @Option(
      names = "--engine",
      paramLabel = "native|llama.cpp",
      defaultValue = "native",
      description = "Our own engine, or java-llama.cpp in a child process. Default: ${DEFAULT-VALUE}.")
  String engine;

  @Override
  public Integer call() {
    if ((prompt == null) == (data == null)) {
      throw CliException.usage("give either --prompt or --data");
    }
    if ((data == null) != (output == null)) {
      throw CliException.usage(data == null ? "--output goes with --data; the answer to --prompt goes to stdout" : "--data needs --output; give a file, or - for stdout");
    }
    if (!engine.equals("native") && !engine.equals("llama.cpp")) {
      throw CliException.usage("--engine " + engine + " is not known; give native or llama.cpp");
    }
    if (maxTokens != null && maxTokens < 1) {
      throw CliException.usage("--max-tokens " + maxTokens + " must be at least 1");
    }
    GenerateOptions options = // checks the flags before a model is read
        new GenerateOptions(new Sampling(temperature, topK, topP, minP), common.seed(), stop, parallel);
    if (engine.equals("llama.cpp")) {
      return withLlama(options);
    }
    try (GraftRuntime runtime = common.openRuntime();
        Model base = Model.open(runtime, model.model);
        Adapter lora = adapter == null ? null : Adapter.open(base, adapter);
        RowSource source = RowSource.open(model.model, base.info().vocabulary(), model.template)) {
      base.info().notes().forEach(common::note);
      List<Prompt> prompts = prompts(source, base.info().contextLength());
      int context = BatchGenerator.requiredContext(prompts, base.info().contextLength(), data);
      BatchGenerator generator = new BatchGenerator(base, lora == null ? List.of() : List.of(lora), source.vocabulary(), options.withRoomFor(base.info(), context, runtime));
      return answer(prompts.size(), sink -> generator.run(prompts, context, sink));
    }
  }

  private Integer withLlama(GenerateOptions options) {
    Vocabulary vocabulary = Vocabulary.read(model.model);
    try (RowSource source = RowSource.open(model.model, vocabulary.size(), model.template)) {
      int context = LlamaGenerator.contextLength(model.model);
      List<Prompt> prompts = prompts(source, context);
      int required = BatchGenerator.requiredContext(prompts, context, data);
      return answer(prompts.size(), sink -> LlamaGenerator.run(model.model, adapter, common.threads(), required, prompts, options, sink));
    }
  }

  /** Without --max-tokens each answer may have what its prompt leaves of the context; a flag is kept to the letter. */
  private Prompt fitted(int index, int line, int[] tokens, int context) {
    int most = maxTokens == null ? Math.max(1, Math.min(DEFAULT_MAX_TOKENS, context - tokens.length)) : maxTokens;
    return new Prompt(index, line, tokens, most, adapter == null ? Prompt.BASE : 0);
  }

  private List<Prompt> prompts(RowSource source, int context) {
    if (prompt != null) {
      return List.of(fitted(0, 0, source.prompt(prompt), context));
    }
    Dataset rows = source.read(data, Dataset.Kind.PROMPT, 0, true);
    rows.report().warnings().forEach(common::note);
    List<Prompt> prompts = new ArrayList<>();
    for (PromptExample row : rows.prompts()) {
      prompts.add(fitted(prompts.size(), row.line(), row.tokens(), context));
    }
    return prompts;
  }

  /** Something that generates into a sink. */
  private interface Answers {
    void into(BatchGenerator.Sink sink);
  }

  private Integer answer(int count, Answers answers) {
    if (prompt != null) {
      answers.into(new Shown());
      return ExitCode.DONE;
    }
    try (OutputLines lines = OutputLines.open(output, common.out(), data, model.model, adapter)) {
      Ordered ordered = new Ordered(lines, new RowProgress(common, count));
      long start = System.nanoTime();
      answers.into(ordered);
      double seconds = (System.nanoTime() - start) * 1e-9;
      lines.commit();
      if (common.json() && !output.toString().equals("-")) {
        common.printJson(Map.of("rows", count, "output", output.toString()));
      } else {
        common.note(String.format(Locale.ROOT, "%d rows, %d tokens generated; %.1f s, %.0f tokens/s", count, ordered.tokens, seconds, ordered.tokens / seconds));
      }
      return ExitCode.DONE;
    }
  }

  /** Writes an answer to stdout as it comes, or its record with --json. */
  private final class Shown implements BatchGenerator.Sink {
    @Override
    public boolean text(int index, String more) {
      if (!common.json()) {
        common.out().print(more);
        common.out().flush();
      }
      return !common.out().checkError();
    }

    @Override
    public void done(Completion completion) {
      if (common.json()) {
        common.printJson(completion);
        return;
      }
      common.out().println();
      common.out().flush();
      if (completion.finishReason().equals("length")) {
        common.note("stopped at --max-tokens; give more for a longer answer");
      }
    }
  }

  /** Answers finish in any order; lines are written in the order of the rows. */
  private static final class Ordered implements BatchGenerator.Sink {
    private final OutputLines lines;
    private final RowProgress progress;
    private final Map<Integer, Completion> early = new TreeMap<>();
    private int next;
    private int done;
    private long tokens;

    Ordered(OutputLines lines, RowProgress progress) {
      this.lines = lines;
      this.progress = progress;
    }

    @Override
    public void done(Completion completion) {
      tokens += completion.ids().length;
      early.put(completion.index(), completion);
      while (early.containsKey(next)) {
        lines.add(early.remove(next++));
      }
      progress.done(++done);
    }
  }
}
