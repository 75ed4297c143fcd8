package dev.graft.trainer.constrain;

import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.MinimizationOperations;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.TooComplexToDeterminizeException;
import org.apache.lucene.util.automaton.Transition;
import org.apache.lucene.util.automaton.UTF32ToUTF8;

/** What we do with Lucene's automata, within {@link Limits}. */
final class Automatons {
  /** Characters that JSON writes as themselves within a string. */
  private static final CharSet RAW = CharSet.union(java.util.List.of(CharSet.anyOf("\"\\"), CharSet.of(0, 0x1F))).not();

  private static final String SHORT_ESCAPES = "\"\\\b\f\n\r\t";
  private static final String SHORT_NAMES = "\"\\bfnrt";

  private static final Automaton VALID_UTF8 = validUtf8();

  private Automatons() {}

  /**
   * The same language, deterministic, small, and without dead ends.
   *
   * @param what names it in errors
   */
  static Automaton deterministic(Automaton a, String what) {
    if (a.getNumTransitions() > Limits.TRANSITIONS) {
      throw tooLarge(what);
    }
    try {
      Automaton d = Operations.removeDeadStates(Operations.determinize(a, Limits.DETERMINIZE_WORK));
      return d.getNumStates() <= Limits.MINIMIZE_STATES ? MinimizationOperations.minimize(d, Limits.DETERMINIZE_WORK) : d;
    } catch (TooComplexToDeterminizeException e) {
      throw tooLarge(what);
    }
  }

  static ConstraintException tooLarge(String what) {
    return new ConstraintException(what + " is too large or too ambiguous to prepare; repeat fewer times, or make alternatives differ at their beginning");
  }

  /** From code points to the bytes of their UTF-8; not deterministic. Lucene's converter also lets overlong forms through, which it never meets. */
  static Automaton utf8(Automaton codePoints) {
    return Operations.intersection(new UTF32ToUTF8().convert(codePoints), VALID_UTF8);
  }

  /** Well-formed UTF-8 (The Unicode Standard, table 3-7). */
  private static Automaton validUtf8() {
    Graph graph = new Graph();
    graph.accept(0);
    int last = graph.state();
    int two = graph.state();
    int three = graph.state();
    graph.edge(last, 0x80, 0xBF, 0);
    graph.edge(two, 0x80, 0xBF, last);
    graph.edge(three, 0x80, 0xBF, two);
    graph.edge(0, 0, 0x7F, 0);
    graph.edge(0, 0xC2, 0xDF, last);
    graph.edge(0, 0xE1, 0xEC, two);
    graph.edge(0, 0xEE, 0xEF, two);
    graph.edge(0, 0xF1, 0xF3, three);
    graph.edge(second(graph, 0xE0), 0xA0, 0xBF, last);
    graph.edge(second(graph, 0xED), 0x80, 0x9F, last);
    graph.edge(second(graph, 0xF0), 0x90, 0xBF, two);
    graph.edge(second(graph, 0xF4), 0x80, 0x8F, two);
    return deterministic(graph.finish(), "UTF-8");
  }

  private static int second(Graph graph, int lead) {
    int state = graph.state();
    graph.edge(0, lead, state);
    return state;
  }

  /** Both at once. @param a  @param b deterministic, over code points */
  static Automaton both(Automaton a, Automaton b, String what) {
    if ((long) a.getNumStates() * b.getNumStates() > Limits.STATES * 10L) {
      throw tooLarge(what);
    }
    return deterministic(Operations.intersection(a, b), what);
  }

  /** The first without the second. */
  static Automaton minus(Automaton a, Automaton b, String what) {
    try {
      return deterministic(Operations.minus(a, b, Limits.DETERMINIZE_WORK), what);
    } catch (TooComplexToDeterminizeException e) {
      throw tooLarge(what);
    }
  }

  /**
   * From a text to how JSON writes it between quotes: what must be escaped is, the shortest way (control characters without a letter of their own as {@code \\u00XX}), all else
   * stands for itself. Code points in and out.
   */
  static Automaton jsonEscaped(Automaton text) {
    Graph graph = new Graph();
    for (int s = 1; s < text.getNumStates(); s++) {
      graph.state();
    }
    Transition t = new Transition();
    for (int s = 0; s < text.getNumStates(); s++) {
      if (text.isAccept(s)) {
        graph.accept(s);
      }
      Escapes escapes = new Escapes(graph, s);
      for (int i = text.initTransition(s, t); i > 0; i--) {
        text.getNextTransition(t);
        escape(graph, escapes, t.min, t.max, t.dest);
      }
    }
    return graph.finish();
  }

  /** The states after a backslash, after {@code \\u00}, and after that and 0 or 1, of the escapes that begin in one state; made when needed. */
  private static final class Escapes {
    private final Graph graph;
    private final int from;
    private int backslash = -1;
    private int unicode = -1;
    private final int[] high = {-1, -1};

    Escapes(Graph graph, int from) {
      this.graph = graph;
      this.from = from;
    }

    void add(int c, int to) {
      int named = SHORT_ESCAPES.indexOf(c);
      if (named < 0 && c >= 0x20) {
        return;
      }
      backslash = backslash < 0 ? graph.text(from, "\\") : backslash;
      if (named >= 0) {
        graph.edge(backslash, SHORT_NAMES.charAt(named), to);
        return;
      }
      unicode = unicode < 0 ? graph.text(backslash, "u00") : unicode;
      int h = c >> 4;
      high[h] = high[h] < 0 ? graph.text(unicode, Integer.toString(h)) : high[h];
      char low = Character.forDigit(c & 15, 16);
      graph.edge(high[h], low, to);
      if (low != Character.toUpperCase(low)) {
        graph.edge(high[h], Character.toUpperCase(low), to);
      }
    }
  }

  private static void escape(Graph graph, Escapes escapes, int min, int max, int to) {
    for (int i = 0; i < RAW.ranges(); i++) {
      int first = Math.max(min, RAW.first(i));
      int last = Math.min(max, RAW.last(i));
      if (first <= last) {
        graph.edge(escapes.from, first, last, to);
      }
    }
    for (int c = Math.max(0, min); c <= Math.min(max, '\\'); c++) {
      escapes.add(c, to);
    }
  }
}
