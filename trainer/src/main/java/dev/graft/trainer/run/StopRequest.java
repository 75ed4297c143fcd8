package dev.graft.trainer.run;

/** Asks a run to stop at the next safe place. Any thread may request; the run's thread looks. */
public final class StopRequest {
  private volatile boolean requested;

  /** Asks; returns at once. */
  public void request() {
    requested = true;
  }

  /** True once asked. */
  public boolean requested() {
    return requested;
  }
}
