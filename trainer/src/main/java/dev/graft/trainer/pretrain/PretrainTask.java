package dev.graft.trainer.pretrain;

import dev.graft.trainer.run.Learner;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunFolder;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.SftTask;
import dev.graft.trainer.run.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Training of all weights on all tokens: from a new model, which is written into the run's folder, or on from one in F32, F16 or BF16. */
public final class PretrainTask implements Task {
  /** Name of the new model in the run's folder, before the first step. */
  public static final String INITIAL = "initial.gguf";

  private final RunOptions options;
  private final InitialModel initial;
  private final SftTask rows;

  /** @param initial the new model, or null: the options' model is there already */
  public PretrainTask(RunOptions options, InitialModel initial) {
    this.options = options;
    this.initial = initial;
    this.rows = new SftTask(options, true);
  }

  @Override
  public String command() {
    return "pretrain";
  }

  @Override
  public Map<String, Object> flags() {
    Map<String, Object> flags = new LinkedHashMap<>(rows.flags());
    if (initial != null) {
      flags.putAll(initial.flags());
    }
    return flags;
  }

  @Override
  public Map<String, Path> files() {
    return Collections.singletonMap("tokenizer", initial == null ? null : initial.shape().vocabulary());
  }

  @Override
  public void prepare(RunFolder folder, boolean resumed, RunListener listener) {
    Path file = options.files().model();
    if (initial != null && !(resumed && Files.exists(file))) {
      initial.write(file);
    }
  }

  @Override
  public Data read(RowSource source, int maxLength, RunListener listener) {
    return rows.read(source, maxLength, listener);
  }

  @Override
  public Learner learner(Setup setup) {
    return rows.learner(setup);
  }
}
