package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Who tells the history of a case, where and since when, and the ways of expanding its lines. One per vignette. */
final class Telling {
  final Case told;
  final KnowledgeTable table;
  final SplittableRandom random;
  final Map<String, String> words = new LinkedHashMap<>();
  /** The patient came alone and speaks. */
  final boolean speaks;
  final String onset;
  final String teller;

  Telling(Case told, KnowledgeTable table, SplittableRandom random) {
    this.told = told;
    this.table = table;
    this.random = random;
    words.putAll(told.patient().words());
    words.put("side", random.nextBoolean() ? "left" : "right");
    onset = Grammar.expand(told.condition().onset(), words, random);
    List<String> symptoms = told.of(Finding.Kind.SYMPTOM);
    speaks = !told.patient().child() && !symptoms.contains("confusion") && !symptoms.contains("found_unresponsive");
    teller = Grammar.expand(
        told.patient().child() ? "mother|father|parents|grandmother"
            : told.patient().years() < 26 ? "roommate|sister|brother|mother" : "sister|brother|partner|neighbor|cousin", words, random);
    words.put("teller", teller);
    words.put("report", teller.endsWith("s") ? "report" : "reports");
    words.put("bring", teller.endsWith("s") ? "bring" : "brings");
    words.put("patient", Grammar.expand(told.patient().infant() ? "<he>|the infant|the child" : "<he>|<he>|the patient|the <noun>", words, random));
    words.put("onset", onset);
    words.put("span", span(onset));
    words.put("place", place());
  }

  /** One way of saying a grammar line. */
  String say(String line) {
    return Grammar.expand(line, words, random);
  }

  String finding(String id) {
    return say(table.finding(id).says());
  }

  List<String> findings(Finding.Kind kind) {
    return told.of(kind).stream().map(this::finding).toList();
  }

  List<String> denials() {
    return told.absent().stream().map(id -> say(table.denial(id))).toList();
  }

  /** {@code 3-day} from {@code 3 days}. */
  private static String span(String onset) {
    String[] parts = onset.split(" ");
    return parts[0] + "-" + (parts[1].endsWith("s") ? parts[1].substring(0, parts[1].length() - 1) : parts[1]);
  }

  private String place() {
    boolean acute = onset.contains("minute") || onset.contains("hour") || onset.contains("day");
    return Grammar.expand(acute ? "the emergency department|the hospital|an urgent care clinic|the emergency room"
        : "the clinic|the office|<his> physician|the outpatient clinic|a primary care clinic", words, random);
  }
}
