package dev.graft.trainer.run;

/**
 * When a run evaluates: every so many steps, else as each epoch ends; and after the last step.
 *
 * @param steps of the whole run  @param every {@code --eval-steps}, 0: at the end of each epoch
 * @param rowsPerStep rows of one step  @param rows of the training data
 */
public record Evaluations(long steps, long every, int rowsPerStep, int rows) {
  /** Of a run of these options over so many rows. */
  public static Evaluations of(RunOptions options, int rows) {
    int perStep = options.batching().rowsPerStep();
    return new Evaluations(options.length().steps(rows, perStep), options.cadence().evalSteps(), perStep, rows);
  }

  /** Whether one follows a step, from 1. */
  public boolean after(long step) {
    return step == steps || (every > 0 ? step % every == 0 : epochs(step) > epochs(step - 1));
  }

  /** How many there are, unless the run stops early. */
  public long count() {
    if (every > 0) {
      return (steps + every - 1) / every;
    }
    long before = Math.min(steps - 1, epochs(steps - 1)); // a step may end several epochs at once
    return before + 1;
  }

  private long epochs(long done) {
    return done * rowsPerStep / rows;
  }
}
