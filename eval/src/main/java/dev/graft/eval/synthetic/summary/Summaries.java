package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.prose.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Writes summaries of a stay: the good one, and worse ones. */
final class Summaries {
  /** Shortest and longest good summary, in words. */
  static final int MIN_WORDS = 30;
  static final int MAX_WORDS = 80;

  private Summaries() {}

  /** Two or three sentences with all facts. The same state of {@code random} gives the same wording, whatever the values are. */
  static String good(Stay stay, SplittableRandom random) {
    return write(stay, true, random);
  }

  /** The same without the complication, or what was said of its absence. */
  static String withoutCourse(Stay stay, SplittableRandom random) {
    return write(stay, false, random);
  }

  private static String write(Stay stay, boolean course, SplittableRandom random) {
    String dx = stay.phrase("dx", random);
    String tx = stay.phrase("tx", random);
    String result = stay.phrase("result", random);
    String also = stay.phrase("also", random);
    String med = stay.phrase("med", random);
    String fu = stay.phrase("fu", random);
    String says = Grammar.expand(stay.complication().says(), stay.words(), random);
    String to = stay.disposition().says();
    int form = random.nextInt(4);
    int courseForm = random.nextInt(4);
    boolean none = stay.complication().id().equals("none");
    String soFar = (dx + " " + tx + " " + med).toLowerCase(Locale.ROOT);
    String aside = missing(result, "result_any", stay, soFar) ? "; " + result : "";
    String more = missing(also, "also_any", stay, soFar) ? "; " + also : "";
    String opening = switch (form) {
      case 0 -> "A <aged> <noun> was admitted with " + dx + " and treated with " + tx + aside + ". ";
      case 1 -> "<aged> <noun> hospitalized for " + dx + ", managed with " + tx + aside + ". ";
      case 2 -> "This <aged> <noun> had " + dx + " and received " + tx + aside + ". ";
      default -> "<aged> <noun> admitted for " + dx + aside + "; treatment was " + tx + ". ";
    };
    String middle = !course ? "" : none
        ? List.of("The course was uncomplicated. ", "The stay was uncomplicated. ", "Hospital course: no complications. ",
            "<he> recovered without complications. ").get(courseForm)
        : List.of("The course was complicated by " + says + ". ", "Complication: " + says + ". ", "The stay was marked by " + says + ". ",
            "<he> developed " + says + ". ").get(courseForm);
    String discharge = switch (random.nextInt(4)) {
      case 0 -> "<he> was discharged " + to + " " + med + ", with " + fu + more + ".";
      case 1 -> "Discharged " + to + " " + med + more + "; " + fu + " is planned.";
      case 2 -> "<he> went " + to + " in stable condition " + med + more + ", with " + fu + " arranged.";
      default -> "Discharged " + to + " " + med + "; plan: " + fu + more + ".";
    };
    return Grammar.tidy(Grammar.named(opening + middle + discharge, stay.words()));
  }

  private static boolean missing(String phrase, String any, Stay stay, String text) {
    return phrase != null && Grammar.alternatives(stay.scenario().phrases().get(any)).stream()
        .noneMatch(one -> text.contains(Grammar.named(one, stay.words()).toLowerCase(Locale.ROOT)));
  }

  /**
   * Worse summaries, the most tempting first: one wrong fact; a wrong one and one missing; a copy of the note that is too long; a short
   * and vague one.
   *
   * @param wording the state that {@link #good} had
   */
  static List<String> worse(Stay stay, String note, Checklist checklist, long wording, SplittableRandom random) {
    List<String> wrong = new ArrayList<>();
    for (String name : Chance.shuffled(stay.scenario().swap(), random)) {
      Stay other = stay.with(name, Chance.pick(stay.others(name), random));
      String text = wrong.isEmpty() ? good(other, new SplittableRandom(wording)) : withoutCourse(other, new SplittableRandom(random.nextLong()));
      if (wrong.size() < 2 && !checklist.passes(text)) {
        wrong.add(text);
      }
    }
    wrong.add(copy(note, random));
    wrong.add(vague(stay, random));
    return wrong;
  }

  /** The note's first 95 to 140 words, on one line. */
  private static String copy(String note, SplittableRandom random) {
    String[] words = note.replaceAll("(?m)^ *(#+|[-*>]) ", "").strip().split("\\s+");
    int count = Math.min(words.length, 95 + random.nextInt(46));
    String text = String.join(" ", List.of(words).subList(0, count));
    int stop = text.lastIndexOf(". ");
    boolean enough = stop > 0 && Words.count(text.substring(0, stop)) > MAX_WORDS;
    return text.endsWith(".") ? text : enough ? text.substring(0, stop + 1) : text.replaceAll("[,;:-]$", "") + ".";
  }

  private static String vague(Stay stay, SplittableRandom random) {
    String ending = Grammar.expand("Follow-up was arranged.|Further care was arranged.|<he> was discharged in stable condition.|", stay.words(), random);
    return Grammar.tidy(Grammar.expand(
        "{the patient|a <noun>|this <aged> <noun>} was {admitted|hospitalized}, treated and {improved|got better|felt better}.", stay.words(), random)
        + " " + ending);
  }
}
