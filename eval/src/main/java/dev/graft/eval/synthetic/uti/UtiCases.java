package dev.graft.eval.synthetic.uti;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.ClinicalCase;
import dev.graft.eval.synthetic.clinic.Finding;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Lexicon;
import dev.graft.eval.synthetic.clinic.Patient;
import dev.graft.eval.synthetic.clinic.Scenario;
import dev.graft.eval.synthetic.clinic.Sex;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Cases with white cells in the urine, with and without symptoms of the lower urinary tract. Both kinds speak about equally often of
 * such symptoms, of other symptoms, of denials, of the past and of other people; they differ in who has what now.
 */
final class UtiCases {
  private static final Lexicon LEXICON = Lexicon.get();
  private static final List<Symptom> LOWER = UtiTask.LOWER_URINARY.stream().map(LEXICON::symptom).toList();

  /** Present, these would leave the answer open. */
  private static final Set<String> OPEN = Set.of("flank pain", "weak stream", "fever", "chills");

  /** Other organs' symptoms that share a word or a place with those of the lower urinary tract. */
  private static final List<String> TRAPS = List.of("vaginal itch", "back pain", "bowel urgency", "numb feet", "diarrhea", "vaginal discharge", "heartburn", "foul urine");

  private UtiCases() {}

  static ClinicalCase make(boolean positive, Dice dice) {
    Scenario scenario = dice.pick(LEXICON.scenarios());
    Patient patient = CaseMaker.patient(scenario, 0.68, dice);
    boolean leak = patient.sex() == Sex.FEMALE && patient.age() >= 45 && dice.chance(0.12);
    Set<String> taken = new HashSet<>();
    List<Finding> lower = lower(positive, leak, dice);
    lower.forEach(f -> taken.add(f.symptom().key()));
    UtiTask.LOWER_URINARY.forEach(taken::add); // only as drawn above
    List<Finding> others = others(positive, scenario, patient, taken, dice);

    List<Finding> mine = lower.stream().filter(f -> f.frame() == Frame.PRESENT).toList();
    List<Finding> findings = new ArrayList<>();
    boolean inFront = dice.chance(0.35);
    findings.addAll(inFront ? mine : List.of());
    findings.addAll(others.stream().filter(f -> f.frame() == Frame.PRESENT).toList());
    findings.addAll(inFront ? List.of() : mine);
    List<Finding> rest = new ArrayList<>(lower);
    rest.addAll(others);
    findings.addAll(dice.shuffled(rest.stream().filter(f -> f.frame() != Frame.PRESENT).toList()));

    boolean noneToOpenWith = findings.isEmpty() || findings.get(0).frame() != Frame.PRESENT;
    String reason = noneToOpenWith || dice.chance(0.45) ? CaseMaker.reason(scenario, dice) : null;
    return new ClinicalCase(patient, CaseMaker.style(patient, dice), reason, findings, CaseMaker.conditions(patient, dice), CaseMaker.operations(patient, dice), true, leak);
  }

  private static List<Finding> lower(boolean positive, boolean leak, Dice dice) {
    List<Symptom> drawn = dice.some(LOWER.stream().filter(s -> !leak || !s.key().equals("incontinence")).toList(), positive ? 1 + dice.weighted(3, 4, 3, 2) : dice.weighted(1, 4, 4, 3, 1));
    int present = positive ? Math.min(drawn.size(), 1 + dice.weighted(6, 4, 1)) : 0;
    List<Finding> findings = new ArrayList<>();
    for (int i = 0; i < drawn.size(); i++) {
      Frame frame = i < present ? Frame.PRESENT : List.of(Frame.DENIED, Frame.PAST, Frame.OTHER_PERSON).get(dice.weighted(5, 3, 1));
      findings.add(new Finding(drawn.get(i), frame));
    }
    return findings;
  }

  private static List<Finding> others(boolean positive, Scenario scenario, Patient patient, Set<String> taken, Dice dice) {
    List<Finding> findings = new ArrayList<>();
    List<Symptom> own = scenario.symptoms().stream().filter(s -> s.who().fits(patient) && !OPEN.contains(s.key()) && !taken.contains(s.key())).toList();
    for (Symptom s : dice.some(own, positive ? dice.weighted(4, 4, 1) : dice.weighted(1, 4, 3))) {
      taken.add(s.key());
      findings.add(new Finding(s, Frame.PRESENT));
    }
    if (dice.chance(positive ? 0.2 : 0.3)) {
      CaseMaker.draw(patient, 1, taken, s -> TRAPS.contains(s.key()), dice).forEach(s -> findings.add(new Finding(s, Frame.PRESENT)));
    }
    int denied = positive ? dice.between(1, 5) : dice.between(0, 4);
    CaseMaker.draw(patient, denied, taken, s -> true, dice).forEach(s -> findings.add(new Finding(s, Frame.DENIED)));
    CaseMaker.draw(patient, dice.weighted(positive ? 4 : 6, 3), taken, s -> true, dice).forEach(s -> findings.add(new Finding(s, Frame.PAST)));
    CaseMaker.draw(patient, dice.weighted(positive ? 6 : 9, 1), taken, s -> s.who().anyone(), dice).forEach(s -> findings.add(new Finding(s, Frame.OTHER_PERSON)));
    return findings;
  }
}
