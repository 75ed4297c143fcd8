package dev.graft.eval.synthetic.clinic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.eval.synthetic.Dice;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LexiconTest {
  @Test
  void noTwoSymptomsShareAPhrase() {
    Map<String, String> seen = new HashMap<>();
    for (Symptom symptom : Lexicon.get().symptoms()) {
      for (String phrase : symptom.phrases()) {
        assertThat(seen.put(phrase, symptom.key())).as(phrase).isNull();
      }
    }
  }

  @Test
  void everySymptomIsComplete() {
    assertThat(Lexicon.get().symptoms()).hasSizeGreaterThan(80).allSatisfy(s -> {
      assertThat(s.phrases()).as(s.key()).isNotEmpty();
      assertThat(s.lay()).as(s.key()).isNotEmpty();
      assertThat(s.system()).as(s.key()).isNotBlank();
      assertThat(s.meaning()).as(s.key()).isNotBlank();
    });
  }

  @Test
  void aScenarioHasSymptomsThatSomeOfItsPatientsCanHave() {
    for (Scenario scenario : Lexicon.get().scenarios()) {
      Dice dice = new Dice(Dice.stream("scenario", 1, 0, 0));
      Set<String> possible = new HashSet<>();
      for (int i = 0; i < 200; i++) {
        Patient patient = CaseMaker.patient(scenario, 0.5, dice);
        assertThat(scenario.who().fits(patient)).isTrue();
        scenario.symptoms().stream().filter(s -> s.who().fits(patient)).forEach(s -> possible.add(s.key()));
      }
      assertThat(possible).as(scenario.key()).containsAll(scenario.symptoms().stream().map(Symptom::key).toList());
    }
  }

  @Test
  void factsOfANoteStandInItsText() {
    for (int i = 0; i < 300; i++) {
      Dice dice = new Dice(Dice.stream("facts", 1, i, 0));
      Note note = NoteWriter.write(CaseMaker.general(dice), 120, dice);
      for (String fact : List.of("temperature", "pulse", "blood pressure", "creatinine", "age")) {
        if (note.facts().containsKey(fact)) {
          assertThat(note.text()).contains(note.facts().get(fact));
        }
      }
      boolean febrile = note.source().has(Frame.PRESENT, "fever");
      if (note.facts().containsKey("temperature")) {
        assertThat(celsius(note.facts().get("temperature")) >= 37.8).as(note.text()).isEqualTo(febrile);
      }
      assertThat(note.text()).doesNotContainPattern("[${}|]|\\b[Aa] (8\\d|18|11)-");
    }
  }

  private static double celsius(String temperature) {
    double value = Double.parseDouble(temperature.split(" ")[0]);
    return temperature.endsWith("F") ? (value - 32) / 1.8 : value;
  }
}
