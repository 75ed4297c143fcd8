package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.ClinicalCase;
import dev.graft.eval.synthetic.clinic.Condition;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Sex;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.List;

/** The same facts telegraphically and in plain words, side by side. Stateless. */
final class Rewriting {
  private Rewriting() {}

  static List<String> turns(Dice dice) {
    ClinicalCase source = CaseMaker.brief(dice);
    List<String> brief = new ArrayList<>();
    List<String> plain = new ArrayList<>();
    int age = source.patient().age();
    boolean female = source.patient().sex() == Sex.FEMALE;
    String she = female ? "She" : "He";
    String article = age == 18 || age / 10 == 8 ? "An " : "A ";
    List<String> present = phrases(source.in(Frame.PRESENT), dice);
    int days = dice.between(2, 9);
    if (present.isEmpty()) {
      brief.add(age + (female ? "F" : "M") + " here for " + source.reason() + ".");
      plain.add(article + age + "-year-old " + source.patient().sex().noun() + " is here for " + source.reason() + ".");
    } else {
      brief.add(age + (female ? "F" : "M") + " c/o " + and(present, "and") + " x " + days + "d.");
      plain.add(article + age + "-year-old " + source.patient().sex().noun() + " complains of " + and(present, "and") + " for " + days + " days.");
    }
    List<String> denied = phrases(source.in(Frame.DENIED), dice);
    if (!denied.isEmpty()) {
      brief.add(dice.of("Denies ", "Neg for ", "No ") + and(denied, "or") + ".");
      plain.add(she + " has no " + and(denied, "or") + ".");
    }
    for (String past : phrases(source.in(Frame.PAST), dice)) {
      int year = dice.between(2009, 2022);
      brief.add("H/o " + past + " " + year + ", resolved.");
      plain.add(she + " had " + past + " in " + year + ", which has resolved.");
    }
    if (!source.conditions().isEmpty()) {
      brief.add("PMH: " + String.join(", ", source.conditions().stream().map(Condition::abbreviation).toList()) + ".");
      plain.add("Past medical history: " + String.join(", ", source.conditions().stream().map(Condition::name).toList()) + ".");
    }
    String shortText = String.join(" ", brief);
    String longText = String.join(" ", plain);
    return dice.chance(0.65)
        ? List.of(dice.of("Write without abbreviations: ", "Rewrite in full sentences: ", "Put into plain English: ") + shortText, longText)
        : List.of(dice.of("Shorten for a chart: ", "Write telegraphically: ") + longText, shortText);
  }

  private static List<String> phrases(List<Symptom> symptoms, Dice dice) {
    return symptoms.stream().map(s -> dice.pick(s.phrases())).toList();
  }

  private static String and(List<String> items, String word) {
    int last = items.size() - 1;
    return last == 0 ? items.get(0) : String.join(", ", items.subList(0, last)) + " " + word + " " + items.get(last);
  }
}
