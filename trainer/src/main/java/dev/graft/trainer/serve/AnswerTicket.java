package dev.graft.trainer.serve;

/** A request that was taken. Any thread. */
public interface AnswerTicket {
  /** Nobody waits any more: the engine stops working on it before its next step. Harmless when it is done. */
  void cancel();
}
