package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Sentences about one patient: fills the slots of the grammar. One note; one thread. */
final class Sentences {
  /** A sentence, and what it says besides symptoms. */
  record Sentence(String text, Map<String, String> facts) {}

  private final Grammar grammar;
  private final ClinicalCase source;
  private final Dice dice;
  private final Measurements measured;
  private final List<String> medicines;
  private final String job;

  Sentences(Grammar grammar, ClinicalCase source, Dice dice) {
    this.grammar = grammar;
    this.source = source;
    this.dice = dice;
    this.job = grammar.say("job", dice);
    this.measured = Measurements.of(febrile(), source.patient(), dice);
    this.medicines = source.conditions().stream().filter(c -> dice.chance(0.85)).map(c -> dice.pick(c.medicines())).distinct().toList();
  }

  /** True when the patient has a fever now. */
  boolean febrile() {
    return source.has(Frame.PRESENT, "fever");
  }

  boolean hasMedicines() {
    return !medicines.isEmpty();
  }

  /** A sentence of the rule, about the symptoms given. */
  Sentence about(String rule, List<Symptom> symptoms) {
    Map<String, String> facts = new LinkedHashMap<>();
    Slots slots = new Slots(symptoms, facts);
    String text = grammar.say(rule, dice, slots::value).replace("\\n", "\n");
    return new Sentence(tidy(text), facts);
  }

  private static String tidy(String text) {
    String tidy = text.replaceAll("\\b([Aa]) (?=8\\d\\b|8\\d-|11\\b|18\\b|11-|18-|[aeio])", "$1n ").replaceAll("\\b(last|past) an? (?=day|week)", "$1 ")
        .replaceAll(" {2,}", " ").replaceAll(" ([.,;:])", "$1").strip();
    return capitalised(tidy);
  }

  static String capitalised(String text) {
    int at = text.startsWith("\"") ? 1 : 0;
    return text.length() <= at ? text : text.substring(0, at) + Character.toUpperCase(text.charAt(at)) + text.substring(at + 1);
  }

  /** Values of the slots of one sentence. */
  private final class Slots {
    private final List<Symptom> symptoms;
    private final Map<String, String> facts;
    private final String duration = grammar.say("dur", dice);

    Slots(List<Symptom> symptoms, Map<String, String> facts) {
      this.symptoms = symptoms;
      this.facts = facts;
    }

    String value(String name) {
      Sex sex = source.patient().sex();
      return switch (name) {
        case "age" -> fact("age", Integer.toString(source.patient().age()));
        case "woman" -> sex.noun();
        case "female" -> sex.adjective();
        case "sexletter" -> sex.letter();
        case "her" -> sex.her();
        case "him" -> sex.object();
        case "herself" -> sex.herself();
        case "she" -> sex.she();
        case "She" -> dice.chance(0.75) ? capitalised(sex.she()) : dice.of("The patient", "Patient");
        case "Her" -> capitalised(sex.her());
        case "Relative", "Kin" -> capitalised(grammar.say(name.toLowerCase(Locale.ROOT), dice, this::value));
        case "relative" -> source.patient().age() < 42 ? sex.her() + " " + dice.of("sister", "brother", "partner", "mother", "roommate") : null;
        case "job" -> job;
        case "jobtitle" -> source.patient().age() >= 66 ? "retired " + job : job;
        case "reason" -> source.reason();
        case "L", "L2" -> list("and");
        case "N" -> list("or");
        case "C" -> list(null);
        case "lay" -> dice.pick(symptoms.get(0).lay());
        case "Lay" -> capitalised(dice.pick(symptoms.get(0).lay()));
        case "dur" -> duration(duration);
        case "durshort" -> duration(shortened(duration));
        case "conditions" -> conditions(false);
        case "conditionsshort" -> conditions(true);
        case "operation" -> dice.pick(source.operations()).name();
        case "opyear" -> Integer.toString(dice.between(Math.max(1985, 2022 - Math.max(1, (source.patient().age() - 17) / 2)), 2022));
        case "operations" -> String.join(", ", source.operations().stream().map(Operation::name).toList());
        case "medicines" -> fact("medicines", String.join(", ", medicines));
        case "temp" -> fact("temperature", measured.temperature());
        case "hr" -> fact("pulse", measured.pulse());
        case "bp" -> fact("blood pressure", measured.bloodPressure());
        case "rr" -> measured.respirations();
        case "spo2" -> fact("oxygen saturation", measured.saturation());
        case "labs" -> measured.labs(dice, facts);
        default -> null;
      };
    }

    private String fact(String name, String value) {
      facts.put(name, value);
      return value;
    }

    private String duration(String text) {
      if (symptoms.size() == 1) {
        facts.put(Note.DURATION + symptoms.get(0).key(), text);
      }
      return text;
    }

    private String shortened(String text) {
      return text.replaceFirst("^(?:a|one) (?=week|day)", "1 ").replaceFirst("^two", "2").replaceFirst("^three", "3").replaceFirst("^four", "4")
          .replaceFirst("^five", "5").replaceFirst(" days?$", "d").replaceFirst(" weeks?$", " wk").replaceFirst(" hours$", "h");
    }

    private String conditions(boolean abbreviated) {
      facts.put("conditions", String.join(", ", source.conditions().stream().map(Condition::name).toList()));
      List<String> names = source.conditions().stream().map(c -> abbreviated ? c.abbreviation() : c.name()).toList();
      return abbreviated ? String.join(", ", names) : joined(names, "and");
    }

    private String list(String word) {
      List<String> phrases = new ArrayList<>();
      for (Symptom symptom : symptoms) {
        String phrase = dice.pick(symptom.phrases());
        facts.put(Note.PHRASE + symptom.key(), phrase);
        phrases.add(phrase);
      }
      return word == null ? String.join(", ", phrases) : joined(phrases, word);
    }

    private String joined(List<String> items, String word) {
      if (items.size() < 2) {
        return String.join("", items);
      }
      int last = items.size() - 1;
      String comma = items.size() > 2 && dice.chance(0.6) ? ", " : " ";
      return String.join(", ", items.subList(0, last)) + comma + word + " " + items.get(last);
    }
  }
}
