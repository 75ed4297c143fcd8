package dev.graft.eval.cli;

import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.bench.BenchCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** {@code graft}: names the commands; does nothing itself. */
@Command(
    name = "graft",
    description = "Fine-tunes, judges and serves quantized GGUF models.",
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = RootCommand.Version.class,
    subcommands = {
      QuickstartCommand.class,
      InspectCommand.class,
      PreviewCommand.class,
      TemplateCommand.class,
      TokenizerCommand.class,
      ScoreCommand.class,
      PretrainCommand.class,
      SftCommand.class,
      DpoCommand.class,
      PlanCommand.class,
      GenerateCommand.class,
      ServeCommand.class,
      DataCommand.class,
      AdapterCommand.class,
      ConvertCommand.class,
      MergeCommand.class,
      QuantizeCommand.class,
      ImatrixCommand.class,
      EvalCommand.class,
      MetricsCommand.class,
      CompareCommand.class,
      ReproduceCommand.class,
      ReportCommand.class,
      GradeCommand.class,
      BenchCommand.class,
      DoctorCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft inspect model.gguf                                           what is in a model",
      "  graft preview --model model.gguf --data rows.jsonl                 which tokens would be learnt",
      "  graft sft --model model.gguf --data rows.jsonl --output run/       train a LoRA adapter",
      "  graft dpo --model model.gguf --data pairs.jsonl --init-adapter run/adapter.gguf --output dpo/",
      "  graft plan --model model.gguf --data pairs.jsonl                   tokens, memory and time before anything runs",
      "  graft tokenizer --data notes.txt --vocab-size 4096 --output tok.gguf  a vocabulary of your own",
      "  graft data make uti --output data/uti                              synthetic notes to train and test on",
      "  graft generate --model model.gguf --adapter run/adapter.gguf --prompt 'Hello'",
      "  graft serve --model model.gguf --adapter sft=run/adapter.gguf          OpenAI's API and a page, at http://127.0.0.1:8080",
      "  graft eval --model model.gguf --adapter run/adapter.gguf --data test.jsonl --output judged/",
      "  graft quantize f16.gguf q4.gguf Q4_K_M                             smaller weights, as llama-quantize makes them",
      "  graft convert Llama-3.2-1B-Instruct model.gguf                        a Hugging Face folder as a GGUF",
      "  graft merge --run run --output merged.gguf --type Q4_K_M              one file, and what that costs",
      "  graft compare a/predictions.jsonl b/predictions.jsonl                 McNemar's test and the paired t-test",
      "  graft reproduce savage2025 --profile quick                            a study whole: base, SFT and DPO on four tasks",
      "  graft grade run --predictions judged/predictions.jsonl --grader likert ... a judge model, or people, grade open answers",
      "  graft report study/                                                  a study's report, anew from its results.json",
      "",
      "'graft COMMAND --help' lists a command's flags, their defaults and an example.",
      "Exit codes: 0 done, 1 failed, 2 usage, 3 bad data or model; 130, 143, 129 after Ctrl-C, SIGTERM, SIGHUP."
    })
final class RootCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;

  @Option(names = {"-V", "--version"}, versionHelp = true, description = "Prints the version.")
  boolean version;

  /** {@code graft 0.1.0 (native 0.1.0, Java 17.0.15)}. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "graft " + GraftVersion.VERSION + " (native " + GraftRuntime.nativeVersion() + ", Java " + Runtime.version().toString().replaceFirst("\\+.*", "") + ")"
      };
    }
  }
}
