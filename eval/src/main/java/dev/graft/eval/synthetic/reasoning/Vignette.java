package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.reasoning.Finding.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Tells a case in English: as the prose of an examination question, or clipped as in a chart. */
final class Vignette {
  private final Telling tell;
  private final Case told;
  private final SplittableRandom random;

  private Vignette(Telling tell) {
    this.tell = tell;
    this.told = tell.told;
    this.random = tell.random;
  }

  /** One telling of the case. */
  static String tell(Case told, KnowledgeTable table, SplittableRandom random) {
    Vignette vignette = new Vignette(new Telling(told, table, random));
    return Grammar.tidy(Chance.percent(14, random) ? vignette.clipped() : vignette.prose());
  }

  private String prose() {
    List<String> symptoms = new ArrayList<>(tell.findings(Kind.SYMPTOM));
    List<String> risks = new ArrayList<>(tell.findings(Kind.RISK));
    String history = !risks.isEmpty() && Chance.percent(30, random) ? "who " + risks.remove(0) : "";
    String opening = opening(symptoms, history);
    List<String> complaint = complaint(symptoms);
    List<String> background = background(risks);
    String tests = tests();
    List<String> parts = new ArrayList<>();
    parts.add(opening);
    switch (random.nextInt(4)) {
      case 0, 1 -> {
        parts.addAll(complaint);
        parts.addAll(background);
        parts.addAll(examination());
      }
      case 2 -> {
        parts.addAll(background);
        parts.addAll(complaint);
        parts.addAll(examination());
      }
      default -> {
        parts.addAll(complaint);
        parts.addAll(examination());
        parts.addAll(background);
      }
    }
    List<String> laboratory = labs();
    if (Chance.percent(30, random)) {
      parts.add(tests);
      parts.addAll(laboratory);
    } else {
      parts.addAll(laboratory);
      parts.add(tests);
    }
    return String.join(" ", parts.stream().filter(part -> !part.isEmpty()).toList());
  }

  /** Takes the chief symptom, and sometimes a second one, from the list. */
  private String opening(List<String> symptoms, String history) {
    List<String> chief = new ArrayList<>();
    chief.add(symptoms.remove(0));
    if (!symptoms.isEmpty() && Chance.percent(45, random)) {
      chief.add(symptoms.remove(0));
    }
    tell.words.put("chief", Grammar.list(chief, "and"));
    tell.words.put("history", history);
    String who = history.isEmpty() ? "a <aged> <noun>" : "a <aged> <noun> <history>";
    if (!tell.speaks) {
      return tell.say(who + " is brought to <place> by <his> <teller> because of <chief> {for the past <onset>|over the past <onset>|that began <onset> ago}.|"
          + who + " is brought in by <his> <teller> {with|for} a <span> history of <chief>.|"
          + "the <teller> of " + who + " <bring> <him> to <place> because of <chief> for <onset>.");
    }
    return tell.say(who + " {comes to <place>|presents to <place>|is seen in consultation|is evaluated} {because of|with} <chief>"
        + " {for the past <onset>|for <onset>|over the past <onset>|that began <onset> ago}.|"
        + who + " {comes to <place>|presents|presents to <place>|is evaluated} {with|for} a <span> history of <chief>.|"
        + "over the past <onset>, " + who + " has had <chief>.|"
        + "because of <chief> for <onset>, " + who + " {comes to|seeks care at|is seen at} <place>.");
  }

  private List<String> complaint(List<String> symptoms) {
    List<String> parts = new ArrayList<>();
    if (!symptoms.isEmpty()) {
      tell.words.put("more", Grammar.list(symptoms, "and"));
      parts.add(tell.speaks
          ? tell.say("<he> also {reports|describes|has had|mentions} <more>.|<patient> {has also noticed|reports|describes} <more>.|"
              + "there are further complaints of <more>.|on questioning, <he> {reports|admits to} <more>.|"
              + "{associated symptoms include|other complaints include} <more>.")
          : tell.say("<his> <teller> also <report> <more>.|the <teller> <report> <more> as well.|there is also a history of <more>.|"
              + "{associated symptoms include|other complaints include} <more>."));
    }
    List<String> denials = tell.denials();
    tell.words.put("none", Grammar.list(denials, "or"));
    parts.add(tell.speaks
        ? tell.say("<he> denies <none>.|<patient> {has had|reports} no <none>.|there is no history of <none>.|<he> has not had <none>.|no <none> was reported.")
        : tell.say("there has been no <none>.|the <teller> <report> no <none>.|no <none> was noted at home.|there is no history of <none>."));
    return parts;
  }

