package dev.graft.eval.synthetic.triage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.BagOfWords;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticRow;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TriageTaskTest {
  private static DataSet data;

  @BeforeAll
  static void make() {
    data = DataSet.make(new TriageTask(), 1800, 42);
  }

  @Test
  void theFourKindsAreEquallyFrequentInEverySplit() {
    assertThat(data.rows().get(Split.TRAIN)).hasSize(1300);
    data.rows().forEach((split, rows) -> {
      for (String kind : new TreeSet<>(rows.stream().map(SyntheticRow::completion).toList())) {
        assertThat(rows.stream().filter(r -> r.completion().equals(kind)).count()).as(split + " " + kind).isEqualTo(rows.size() / 4);
      }
    });
  }

  @Test
  void theKindsComeInVaryingOrder() {
    Set<List<String>> orders = new HashSet<>();
    for (int i = 0; i < 200; i += 4) {
      orders.add(List.of(TriageTask.labels(i).answer(), TriageTask.labels(i + 1).answer(), TriageTask.labels(i + 2).answer(), TriageTask.labels(i + 3).answer()));
    }
    assertThat(orders).hasSizeGreaterThan(4).allMatch(order -> Set.copyOf(order).size() == 4);
  }

  @Test
  void fieldsAndAnswersSayTheSame() {
    all().forEach(row -> {
      assertThat(row.completion()).isEqualTo("Urgency: " + row.fields().get("urgency") + "\nResponder: " + row.fields().get("responder"));
      assertThat(row.rejected()).hasSize(3).doesNotContain(row.completion()).doesNotHaveDuplicates();
    });
    assertThat(all().stream().map(r -> changed(r.completion(), r.rejected().get(0))).distinct()).containsExactlyInAnyOrder("urgency", "responder", "both");
  }

  @Test
  void noSingleWordGivesALabelAway() {
    assertThat(BagOfWords.best(all(), r -> r.fields().get("urgency").equals("urgent")).accuracy()).isLessThan(0.8);
    assertThat(BagOfWords.best(all(), r -> r.fields().get("responder").equals("physician")).accuracy()).isLessThan(0.8);
  }

  @Test
  void toneOccursWithEveryKind() {
    for (String phrase : List.of("ASAP", "No rush", "It may be nothing", "emergency", "had a stroke")) {
      assertThat(all().stream().filter(r -> r.fingerprint().contains(phrase)).map(SyntheticRow::completion).distinct()).as(phrase).hasSize(4);
    }
  }

  @Test
  void aManIsNotPregnantAndASignatureFitsTheGreeting() {
    for (SyntheticRow row : all()) {
      if (row.fingerprint().matches("(?s).*(weeks pregnant|My periods|a pad an hour|two pads an hour).*")) {
        assertThat(row.fingerprint()).doesNotContainPattern("\\b(John|Robert|David|Michael|James|Peter|Daniel|Ahmed|Omar|Carlos|Tom|Victor|Luis|Walter|Henry|George)\\b").doesNotContain("date of birth");
      } else if (row.fingerprint().contains("My testicle")) {
        assertThat(row.fingerprint()).doesNotContainPattern("\\b(Anna|Maria|Linda|Susan|Karen|Emily|Grace|Rosa|Mei|Ingrid|Priya|Ella|Hannah|Noor|Beatrice|Joan)\\b");
      }
      assertThat(row.fingerprint()).doesNotContainPattern("[${}<>|]|^[FMY]:");
    }
  }

  private static String changed(String right, String wrong) {
    boolean urgency = !right.lines().findFirst().equals(wrong.lines().findFirst());
    boolean responder = !right.lines().skip(1).findFirst().equals(wrong.lines().skip(1).findFirst());
    return urgency && responder ? "both" : urgency ? "urgency" : "responder";
  }

  private static List<SyntheticRow> all() {
    return data.rows().values().stream().flatMap(List::stream).toList();
  }
}
