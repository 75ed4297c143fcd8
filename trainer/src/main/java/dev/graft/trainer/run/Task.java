package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a run learns from its rows and by which loss: all that differs between supervised fine-tuning and learning from preferences.
 * {@link TrainingRun} calls {@link #prepare}, {@link #read}, then {@link #learner}, each once. One thread.
 */
public interface Task {
  /** Name of the command, as config.json has it. */
  String command();

  /** Flags beside those of {@link RunOptions}, by name in a fixed order, as config.json has them. */
  default Map<String, Object> flags() {
    return Map.of();
  }

  /** Those of {@link #flags} that change at most the last bits of what is learnt. */
  default Set<String> roundingFlags() {
    return Set.of();
  }

  /** Those of {@link #flags} that do not change what is learnt. */
  default Set<String> freeFlags() {
    return Set.of();
  }

  /** Input files beside the usual ones, by flag name; hashed into config.json and checked when a run is resumed. */
  default Map<String, Path> files() {
    return Map.of();
  }

  /**
   * Makes files that the run starts from, in its folder, which is locked and holds no other run.
   *
   * @param resumed whether the run goes on from a checkpoint: then what is there stays
   */
  default void prepare(RunFolder folder, boolean resumed, RunListener listener) {}

  /**
   * Reads and checks the data.
   *
   * @param source for the run's model  @param maxLength most tokens of a sequence, 0 for no limit
   * @throws RunException or DataException when the rows will not do
   */
  Data read(RowSource source, int maxLength, RunListener listener);

  /**
   * What was read.
   *
   * @param train rows to learn, at least one  @param eval rows to evaluate on, or null
   * @param report of the training data, for config.json
   */
  record Data(RowSet train, RowSet eval, JsonNode report) {}

  /**
   * What the run has opened; valid until the run ends.
   *
   * @param hashes of the input files, by flag name  @param start the adapter as training begins, untouched
   *     yet; null when all weights are trained, which the model then computes with
   * @param folder of the run  @param maxTokens most tokens computed at once in training  @param maxTargets most targets of those
   * @param lastGood says where the last good checkpoint is, for messages
   */
  record Setup(GraftRuntime runtime, Model model, Adapter start, Map<String, FileHash> hashes, RunFolder folder, RunOptions options, long maxTokens, long maxTargets,
      RunListener listener, StopRequest stop, Supplier<String> lastGood) {}

  /** Bytes that the task's learner will hold beside the training session. @param start null when all weights are trained */
  default long learnerBytes(Model model, Adapter start, SessionOptions training) {
    return 0;
  }

  /**
   * Gets ready to learn, before the training session is opened; the caller closes what it gets. When a stop is requested on the way
   * this returns early, and the learner is only closed.
   */
  Learner learner(Setup setup);
}
