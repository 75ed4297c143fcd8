package dev.graft.eval.synthetic.reasoning;

import dev.graft.eval.synthetic.reasoning.Finding.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One row of the table.
 *
 * @param id of the condition
 * @param system the body system, a file of the table
 * @param name the answer
 * @param aliases names that are accepted, too
 * @param sex "any", "male" or "female"
 * @param age when it is typical
 * @param onset how long it has lasted, a grammar line
 * @param vitals words for {@link Vitals}
 * @param findings ids by kind; the first symptom is what the patient comes for
 * @param absent ids of findings that the patient does not have
 * @param key ids of the findings that tell it from the others; each vignette has two or more
 * @param required ids that each vignette has
 * @param treatment id of the first-line treatment
 * @param adjunct ids of treatments that are right or defensible as well
 * @param lookalikes ids of conditions that it is taken for
 */
record Condition(
    String id,
    String system,
    String name,
    List<String> aliases,
    String sex,
    AgeRange age,
    String onset,
    List<String> vitals,
    Map<Kind, List<String>> findings,
    List<String> absent,
    List<String> key,
    List<String> required,
    String treatment,
    List<String> adjunct,
    List<String> lookalikes) {

  /** All findings, of every kind. */
  List<String> all() {
    List<String> ids = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      ids.addAll(findings.getOrDefault(kind, List.of()));
    }
    return ids;
  }

  List<String> of(Kind kind) {
    return findings.getOrDefault(kind, List.of());
  }

  /** True if a patient with this condition may have all of {@code ids}. */
  boolean explains(Set<String> ids) {
    return all().containsAll(ids);
  }

  /** The name and the aliases. */
  List<String> names() {
    List<String> names = new ArrayList<>(List.of(name));
    names.addAll(aliases);
    return names;
  }
}
