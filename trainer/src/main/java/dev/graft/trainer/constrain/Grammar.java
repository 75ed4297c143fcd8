package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/** Rules, each a deterministic automaton over bytes (0 to 255) and calls of rules ({@link #CALL} + rule). */
final class Grammar {
  static final int CALL = 0x100;

  /**
   * @param name for errors
   * @param like for each state one whose next tokens are the same, as far as the longest token reaches; null: each its own
   */
  record Rule(String name, Automaton automaton, int[] like) {}

  /** Bytes of the vocabulary's longest token. */
  final int longestToken;

  private final List<Rule> rules = new ArrayList<>();
  private long states;

  Grammar(int longestToken) {
    this.longestToken = longestToken;
  }

  /** A rule to be {@link #define}d later. */
  int declare(String name) {
    if (rules.size() == Limits.RULES) {
      throw new ConstraintException("the form needs more than " + Limits.RULES + " rules; make it smaller");
    }
    rules.add(new Rule(name, null, null));
    return rules.size() - 1;
  }

  void define(int rule, Automaton automaton) {
    define(rule, automaton, null);
  }

  void define(int rule, Automaton automaton, int[] like) {
    states += automaton.getNumStates();
    if (states > Limits.STATES) {
      throw Automatons.tooLarge(rules.get(rule).name());
    }
    rules.set(rule, new Rule(rules.get(rule).name(), automaton, like));
  }

  int add(String name, Automaton automaton) {
    int rule = declare(name);
    define(rule, automaton);
    return rule;
  }

  int size() {
    return rules.size();
  }

  Rule rule(int rule) {
    return rules.get(rule);
  }
}
