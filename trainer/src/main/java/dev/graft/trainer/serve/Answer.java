package dev.graft.trainer.serve;

import dev.graft.trainer.constrain.ConstraintState;
import java.util.Arrays;
import java.util.List;

/** An answer on its way through a {@link ContinuousBatch}; the batch's thread alone touches it. */
public final class Answer {
  /** Hears of an answer, on the batch's thread. One of {@link #done}, {@link #failed} and {@link #cancelled} comes last. */
  public interface Watcher {
    /** Its prompt is being computed. */
    default void begun() {}

    /** More text, maybe empty, and the token that it took when log-probabilities were asked for. */
    default void text(String more, List<TokenLogprob> tokens) {}

    /** It is whole. */
    void done(Answer answer);

    /** It cannot be. */
    void failed(RuntimeException reason);

    /** Nobody wanted it any more. */
    default void cancelled() {}
  }

  private final AnswerPlan plan;
  private final Watcher watcher;
  private final AnswerText text;
  private int[] ids = new int[16];
  private int count;
  private float[] embedding;
  private String reason;
  int sequence = -1;
  int computed;
  int reused;
  double seconds;
  ConstraintState constraint;
  volatile boolean cancelled;

  public Answer(AnswerPlan plan, Watcher watcher) {
    this.plan = plan;
    this.watcher = watcher;
    this.text = new AnswerText(plan.stop());
  }

  /** Every token generated, the one that ended it included. */
  public int[] ids() {
    return Arrays.copyOf(ids, count);
  }

  /** Its text, without special tokens (but those that the plan shows) and the stop text. */
  public String text() {
    return text.text();
  }

  /** Wall time spent on it: where several were computed at once, its share by tokens. */
  public double seconds() {
    return seconds;
  }

  /** How it ended, once it is done. */
  public AnswerEnd end() {
    return new AnswerEnd(reason, plan.prompt().length, reused, count);
  }

  /** The prompt's embedding, when the plan asked for it. */
  float[] embedding() {
    return embedding;
  }

  AnswerPlan plan() {
    return plan;
  }

  Watcher watcher() {
    return watcher;
  }

  AnswerText writing() {
    return text;
  }

  boolean embeds() {
    return plan.maxTokens() == 0;
  }

  /** Its prompt is computed; from now on a token at a time. */
  boolean decoding() {
    return computed == plan.prompt().length;
  }

  int count() {
    return count;
  }

  int last() {
    return ids[count - 1];
  }

  void add(int id) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, 2 * count);
    }
    ids[count++] = id;
  }

  void ended(String how) {
    reason = how;
  }

  void embedded(float[] values) {
    embedding = values;
    reason = "stop";
  }
}
