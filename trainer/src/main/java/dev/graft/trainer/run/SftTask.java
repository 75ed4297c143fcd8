package dev.graft.trainer.run;

import dev.graft.trainer.data.Dataset;
import java.util.Map;

/** Supervised fine-tuning: the mean negative log-likelihood of the learnt tokens. */
public final class SftTask implements Task {
  private final RunOptions options;
  private final boolean trainOnPrompts;
  private SftBatches train;
  private SftBatches eval;

  /** Learns completions and the assistant's turns. */
  public SftTask(RunOptions options) {
    this(options, false);
  }

  /** @param options of the run  @param trainOnPrompts prompts and template tokens are learnt too */
  public SftTask(RunOptions options, boolean trainOnPrompts) {
    this.options = options;
    this.trainOnPrompts = trainOnPrompts;
  }

  @Override
  public String command() {
    return "sft";
  }

  @Override
  public Map<String, Object> flags() {
    return Map.of("train-on-prompts", trainOnPrompts);
  }

  @Override
  public Data read(RowSource source, int maxLength, RunListener listener) {
    Dataset data = source.read(options.files().data(), Dataset.Kind.SFT, maxLength, false, trainOnPrompts);
    data.report().warnings().forEach(line -> listener.note("--data: " + line));
    train = batches(data);
    if (options.files().evalData() != null) {
      Dataset evalData = source.read(options.files().evalData(), Dataset.Kind.SFT, maxLength, false, trainOnPrompts);
      evalData.report().warnings().forEach(line -> listener.note("--eval-data: " + line));
      eval = batches(evalData);
    }
    return new Data(train, eval, data.report().toJson());
  }

  private static SftBatches batches(Dataset data) {
    SftBatches batches = new SftBatches(data.sft());
    if (batches.rows() == 0) {
      throw RunException.badData(data.file() + ": no row has anything to learn; see 'graft preview'", null);
    }
    return batches;
  }

  @Override
  public Learner learner(Setup setup) {
    return new SftLearner(train, eval, setup);
  }
}
