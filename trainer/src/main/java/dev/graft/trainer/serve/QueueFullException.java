package dev.graft.trainer.serve;

/** As many requests wait as the engine lets wait. */
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** @param waiting requests in the queue */
  public QueueFullException(int waiting) {
    super(waiting + " requests wait already; try again later");
  }
}
