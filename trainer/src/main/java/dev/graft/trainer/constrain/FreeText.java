package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/** Texts that may be anything but for some. */
final class FreeText {
  private static final String ANY = "[\\s\\S]*";

  private FreeText() {}

  /** @param without texts that are nowhere in it  @param notJson whether it must not begin like a JSON object  @return deterministic, over code points */
  static Automaton without(List<String> without, boolean notJson) {
    Automaton any = Regex.compile(ANY, true);
    List<Automaton> never = new ArrayList<>();
    without.forEach(text -> never.add(Operations.concatenate(List.of(any, Automata.makeString(text), any))));
    if (notJson) {
      never.add(Regex.compile("[ \\t\\r\\n]*\\{" + ANY, true));
    }
    return never.isEmpty() ? any : Automatons.minus(any, Automatons.deterministic(Operations.union(never), "the texts to leave out"), "the texts to leave out");
  }
}
