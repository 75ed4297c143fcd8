package dev.graft.eval.cli;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.score.ScoreSummary;
import dev.graft.trainer.score.Scorer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft score}. */
@Command(
    name = "score",
    customSynopsis = "graft score --model M.gguf [--adapter A.gguf] --data D.jsonl --output OUT.jsonl [flags]",
    description = "Writes the log-probability of every completion token of a data file.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft score --model model.gguf --adapter run/adapter.gguf --data rows.jsonl --output scores.jsonl",
      "",
      "A line for each row, in order: {\"index\": 0, \"logps\": [...]}, natural logarithms, one for each completion token (of a",
      "chat, each token of the assistant's turns); for preference rows {\"index\", \"chosen_logps\", \"rejected_logps\"}. With",
      "--json a summary goes to stdout."
    })
final class ScoreCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin ModelOptions model;

  @Option(names = "--adapter", paramLabel = "A.gguf", description = "A LoRA adapter to apply. Default: none.")
  Path adapter;

  @Option(names = "--data", required = true, paramLabel = "D.jsonl", description = "The rows: prompts with completions, chats, or preferences. Required.")
  Path data;

  @Option(names = "--output", required = true, paramLabel = "OUT.jsonl", description = "The file to write, - for standard output. Required.")
  Path output;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most tokens of a row: longer ones lose the left of their prompt, then the right of their completion; 0 for no limit. Default: ${DEFAULT-VALUE}.")
  int maxLength;

  @Option(
      names = "--micro-batch-tokens",
      paramLabel = "N",
      defaultValue = "2048",
      description = "Most tokens computed at once; a longer row gets a batch to itself. Default: ${DEFAULT-VALUE}.")
  int microBatchTokens;

  @Override
  public Integer call() {
    if (microBatchTokens < 1) {
      throw CliException.usage("--micro-batch-tokens " + microBatchTokens + " must be at least 1");
    }
    if (maxLength < 0 || maxLength == 1) {
      throw CliException.usage("--max-length " + maxLength + " must be at least 2, or 0 for no limit");
    }
    if (output.toString().equals("-") && common.json()) {
      throw CliException.usage("--json writes its summary on standard output, so --output cannot be - too; name a file");
    }
    try (GraftRuntime runtime = common.openRuntime();
        Model base = Model.open(runtime, model.model);
        Adapter lora = adapter == null ? null : Adapter.open(base, adapter);
        OutputLines lines = OutputLines.open(output, common.out(), model.model, adapter, data)) {
      base.info().notes().forEach(common::note);
      Dataset rows = read(base);
      ScoreSummary summary = new Scorer(rows, microBatchTokens).run(base, lora, runtime, lines::add, new RowProgress(common, rows.examples().size())::done);
      lines.commit();
      report(summary);
    }
    return ExitCode.DONE;
  }

  private Dataset read(Model base) {
    try (RowSource source = RowSource.open(model.model, base.info().vocabulary(), model.template)) {
      Dataset rows = source.read(data, Dataset.Kind.ANSWERS, maxLength, true);
      rows.report().warnings().forEach(common::note);
      return rows;
    }
  }

  private void report(ScoreSummary summary) {
    if (common.json()) {
      common.printJson(summary);
      return;
    }
    String nll = summary.meanNll() == null ? "" : String.format(Locale.ROOT, ", mean nll %.4f, perplexity %.4g", summary.meanNll(), summary.perplexity());
    common.note(String.format(Locale.ROOT, "%d rows, %d tokens scored%s; %.1f s, %.0f tokens/s", summary.rows(), summary.scoredTokens(), nll, summary.seconds(),
        summary.tokensPerSecond()));
  }
}
