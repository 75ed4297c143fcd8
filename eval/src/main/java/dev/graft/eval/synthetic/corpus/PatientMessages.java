package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.ClinicalCase;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.List;

/** Messages of patients about their symptoms, in their own words. Stateless. */
final class PatientMessages {
  private static final Grammar GRAMMAR = Grammar.load(PatientMessages.class, "message.grammar");

  private PatientMessages() {}

  static String message(Dice dice) {
    ClinicalCase source = CaseMaker.general(dice);
    List<String> body = new ArrayList<>();
    for (Symptom s : source.in(Frame.PRESENT)) {
      body.add(say("present", s, dice));
    }
    for (Symptom s : source.in(Frame.PAST)) {
      body.add(say("past", s, dice));
    }
    for (Symptom s : source.in(Frame.OTHER_PERSON)) {
      body.add(say("other", s, dice));
    }
    List<Symptom> denied = source.in(Frame.DENIED);
    if (!denied.isEmpty()) {
      String list = String.join(" or ", denied.stream().limit(3).map(s -> dice.pick(s.phrases())).toList());
      body.add(GRAMMAR.say("denied", dice, name -> name.equals("N") ? list : null));
    }
    List<String> all = new ArrayList<>();
    all.add(GRAMMAR.say("greeting", dice));
    all.addAll(dice.shuffled(body));
    if (dice.chance(0.6)) {
      all.add(GRAMMAR.say("practical", dice));
    }
    all.add(GRAMMAR.say("request", dice));
    return String.join(" ", all) + dice.of(" ", "\n") + GRAMMAR.say("closing", dice);
  }

  private static String say(String rule, Symptom symptom, Dice dice) {
    String text = GRAMMAR.say(rule, dice, name -> switch (name) {
      case "lay" -> dice.pick(symptom.lay());
      case "np" -> dice.pick(symptom.phrases());
      default -> null;
    });
    return Reference.capitalised(text);
  }
}
