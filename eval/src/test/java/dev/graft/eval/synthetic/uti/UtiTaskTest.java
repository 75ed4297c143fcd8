package dev.graft.eval.synthetic.uti;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.BagOfWords;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.clinic.ClinicalCase;
import dev.graft.eval.synthetic.clinic.Finding;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Lexicon;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.Sex;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Labels of the notes, against the case and against the text. */
class UtiTaskTest {
  /** Words of a frame that takes a symptom away from the patient's present. */
  private static final Pattern TAKEN_AWAY = Pattern.compile(
      "\\b(no|not|none|never|denies|denied|deny|neg|negative|without|w/o|absent|resolved|settled|cleared|cured|gone|stopped|over|longer|used to|last episode|recovered|went away|ago"
          + "|free of|says no|answers no|shakes|unlike|who has|who suffers|cares for|roommate|another resident|neighbou?r|0|pt without|it turns out|adds that|mentions that|is being treated"
          + "|came down|at home with)\\b|^- |unchanged|old stress");

  private static List<Note> notes(boolean positive, int count) {
    List<Note> notes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      notes.add(UtiTask.note(positive, new Dice(Dice.stream("test", positive ? 1 : 2, i, 0))));
    }
    return notes;
  }

  private static boolean lower(Symptom symptom) {
    return UtiTask.LOWER_URINARY.contains(symptom.key());
  }

  @Test
  void theCaseDecidesTheLabel() {
    for (Note note : notes(true, 400)) {
      assertThat(note.source().in(Frame.PRESENT)).as(note.text()).anyMatch(UtiTaskTest::lower);
    }
    for (Note note : notes(false, 400)) {
      assertThat(note.source().in(Frame.PRESENT)).as(note.text()).noneMatch(UtiTaskTest::lower);
    }
  }

  @Test
  void aNegativeNoteNamesSuchASymptomOnlyWhereItIsTakenAway() {
    List<Symptom> lower = UtiTask.LOWER_URINARY.stream().map(Lexicon.get()::symptom).toList();
    for (Note note : notes(false, 600)) {
      for (String sentence : sentences(note.text())) {
        for (Symptom symptom : lower) {
          for (String phrase : symptom.phrases()) {
            if (sentence.contains(phrase.toLowerCase(Locale.ROOT))) {
              assertThat(sentence).as(note.text()).containsPattern(TAKEN_AWAY);
            }
          }
          symptom.lay().forEach(said -> assertThat(sentence).doesNotContain(said.toLowerCase(Locale.ROOT)));
        }
      }
    }
  }

  @Test
  void thatTextCheckCanFail() {
    List<String> positive = notes(true, 200).stream().flatMap(n -> sentences(n.text()).stream()).toList();
    assertThat(positive).anyMatch(s -> s.contains("dysuria") && !TAKEN_AWAY.matcher(s).find());
  }

  @Test
  void everySymptomOfTheCaseIsSaid() {
    for (Note note : notes(true, 300)) {
      String text = note.text().toLowerCase(Locale.ROOT);
      long said = note.source().findings().stream().map(Finding::symptom)
          .filter(s -> s.phrases().stream().anyMatch(p -> text.contains(p.toLowerCase(Locale.ROOT))) || s.lay().stream().anyMatch(p -> text.contains(p.toLowerCase(Locale.ROOT)))).count();
      assertThat(note.source().findings().size() - said).as("only a slip of the keyboard may hide one: %s", note.text()).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void everyNoteTellsOfWhiteCellsAndHasItsLength() {
    Pattern pyuria = Pattern.compile("pyuria|white (blood )?cells|WBC|leuk|LE [123+p]", Pattern.CASE_INSENSITIVE);
    for (boolean positive : List.of(true, false)) {
      for (Note note : notes(positive, 300)) {
        assertThat(pyuria.matcher(note.text()).find() || note.text().contains("urine")).as(note.text()).isTrue();
        assertThat(note.text().split("\\s+").length).isBetween(UtiTask.MIN_WORDS, UtiTask.MAX_WORDS);
      }
    }
  }

  @Test
  void sexAndAgeFitWhatIsSaid() {
    for (boolean positive : List.of(true, false)) {
      for (Note note : notes(positive, 500)) {
        ClinicalCase source = note.source();
        assertThat(source.findings()).allMatch(f -> f.frame() == Frame.OTHER_PERSON || f.symptom().who().fits(source.patient()));
        assertThat(source.conditions()).allMatch(c -> c.who().fits(source.patient()));
        String text = " " + note.text().toLowerCase(Locale.ROOT) + " ";
        if (source.patient().sex() == Sex.MALE) {
          assertThat(text).doesNotContainPattern("\\b(she|her|herself|woman|pregnan\\w*|prenatal|vagina\\w*|vulva\\w*|hysterectomy|menstrual|period pain)\\b");
        } else {
          assertThat(text).doesNotContainPattern("\\b(he|his|him|himself|man|prostat\\w*|testic\\w*|scrotal|penis|vasectomy)\\b");
        }
        assertThat(!text.contains("pregnancy") || source.patient().age() <= 41).as(text).isTrue();
      }
    }
  }

  @Test
  void whatWouldLeaveTheAnswerOpenIsNeverPresent() {
    for (Note note : notes(false, 500)) {
      assertThat(note.source().in(Frame.PRESENT)).extracting(Symptom::key).doesNotContain("flank pain", "weak stream", "fever", "chills");
    }
  }

  @Test
  void bothAnswersHaveDenialsPastSymptomsAndOtherPeople() {
    for (boolean positive : List.of(true, false)) {
      List<Note> notes = notes(positive, 400);
      for (Frame frame : List.of(Frame.DENIED, Frame.PAST, Frame.OTHER_PERSON)) {
        assertThat(notes.stream().filter(n -> n.source().in(frame).stream().anyMatch(UtiTaskTest::lower)).count()).as(positive + " " + frame).isGreaterThan(20);
      }
      assertThat(notes.stream().filter(n -> n.source().in(Frame.PRESENT).stream().anyMatch(s -> !lower(s))).count()).isGreaterThan(150);
      assertThat(notes.stream().filter(n -> n.source().longStandingLeak()).count()).isGreaterThan(5);
    }
  }

  @Test
  void noSingleWordGivesTheLabelAway() {
    List<SyntheticRow> rows = new ArrayList<>();
    for (int i = 0; i < 1500; i++) {
      rows.add(new UtiTask().make(i, Dice.stream("uti", 42, i, 0)));
    }
    BagOfWords.Best best = BagOfWords.best(rows, row -> row.completion().equals(UtiTask.POSITIVE));
    assertThat(best.accuracy()).as(best.word()).isLessThan(0.65);
  }

  @Test
  void labelsAreBalancedInEverySplitAndNotInTurn() {
    DataSet data = DataSet.make(new UtiTask(), 800, 42);
    assertThat(data.rows().get(Split.TRAIN)).hasSize(300);
    assertThat(data.rows().get(Split.EVAL)).hasSize(200);
    assertThat(data.rows().get(Split.DEV)).hasSize(100);
    assertThat(data.rows().get(Split.TEST)).hasSize(200);
    Set<String> orders = new HashSet<>();
    data.rows().forEach((split, rows) -> {
      assertThat(rows.stream().filter(r -> r.completion().equals("UTI")).count()).isEqualTo(rows.size() / 2);
      assertThat(rows).allMatch(r -> r.fields().get("label").equals(r.completion()) && !r.rejected().get(0).equals(r.completion()));
      for (int i = 0; i < rows.size(); i += 2) {
        orders.add(rows.get(i).completion());
      }
    });
    assertThat(orders).hasSize(2);
    assertThat(data.rows().values().stream().flatMap(List::stream).map(SyntheticRow::fingerprint).distinct()).hasSize(800);
  }

  @Test
  void aRowDependsOnItsRandomStateAlone() {
    UtiTask task = new UtiTask();
    assertThat(task.make(4, new SplittableRandom(9))).isEqualTo(task.make(4, new SplittableRandom(9)));
  }

  private static List<String> sentences(String text) {
    return List.of(text.toLowerCase(Locale.ROOT).split("(?<=[.!?\"])\\s+|\\n"));
  }
}
