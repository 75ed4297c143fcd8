package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.summary.Library.Allergy;
import dev.graft.eval.synthetic.summary.Library.Comorbidity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What a discharge note says, section by section, before it is laid out.
 *
 * @param words values of names
 * @param history of the present illness
 * @param background other illnesses, "none" if there are none
 * @param allergies as a phrase
 * @param social habits and home
 * @param exam on admission
 * @param results laboratory and imaging
 * @param course events in order, with the complication
 * @param days length of stay
 * @param stable the state at discharge
 * @param medications new and changed ones
 * @param continued drugs taken before and after
 * @param stopped what is to be avoided, or null
 * @param disposition where to
 * @param followUp with whom and when
 * @param instructions for the patient
 */
record Note(
    Map<String, String> words,
    List<Line> history,
    String background,
    String allergies,
    List<Line> social,
    List<Line> exam,
    List<Line> results,
    List<Line> course,
    int days,
    List<Line> stable,
    List<String> medications,
    List<String> continued,
    String stopped,
    String disposition,
    String followUp,
    List<Line> instructions) {

  static Note draw(Stay stay, Library library, SplittableRandom random) {
    Map<String, String> words = new LinkedHashMap<>(stay.words());
    List<Line> history = lines(stay.scenario().lines().get("hpi"), words, random);
    List<Line> exam = lines(stay.scenario().lines().get("exam"), words, random);
    List<Line> results = lines(stay.scenario().lines().get("results"), words, random);
    List<String> events = new ArrayList<>(stay.scenario().lines().get("events"));
    int late = stay.complication().id().equals("none") ? events.size() : 1 + random.nextInt(events.size() - 1);
    events.add(late, stay.complication().note());
    int day = 1;
    List<Line> course = new ArrayList<>();
    for (String event : events) {
      words.put("day", "\u0000");
      Line line = Line.of(event, words, random);
      if (line.text().contains("\u0000")) {
        day += course.isEmpty() ? random.nextInt(2) : 1 + random.nextInt(2);
        line = new Line(line.text().replace("\u0000", Integer.toString(day)), line.predicate());
      }
      course.add(line);
    }
    List<String> medications = List.of(stay.phrase("note_med", random).split("; "));
    String stop = stay.phrase("note_stop", random);
    String disposition = Grammar.expand(stay.disposition().note(), words, random);
    String background = stay.comorbidities().isEmpty() ? "none" : Grammar.list(stay.comorbidities().stream().map(Comorbidity::name).toList(), "and");
    List<String> continued = stay.comorbidities().stream().map(Comorbidity::drug).toList();
    List<Line> stable = lines(Chance.some(library.stable, 1 + random.nextInt(2), random), words, random);
    List<Line> instructions = lines(Chance.some(library.instructions, 1 + random.nextInt(3), random), words, random);
    String followUp = stay.phrase("note_fu", random).replaceFirst("\\.$", "");
    List<Line> social = lines(stay.social(), words, random);
    String said = (history + " " + exam + results + course + medications + continued).toLowerCase(Locale.ROOT);
    List<Allergy> safe = library.allergies.stream().filter(one -> one.conflicts().stream().noneMatch(said::contains)).toList();
    String allergies = Grammar.expand(Chance.pick(safe, random).says(), words, random);
    return new Note(words, history, background, allergies, social, exam, results, course, day + 1, stable, medications, continued, stop,
        disposition.replaceFirst("\\.$", ""), followUp, instructions);
  }

  /** Lines that start with "?" come in three of five cases. */
  private static List<Line> lines(List<String> lines, Map<String, String> words, SplittableRandom random) {
    List<Line> out = new ArrayList<>();
    for (String line : lines) {
      boolean optional = line.startsWith("?");
      if (!optional || Chance.percent(60, random)) {
        out.add(Line.of(optional ? line.substring(1) : line, words, random));
      }
    }
    return out;
  }
}
