package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.process.ChildCommand;
import dev.graft.eval.quickstart.DemoBase;
import dev.graft.eval.process.Stage;
import dev.graft.eval.quickstart.StageLog;
import dev.graft.eval.quickstart.Stages;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft quickstart}. */
@Command(
    name = "quickstart",
    customSynopsis = "graft quickstart [FOLDER] [--seed N]",
    description = "Shows the whole job on the small model that Graft carries: data, SFT, DPO, a test of all three. A few minutes.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft quickstart",
      "",
      "Each stage is a command of Graft, printed as you would type it. What is done is not done again: after Ctrl-C or a crash, the",
      "same command picks up. Another --seed needs another FOLDER."
    })
final class QuickstartCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Mixin CommonOptions common;

  @Parameters(arity = "0..1", paramLabel = "FOLDER", defaultValue = "graft-quickstart", description = "Gets everything. Default: ${DEFAULT-VALUE}, here.")
  Path folder;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Stages stages = new Stages(folder, common.seed());
    prepare(stages);
    StageLog log = new StageLog(folder.resolve("stages.json"));
    ChildCommand child = new ChildCommand();
    try (StopSignals signals = new StopSignals(child::stop)) {
      int number = 0;
      for (Stage stage : stages.all()) {
        say("\n== " + ++number + ". " + stage.title());
        if (Files.exists(stage.result())) {
          say("done before: " + stage.result());
          continue;
        }
        int code = run(stage, child, log);
        if (child.stopped() || code > ExitCode.BAD_DATA) {
          common.note("stopped; the same command picks up here");
          return signals.exitCode() == 0 ? code : signals.exitCode();
        } else if (code != ExitCode.DONE) {
          return code; // its line was shown
        }
      }
      tell(stages, log);
      return ExitCode.DONE;
    }
  }

  /** The folder, the base in it, and the seed that everything there was made with. */
  private void prepare(Stages stages) throws IOException {
    Path mark = folder.resolve("seed");
    try {
      Files.createDirectories(folder);
      if (!Files.exists(mark)) {
        SafeFiles.writeText(mark, common.seed() + "\n");
      }
      String before = Files.readString(mark).strip();
      if (!before.equals(Long.toString(common.seed()))) {
        throw CliException.usage(folder + ": was made with --seed " + before + "; give that seed, or another folder");
      }
      if (!Files.exists(stages.base())) {
        DemoBase.write(stages.base());
      }
    } catch (IOException e) {
      throw CliException.failed(folder + ": cannot be written: " + SafeFiles.reason(e) + "; choose a folder that can be written", e);
    }
  }

  private int run(Stage stage, ChildCommand child, StageLog log) throws IOException, InterruptedException {
    say("$ graft " + stage.arguments().stream().map(QuickstartCommand::quoted).collect(Collectors.joining(" ")));
    List<String> arguments = new ArrayList<>(stage.arguments());
    arguments.addAll(List.of("--json", "--threads", Integer.toString(common.threads()), "--device", common.device()));
    if (common.quiet()) {
      arguments.add("--quiet");
    }
    long start = System.nanoTime();
    ChildCommand.Result result = child.run(arguments);
    log.add(stage, (System.nanoTime() - start) / 1e9, result.json());
    return result.code();
  }

  private void tell(Stages stages, StageLog log) throws IOException {
    JsonNode systems = JSON.readTree(stages.judged().resolve("metrics.json").toFile()).path("systems");
    if (common.json()) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("folder", folder.toString());
      result.put("seed", common.seed());
      result.put("systems", systems);
      result.put("stages", JSON.readTree(folder.resolve("stages.json").toFile()));
      common.printJson(result);
      return;
    }
    say(String.format(Locale.ROOT, "%n%-8s %8s %12s %12s %10s   %s", "", "F1", "sensitivity", "specificity", "accuracy", "training took (memory at its peak)"));
    for (String name : List.of("base", "sft", "dpo")) {
      JsonNode m = systems.path(name);
      say(String.format(Locale.ROOT, "%-8s %8s %12s %12s %10s   %s", name, number(m.path("f1")), number(m.path("sensitivity")), number(m.path("specificity")), number(m.path("accuracy")),
          name.equals("base") ? "" : log.told(name)));
    }
    say(String.format(Locale.ROOT, "%nMaking the data took %s; answering and judging %s; all stages together %.0f s.", log.told("data").strip(), log.told("eval").strip(),
        log.seconds(stages.all())));
    say("Base and answers: " + stages.base() + ", " + stages.judged().resolve("predictions.jsonl"));
    say("Adapters, for any llama.cpp: " + stages.adapter("sft") + ", " + stages.adapter("dpo"));
    say("\nNext, with a GGUF and rows of your own:");
    say("  graft inspect MODEL.gguf");
    say("  graft preview --model MODEL.gguf --data ROWS.jsonl");
    say("  graft sft --model MODEL.gguf --data ROWS.jsonl --output tuned");
  }

  private static String number(JsonNode value) {
    return value.isNumber() ? String.format(Locale.ROOT, "%.3f", value.asDouble()) : "-";
  }

  private static String quoted(String argument) {
    return argument.matches("[A-Za-z0-9_./=,:+-]+") ? argument : "'" + argument.replace("'", "'\\''") + "'";
  }

  private void say(String line) {
    if (!common.json() && !common.quiet()) {
      common.out().println(line);
      common.out().flush();
    }
  }
}
