package dev.graft.eval.study;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Where a study is: which stage of how many, and how long the rest takes, by the plan and by how true it was so far. One thread. */
final class StudyProgress {
  private static final long LINE_EVERY_NANOS = 30_000_000_000L;

  private final Consumer<String> note;
  private final Map<String, Double> planned = new LinkedHashMap<>();
  private double doneSeconds;
  private double donePlanned;
  private int done;
  private long lastLine = System.nanoTime();

  /** @param note gets lines for the user */
  StudyProgress(Consumer<String> note) {
    this.note = note;
  }

  /** Announces a stage, or says anew how long it will take. */
  void plan(String stage, double seconds) {
    planned.put(stage, Math.max(seconds, 0.1));
  }

  /** True when it is time for a line about the stage under way. */
  boolean due() {
    return System.nanoTime() - lastLine >= LINE_EVERY_NANOS;
  }

  /** A line about a stage under way, now and then. @param share of it that is done, from 0 to 1 */
  void under(String stage, String title, String state, double share) {
    if (due()) {
      lastLine = System.nanoTime();
      note.accept(String.format(Locale.ROOT, "%s %s%s%s", place(), title, state, eta(planned.getOrDefault(stage, 0.0) * Math.min(1, share))));
    }
  }

  /** A stage has ended. @param seconds that it took now, 0 when it was done before */
  void done(String stage, String title, String outcome, double seconds) {
    Double plan = planned.remove(stage);
    if (seconds > 0 && plan != null) {
      doneSeconds += seconds;
      donePlanned += plan;
    }
    lastLine = System.nanoTime();
    done++;
    if (seconds > 0) {
      note.accept("[" + done + "/" + (done + planned.size()) + "] " + title + ": " + outcome + ", " + time(seconds) + (planned.isEmpty() ? "" : eta(0)));
    }
  }

  /** A stage will not be run. */
  void drop(String stage) {
    planned.remove(stage);
  }

  /** Stages done so far, in this start or before. */
  int doneCount() {
    return done;
  }

  private String place() {
    return "[" + (done + 1) + "/" + (done + planned.size()) + "]";
  }

  private String eta(double ofThis) {
    double left = planned.values().stream().mapToDouble(Double::doubleValue).sum() - ofThis;
    return "; about " + time(left * factor()) + " left in all";
  }

  private double factor() {
    return donePlanned > 0 ? doneSeconds / donePlanned : 1;
  }

  /** "45 s" or "2:05:00". */
  static String time(double seconds) {
    long s = Math.round(seconds);
    return s < 60 ? s + " s" : s < 3600 ? String.format(Locale.ROOT, "%d:%02d min", s / 60, s % 60) : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
}
