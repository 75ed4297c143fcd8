package dev.graft.eval.synthetic.triage;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.SyntheticTask;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Triage of messages that patients send through a portal, after Savage et al., J Med Internet Res 2025;27:e76048: how soon a message
 * needs an answer, and who should give it. Criteria:
 *
 * <ul>
 *   <li>urgent: an answer is needed the same day, because of a danger sign (pain in the chest, trouble breathing, signs of a stroke,
 *       heavy bleeding, unbearable pain, fever with weak defences, thoughts of suicide, danger in pregnancy, a fast worsening), or
 *       because otherwise something is missed today or tomorrow (a vital medicine has run out, a procedure or a deadline is near)
 *   <li>nonurgent: everything else, whatever the tone of the message
 *   <li>physician: the answer needs clinical judgement (a symptom, a result, a diagnosis, a change or choice of treatment)
 *   <li>medical assistant: it follows a rule (refill of an unchanged medicine, appointment, form, record, instructions, billing)
 * </ul>
 *
 * <p>The matter decides; tone, history, denials, relatives' illnesses and small talk occur in messages of all four kinds. The four
 * kinds are equally frequent.
 */
public final class TriageTask implements SyntheticTask {
  private static final Grammar GRAMMAR = Grammar.load(TriageTask.class, "triage.grammar");

  private static final String INSTRUCTION =
      "Triage this patient's message. Urgent: a danger sign, or something is missed without an answer today. Nonurgent: all else, whatever the tone. "
          + "Physician: needs clinical judgement. Medical assistant: follows a rule (unchanged refill, appointment, form, record, instructions).";
  private static final String QUESTION = "Give urgency (urgent or nonurgent) and responder (physician or medical assistant).";

  /** The labels of a message. */
  record Labels(boolean urgent, boolean physician) {
    String urgency() {
      return urgent ? "urgent" : "nonurgent";
    }

    String responder() {
      return physician ? "physician" : "medical assistant";
    }

    String answer() {
      return "Urgency: " + urgency() + "\nResponder: " + responder();
    }
  }

  @Override
  public String name() {
    return "triage";
  }

  @Override
  public int[] studySplits() {
    return new int[] {1300, 200, 100, 200};
  }

  @Override
  public SyntheticRow make(int index, SplittableRandom random) {
    Dice dice = new Dice(random);
    Labels labels = labels(index);
    String message = message(labels, dice);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("urgency", labels.urgency());
    fields.put("responder", labels.responder());
    String prompt = INSTRUCTION + "\n\nMessage: " + message + "\n\n" + QUESTION;
    return new SyntheticRow(prompt, labels.answer(), rejected(labels, dice), fields, message);
  }

  /** Each four consecutive rows have the four kinds; in which order, looks random. */
  static Labels labels(int index) {
    int turn = (int) (Dice.mix(index / 4 + 0x2545F4914F6CDD1DL) >>> 62);
    boolean swap = Dice.mix(index / 4 + 0x632BE59BD9B4E019L) < 0;
    int kind = (index + turn) & 3;
    return swap ? new Labels((kind & 2) == 0, (kind & 1) == 0) : new Labels((kind & 1) == 0, (kind & 2) == 0);
  }

  /** The three wrong answers; a single wrong label comes first more often than two. */
  private static List<String> rejected(Labels right, Dice dice) {
    String urgency = new Labels(!right.urgent(), right.physician()).answer();
    String responder = new Labels(right.urgent(), !right.physician()).answer();
    String both = new Labels(!right.urgent(), !right.physician()).answer();
    return switch (dice.weighted(2, 2, 1)) {
      case 0 -> List.of(urgency, responder, both);
      case 1 -> List.of(responder, urgency, both);
      default -> List.of(both, urgency, responder);
    };
  }

  private static String message(Labels labels, Dice dice) {
    String core = GRAMMAR.say("core." + labels.urgency() + "." + (labels.physician() ? "physician" : "assistant"), dice);
    return new Message(core, labels.urgent() && labels.physician(), dice).text();
  }

  /** One message being written: who writes is the same from greeting to signature. */
  private static final class Message {
    private final Dice dice;
    private final boolean ill;
    private final boolean tagged;
    private final String core;
    private final String first;
    private final String surname;
    private final List<String> body = new ArrayList<>();

    /** @param core the matter; "F: ", "M: " or "Y: " before it: of a woman, a man, somebody not old */
    Message(String core, boolean ill, Dice dice) {
      this.dice = dice;
      this.ill = ill;
      this.tagged = core.charAt(1) == ':';
      this.core = tagged ? core.substring(3) : core;
      String sex = core.startsWith("F:") || core.startsWith("M:") ? core.substring(0, 1) : dice.of("F", "M");
      this.first = GRAMMAR.say("first." + sex, dice);
      this.surname = GRAMMAR.say("surname", dice);
    }

    String text() {
      String greeting = say("greeting");
      boolean noAge = tagged || greeting.contains("date of birth");
      body.add(core);
      for (int i = dice.between(0, 2); i > 0; i--) {
        add(!noAge && dice.chance(0.12) ? "age" : "context");
      }
      for (int i = dice.between(0, 2); i > 0; i--) {
        add("trap");
      }
      if (dice.chance(0.45)) {
        add("tone");
      }
      List<String> all = new ArrayList<>();
      all.add(greeting);
      all.addAll(dice.chance(0.5) ? dice.shuffled(body) : body);
      all.add(say("closing"));
      return String.join(" ", all).replaceAll(" {2,}", " ").replaceAll(" ([.,;!?])", "$1").strip();
    }

    private void add(String rule) {
      String text = say(rule);
      if (!body.contains(text)) {
        body.add(text);
      }
    }

    private String say(String rule) {
      return GRAMMAR.say(rule, dice, this::slot);
    }

    private String slot(String name) {
      return switch (name) {
        case "first" -> first;
        case "surname" -> surname;
        case "doctor" -> GRAMMAR.say("surname", dice);
        case "birth" -> tagged ? "" : null;
        case "denial" -> GRAMMAR.say(ill ? "denial.ill" : "denial.any", dice);
        default -> null;
      };
    }
  }
}
