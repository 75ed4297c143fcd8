package dev.graft.eval.cli;

import dev.graft.bindings.Recompute;
import dev.graft.eval.process.ChildCommand;
import dev.graft.eval.quickstart.DemoBase;
import dev.graft.eval.report.ResultsFile;
import dev.graft.eval.report.StudyReport;
import dev.graft.eval.report.StudyResults;
import dev.graft.eval.study.Plateau;
import dev.graft.eval.study.Study;
import dev.graft.eval.study.StudyException;
import dev.graft.eval.study.StudyPlan;
import dev.graft.eval.study.StudyProfile;
import dev.graft.eval.study.StudySettings;
import dev.graft.eval.study.StudyState;
import dev.graft.eval.study.StudyText;
import dev.graft.eval.task.Task;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft reproduce}. */
@Command(
    name = "reproduce",
    customSynopsis = "graft reproduce savage2025 [--model M.gguf] [--output DIR] [--profile paper|lora|quick] [--tasks T,...] [--data-dir D] [flags]",
    description = {
      "Repeats the study of Savage et al. 2025 on a model: base, SFT and DPO on clinical tasks. For each task a sweep of learning rates with SFT,"
          + " each rate again up to its plateau, the choice on development rows; the same with DPO over betas and rates, from the chosen SFT; then the test of all three.",
      ""
    },
    footerHeading = "%nProfiles:%n",
    footer = {
      "  paper  the study's own: all weights (of files in F32, F16 or BF16; others get adapters and lora's rates), rates 1e-5,",
      "         1e-6, 1e-7, 1e-8, betas 0.1, 0.3, 0.5, 1000 steps, 100 of warmup, batch 2 x accumulation 2, cosine, AdamW",
      "  lora   the same with adapters (rank 16) and the rates times 100: ten, because an adapter needs about ten times the",
      "         rate, and ten, because a grid down to 1e-7 would not move an adapter: 1e-3, 1e-4, 1e-5, 1e-6",
      "  quick  for a coffee break on a small model: two rates, one beta, few rows and steps",
      "",
      "Plateau: " + Plateau.RULE_1,
      "  " + Plateau.RULE_2 + ".",
      "Choice: the highest metric of the task on the development rows (the mean, where a task has two); equal ones by the",
      "  lower evaluation loss, then the smaller rate.",
      "Tests: McNemar's exact test, or the paired t-test where answers are graded, between each two; significant below",
      "  .05 / 5 = .01.",
      "",
      "Each training is a process of its own. DIR/study.json keeps what is done: after Ctrl-C, a crash or kill -9 the same",
      "command goes on, bit for bit. DIR/report.html is the result, results.json what it is made of.",
      "",
      "Examples:",
      "  graft reproduce savage2025 --profile quick                                  on the small model that Graft carries",
      "  graft reproduce savage2025 --model f16.gguf --output study --plan           what the whole would take",
      "  graft reproduce savage2025 --model q4.gguf --output study --profile lora --tasks uti,triage"
    })
