package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Lexicon;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Rows that only attention to earlier words can answer: lists read twice, and ward lists with questions on who has what. A small model
 * learns from them to copy and to look up, long before notes alone would teach it. Stateless.
 */
final class Drills {
  private static final Lexicon LEXICON = Lexicon.get();

  private Drills() {}

  /** To read back a list in an order that nothing foretells. */
  static List<String> repeated(Dice dice) {
    List<String> items = new ArrayList<>();
    for (int i = dice.between(3, 14); i > 0; i--) {
      items.add(dice.chance(0.6) ? dice.pick(dice.pick(LEXICON.symptoms()).phrases()) : dice.chance(0.5) ? Reference.drug(dice) : Integer.toString(dice.between(1, 999)));
    }
    String list = String.join(dice.of(", ", "; ", "\n", " / "), items);
    return List.of(dice.of("Repeat: ", "Copy: ", "Read back: ") + list, list);
  }

  /** A ward list, and questions on it with their answers. */
  static List<String> ward(Dice dice) {
    Map<String, Map<Symptom, Frame>> ward = new LinkedHashMap<>();
    String place = dice.of("Bed", "Room", "Patient", "Case");
    int beds = dice.between(2, 6);
    List<Symptom> symptoms = new ArrayList<>(dice.some(LEXICON.symptoms(), beds * 3));
    List<Integer> numbers = dice.some(IntStream.rangeClosed(1, 60).boxed().toList(), beds);
    for (int number : numbers) {
      Map<Symptom, Frame> findings = new LinkedHashMap<>();
      for (int i = dice.between(1, 3); i > 0; i--) {
        findings.put(symptoms.remove(symptoms.size() - 1), dice.pick(List.of(Frame.PRESENT, Frame.PRESENT, Frame.DENIED, Frame.PAST)));
      }
      ward.put(place + " " + number, findings);
    }
    Map<Symptom, String> names = new LinkedHashMap<>();
    ward.values().forEach(findings -> findings.keySet().forEach(s -> names.put(s, dice.pick(s.phrases()))));
    List<String> lines = new ArrayList<>();
    ward.forEach((bed, findings) -> lines.add(bed + ": " + String.join(dice.of(", ", "; "), findings.entrySet().stream().map(f -> said(names.get(f.getKey()), f.getValue(), dice)).toList()) + "."));

    List<List<String>> questions = new ArrayList<>();
    ward.forEach((bed, findings) -> {
      questions.add(List.of(dice.of("Findings of ", "What does the list say of ", "Status of all in ") + lower(bed) + "?",
          String.join(", ", findings.entrySet().stream().map(f -> names.get(f.getKey()) + " " + NoteQuestions.status(f.getValue())).toList())));
      questions.add(List.of(dice.of("Groups of ", "Which groups in ") + lower(bed) + "?",
          String.join("; ", findings.entrySet().stream().map(f -> f.getKey().system() + ": " + NoteQuestions.status(f.getValue())).toList())));
      findings.forEach((symptom, frame) -> {
        questions.add(List.of(dice.of("Where is ", "Who was asked about ") + names.get(symptom) + "?", bed));
        questions.add(List.of(dice.of("Status of ", "What of ") + names.get(symptom) + "?", NoteQuestions.status(frame)));
      });
    });
    List<String> turns = new ArrayList<>();
    for (List<String> pair : dice.shuffled(questions).subList(0, Math.min(questions.size(), dice.between(3, 8)))) {
      turns.add(turns.isEmpty() ? String.join("\n", lines) + "\n\n" + pair.get(0) : pair.get(0));
      turns.add(pair.get(1));
    }
    return turns;
  }

  private static String said(String name, Frame frame, Dice dice) {
    return switch (frame) {
      case PRESENT -> dice.of("has ", "reports ", "now ", "") + name;
      case DENIED -> dice.of("no ", "denies ", "not ") + name;
      default -> dice.of("had ", "earlier ", "past ") + name;
    };
  }

  private static String lower(String bed) {
    return bed.toLowerCase(Locale.ROOT);
  }
}