  private List<String> background(List<String> risks) {
    List<String> facts = new ArrayList<>(risks);
    told.incidental().forEach(line -> facts.add(tell.say(line)));
    List<String> mixed = Chance.shuffled(facts, random);
    List<String> parts = new ArrayList<>();
    while (!mixed.isEmpty()) {
      boolean two = mixed.size() > 1 && random.nextBoolean();
      String first = mixed.remove(0);
      String subject = parts.isEmpty() ? tell.say("<patient>|<he>") : tell.words.get("he");
      parts.add(subject + " " + first + (two ? " and " + mixed.remove(0) : "") + ".");
    }
    return parts;
  }

  private List<String> examination() {
    List<String> parts = new ArrayList<>();
    List<String> words = told.condition().vitals();
    Vitals vitals = Vitals.draw(words, told.patient(), random);
    boolean quiet = words.equals(List.of("normal"));
    if (quiet && Chance.percent(45, random)) {
      parts.add(tell.say("vital signs are {normal|within normal limits|unremarkable}.|<his> vital signs are normal."));
    } else {
      String list = Grammar.list(vitals.phrases(words, random), "and");
      parts.add(list.contains(" is ") ? tell.words.get("his") + " " + list + "." : tell.say("vital signs:|vital signs are|vitals:") + " " + list + ".");
    }
    List<String> signs = tell.findings(Kind.SIGN);
    if (!signs.isEmpty()) {
      tell.words.put("signs", Grammar.list(signs, "and"));
      parts.add(tell.say("{physical |}examination {shows|reveals|discloses|is notable for} <signs>.|on examination, <he> has <signs>.|"
          + "findings {on examination |}include <signs>.|{the physician|the examiner} {notes|finds} <signs>."));
    }
    return parts;
  }

  private List<String> labs() {
    List<String> labs = tell.findings(Kind.LAB);
    if (labs.isEmpty()) {
      return List.of();
    }
    tell.words.put("labs", Grammar.list(labs, "and"));
    return List.of(tell.say("laboratory {studies|tests|results} {show|reveal|are notable for} <labs>.|{investigations|tests} {show|reveal} <labs>.|"
        + "results {of initial tests |}include <labs>.|the {work-up|evaluation} {shows|reveals} <labs>."));
  }

  private String tests() {
    List<String> parts = new ArrayList<>();
    for (String test : tell.findings(Kind.TEST)) {
      parts.add(test + ".");
    }
    return String.join(" ", parts);
  }

  private String clipped() {
    List<String> symptoms = new ArrayList<>(tell.findings(Kind.SYMPTOM));
    List<String> parts = new ArrayList<>();
    tell.words.put("clip", told.patient().clipped());
    tell.words.put("chief", symptoms.remove(0));
    parts.add(tell.say("<clip> with <chief> x <onset>.|<clip>, <chief> for <onset>.|<clip>. CC: <chief>, <onset>."));
    if (!symptoms.isEmpty()) {
      parts.add(tell.say("also|HPI:|associated:|plus") + " " + String.join(", ", symptoms) + ".");
    }
    parts.add(tell.say(tell.speaks ? "no|negative for|denies|ROS negative for" : "no|negative for") + " " + Grammar.list(tell.denials(), "or") + ".");
    List<String> background = new ArrayList<>(tell.findings(Kind.RISK));
    told.incidental().forEach(line -> background.add(tell.say(line)));
    if (!background.isEmpty()) {
      parts.add(tell.say("hx:|background:|history:") + " " + String.join("; ", background) + ".");
    }
    Vitals vitals = Vitals.draw(told.condition().vitals(), told.patient(), random);
    parts.add(tell.say("vitals:|VS:|obs:|on arrival") + " " + vitals.clipped(random) + ".");
    List<String> signs = tell.findings(Kind.SIGN);
    if (!signs.isEmpty()) {
      parts.add(tell.say("exam:|O/E:|physical:") + " " + String.join("; ", signs) + ".");
    }
    List<String> labs = tell.findings(Kind.LAB);
    if (!labs.isEmpty()) {
      parts.add(tell.say("labs:|lab results:|results:") + " " + String.join("; ", labs) + ".");
    }
    parts.add(tests());
    return String.join(" ", parts.stream().filter(part -> !part.isEmpty()).toList());
  }
}
