package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Dice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Draws patients, histories and whole cases. Stateless. */
public final class CaseMaker {
  private static final Lexicon LEXICON = Lexicon.get();

  private CaseMaker() {}

  /** An adult whom a scenario can concern. */
  public static Patient patient(Scenario scenario, double femaleShare, Dice dice) {
    Who who = scenario.who();
    Sex sex = who.sex() != null ? who.sex() : dice.chance(femaleShare) ? Sex.FEMALE : Sex.MALE;
    return new Patient(sex, dice.between(who.minAge(), who.maxAge()));
  }

  /** Up to three long-standing illnesses that fit, more in the old. */
  public static List<Condition> conditions(Patient patient, Dice dice) {
    int most = patient.age() < 40 ? 1 : patient.age() < 60 ? 2 : 4;
    return dice.some(LEXICON.conditions().stream().filter(c -> c.who().fits(patient)).toList(), dice.between(0, most));
  }

  /** None, one or two operations that fit. */
  public static List<Operation> operations(Patient patient, Dice dice) {
    return dice.some(LEXICON.operations().stream().filter(o -> o.who().fits(patient)).toList(), dice.weighted(5, 4, 1));
  }

  /** A kind of note that fits the patient's age. */
  public static Style style(Patient patient, Dice dice) {
    Style style = List.of(Style.values()).get(dice.weighted(24, 22, 16, 12, 16, 10));
    return style == Style.CALL && patient.age() < 64 ? Style.CLINIC : style;
  }

  /**
   * Draws symptoms that fit the patient and are not taken yet.
   *
   * @param taken keys already spoken of; the keys drawn are added
   */
  public static List<Symptom> draw(Patient patient, int count, Set<String> taken, Predicate<Symptom> wanted, Dice dice) {
    List<Symptom> free = LEXICON.symptoms().stream().filter(s -> s.who().fits(patient) && !taken.contains(s.key()) && wanted.test(s)).toList();
    List<Symptom> drawn = dice.some(free, count);
    drawn.forEach(s -> taken.add(s.key()));
    return drawn;
  }

  /** A case of any organ system, with everything that notes have: present, denied, past and other people's symptoms. */
  public static ClinicalCase general(Dice dice) {
    Scenario scenario = dice.pick(LEXICON.scenarios());
    Patient patient = patient(scenario, 0.55, dice);
    Map<String, Finding> findings = new LinkedHashMap<>();
    boolean urinary = dice.chance(0.25);
    List<Symptom> own = scenario.symptoms().stream().filter(s -> s.who().fits(patient)).toList();
    List<Symptom> present = new ArrayList<>(urinary ? dice.some(urinary(), dice.between(1, 3)) : dice.some(own, dice.between(1, 3)));
    if (urinary && dice.chance(0.4)) {
      present.addAll(dice.some(own, 1));
    }
    boolean neutral = dice.chance(0.35);
    if (neutral && dice.chance(0.3)) {
      present.clear();
    }
    present.forEach(s -> findings.put(s.key(), new Finding(s, Frame.PRESENT)));
    Set<String> taken = new HashSet<>(findings.keySet());
    boolean askUrinary = dice.chance(0.4);
    if (askUrinary) {
      dice.some(urinary(), dice.between(1, 3)).stream().filter(s -> taken.add(s.key()))
          .forEach(s -> findings.put(s.key(), new Finding(s, List.of(Frame.DENIED, Frame.PAST, Frame.OTHER_PERSON).get(dice.weighted(6, 3, 1)))));
    }
    add(findings, draw(patient, dice.between(0, 5), taken, s -> true, dice), Frame.DENIED);
    add(findings, draw(patient, dice.weighted(4, 4, 1), taken, s -> true, dice), Frame.PAST);
    add(findings, draw(patient, dice.weighted(6, 2), taken, s -> s.who().anyone(), dice), Frame.OTHER_PERSON);
    List<Finding> mixed = mixed(new ArrayList<>(findings.values()), dice);
    String reason = neutral || present.isEmpty() ? reason(scenario, dice) : null;
    return new ClinicalCase(patient, style(patient, dice), reason, mixed, conditions(patient, dice), operations(patient, dice), dice.chance(0.12), false);
  }

  /** A case of one to four findings: for a few sentences rather than a note. Urinary symptoms are frequent in it, in every frame. */
  public static ClinicalCase brief(Dice dice) {
    Scenario scenario = dice.pick(LEXICON.scenarios());
    Patient patient = patient(scenario, 0.55, dice);
    Set<String> taken = new HashSet<>();
    List<Finding> findings = new ArrayList<>();
    boolean urinary = dice.chance(0.4);
    for (int i = dice.between(1, 4); i > 0; i--) {
      Frame frame = List.of(Frame.values()).get(dice.weighted(5, 4, 3, 1));
      draw(patient, 1, taken, s -> (!urinary || s.system().equals("urinary")) && (frame != Frame.OTHER_PERSON || s.who().anyone()), dice)
          .forEach(s -> findings.add(new Finding(s, frame)));
    }
    List<Finding> mixed = mixed(findings, dice);
    String reason = mixed.isEmpty() || mixed.get(0).frame() != Frame.PRESENT || dice.chance(0.3) ? reason(scenario, dice) : null;
    return new ClinicalCase(patient, style(patient, dice), reason, mixed, conditions(patient, dice), operations(patient, dice), false, false);
  }

  /** A reason to come that states no symptom. */
  public static String reason(Scenario scenario, Dice dice) {
    return dice.pick(scenario.reasons()).replace("<9-36>", Integer.toString(dice.between(9, 36)));
  }

  /** The findings that are present stay in front, in their order; the rest is shuffled. */
  public static List<Finding> mixed(List<Finding> findings, Dice dice) {
    List<Finding> all = new ArrayList<>(findings.stream().filter(f -> f.frame() == Frame.PRESENT).toList());
    all.addAll(dice.shuffled(findings.stream().filter(f -> f.frame() != Frame.PRESENT).toList()));
    return all;
  }

  private static List<Symptom> urinary() {
    return LEXICON.symptoms().stream().filter(s -> s.system().equals("urinary")).toList();
  }

  private static void add(Map<String, Finding> findings, List<Symptom> symptoms, Frame frame) {
    symptoms.forEach(s -> findings.put(s.key(), new Finding(s, frame)));
  }
}
