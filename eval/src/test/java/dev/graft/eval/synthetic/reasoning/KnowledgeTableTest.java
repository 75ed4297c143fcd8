package dev.graft.eval.synthetic.reasoning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.reasoning.Finding.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class KnowledgeTableTest {
  private final KnowledgeTable table = KnowledgeTable.load();

  @Test
  void hasSixtyConditionsAndMore() {
    assertThat(table.conditions()).hasSizeGreaterThanOrEqualTo(60);
  }

  @Test
  void everyReferenceResolves() {
    for (Condition condition : table.conditions()) {
      for (Kind kind : Kind.values()) {
        for (String id : condition.of(kind)) {
          assertThat(table.finding(id)).as("%s in %s", id, condition.id()).isNotNull();
          assertThat(table.finding(id).kind()).as("%s in %s", id, condition.id()).isEqualTo(kind);
        }
      }
      assertThat(condition.all()).as(condition.id()).doesNotHaveDuplicates().hasSizeGreaterThanOrEqualTo(5);
      assertThat(condition.of(Kind.SYMPTOM)).as(condition.id()).isNotEmpty();
      assertThat(condition.key()).as(condition.id()).hasSizeGreaterThanOrEqualTo(2).isSubsetOf(condition.all());
      assertThat(condition.required()).as(condition.id()).isSubsetOf(condition.all());
      assertThat(condition.absent()).as(condition.id()).isNotEmpty().doesNotContainAnyElementsOf(condition.all());
      assertThat(condition.absent()).as(condition.id()).allSatisfy(id -> {
        assertThat(table.finding(id)).as(id).isNotNull();
        assertThat(table.denial(id)).as(id).isNotNull();
      });
      assertThat(table.treatment(condition.treatment())).as(condition.id()).isNotNull();
      assertThat(condition.adjunct()).as(condition.id()).allSatisfy(id -> assertThat(table.treatment(id)).as(id).isNotNull());
      assertThat(condition.lookalikes()).as(condition.id()).hasSizeGreaterThanOrEqualTo(3).doesNotHaveDuplicates().doesNotContain(condition.id())
          .allSatisfy(id -> assertThat(table.condition(id)).as(id).isNotNull());
      assertThat(condition.vitals()).as(condition.id()).isNotEmpty().isSubsetOf(Vitals.WORDS);
      assertThat(condition.sex()).isIn("any", "male", "female");
      assertThat(condition.age().low()).as(condition.id()).isLessThanOrEqualTo(condition.age().high());
    }
  }

  @Test
  void whatIsDeniedIsNotMeasured() {
    for (Condition condition : table.conditions()) {
      if (condition.absent().contains("fever")) {
        assertThat(condition.vitals()).as(condition.id()).doesNotContain("fever");
      }
      if (condition.all().contains("fever")) {
        assertThat(condition.vitals()).as(condition.id()).containsAnyOf("fever", "low_fever");
      }
    }
  }

  @Test
  void noNameBelongsToTwoConditions() {
    Map<String, String> owner = new HashMap<>();
    for (Condition condition : table.conditions()) {
      for (String name : condition.names()) {
        assertThat(owner.put(name.toLowerCase(Locale.ROOT), condition.id())).as(name).isNull();
      }
    }
  }

  @Test
  void everyFindingIsUsedAndCanBeSaid() {
    Set<String> used = new HashSet<>();
    table.conditions().forEach(condition -> used.addAll(condition.all()));
    Map<String, String> words = new HashMap<>(new Patient(40, "year", true).words());
    words.put("side", "left");
    List<String> unused = new ArrayList<>(table.findingIds());
    unused.removeAll(used);
    assertThat(unused).as("neither told nor denied").allSatisfy(id -> assertThat(table.denial(id)).as(id).isNotNull());
    for (String id : table.findingIds()) {
      for (int i = 0; i < 20; i++) {
        assertThat(Grammar.expand(table.finding(id).says(), words, new SplittableRandom(i))).as(id).isNotBlank().doesNotContain("{", "}", "|", "<");
      }
    }
  }

  @Test
  void incidentalFactsNameThingsThatExist() {
    assertThat(Incidentals.load().references()).allSatisfy(id ->
        assertThat(table.finding(id) != null || table.condition(id) != null).as(id).isTrue());
  }

  @Test
  void acceptableTreatmentsAreNamesOfOneClass() {
    assertThat(table.acceptableTreatments(table.condition("migraine"))).contains("sumatriptan", "oxygen_100");
    assertThat(table.acceptableTreatments(table.condition("giant_cell_arteritis"))).contains("prednisone_low", "oral_prednisone");
  }
}
