package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a reader should be careful about, worked out from the results, a sentence each. Stateless. */
final class Caveats {
  /** Fewer test rows than this are called few. */
  private static final long FEW = 100;
  /** A greater share of unread answers than this is told. */
  private static final double UNREAD = 0.05;

  private Caveats() {}

  static List<String> of(StudyResults results) {
    List<String> caveats = new ArrayList<>();
    if (results.comparisons() > 0) {
      caveats.add(String.format(Locale.ROOT, "Many tests: %s outcomes share a level of %s, so that a P value counts as significant below %s (Bonferroni). "
          + "The pairs of systems within an outcome share nothing further; a hit among many pairs is weaker evidence than it looks.",
          results.comparisons(), Words.plain(results.alpha()), Words.plain(results.threshold())));
    }
    List<String> synthetic = titles(results, true);
    if (!synthetic.isEmpty()) {
      caveats.add("Synthetic data: " + String.join(", ", synthetic) + ". These texts were made by a program, so the results say what the method does to such texts, nothing about patients.");
    }
    List<String> real = titles(results, false);
    if (!real.isEmpty()) {
      caveats.add("Data not made by a program: " + String.join(", ", real) + ". The base may have seen public data in its own training.");
    }
    if (results.profile() != null && !results.profile().equals("paper")) {
      caveats.add("Profile " + results.profile() + " is not the study's own protocol; the settings below say what was done.");
    }
    caveats.add("One seed (" + results.seed() + "): the spread between seeds was not measured, and intervals cover the choice of test rows only.");
    for (Task task : results.tasks()) {
      task.outcomes().forEach(outcome -> outcome(outcome, results.threshold(), caveats));
    }
    return caveats;
  }

  private static List<String> titles(StudyResults results, boolean synthetic) {
    return results.tasks().stream().filter(t -> t.data() != null && t.data().synthetic() == synthetic).map(t -> Words.text(t.title() == null ? t.name() : t.title())).toList();
  }

  private static void outcome(Outcome outcome, double threshold, List<String> caveats) {
    String title = Words.text(outcome.title() == null ? outcome.name() : outcome.title());
    long n = outcome.systems().stream().mapToLong(SystemResult::n).min().orElse(0);
    if (!outcome.systems().isEmpty() && n < FEW) {
      caveats.add(title + ": only " + n + " test rows; the intervals are wide, and differences that matter may not show.");
    }
    List<String> alike = outcome.comparisons().stream().filter(pair -> hopeless(pair, threshold))
        .map(pair -> pair.first() + " and " + pair.second() + " (" + (pair.b() + pair.c()) + ")").toList();
    if (!alike.isEmpty()) {
      caveats.add(title + ": so few rows tell two systems apart that an exact McNemar test cannot fall below " + Words.plain(threshold) + " whichever is better: "
          + String.join(", ", alike) + ".");
    }
    List<String> unread = outcome.systems().stream().filter(s -> s.unread() != null && s.n() > 0 && s.unread() > UNREAD * s.n())
        .map(s -> s.system() + " (" + s.unread() + " of " + s.n() + ")").toList();
    if (!unread.isEmpty()) {
      caveats.add(title + ": answers that could not be read as any label count as wrong, so that part of a difference may be form, not knowledge: " + String.join(", ", unread) + ".");
    }
  }

  /** Whether even the most one-sided split of the discordant rows would not be significant. */
  private static boolean hopeless(Pair pair, double threshold) {
    return pair.test() != null && pair.test().startsWith("McNemar") && pair.b() != null && pair.c() != null && 2 * Math.pow(0.5, pair.b() + pair.c()) >= threshold;
  }
}
