package dev.graft.eval.study;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.bindings.UsageException;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.TaskData;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.plan.BatchShape;
import dev.graft.trainer.plan.ModelCost;
import dev.graft.trainer.plan.Planner;
import dev.graft.trainer.plan.Speed;
import dev.graft.trainer.plan.Way;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.Schedule;
import dev.graft.trainer.run.TrainingRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Works out what a study will take, from its rows and some seconds of measuring. One thread. */
final class StudyPlanner {
  /** Answers are made token by token: so much slower than scoring the same tokens, with many in a batch. A rough guess. */
  private static final double ANSWERING = 4;

  private static final Way DPO = new Way(Way.Method.DPO, true, Way.Reference.CACHE);

  private final StudySettings settings;
  private final Consumer<String> note;

  StudyPlanner(StudySettings settings, Consumer<String> note) {
    this.settings = settings;
    this.note = note;
  }

  /** Whether all weights of a file can be trained. */
  static boolean trainsAllWeights(Model model) {
    try {
      return TrainingSession.memoryBytesOfWeights(model, new SessionOptions(true, 1, 1, Recompute.NONE, 0, 0)) > 0;
    } catch (UsageException e) {
      return false;
    }
  }

  /** @param data of each task, by name and in order  @throws RunException or a data exception when rows cannot be used */
  StudyPlan plan(GraftRuntime runtime, Model model, Map<String, TaskData> data) {
    List<TaskPlan> plans = new ArrayList<>();
    Speed speed = settings.speed().isPresent() ? Speed.given(settings.speed().getAsDouble(), "as given") : null;
    long available = MemoryCheck.available(runtime).orElse(0);
    try (RowSource rows = RowSource.open(settings.model(), model.info().vocabulary(), settings.template());
        Adapter adapter = Adapter.create(model, new LoraSpec(StudyProfile.RANK, StudyProfile.ALPHA, false, "all-linear", settings.seed()))) {
      for (Map.Entry<String, TaskData> entry : data.entrySet()) {
        TaskData of = entry.getValue();
        List<? extends Example> pairs = read(rows, of.dpo(Split.TRAIN), Dataset.Kind.PREFERENCE, model);
        Planner sft = new Planner(model, adapter, available, options(of.sft(Split.TRAIN), of.sft(Split.EVAL)), read(rows, of.sft(Split.TRAIN), Dataset.Kind.SFT, model),
            read(rows, of.sft(Split.EVAL), Dataset.Kind.SFT, model));
        Planner dpo = new Planner(model, adapter, available, options(of.dpo(Split.TRAIN), of.dpo(Split.EVAL)), pairs, read(rows, of.dpo(Split.EVAL), Dataset.Kind.PREFERENCE, model));
        speed = speed == null ? sft.measure(Way.SFT, () -> TrainingRun.usualSpeed(runtime), note) : speed;
        ModelCost cost = ModelCost.of(model.info());
        plans.add(new TaskPlan(entry.getKey(), sft.plan(Way.SFT, speed), dpo.plan(DPO, speed), sft.steps(), sft.epochs(), dpo.epochs(),
            answering(cost, speed, read(rows, of.sft(Split.DEV), Dataset.Kind.SFT, model)), answering(cost, speed, read(rows, of.sft(Split.TEST), Dataset.Kind.SFT, model)),
            dpo.advice(DPO)));
      }
    }
    return new StudyPlan(settings.profile(), plans, speed == null ? "not measured" : speed.source());
  }

  private static List<? extends Example> read(RowSource rows, Path file, Dataset.Kind kind, Model model) {
    Dataset data = rows.read(file, kind, model.info().contextLength(), false);
    if (data.examples().isEmpty()) {
      throw RunException.badData(file + ": no row has anything to learn; see 'graft preview'", null);
    }
    return data.examples();
  }

  private static double answering(ModelCost cost, Speed speed, List<? extends Example> rows) {
    BatchShape prompts = BatchShape.EMPTY;
    BatchShape answers = BatchShape.EMPTY;
    for (Example row : rows) {
      SftExample example = (SftExample) row;
      int answer = example.targets();
      int prompt = Math.max(0, example.length() - answer);
      prompts = prompts.plus(BatchShape.segment(0, prompt, 1));
      answers = answers.plus(BatchShape.segment(prompt, answer, answer));
    }
    return speed.scoring(cost.score(prompts)) + ANSWERING * speed.scoring(cost.score(answers));
  }

  private RunOptions options(Path train, Path eval) {
    StudyProfile profile = settings.profile();
    return new RunOptions(
        new RunOptions.Files(settings.model(), train, eval, null, settings.output()),
        new RunOptions.Lora(StudyProfile.RANK, StudyProfile.ALPHA, 0, false, "all-linear"),
        profile.full() ? new RunOptions.Full(null) : null,
        new RunOptions.Optimizer(profile.rates().get(0), Schedule.COSINE, profile.warmup(), 0, 1, 0.999),
        new RunOptions.Batching(profile.batch(), profile.accumulation(), settings.microBatchTokens(), settings.recompute(), 0, true),
        new RunOptions.Length(profile.steps(), 1),
        new RunOptions.Cadence(profile.evalSteps(), Math.max(1, profile.steps() / 10), 2, 0, false),
        settings.template(), settings.seed(), false, false);
  }
}
