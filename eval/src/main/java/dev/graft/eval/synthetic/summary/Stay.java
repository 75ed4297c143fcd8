package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.summary.Library.Comorbidity;
import dev.graft.eval.synthetic.summary.Library.Complication;
import dev.graft.eval.synthetic.summary.Library.Disposition;
import dev.graft.eval.synthetic.summary.Library.Social;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The facts of one hospital stay.
 *
 * @param scenario the kind of admission
 * @param female the patient's sex
 * @param age years
 * @param surname of the patient
 * @param vars which alternative is true, by name: the scenario's and the complication's
 * @param complication what happened besides
 * @param disposition where the patient goes
 * @param comorbidities other illnesses
 * @param social grammar lines
 */
record Stay(
    Scenario scenario,
    boolean female,
    int age,
    String surname,
    Map<String, String> vars,
    Complication complication,
    Disposition disposition,
    List<Comorbidity> comorbidities,
    List<String> social) {

  static Stay draw(Scenario scenario, Library library, SplittableRandom random) {
    boolean female = scenario.sex().equals("female") || !scenario.sex().equals("male") && random.nextBoolean();
    int age = random.nextInt(scenario.minAge(), scenario.maxAge() + 1);
    Complication complication = library.complications.get(Chance.pick(scenario.complications(), random));
    Map<String, String> vars = new LinkedHashMap<>();
    scenario.vars().forEach((name, values) -> vars.put(name, Chance.pick(values, random)));
    complication.vars().forEach((name, values) -> vars.put(name, Chance.pick(values, random)));
    List<String> social = library.social.stream().filter(one -> age >= one.min() && age <= one.max()).map(Social::says).toList();
    return new Stay(scenario, female, age, Chance.pick(library.surnames, random), vars, complication,
        library.dispositions.get(Chance.pick(scenario.dispositions(), random)),
        comorbidities(scenario, complication, female, age, library, random), Chance.some(social, random.nextInt(3), random));
  }

  private static List<Comorbidity> comorbidities(
      Scenario scenario, Complication complication, boolean female, int age, Library library, SplittableRandom random) {
    String mentioned = (scenario.toString() + complication).toLowerCase(Locale.ROOT);
    List<Comorbidity> fitting = new ArrayList<>();
    for (Comorbidity one : Chance.shuffled(library.comorbidities, random)) {
      String drug = one.drug().split(" ")[0];
      boolean fits = age >= one.min() && age <= one.max() && (one.sex().equals("any") || one.sex().equals(female ? "female" : "male"))
          && !mentioned.contains(drug) && !mentioned.contains(one.name())
          && fitting.stream().noneMatch(other -> other.name().contains(one.name()) || one.name().contains(other.name()));
      if (fits) {
        fitting.add(one);
      }
    }
    return Chance.some(fitting, 1 + random.nextInt(4), random);
  }

  /** The same stay with another value of one var. */
  Stay with(String name, String value) {
    Map<String, String> other = new LinkedHashMap<>(vars);
    other.put(name, value);
    return new Stay(scenario, female, age, surname, other, complication, disposition, comorbidities, social);
  }

  /** The values that are not true, of a var of the scenario or the complication. */
  List<String> others(String name) {
    List<String> values = scenario.vars().containsKey(name) ? scenario.vars().get(name) : complication.vars().get(name);
    return values.stream().filter(value -> !value.equals(vars.get(name))).toList();
  }

  /** What {@code <name>} stands for in the lines. */
  Map<String, String> words() {
    Map<String, String> words = new LinkedHashMap<>();
    vars.forEach((name, value) -> {
      words.put(name, value);
      words.put(name + "_0", value.split(" ")[0]);
    });
    if (!scenario.opposite().isEmpty()) {
      words.put(scenario.opposite().get(0), words.get(scenario.opposite().get(1)).equals("left") ? "right" : "left");
    }
    words.put("he", female ? "she" : "he");
    words.put("his", female ? "her" : "his");
    words.put("noun", female ? "woman" : "man");
    words.put("aged", age + "-year-old");
    words.put("name", (female ? "Ms. " : "Mr. ") + surname);
    words.put("sex", female ? "F" : "M");
    words.put("age", Integer.toString(age));
    return words;
  }

  /** A phrase of the scenario with this stay's values, one of its alternatives; null if the scenario has none. */
  String phrase(String key, SplittableRandom random) {
    String line = scenario.phrases().get(key);
    return line == null ? null : Grammar.expand(line, words(), random);
  }
}
