package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Realises a {@link ClinicalCase} as a note: every finding is said once, in the frame that the case gives it; background, examination
 * and the like are added until the note has its length. Stateless.
 */
public final class NoteWriter {
  private static final Grammar GRAMMAR = Grammar.load(NoteWriter.class, "note.grammar");

  private NoteWriter() {}

  /** Where in the note a sentence stands. */
  private enum Place {
    OPENING,
    STORY,
    BACKGROUND,
    EXAM,
    LABS,
    PLAN
  }

  private record Part(Place place, String text, Map<String, String> facts) {}

  /**
   * Writes a note.
   *
   * @param words its length, about; what the findings need is said in any case
   */
  public static Note write(ClinicalCase source, int words, Dice dice) {
    return new Writing(source, dice).note(words);
  }

  /** One note being written. */
  private static final class Writing {
    private final ClinicalCase source;
    private final Dice dice;
    private final Sentences sentences;
    private final String voice;
    private final List<Part> parts = new ArrayList<>();

    Writing(ClinicalCase source, Dice dice) {
      this.source = source;
      this.dice = dice;
      this.sentences = new Sentences(GRAMMAR, source, dice);
      this.voice = source.style() == Style.TELEGRAPHIC ? ".telegraphic" : ".prose";
    }

    Note note(int words) {
      List<Symptom> present = new ArrayList<>(source.in(Frame.PRESENT));
      String style = source.style().name().toLowerCase(Locale.ROOT);
      if (source.reason() == null) {
        int opening = Math.min(present.size(), dice.between(1, 2));
        add(Place.OPENING, sentences.about("open.symptom." + style, present.subList(0, opening)));
        present = present.subList(opening, present.size());
      } else {
        add(Place.OPENING, sentences.about("open.reason." + style, List.of()));
      }
      story(present);
      if (source.pyuria()) {
        add(Place.LABS, sentences.about("urine" + voice, List.of()));
      }
      fill(words);
      return finished();
    }

    private void story(List<Symptom> present) {
      List<Part> story = new ArrayList<>();
      for (List<Symptom> chunk : chunks(present, 3)) {
        boolean quoted = chunk.size() == 1 && voice.equals(".prose") && dice.chance(0.3);
        story.add(part(Place.STORY, sentences.about(quoted ? "present.lay" : "present" + voice, chunk)));
      }
      for (List<Symptom> chunk : chunks(source.in(Frame.DENIED), 5)) {
        story.add(part(Place.STORY, sentences.about("denied" + voice, chunk)));
      }
      for (List<Symptom> chunk : chunks(source.in(Frame.PAST), 2)) {
        story.add(part(dice.chance(0.7) ? Place.STORY : Place.BACKGROUND, sentences.about("past" + voice, chunk)));
      }
      for (Symptom symptom : source.in(Frame.OTHER_PERSON)) {
        story.add(part(dice.chance(0.7) ? Place.STORY : Place.BACKGROUND, sentences.about("other" + voice, List.of(symptom))));
      }
      if (source.longStandingLeak()) {
        story.add(part(dice.chance(0.5) ? Place.STORY : Place.BACKGROUND, sentences.about("leak" + voice, List.of())));
      }
      parts.addAll(dice.shuffled(story));
    }

    private List<List<Symptom>> chunks(List<Symptom> symptoms, int most) {
      List<List<Symptom>> chunks = new ArrayList<>();
      int at = 0;
      while (at < symptoms.size()) {
        int size = Math.min(symptoms.size() - at, dice.between(1, most));
        chunks.add(symptoms.subList(at, at + size));
        at += size;
      }
      return chunks;
    }

    private void fill(int words) {
      List<Part> fillers = new ArrayList<>();
      fillers.add(filler(Place.BACKGROUND, source.conditions().isEmpty() ? "nohistory" : "history"));
      fillers.add(filler(Place.BACKGROUND, sentences.hasMedicines() ? "medicines" : "nomedicines"));
      fillers.add(filler(Place.EXAM, voice.equals(".prose") && sentences.febrile() ? null : "vitals"));
      fillers.add(filler(Place.EXAM, "exam"));
      fillers.add(filler(Place.LABS, "labs"));
      fillers.add(filler(Place.PLAN, source.pyuria() ? "plan" : "planplain"));
      fillers.add(filler(Place.BACKGROUND, "social"));
      fillers.add(filler(Place.BACKGROUND, "allergy"));
      if (!source.operations().isEmpty()) {
        fillers.add(filler(Place.BACKGROUND, "operation"));
      }
      int have = parts.stream().mapToInt(p -> words(p.text())).sum();
      for (Part filler : dice.shuffled(fillers)) {
        int more = words(filler.text());
        if (have < words && have + more < words + 18) {
          parts.add(filler);
          have += more;
        }
      }
    }

    private Part filler(Place place, String rule) {
      return part(place, sentences.about(rule == null ? "vitals.fever" : rule + voice, List.of()));
    }

    private void add(Place place, Sentences.Sentence sentence) {
      parts.add(part(place, sentence));
    }

    private static Part part(Place place, Sentences.Sentence sentence) {
      return new Part(place, sentence.text(), sentence.facts());
    }

    private Note finished() {
      Map<String, String> facts = new LinkedHashMap<>();
      StringBuilder text = new StringBuilder();
      Place before = null;
      boolean lines = source.style() == Style.CLINIC || source.style() == Style.TELEGRAPHIC && dice.chance(0.4);
      for (Place place : order()) {
        for (Part part : parts) {
          if (part.place() == place) {
            text.append(before == null ? "" : lines && before != place ? "\n" : " ").append(part.text());
            facts.putAll(part.facts());
            before = place;
          }
        }
      }
      return new Note(source, Typos.maybe(text.toString(), dice), facts);
    }

    private List<Place> order() {
      return switch (dice.weighted(5, 3, 2, 1)) {
        case 0 -> List.of(Place.OPENING, Place.STORY, Place.BACKGROUND, Place.EXAM, Place.LABS, Place.PLAN);
        case 1 -> List.of(Place.OPENING, Place.BACKGROUND, Place.STORY, Place.EXAM, Place.LABS, Place.PLAN);
        case 2 -> List.of(Place.OPENING, Place.LABS, Place.STORY, Place.BACKGROUND, Place.EXAM, Place.PLAN);
        default -> List.of(Place.OPENING, Place.EXAM, Place.LABS, Place.BACKGROUND, Place.STORY, Place.PLAN);
      };
    }

    private static int words(String text) {
      return text.split("\\s+").length;
    }
  }
}
