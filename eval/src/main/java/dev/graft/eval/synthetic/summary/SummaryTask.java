package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.SyntheticTask;
import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.prose.Words;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A discharge note, and its summary in two or three sentences. The row carries a checklist: the summary passes it, each rejected one
 * fails it or is too long or too short.
 */
public final class SummaryTask implements SyntheticTask {
  /** Shortest and longest note, in words. */
  static final int MIN_NOTE = 150;
  static final int MAX_NOTE = 400;
  private static final int TRIES = 60;
  private static final String ASK =
      "Summarize this discharge note in two or three sentences (30 to 80 words)."
          + "|Write a summary of the following discharge note: two to three sentences, 30 to 80 words."
          + "|Summarize the hospital stay below for the next physician in 2-3 sentences of together 30 to 80 words."
          + "|Give a short summary (2-3 sentences, 30-80 words) of this discharge note with the facts that matter most."
          + "|Read the note and summarize it in two or three sentences, 30 to 80 words in all.";

  private final Library library = new Library();

  @Override
  public String name() {
    return "summary";
  }

  @Override
  public int[] studySplits() {
    return new int[] {4500, 300, 150, 300};
  }

  @Override
  public SyntheticRow make(int index, SplittableRandom random) {
    Scenario scenario = library.scenarios.get(Chance.rotated(index, library.scenarios.size()));
    for (int i = 0; i < TRIES; i++) {
      Stay stay = Stay.draw(scenario, library, random);
      String note = Layout.of(Note.draw(stay, library, random), random);
      long wording = random.nextLong();
      String summary = Summaries.good(stay, new SplittableRandom(wording));
      int words = Words.count(summary);
      int length = Words.count(note);
      if (words >= Summaries.MIN_WORDS && words <= Summaries.MAX_WORDS && length >= MIN_NOTE && length <= MAX_NOTE) {
        return row(stay, note, summary, wording, random);
      }
    }
    throw new IllegalStateException("no note of the right length for " + scenario.id());
  }

  private SyntheticRow row(Stay stay, String note, String summary, long wording, SplittableRandom random) {
    Checklist checklist = Checklist.of(stay, library, List.of(note, summary));
    List<String> worse = Summaries.worse(stay, note, checklist, wording, random);
    String told = note;
    if (Chance.percent(10, random)) {
      String spared = (stay + " " + checklist.json()).toLowerCase(Locale.ROOT);
      told = Words.mistype(note, 1 + random.nextInt(3), spared, random);
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("scenario", stay.scenario().id());
    fields.put("complication", stay.complication().id());
    fields.put("facts", checklist.json());
    fields.put("min_words", Summaries.MIN_WORDS);
    fields.put("max_words", Summaries.MAX_WORDS);
    String ask = Grammar.expand(ASK, Map.of(), random);
    String prompt = Chance.percent(70, random) ? ask + "\n\n" + told : told + "\n\n" + ask;
    return new SyntheticRow(prompt, summary, worse, fields, told);
  }
}
