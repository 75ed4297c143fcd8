package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.reasoning.Finding.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What one vignette tells.
 *
 * @param findings by kind, in the order of telling; the first symptom is what the patient comes for
 * @param absent what the patient does not have
 * @param incidental grammar lines of facts without meaning
 */
record Case(Condition condition, Patient patient, Map<Kind, List<String>> findings, List<String> absent, List<String> incidental) {
  /**
   * Draws findings: the chief symptom, what is required, two or more key findings, some of the rest; more key findings until no other
   * condition of the table would explain all of them.
   *
   * @param size about how many findings, from 0 (fewest) to 3
   */
  static Case draw(Condition condition, int size, KnowledgeTable table, Incidentals incidentals, SplittableRandom random) {
    Patient patient = Patient.draw(condition, random);
    Set<String> ids = new LinkedHashSet<>();
    ids.add(condition.of(Kind.SYMPTOM).get(0));
    ids.addAll(condition.required());
    List<String> key = Chance.shuffled(condition.key(), random);
    ids.addAll(key.subList(0, 2));
    add(ids, condition, Kind.SYMPTOM, 2 + size / 2 + random.nextInt(2), random);
    add(ids, condition, Kind.SIGN, 1 + random.nextInt(2 + size / 2), random);
    add(ids, condition, Kind.LAB, 1 + random.nextInt(2 + size / 2), random);
    add(ids, condition, Kind.TEST, random.nextInt(2), random);
    add(ids, condition, Kind.RISK, random.nextInt(2 + size / 3), random);
    for (String more : key) {
      if (table.matching(ids).size() > 1) {
        ids.add(more);
      }
    }
    Map<Kind, List<String>> findings = new EnumMap<>(Kind.class);
    for (Kind kind : Kind.values()) {
      findings.put(kind, new ArrayList<>());
    }
    List<String> told = Chance.shuffled(new ArrayList<>(ids), random);
    String chief = condition.of(Kind.SYMPTOM).get(0);
    told.remove(chief);
    told.add(0, chief);
    told.forEach(id -> findings.get(table.finding(id).kind()).add(id));
    List<String> absent = Chance.some(condition.absent(), 1 + random.nextInt(2 + size / 2), random);
    List<String> incidental = Chance.some(incidentals.fitting(condition, patient), random.nextInt(2 + size / 2), random);
    return new Case(condition, patient, findings, absent, incidental);
  }

  private static void add(Set<String> ids, Condition condition, Kind kind, int upTo, SplittableRandom random) {
    List<String> of = condition.of(kind);
    long have = of.stream().filter(ids::contains).count();
    for (String id : Chance.shuffled(of, random)) {
      if (have >= upTo) {
        return;
      }
      have += ids.add(id) ? 1 : 0;
    }
  }

  List<String> of(Kind kind) {
    return findings.get(kind);
  }

  /** Ids of all findings that are told. */
  Set<String> told() {
    Set<String> ids = new LinkedHashSet<>();
    findings.values().forEach(ids::addAll);
    return ids;
  }
}
