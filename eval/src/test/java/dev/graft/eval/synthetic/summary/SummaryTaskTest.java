package dev.graft.eval.synthetic.summary;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.NearDuplicates;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.prose.Words;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SummaryTaskTest {
  private static final int ROWS = 5000;
  private static final SummaryTask TASK = new SummaryTask();
  private static final Library LIBRARY = new Library();
  private static List<SyntheticRow> rows;

  @BeforeAll
  static void make() {
    rows = IntStream.range(0, ROWS).mapToObj(SummaryTaskTest::row).toList();
  }

  private static SyntheticRow row(int index) {
    return TASK.make(index, new SplittableRandom(91_009L * index + 3));
  }

  /** The matcher that a grader needs: from the written fields alone. */
  private static boolean passes(SyntheticRow row, String summary) {
    String lower = summary.toLowerCase(Locale.ROOT);
    for (Object item : (List<?>) row.fields().get("facts")) {
      Map<?, ?> fact = (Map<?, ?>) item;
      boolean stated = ((List<?>) fact.get("any_of")).stream().anyMatch(one -> lower.contains((String) one));
      boolean contradicted = ((List<?>) fact.get("must_not")).stream().anyMatch(one -> lower.contains((String) one));
      if (!stated || contradicted) {
        return false;
      }
    }
    return true;
  }

  private static boolean rightLength(String summary) {
    return Words.count(summary) >= 30 && Words.count(summary) <= 80;
  }

  @Test
  void everyReferenceResolves() {
    for (Scenario scenario : LIBRARY.scenarios) {
      assertThat(LIBRARY.complications.keySet()).as(scenario.id()).containsAll(scenario.complications());
      assertThat(LIBRARY.dispositions.keySet()).as(scenario.id()).containsAll(scenario.dispositions());
      assertThat(scenario.vars().keySet()).as(scenario.id()).containsAll(scenario.swap()).contains("weeks");
      assertThat(scenario.swap()).as(scenario.id()).hasSizeGreaterThanOrEqualTo(2);
      assertThat(scenario.phrases()).as(scenario.id()).containsKeys("core", "core_any", "dx", "dx_any", "tx", "tx_any", "med", "med_any", "fu",
          "fu_any", "note_med", "note_fu");
      assertThat(scenario.lines().values()).as(scenario.id()).allSatisfy(lines -> assertThat(lines).isNotEmpty());
      assertThat(scenario.vars().values()).as(scenario.id()).allSatisfy(values -> assertThat(values).hasSizeGreaterThan(1).doesNotHaveDuplicates());
      for (String id : scenario.complications()) {
        assertThat(LIBRARY.complications.get(id).vars().keySet()).as(scenario.id()).allSatisfy(name ->
            assertThat(scenario.vars().keySet()).doesNotContain(name));
      }
    }
  }

  @Test
  void theGoldSummaryPassesTheChecklist() {
    for (SyntheticRow row : rows) {
      assertThat(passes(row, row.completion())).as("%s%n%s%n%s", row.fingerprint(), row.completion(), row.fields()).isTrue();
      assertThat(Words.count(row.completion())).as(row.completion()).isBetween(30, 80);
      assertThat(row.completion().split("(?<!Mr|Ms)\\.(\\s|$)").length).as(row.completion()).isBetween(2, 3);
    }
  }

  @Test
  void rejectedSummariesFailItOrHaveTheWrongLength() {
    for (SyntheticRow row : rows) {
      assertThat(row.rejected()).as(row.completion()).hasSize(4).doesNotHaveDuplicates().doesNotContain(row.completion());
      assertThat(row.rejected()).allSatisfy(wrong -> assertThat(!passes(row, wrong) || !rightLength(wrong)).as(wrong).isTrue());
      // the most tempting ones look right, but for what they say
      assertThat(passes(row, row.rejected().get(0))).as(row.rejected().get(0)).isFalse();
      assertThat(passes(row, row.rejected().get(1))).as(row.rejected().get(1)).isFalse();
      assertThat(Math.abs(Words.count(row.rejected().get(0)) - Words.count(row.completion()))).isLessThanOrEqualTo(12);
      assertThat(Words.count(row.rejected().get(2))).isGreaterThan(80);
      assertThat(Words.count(row.rejected().get(3))).isLessThan(30);
    }
  }

  @Test
  void whatContradictsIsNotInTheNote() {
    for (SyntheticRow row : rows) {
      String note = row.fingerprint().toLowerCase(Locale.ROOT);
      int forbidden = 0;
      for (Object item : (List<?>) row.fields().get("facts")) {
        Map<?, ?> fact = (Map<?, ?>) item;
        List<?> not = (List<?>) fact.get("must_not");
        forbidden += not.size();
        assertThat(not).as(row.fingerprint()).allSatisfy(one -> assertThat(note).doesNotContain((String) one));
        assertThat((List<?>) fact.get("any_of")).isNotEmpty().allSatisfy(one -> assertThat((String) one).isEqualTo(((String) one).toLowerCase(Locale.ROOT)));
      }
      assertThat(forbidden).isGreaterThan(3);
    }
  }

  @Test
  void notesAreOfTheRightLengthAndClean() {
    for (SyntheticRow row : rows) {
      assertThat(Words.count(row.fingerprint())).as(row.fingerprint()).isBetween(150, 400);
      assertThat(row.fingerprint() + row.completion() + row.rejected())
          .doesNotContain("{", "}", "|", "<", "\u0000", "null", "..", " .", " ,").doesNotContainPattern("[^\n]  ");
      assertThat(row.prompt()).contains(row.fingerprint());
    }
  }

  @Test
  void daysRiseAndEndBeforeDischarge() {
    Pattern day = Pattern.compile("\\bday (\\d+)\\b");
    for (SyntheticRow row : rows) {
      Matcher days = day.matcher(row.fingerprint());
      int last = 0;
      while (days.find()) {
        int now = Integer.parseInt(days.group(1));
        assertThat(now).as(row.fingerprint()).isGreaterThanOrEqualTo(last);
        last = now;
      }
      assertThat(last).as(row.fingerprint()).isBetween(2, 20);
    }
  }

  @Test
  void sexAndAgeAndDrugsFit() {
    Map<String, Scenario> scenarios = new HashMap<>();
    LIBRARY.scenarios.forEach(scenario -> scenarios.put(scenario.id(), scenario));
    for (int i = 0; i < 3000; i++) {
      SplittableRandom random = new SplittableRandom(i);
      Scenario scenario = LIBRARY.scenarios.get(i % LIBRARY.scenarios.size());
      Stay stay = Stay.draw(scenario, LIBRARY, random);
      Note note = Note.draw(stay, LIBRARY, random);
      String text = (note.history() + " " + note.exam() + note.results() + note.course() + note.medications() + note.continued()).toLowerCase(Locale.ROOT);
      assertThat(stay.age()).isBetween(scenario.minAge(), scenario.maxAge());
      assertThat(stay.comorbidities()).allSatisfy(one -> {
        assertThat(one.sex()).isIn("any", stay.female() ? "female" : "male");
        assertThat(stay.age()).isBetween(one.min(), one.max());
        assertThat(scenario.avoid()).doesNotContain(one.drug().split(" ")[0]);
        assertThat(note.medications().toString()).doesNotContain(one.drug().split(" ")[0]);
      });
      LIBRARY.allergies.stream().filter(allergy -> note.allergies().startsWith(allergy.says().split(" \\(")[0])).forEach(allergy ->
          assertThat(allergy.conflicts()).allSatisfy(drug -> assertThat(text).doesNotContain(drug)));
      if (!scenario.opposite().isEmpty()) {
        assertThat(note.words().get("weak")).isNotEqualTo(note.words().get("side"));
      }
    }
    for (SyntheticRow row : rows) {
      boolean female = row.fingerprint().contains("Ms. ");
      assertThat(row.completion()).contains(female ? "woman" : " man").doesNotContainPattern(female ? "\\b(He|His)\\b" : "\\b(She|Her)\\b");
      assertThat(row.fingerprint()).doesNotContainPattern(female ? "\\b(Mr|he|He|his|His)\\b" : "\\b(Ms|she|She|her|Her)\\b");
    }
  }

  @Test
  void combinationsAreManyAndScenariosBalanced() {
    Set<String> combinations = new HashSet<>();
    Map<Object, Integer> scenarios = new HashMap<>();
    for (SyntheticRow row : rows) {
      scenarios.merge(row.fields().get("scenario"), 1, Integer::sum);
      combinations.add(row.fields().get("facts").toString());
    }
    assertThat(scenarios).hasSize(LIBRARY.scenarios.size());
    assertThat(scenarios.values()).containsOnly(ROWS / LIBRARY.scenarios.size());
    System.out.println("summary: combinations of facts " + combinations.size());
    assertThat(combinations.size()).isGreaterThan(2000);
  }

  @Test
  void sameStateSameRow() {
    SummaryTask other = new SummaryTask();
    for (int i = 0; i < 200; i++) {
      assertThat(row(i)).isEqualTo(rows.get(i));
      assertThat(other.make(4, new SplittableRandom(i))).isEqualTo(TASK.make(4, new SplittableRandom(i)));
    }
    assertThat(other.make(4, new SplittableRandom(1)).fingerprint()).isNotEqualTo(other.make(4, new SplittableRandom(2)).fingerprint());
  }

  @Test
  void fewNotesAreAlike() {
    assertThat(rows.stream().map(SyntheticRow::prompt).distinct().count()).isEqualTo(ROWS);
    int near = NearDuplicates.count(rows.stream().map(SyntheticRow::fingerprint).toList(), 0.6);
    System.out.println("summary: near duplicates " + near + " of " + ROWS);
    assertThat(near).isLessThanOrEqualTo(ROWS / 100);
  }
}
