package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.summary.Library.Disposition;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** What a summary has to say, for graders: a fact is stated if the summary contains one of its strings, in any case of letters. */
final class Checklist {
  /**
   * One fact.
   *
   * @param fact as a person reads it
   * @param anyOf accepted strings, lower case
   * @param mustNot strings that contradict it, lower case
   * @param weight of the fact in a grade
   */
  record Fact(String fact, List<String> anyOf, List<String> mustNot, int weight) {
    boolean stated(String lower) {
      return anyOf.stream().anyMatch(lower::contains);
    }

    boolean contradicted(String lower) {
      return mustNot.stream().anyMatch(lower::contains);
    }

    Map<String, Object> json() {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("fact", fact);
      map.put("any_of", anyOf);
      map.put("must_not", mustNot);
      map.put("weight", weight);
      return map;
    }
  }

  private final List<Fact> facts;

  private Checklist(List<Fact> facts) {
    this.facts = facts;
  }

  /**
   * The checklist of a stay.
   *
   * @param right texts (note and summary) that are right: what they contain contradicts nothing
   */
  static Checklist of(Stay stay, Library library, List<String> right) {
    String allowed = String.join("\n", right).toLowerCase(Locale.ROOT);
    List<Fact> facts = new ArrayList<>();
    Map<String, Integer> weights = new LinkedHashMap<>();
    weights.put("core", 2);
    weights.put("dx", 2);
    weights.put("tx", 2);
    weights.put("result", 1);
    weights.put("med", 2);
    weights.put("also", 1);
    weights.put("fu", 1);
    weights.forEach((key, weight) -> {
      String any = stay.scenario().phrases().get(key + "_any");
      if (any != null) {
        facts.add(fact(stay, stay.phrase(key, new SplittableRandom(0)), any, weight, allowed));
      }
    });
    facts.add(fact(stay, "follow-up in <weeks> weeks", "<weeks> weeks | <weeks>-week", 1, allowed));
    facts.add(course(stay, library, allowed));
    List<String> elsewhere = new ArrayList<>();
    for (Disposition other : library.dispositions.values()) {
      if (!other.id().equals("home") && other != stay.disposition()) {
        elsewhere.addAll(strings(stay, other.any()));
      }
    }
    elsewhere.removeIf(allowed::contains);
    facts.add(new Fact("discharged " + stay.disposition().says(), strings(stay, stay.disposition().any()), elsewhere, 1));
    return new Checklist(facts);
  }

  /** What happened besides. Other complications that such a stay may have contradict it. */
  private static Fact course(Stay stay, Library library, String allowed) {
    Set<String> not = new LinkedHashSet<>();
    for (String id : new LinkedHashSet<>(stay.scenario().complications())) {
      if (!id.equals(stay.complication().id())) {
        not.addAll(strings(stay, library.complications.get(id).any()));
      }
    }
    not.removeIf(allowed::contains);
    boolean none = stay.complication().id().equals("none");
    String says = none ? "uncomplicated course" : Grammar.named(Grammar.alternatives(stay.complication().says()).get(0), stay.words());
    return new Fact(says, strings(stay, stay.complication().any()), List.copyOf(not), 2);
  }

  private static Fact fact(Stay stay, String says, String any, int weight, String allowed) {
    Set<String> not = new LinkedHashSet<>();
    for (String name : stay.vars().keySet()) {
      boolean used = any.contains("<" + name + ">") || any.contains("<" + name + "_0>");
      for (String value : used ? stay.others(name) : List.<String>of()) {
        not.addAll(strings(stay.with(name, value), any));
      }
    }
    not.removeIf(allowed::contains);
    return new Fact(Grammar.named(says, stay.words()), strings(stay, any), List.copyOf(not), weight);
  }

  private static List<String> strings(Stay stay, String any) {
    return Grammar.alternatives(any).stream().map(one -> Grammar.named(one, stay.words()).toLowerCase(Locale.ROOT)).toList();
  }

  List<Fact> facts() {
    return facts;
  }

  /** True if all facts are stated and none is contradicted. */
  boolean passes(String summary) {
    String lower = summary.toLowerCase(Locale.ROOT);
    return facts.stream().allMatch(fact -> fact.stated(lower) && !fact.contradicted(lower));
  }

  List<Map<String, Object>> json() {
    return facts.stream().map(Fact::json).toList();
  }
}
