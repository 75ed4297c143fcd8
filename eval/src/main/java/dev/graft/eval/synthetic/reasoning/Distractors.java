package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.prose.Chance;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Picks wrong answers of the right kind: from the conditions that look alike first, then from the same body system. */
final class Distractors {
  private static final int COUNT = 3;
  private final KnowledgeTable table;

  Distractors(KnowledgeTable table) {
    this.table = table;
  }

  /** Three other diagnoses that a patient of this sex can have. */
  List<String> diagnoses(Condition condition, Patient patient, SplittableRandom random) {
    List<String> names = new ArrayList<>();
    for (Condition other : others(condition, random)) {
      boolean sex = !other.sex().equals(patient.female() ? "male" : "female") || !exclusive(other);
      if (names.size() < COUNT && sex) {
        names.add(other.name());
      }
    }
    return names;
  }

  /** Three treatments of other conditions, none of them acceptable for this one. */
  List<String> treatments(Condition condition, SplittableRandom random) {
    Set<String> acceptable = table.acceptableTreatments(condition);
    Set<String> ids = new LinkedHashSet<>();
    for (Condition other : others(condition, random)) {
      if (ids.size() < COUNT && !acceptable.contains(other.treatment())) {
        ids.add(other.treatment());
      }
    }
    return ids.stream().map(id -> table.treatment(id).get(0)).toList();
  }

  /** A condition of reproductive organs: the other sex cannot have it. Elsewhere the table's sex says what is typical. */
  private static boolean exclusive(Condition condition) {
    return condition.system().equals("urinary_reproductive") && !condition.id().equals("pyelonephritis");
  }

  private List<Condition> others(Condition condition, SplittableRandom random) {
    List<Condition> others = new ArrayList<>(Chance.shuffled(condition.lookalikes().stream().map(table::condition).toList(), random));
    others.addAll(Chance.shuffled(table.conditions().stream()
        .filter(other -> other.system().equals(condition.system()) && other != condition && !condition.lookalikes().contains(other.id()))
        .toList(), random));
    return others;
  }
}
