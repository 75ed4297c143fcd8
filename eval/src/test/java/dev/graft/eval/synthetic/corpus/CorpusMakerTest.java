package dev.graft.eval.synthetic.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.NoteWriter;
import dev.graft.eval.synthetic.clinic.Symptom;
import dev.graft.eval.synthetic.uti.UtiTask;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CorpusMakerTest {
  private static List<CorpusRow> rows;

  @BeforeAll
  static void make() {
    rows = CorpusMaker.rows(CorpusMix.CORPUS, CorpusMaker.DEFAULT_ROWS, 42);
  }

  @Test
  void hasItsSizeAndBothTextAndQuestions() {
    long all = rows.stream().mapToLong(r -> r.text().length()).sum();
    long chat = rows.stream().filter(CorpusRow::chat).mapToLong(r -> r.text().length()).sum();
    assertThat(all).isBetween(10_000_000L, 14_000_000L);
    assertThat((double) chat / all).isBetween(0.55, 0.75);
    assertThat(rows.stream().map(CorpusRow::kind).distinct()).hasSize(CorpusKind.values().length - 2); // groups and asked are of other mixes
  }

  @Test
  void theSameSeedGivesTheSameRowsWhateverComesAfter() {
    assertThat(CorpusMaker.rows(CorpusMix.CORPUS, 300, 42)).isEqualTo(rows.subList(0, 300));
    assertThat(CorpusMaker.rows(CorpusMix.CORPUS, 300, 43)).isNotEqualTo(rows.subList(0, 300));
  }

  @Test
  void noRowIsThereTwice() {
    Set<String> texts = new HashSet<>();
    assertThat(rows).allMatch(row -> texts.add(ShingleIndex.normalized(row.text())));
  }

  @Test
  void noPassageIsNearlyAlikeToOneOfTheTask() {
    ShingleIndex index = new ShingleIndex();
    DataSet task = DataSet.make(new UtiTask(), 800, 42);
    task.rows().values().forEach(part -> part.forEach(row -> index.add(row.fingerprint(), 0)));
    String planted = task.rows().get(Split.TEST).get(0).fingerprint();
    assertThat(index.nearestOutside(planted + " One word more.", 1).similarity()).isGreaterThan(0.6);
    double highest = 0;
    for (CorpusRow row : rows) {
      for (String piece : row.turns().get(0).split("\n\n")) {
        highest = Math.max(highest, index.nearestOutside(piece, 1).similarity());
      }
    }
    assertThat(highest).isLessThan(0.4);
  }

  @Test
  void theTaskItselfIsNeverAsked() {
    Set<String> answers = rows.stream().filter(CorpusRow::chat).flatMap(r -> r.turns().stream()).collect(Collectors.toSet());
    assertThat(answers).doesNotContain("UTI", "No UTI", "UTI.", "No UTI.");
    SyntheticRow asked = new UtiTask().make(0, Dice.stream("uti", 42, 0, 0));
    List<String> frame = List.of(asked.prompt().split("\n\n"));
    for (CorpusRow row : rows) {
      assertThat(row.text()).doesNotContain("No UTI").doesNotContain(frame.get(0)).doesNotContain(frame.get(frame.size() - 1)).doesNotContainPattern("Urgency:|Responder:");
      String question = row.turns().get(0).toLowerCase(Locale.ROOT);
      assertThat(question).doesNotContainPattern("(have|is there|is it|is this) (a |an )?(uti|urinary tract infection)");
    }
  }

  @Test
  void answersFollowFromTheCase() {
    for (int i = 0; i < 300; i++) {
      Dice dice = new Dice(Dice.stream("answers", 1, i, 0));
      Note note = NoteWriter.write(CaseMaker.general(dice), 100, dice);
      NoteQuestions asker = new NoteQuestions(note, dice);
      for (int q = 0; q < 6; q++) {
        List<String> pair = asker.ask();
        Frame claimed = switch (pair.get(1)) {
          case "Yes, it is present now.", "present" -> Frame.PRESENT;
          case "No, it is denied.", "denied" -> Frame.DENIED;
          case "No, that was in the past.", "past" -> Frame.PAST;
          case "No, another person has it.", "another person" -> Frame.OTHER_PERSON;
          default -> null;
        };
        if (claimed != null) {
          assertThat(note.source().in(claimed)).as(pair + " of " + note.text()).anyMatch(s -> named(s, pair.get(0)));
        }
      }
    }
  }

  @Test
  void otherWordsAskForTheGroupThatTheAnswerIsAbout() {
    Map<String, String> groups = new HashMap<>();
    for (String line : Grammar.lines(NoteQuestions.class, "organs.txt")) {
      String[] parts = line.split(" \\| ");
      for (String organ : parts[1].split("; ")) {
        assertThat(groups.put(organ, parts[0])).as(organ).isNull();
      }
    }
    int yes = 0;
    int all = 0;
    for (int i = 0; i < 200; i++) {
      Dice dice = new Dice(Dice.stream("words", 1, i, 0));
      Note note = NoteWriter.write(CaseMaker.general(dice), 100, dice);
      List<String> turns = new NoteQuestions(note, dice).inOtherWords(3);
      for (int t = 0; t < turns.size(); t += 2) {
        String question = turns.get(t).substring(turns.get(t).lastIndexOf("\n\n") + 1);
        String organ = groups.keySet().stream().filter(question::contains).max(Comparator.comparingInt(String::length)).orElseThrow();
        boolean present = note.source().in(Frame.PRESENT).stream().anyMatch(s -> s.system().equals(groups.get(organ)));
        assertThat(turns.get(t + 1)).as(turns.get(t)).isEqualTo(present ? "Yes" : "No");
        assertThat(question).doesNotContain("infection");
        yes += present ? 1 : 0;
        all++;
      }
    }
    assertThat((double) yes / all).isBetween(0.2, 0.8);
  }

  @Test
  void coversUrinarySymptomsInEveryFrame() {
    String all = rows.stream().limit(6000).map(CorpusRow::text).collect(Collectors.joining("\n"));
    assertThat(all).contains("dysuria", "urinary urgency", "suprapubic pain", "pain or burning when passing urine").doesNotContainPattern("[$}{]");
  }

  private static boolean named(Symptom symptom, String question) {
    return symptom.phrases().stream().anyMatch(question::contains);
  }
}
