package dev.graft.trainer.run;

import java.util.Locale;

/** Learning-rate schedules; steps count from 1 and step k uses what Hugging Face's schedulers give after k-1 updates. */
public enum Schedule {
  /** The peak all the time (after the warmup). */
  CONSTANT,
  /** Falls in a straight line to 0 at the last step's end. */
  LINEAR,
  /** Half a cosine from the peak to 0. */
  COSINE;

  /**
   * @param peak the learning rate asked for
   * @param step optimizer step, from 1
   * @param totalSteps steps of the whole run
   * @param warmupSteps steps of the linear warmup from 0; the step after them has the peak
   * @return the learning rate of that step
   */
  public double rate(double peak, long step, long totalSteps, long warmupSteps) {
    long done = step - 1;
    if (done < warmupSteps) {
      return peak * ((double) done / warmupSteps);
    }
    double progress = (double) (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return switch (this) {
      case CONSTANT -> peak;
      case LINEAR -> peak * Math.max(0, 1 - progress);
      case COSINE -> peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress))));
    };
  }

  /** The flag's value: {@code constant}, {@code linear} or {@code cosine}. */
  public String flag() {
    return name().toLowerCase(Locale.ROOT);
  }
}
