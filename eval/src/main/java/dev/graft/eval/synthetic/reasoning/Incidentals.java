package dev.graft.eval.synthetic.reasoning;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Facts that say nothing about the illness, and contradict none of it. Immutable. */
final class Incidentals {
  private record Fact(String says, int min, int max, List<String> notWith) {}

  private final List<Fact> adult;
  private final List<Fact> child;

  private Incidentals(List<Fact> adult, List<Fact> child) {
    this.adult = adult;
    this.child = child;
  }

  static Incidentals load() {
    JsonNode file = KnowledgeTable.yaml("incidentals.yaml");
    return new Incidentals(read(file.path("adult")), read(file.path("child")));
  }

  private static List<Fact> read(JsonNode list) {
    List<Fact> facts = new ArrayList<>();
    for (JsonNode node : list) {
      facts.add(new Fact(node.path("says").asText(), node.path("min").asInt(0), node.path("max").asInt(120),
          KnowledgeTable.words(node.path("not_with"))));
    }
    return facts;
  }

  /** Grammar lines for this patient. None touches any finding that the condition may have, told or not. */
  List<String> fitting(Condition condition, Patient patient) {
    List<String> lines = new ArrayList<>();
    for (Fact fact : patient.child() ? child : adult) {
      boolean ok = patient.years() >= fact.min() && patient.years() <= fact.max()
          && fact.notWith().stream().noneMatch(id -> id.equals(condition.id()) || condition.all().contains(id));
      if (ok) {
        lines.add(fact.says());
      }
    }
    return lines;
  }

  /** Every id that is named, for the check that each is one. */
  List<String> references() {
    List<String> ids = new ArrayList<>();
    adult.forEach(fact -> ids.addAll(fact.notWith()));
    child.forEach(fact -> ids.addAll(fact.notWith()));
    return ids;
  }
}
