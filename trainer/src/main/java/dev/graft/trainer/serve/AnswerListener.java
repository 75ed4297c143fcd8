package dev.graft.trainer.serve;

import java.util.List;

/** Hears of one answer, on the engine's thread: returns quickly and does not throw. Either {@link #done} or {@link #failed} comes last, unless the answer was cancelled. */
public interface AnswerListener {
  /** More text, whole characters only, maybe empty; and the tokens that it took, when log-probabilities were asked for. */
  void text(String more, List<TokenLogprob> tokens);

  /** The answer is whole. */
  void done(AnswerEnd end);

  /** It cannot be: a {@link dev.graft.bindings.GraftException}, or the engine was closed. */
  void failed(RuntimeException reason);
}
