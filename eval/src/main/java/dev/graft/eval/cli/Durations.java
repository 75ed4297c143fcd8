package dev.graft.eval.cli;

import java.util.Locale;

/** Durations for people. */
final class Durations {
  private Durations() {}

  /** "45 s", "3:07" or "2:05:00". */
  static String text(double seconds) {
    long s = Math.round(seconds);
    if (s < 60) {
      return s + " s";
    }
    return s < 3600
        ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
}
