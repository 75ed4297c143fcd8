package dev.graft.eval.synthetic.reasoning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.NearDuplicates;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.prose.Words;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ReasoningTaskTest {
  private static final int ROWS = 5000;
  private static final KnowledgeTable TABLE = KnowledgeTable.load();
  private static final ReasoningTask TASK = new ReasoningTask();
  private static List<SyntheticRow> rows;

  @BeforeAll
  static void make() {
    rows = IntStream.range(0, ROWS).mapToObj(ReasoningTaskTest::row).toList();
  }

  private static SyntheticRow row(int index) {
    return TASK.make(index, new SplittableRandom(77_003L * index + 5));
  }

  @Test
  void findingsFitOneConditionAlone() {
    Incidentals incidentals = Incidentals.load();
    for (int i = 0; i < 6000; i++) {
      Condition condition = TABLE.conditions().get(i % TABLE.conditions().size());
      Case told = Case.draw(condition, i % 4, TABLE, incidentals, new SplittableRandom(i));
      assertThat(TABLE.matching(told.told())).as("%s", told.told()).containsExactly(condition);
      assertThat(told.told().stream().filter(condition.key()::contains).count()).isGreaterThanOrEqualTo(2);
      assertThat(told.absent()).doesNotContainAnyElementsOf(told.told());
    }
  }

  @Test
  void wrongAnswersAreOfTheSameKindAndNeverAcceptable() {
    Set<String> diagnoses = new HashSet<>();
    Set<String> treatments = new HashSet<>();
    TABLE.conditions().forEach(condition -> {
      diagnoses.add(condition.name());
      treatments.add(TABLE.treatment(condition.treatment()).get(0));
    });
    for (SyntheticRow row : rows) {
      Condition condition = TABLE.condition((String) row.fields().get("condition"));
      boolean diagnosis = row.fields().get("question_type").equals("diagnosis");
      Set<String> right = new LinkedHashSet<>(diagnosis ? condition.names() : List.of());
      if (!diagnosis) {
        TABLE.acceptableTreatments(condition).forEach(id -> right.addAll(TABLE.treatment(id)));
      }
      assertThat(right).contains(row.completion());
      assertThat(row.rejected()).as(condition.id()).hasSize(3).doesNotHaveDuplicates().isSubsetOf(diagnosis ? diagnoses : treatments);
      List<String> lower = right.stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
      assertThat(row.rejected()).as(condition.id()).allSatisfy(wrong -> assertThat(lower).doesNotContain(wrong.toLowerCase(Locale.ROOT)));
    }
  }

  @Test
  void optionsHoldTheAnswerWhereTheIndexSays() {
    Map<String, Integer> letters = new HashMap<>();
    for (SyntheticRow row : rows) {
      Map<?, ?> options = (Map<?, ?>) row.fields().get("options");
      assertThat(new ArrayList<Object>(options.keySet())).containsExactly("A", "B", "C", "D");
      assertThat(options.get(row.fields().get("answer_idx"))).isEqualTo(row.completion());
      Set<Object> others = new HashSet<>(options.values());
      others.remove(row.completion());
      assertThat(others).isEqualTo(new HashSet<>(row.rejected()));
      letters.merge((String) row.fields().get("answer_idx"), 1, Integer::sum);
    }
    assertThat(letters.values()).allSatisfy(count -> assertThat(count).isBetween(ROWS / 4 - 150, ROWS / 4 + 150));
  }

  @Test
  void vignettesAreOfTheRightLengthAndDoNotNameTheAnswer() {
    for (SyntheticRow row : rows) {
      assertThat(Words.count(row.fingerprint())).as(row.fingerprint()).isBetween(60, 140);
      assertThat(row.prompt()).startsWith(row.fingerprint());
      assertThat(row.fingerprint()).doesNotContain("{", "}", "|", "<", ">", "  ", " .", " ,", "..");
      Condition condition = TABLE.condition((String) row.fields().get("condition"));
      for (String name : condition.names()) {
        int flags = name.length() < 5 ? 0 : Pattern.CASE_INSENSITIVE;
        assertThat(Pattern.compile("\\b" + Pattern.quote(name) + "\\b", flags).matcher(row.fingerprint()).find()).as(row.fingerprint()).isFalse();
      }
    }
  }

  @Test
  void sexAndAgeFitTheCondition() {
    Pattern aged = Pattern.compile("(\\d+)-(week|month|year)-old (woman|man|girl|boy)|(\\d+)( wk | mo |)([FM])\\b");
    for (SyntheticRow row : rows) {
      Condition condition = TABLE.condition((String) row.fields().get("condition"));
      var who = aged.matcher(row.fingerprint());
      assertThat(who.find()).as(row.fingerprint()).isTrue();
      boolean clipped = who.group(1) == null;
      int age = Integer.parseInt(who.group(clipped ? 4 : 1));
      boolean female = clipped ? who.group(6).equals("F") : who.group(3).matches("woman|girl");
      assertThat(age).as(row.fingerprint()).isBetween(condition.age().low(), condition.age().high());
      if (!condition.sex().equals("any")) {
        assertThat(female).as(row.fingerprint()).isEqualTo(condition.sex().equals("female"));
      }
      assertThat(row.prompt()).doesNotContainPattern(female ? "\\b([Hh]e|[Hh]is|[Hh]im)\\b(?! (gave|brother's))" : "\\b([Ss]he|[Hh]er)\\b");
    }
  }

  @Test
  void conditionsAndQuestionsAreBalanced() {
    int conditions = TABLE.conditions().size();
    Map<Object, Integer> types = new HashMap<>();
    Map<Object, Integer> ids = new HashMap<>();
    for (SyntheticRow row : rows.subList(0, conditions * 10)) {
      types.merge(row.fields().get("question_type"), 1, Integer::sum);
      ids.merge(row.fields().get("condition"), 1, Integer::sum);
    }
    assertThat(types.values()).containsOnly(conditions * 5);
    assertThat(ids).hasSize(conditions);
    assertThat(ids.values()).containsOnly(10);
  }

  @Test
  void sameStateSameRow() {
    ReasoningTask other = new ReasoningTask();
    for (int i = 0; i < 300; i++) {
      assertThat(row(i)).isEqualTo(rows.get(i));
      assertThat(other.make(3, new SplittableRandom(i))).isEqualTo(TASK.make(3, new SplittableRandom(i)));
    }
    assertThat(other.make(0, new SplittableRandom(1)).fingerprint()).isNotEqualTo(TASK.make(0, new SplittableRandom(2)).fingerprint());
  }

  @Test
  void fewVignettesAreAlike() {
    assertThat(rows.stream().map(SyntheticRow::prompt).distinct().count()).isEqualTo(ROWS);
    int near = NearDuplicates.count(rows.stream().map(SyntheticRow::fingerprint).toList(), 0.6);
    System.out.println("reasoning: near duplicates " + near + " of " + ROWS);
    assertThat(near).isLessThanOrEqualTo(ROWS / 200);
  }
}