final class ReproduceCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin JudgeFlags judge;

  @Parameters(paramLabel = "STUDY", description = "What to repeat: savage2025.")
  String study;

  @Option(names = "--model", paramLabel = "M.gguf", description = "The base: a GGUF file. Default: the small one that Graft carries.")
  Path model;

  @Option(
      names = "--template",
      paramLabel = "auto|none|NAME|FILE",
      defaultValue = "auto",
      description = "Chat template for text prompts: the model's own, none, a built-in one, or a Jinja file. Default: ${DEFAULT-VALUE}.")
  String template;

  @Option(names = "--output", paramLabel = "DIR", description = "Gets everything. Default: savage2025-PROFILE, here.")
  Path output;

  @Option(names = "--profile", paramLabel = "paper|lora|quick", defaultValue = "lora", description = "How large it is, and what is trained; see below. Default: ${DEFAULT-VALUE}.")
  String profile;

  @Option(names = "--tasks", split = ",", paramLabel = "T,...", description = "Tasks, by name or as paths of your own .yaml. Default: uti,reasoning,summary,triage.")
  List<String> tasks = new ArrayList<>();

  @Option(names = "--data-dir", paramLabel = "D", description = "Rows: a folder for each task, D/TASK, as graft data prepare writes it. Default: synthetic rows are made.")
  Path dataDir;

  @Option(names = "--plan", description = "Prints what it will take, and ends. Default: off.")
  boolean plan;

  @Option(names = "--flops-per-second", paramLabel = "X", description = "Speed to plan with, such as 2e11. Default: measured on the model.")
  Double flopsPerSecond;

  @Option(names = "--rates", split = ",", paramLabel = "X,...", description = "Learning rates to try. Default: the profile's.")
  List<Double> rates;

  @Option(names = "--betas", split = ",", paramLabel = "X,...", description = "DPO's betas to try. Default: the profile's.")
  List<Double> betas;

  @Option(names = "--steps", paramLabel = "N", description = "Steps of a sweep's training. Default: the profile's.")
  Integer steps;

  @Option(names = "--eval-steps", paramLabel = "N", description = "Evaluates every N steps. Default: the profile's.")
  Integer evalSteps;

  @Option(names = "--warmup-steps", paramLabel = "N", description = "Steps of a linear warmup from 0. Default: the profile's.")
  Integer warmup;

  @Option(names = "--rows", paramLabel = "N", description = "Rows of each task in all, where Graft makes them. Default: the profile's.")
  Integer rows;

  @Option(names = "--micro-batch-tokens", paramLabel = "N", defaultValue = "2048", description = "Most tokens computed at once; bounds memory. May change from start to start. Default: ${DEFAULT-VALUE}.")
  int microBatchTokens;

  @Option(names = "--recompute", paramLabel = "none|block|offload", defaultValue = "none", converter = RecomputeConverter.class,
      description = "Keeps activations, or computes each block again: less memory, more time; offload keeps the blocks' inputs in the host's memory, not the GPU's. Default: ${DEFAULT-VALUE}.")
  Recompute recompute;

  @Override
  public Integer call() {
    check();
    StudyProfile chosen = StudyProfile.named(profile).orElseThrow(
        () -> CliException.usage("--profile " + profile + " is not known" + NearMatches.hint(profile, StudyProfile.names()) + "; give paper, lora or quick"));
    Path folder = output == null ? Path.of(study + "-" + profile) : output;
    List<Task> loaded = loaded();
    boolean judged = judged(loaded);
    StudySettings settings = new StudySettings(base(folder), template, folder, chosen.with(rates, betas, steps, evalSteps, warmup, rows), loaded, Optional.ofNullable(dataDir), common.seed(),
        microBatchTokens, recompute, flopsPerSecond == null ? OptionalDouble.empty() : OptionalDouble.of(flopsPerSecond), List.of("--threads", Integer.toString(common.threads()), "--device", common.device(), "--isa", common.isa() == null ? "auto" : common.isa()),
        judged ? judge.arguments() : List.of(), judged ? judge.identity() : "");
    Study made = new Study(settings, common::openRuntime, common::note);
    return plan ? planned(made) : run(made, folder);
  }

  private void check() {
    if (!study.equals(StudySettings.STUDY)) {
      throw CliException.usage("reproduce: unknown study '" + study + "'; there is " + StudySettings.STUDY);
    }
    positive("--steps", steps);
    positive("--eval-steps", evalSteps);
    positive("--rows", rows);
    positive("--micro-batch-tokens", microBatchTokens);
    grid("--flops-per-second", flopsPerSecond == null ? null : List.of(flopsPerSecond));
    grid("--rates", rates);
    grid("--betas", betas);
    if (warmup != null && warmup < 0) {
      throw CliException.usage("--warmup-steps " + warmup + " must be 0 or more");
    } else if (rows != null && dataDir != null) {
      throw CliException.usage("--rows is for rows that Graft makes; with --data-dir they are as they are");
    }
  }

  /** Whether a judge model grades some answers; its flags are given then, and only then. */
  private boolean judged(List<Task> loaded) {
    boolean judged = loaded.stream().anyMatch(Task::needsJudge);
    if (judged) {
      judge.check();
    } else if (judge.given()) {
      throw CliException.usage("--judge-model is for tasks with the grader likert, and none of --tasks has it; write a task of your own (see graft data tasks)");
    }
    return judged;
  }

  private static void positive(String flag, Integer value) {
    if (value != null && value < 1) {
      throw CliException.usage(flag + " " + value + " must be at least 1");
    }
  }

  private static void grid(String flag, List<Double> values) {
    if (values == null) {
      return;
    }
    for (Double value : values) {
      if (!(value > 0 && Double.isFinite(value.floatValue()))) {
        throw CliException.usage(flag + " " + value + " must be positive");
      }
    }
    if (new HashSet<>(values).size() < values.size()) {
      throw CliException.usage(flag + ": a value is there twice");
    }
  }

  private List<Task> loaded() {
    List<Task> loaded = (tasks.isEmpty() ? Task.names() : tasks).stream().map(name -> Task.load(name.strip())).toList();
    for (int i = 0; i < loaded.size(); i++) {
      String flag = tasks.isEmpty() ? loaded.get(i).name() : tasks.get(i).strip();
      if (Task.names().contains(loaded.get(i).name()) && !Task.names().contains(flag)) {
        throw CliException.usage("--tasks " + flag + ": its name " + loaded.get(i).name() + " is that of a shipped task; give it another in the file");
      }
    }
    if (loaded.stream().map(Task::name).distinct().count() < loaded.size()) {
      throw CliException.usage("--tasks: a task is there twice");
    }
    return loaded;
  }

  /** The model asked for, else the demo base, in the folder; to plan, in a temporary one. */
  private Path base(Path folder) {
    if (model != null) {
      return model;
    }
    try {
      Path file = folder.resolve(Study.BASE);
      if (plan && !Files.exists(file)) {
        file = Files.createTempFile("graft-base", ".gguf");
        file.toFile().deleteOnExit();
        DemoBase.write(file);
      } else if (!Files.exists(file)) {
        Files.createDirectories(folder);
        DemoBase.write(file);
      }
      return file;
    } catch (IOException e) {
      throw CliException.failed(folder + ": cannot be written: " + SafeFiles.reason(e) + "; choose a folder that can be written", e);
    }
  }

  private int planned(Study made) {
    StudyPlan found = made.plan();
    if (common.json()) {
      common.printJson(found.json());
    } else {
      found.print(common.out());
    }
    return ExitCode.DONE;
  }

  private int run(Study made, Path folder) {
    ChildCommand child = new ChildCommand();
    try (StopSignals signals = new StopSignals(child::stop)) {
      try {
        StudyResults results = made.run(child, this::show);
        tell(results, folder);
        return ExitCode.DONE;
      } catch (StudyException e) {
        if (e.stopped()) {
          common.note("stopped; the same command goes on from here");
          return signals.exitCode() == 0 ? e.exitCode() : signals.exitCode();
        }
        throw new CliException(e.exitCode(), e.getMessage(), e);
      }
    }
  }

  private void show(StudyPlan found) {
    if (!common.quiet()) {
      found.print(common.err());
    }
  }

  private void tell(StudyResults results, Path folder) {
    if (common.json()) {
      common.out().print(ResultsFile.text(results));
      common.out().flush();
      return;
    }
    StudyText.tables(results, common.out());
    common.out().println();
    StudyText.costs(results, common.out());
    common.out().println();
    common.out().println("report: " + folder.resolve(StudyReport.HTML) + "; its figures: " + folder.resolve(ResultsFile.NAME) + " and *.csv; what was done, and what each stage took: " + folder.resolve(StudyState.NAME));
    common.out().println("trainings and answers: " + folder + "/TASK/{sft,dpo}{-sweep,}/..., " + folder + "/TASK/{sft-dev,dpo-dev,test}/predictions.jsonl");
    common.out().flush();
  }
}
