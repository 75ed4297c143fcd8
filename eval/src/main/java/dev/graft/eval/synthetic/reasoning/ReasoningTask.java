package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.SyntheticRow;
import dev.graft.eval.synthetic.SyntheticTask;
import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.prose.Words;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A vignette, and the question for its diagnosis or first treatment. The vignette's findings fit one condition of the table alone, so
 * the answer is determined. Conditions go round in a shuffled order, even indices ask for the diagnosis and odd ones for the treatment.
 */
public final class ReasoningTask implements SyntheticTask {
  static final int MIN_WORDS = 60;
  static final int MAX_WORDS = 140;
  private static final int TRIES = 60;

  private static final String DIAGNOSIS =
      "What is the {most likely|likeliest|most probable} diagnosis?|Which {condition|disease|disorder} {best explains|most likely explains} {these findings|this presentation}?"
          + "|What is the {diagnosis|most likely cause of <his> {symptoms|illness}}?|Which diagnosis is {most likely|most consistent with these findings}?"
          + "|Name the most likely {diagnosis|underlying condition}.|What does this patient most likely have?";
  private static final String TREATMENT =
      "What is the {best|most appropriate} {initial|first-line|next} treatment?|Which {treatment|therapy} is most appropriate {now|for this patient|at this point}?"
          + "|What is the {first-line|recommended} {treatment|therapy} for <his> condition?|How should this patient be treated {first|initially}?"
          + "|Name the {most appropriate|best initial} {treatment|therapy|management}.|What is the treatment of choice?";

  private final KnowledgeTable table;
  private final Incidentals incidentals;
  private final Distractors distractors;

  /** Reads the table. */
  public ReasoningTask() {
    table = KnowledgeTable.load();
    incidentals = Incidentals.load();
    distractors = new Distractors(table);
  }

  @Override
  public String name() {
    return "reasoning";
  }

  @Override
  public int[] studySplits() {
    return new int[] {4095, 456, 200, 410};
  }

  @Override
  public SyntheticRow make(int index, SplittableRandom random) {
    List<Condition> conditions = table.conditions();
    Condition condition = conditions.get(Chance.rotated(index, conditions.size()));
    boolean diagnosis = Math.floorMod(index, 2) == 0;
    Case told = null;
    String vignette = null;
    for (int i = 0; i < TRIES && vignette == null; i++) {
      told = Case.draw(condition, i < 8 ? random.nextInt(4) : 3, table, incidentals, random);
      String text = Vignette.tell(told, table, random);
      int words = Words.count(text);
      vignette = words >= MIN_WORDS && words <= MAX_WORDS ? text : null;
    }
    if (vignette == null) {
      throw new IllegalStateException("no vignette of the right length for " + condition.id());
    }
    String answer = diagnosis ? condition.name() : table.treatment(condition.treatment()).get(0);
    List<String> wrong = diagnosis ? distractors.diagnoses(condition, told.patient(), random) : distractors.treatments(condition, random);
    if (Chance.percent(8, random)) {
      vignette = Words.mistype(vignette, 1 + random.nextInt(2), answer.toLowerCase(Locale.ROOT), random);
    }
    String question = Grammar.tidy(Grammar.expand(diagnosis ? DIAGNOSIS : TREATMENT, told.patient().words(), random));
    return new SyntheticRow(vignette + (random.nextBoolean() ? "\n\n" : " ") + question, answer, wrong,
        fields(condition, diagnosis, answer, wrong, random), vignette);
  }

  private Map<String, Object> fields(Condition condition, boolean diagnosis, String answer, List<String> wrong, SplittableRandom random) {
    List<String> aliases = new ArrayList<>();
    if (diagnosis) {
      aliases.addAll(condition.aliases());
    } else {
      List<String> names = table.treatment(condition.treatment());
      aliases.addAll(names.subList(1, names.size()));
    }
    List<String> all = new ArrayList<>(wrong);
    all.add(answer);
    List<String> shuffled = Chance.shuffled(all, random);
    Map<String, Object> options = new LinkedHashMap<>();
    for (int i = 0; i < shuffled.size(); i++) {
      options.put(String.valueOf((char) ('A' + i)), shuffled.get(i));
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("condition", condition.id());
    fields.put("question_type", diagnosis ? "diagnosis" : "treatment");
    fields.put("aliases", aliases);
    fields.put("options", options);
    fields.put("answer_idx", String.valueOf((char) ('A' + shuffled.indexOf(answer))));
    return fields;
  }
}
