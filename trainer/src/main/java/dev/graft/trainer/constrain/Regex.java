package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/**
 * Regular expressions, as ECMA-262 and Python write them: literals, {@code .} (all but line ends), classes {@code [a-z] [^a-z]}, {@code \d \D \w \W \s \S} (ASCII),
 * {@code \p{L}} and other general categories, {@code \t \n \r \f \v \0 \xHH \\uHHHH \\u{H...}}, any escaped punctuation, groups {@code (...) (?:...) (?<name>...) (?P<name>...)},
 * alternatives, {@code * + ? {n} {n,} {n,m}} (lazy ones mean the same). {@code ^} and {@code $} stand for the text's beginning and end and only there. Characters are Unicode
 * code points. Not supported, and an error: back references, look-around, word boundaries, flags, possessive quantifiers.
 */
final class Regex {
  private static final Expr ANYTHING = new Expr.Repeat(new Expr.Chars(CharSet.ALL), 0, -1);

  private Regex() {}

  /**
   * The texts that an expression describes.
   *
   * @param whole it describes all of a text, as a guided answer; else some part of it, as JSON Schema's {@code pattern}
   * @return deterministic, over code points
   * @throws ConstraintException when it is malformed, not supported, too large, or matches nothing
   */
  static Automaton compile(String regex, boolean whole) {
    List<Expr> branches = new ArrayList<>();
    split(List.of(RegexParser.parse(regex)), whole, branches);
    Graph graph = new Graph();
    graph.accept(new Expr.Alt(branches).append(graph, 0, false));
    Automaton a = Automatons.deterministic(graph.finish(), "the regular expression");
    if (a.getNumStates() == 0) {
      throw new ConstraintException("the regular expression matches no text at all");
    }
    return a;
  }

  /** Writes a sequence as alternatives without anchors. */
  private static void split(List<Expr> sequence, boolean whole, List<Expr> out) {
    List<Expr> items = flat(sequence);
    int from = 0;
    int to = items.size();
    while (from < to && items.get(from) instanceof Expr.Anchor anchor && anchor.start()) {
      from++;
    }
    while (to > from && items.get(to - 1) instanceof Expr.Anchor anchor && !anchor.start()) {
      to--;
    }
    for (int i = from; i < to; i++) {
      if (items.get(i).hasAnchor()) {
        if (!(items.get(i) instanceof Expr.Alt alt)) {
          throw new ConstraintException("regular expression: ^ is supported only where the text begins and $ only where it ends");
        }
        for (Expr item : alt.items()) {
          List<Expr> branch = new ArrayList<>(items);
          branch.set(i, item);
          split(branch, whole, out);
        }
        return;
      }
    }
    if (out.size() == Limits.ALTERNATIVES) {
      throw Automatons.tooLarge("the regular expression");
    }
    List<Expr> branch = new ArrayList<>(items.subList(from, to));
    if (!whole && from == 0) {
      branch.add(0, ANYTHING);
    }
    if (!whole && to == items.size()) {
      branch.add(ANYTHING);
    }
    out.add(new Expr.Seq(branch));
  }

  private static List<Expr> flat(List<Expr> sequence) {
    List<Expr> items = new ArrayList<>();
    for (Expr item : sequence) {
      if (item instanceof Expr.Seq seq) {
        items.addAll(flat(seq.items()));
      } else {
        items.add(item);
      }
    }
    return items;
  }
}
