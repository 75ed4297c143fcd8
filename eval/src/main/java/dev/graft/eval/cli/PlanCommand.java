package dev.graft.eval.cli;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.PreferenceLoss;
import dev.graft.bindings.PreferenceOptions;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.plan.Planner;
import dev.graft.trainer.plan.Speed;
import dev.graft.trainer.plan.Way;
import dev.graft.trainer.plan.WayPlan;
import dev.graft.trainer.run.TrainingRun;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** {@code graft plan}: what a training run would cost, with the flags of {@code graft sft} and {@code graft dpo}. */
@Command(
    name = "plan",
    customSynopsis = "graft plan --model M.gguf --data D.jsonl [--method auto|sft|dpo] [flags of graft sft and graft dpo]",
    description = "Prints tokens, operations, memory and expected time of a run before anything runs; for pairs, of SFT and DPO side by side.",
    modelTransformer = PlanCommand.TrainingCommands.class,
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft plan --model model.gguf --data pairs.jsonl",
      "  graft plan --model model.gguf --data rows.jsonl --recompute block --micro-batch-tokens 512 --json",
      "",
      "Takes every flag of graft sft and graft dpo, so that a command line can be planned by its first word alone; nothing is written.",
      "Operations: a multiply-add counts as two; 2N a token forward and 2N backward, the head on rows with a target, attention by the",
      "lengths of the segments; the adapter's own products (about 2%%) are not counted, nor are checkpoints; with --full, 2N more for the",
      "weights' gradients. Evaluations count in the time of the whole run. The time is that of this machine, from real passes over the model, some 10 seconds of them, unless",
      "--flops-per-second tells the speed."
    })
final class PlanCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin ModelOptions model;
  @Mixin TrainingFlags flags;
  @Mixin MethodFlags trained;

  @Option(
      names = "--method",
      paramLabel = "auto|sft|dpo",
      defaultValue = "auto",
      description = "What to plan; auto compares all that the data are for. For pairs, sft is that on prompt and chosen answer; --loss kto has no such. Default:"
          + " ${DEFAULT-VALUE}.")
  String method;

  @Option(names = "--train-on-prompts", description = SftCommand.PROMPTS)
  boolean trainOnPrompts;

  @Option(names = "--flops-per-second", paramLabel = "X", description = "Speed to expect, such as 2e11. Default: measured on the model.")
  Double flopsPerSecond;

  /** Where the flags that only {@code graft dpo} has end up. */
  private DpoCommand dpo;

  /** Adds the flags of {@code graft dpo}, and asks for no folder. */
  static final class TrainingCommands implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec spec) {
      DpoCommand dpo = new DpoCommand();
      ((PlanCommand) spec.userObject()).dpo = dpo;
      for (OptionSpec option : CommandSpec.forAnnotatedObject(dpo).options()) {
        if (spec.findOption(option.longestName()) == null) {
          spec.addOption(OptionSpec.builder(option).build());
        }
      }
      OptionSpec output = spec.findOption("--output");
      spec.remove(output);
      return spec.addOption(OptionSpec.builder(output).required(false).description("Not used here.").build());
    }
  }

  @Override
  public Integer call() {
    check();
    RunOptions options = flags.options(model.model, model.template, common, trained, 0);
    PreferenceLoss loss = PreferenceLoss.of(PreferenceOptions.defaults(dpo.loss));
    try (GraftRuntime runtime = common.openRuntime();
        Model base = Model.open(runtime, model.model)) {
      base.info().notes().forEach(common::note);
      Dataset data = read(base, options, data(loss));
      List<Example> evalRows = flags.evalData == null ? List.of() : read(base, options, new Source(flags.evalData, data.kind())).examples();
      if (data.examples().isEmpty()) {
        throw CliException.badData(data.file() + ": no row has anything to learn; see 'graft preview'");
      }
      List<Way> ways = ways(data.kind(), loss);
      try (Adapter adapter = adapter(base, options)) {
        Planner planner = new Planner(base, adapter, available(runtime), options, data.examples(), evalRows);
        Speed speed = speed(runtime, planner, ways.get(0));
        List<WayPlan> plans = ways.stream().map(way -> planner.plan(way, speed)).toList();
        Way chosen = chosen(ways);
        PlanReport report = new PlanReport(base, adapter, runtime, options, data, planner, speed, plans, chosen);
        if (common.json()) {
          common.printJson(report.json());
        } else {
          report.print(common.out());
        }
      }
    }
    return ExitCode.DONE;
  }

  private void check() {
    if (!List.of("auto", "sft", "dpo").contains(method)) {
      throw CliException.usage("--method " + method + " is not known; give auto, sft or dpo");
    } else if (!List.of("cache", "online").contains(dpo.reference)) {
      throw CliException.usage("--reference " + dpo.reference + " is not known; give cache or online");
    } else if (flopsPerSecond != null && !(flopsPerSecond > 0 && Double.isFinite(flopsPerSecond))) {
      throw CliException.usage("--flops-per-second " + flopsPerSecond + " must be a positive number");
    }
  }

  /** A file and what its rows must be. */
  private record Source(Path file, Dataset.Kind kind) {}

  private Source data(PreferenceLoss loss) {
    if (!method.equals("sft") && loss.traits().unpaired()) {
      return new Source(flags.data, Dataset.Kind.UNPAIRED);
    }
    return new Source(flags.data, method.equals("dpo") ? Dataset.Kind.PREFERENCE : Dataset.Kind.ANY);
  }

  private Dataset read(Model base, RunOptions options, Source source) {
    int maxLength = options.batching().maxLength() > 0 ? options.batching().maxLength() : base.info().contextLength();
    try (RowSource rows = RowSource.open(model.model, base.info().vocabulary(), model.template)) {
      Dataset data = rows.read(source.file, source.kind, maxLength, false, trainOnPrompts);
      data.report().warnings().forEach(common::note);
      return data;
    }
  }

  private List<Way> ways(Dataset.Kind kind, PreferenceLoss loss) {
    if (kind == Dataset.Kind.UNPAIRED) {
      return Way.unpaired(!dpo.noPrefixSharing);
    }
    List<Way> ways = new ArrayList<>();
    if (!method.equals("dpo")) {
      ways.add(Way.SFT);
    }
    if (!method.equals("sft") && kind == Dataset.Kind.PREFERENCE) {
      ways.addAll(Way.preference(loss.traits().needsReference()));
    }
    return ways;
  }

  /** The way that the flags ask for. */
  private Way chosen(List<Way> ways) {
    boolean online = dpo.reference.equals("online");
    return ways.stream()
        .filter(way -> way.dpo() && way.prefixSharing() != dpo.noPrefixSharing && (way.reference() == Way.Reference.NONE || way.online() == online))
        .findFirst()
        .orElse(ways.get(0));
  }

  private Adapter adapter(Model base, RunOptions options) {
    if (trained.initAdapter != null) {
      return Adapter.open(base, trained.initAdapter);
    }
    RunOptions.Lora lora = options.adapter();
    return Adapter.create(base, new LoraSpec(lora.rank(), (float) lora.alpha(), lora.rslora(), lora.targets(), options.seed()));
  }

  /** Memory of the device, or 0 when it cannot be told. */
  private static long available(GraftRuntime runtime) {
    return MemoryCheck.available(runtime).orElse(0);
  }

  private Speed speed(GraftRuntime runtime, Planner planner, Way way) {
    if (flopsPerSecond != null) {
      return Speed.given(flopsPerSecond, "--flops-per-second");
    }
    return planner.measure(way, () -> TrainingRun.usualSpeed(runtime), common::note);
  }
}
