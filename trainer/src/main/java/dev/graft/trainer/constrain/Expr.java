package dev.graft.trainer.constrain;

import java.util.List;
import org.apache.lucene.util.automaton.Automaton;

/** A regular expression, or a grammar rule's right-hand side. */
sealed interface Expr {
  Expr EMPTY = new Seq(List.of());

  /** One character of a set. */
  record Chars(CharSet set) implements Expr {
    @Override
    public int append(Graph graph, int from, boolean bytes) {
      int to = graph.state();
      if (bytes) {
        graph.free(graph.append(from, Automatons.deterministic(Automatons.utf8(one()), "a class of characters")), to);
      } else {
        for (int i = 0; i < set.ranges(); i++) {
          graph.edge(from, set.first(i), set.last(i), to);
        }
      }
      return to;
    }

    private Automaton one() {
      Graph graph = new Graph();
      graph.accept(append(graph, 0, false));
      return graph.finish();
    }
  }

  /** One after the other. */
  record Seq(List<Expr> items) implements Expr {}

  /** One of them. */
  record Alt(List<Expr> items) implements Expr {}

  /** @param max -1: no most */
  record Repeat(Expr item, int min, int max) implements Expr {
    @Override
    public int append(Graph graph, int from, boolean bytes) {
      int at = from;
      for (int i = 0; i < min; i++) {
        at = item.append(graph, at, bytes);
      }
      int end = graph.state();
      if (max < 0) {
        int again = graph.state();
        graph.free(at, again);
        graph.free(item.append(graph, again, bytes), again);
        at = again;
      }
      for (int i = min; i < max; i++) {
        graph.free(at, end);
        at = item.append(graph, at, bytes);
      }
      graph.free(at, end);
      return end;
    }
  }

  /** {@code ^} or {@code $}. */
  record Anchor(boolean start) implements Expr {}

  /** What a rule of the grammar matches. */
  record Call(int rule) implements Expr {}

  static Expr text(String text) {
    return new Seq(text.codePoints().<Expr>mapToObj(c -> new Chars(CharSet.of(c))).toList());
  }

  /** Places for a character, repetitions written out. */
  default long size() {
    long size = 1;
    if (this instanceof Chars chars) {
      size = Math.max(1, chars.set().ranges());
    } else if (this instanceof Seq seq) {
      size = seq.items().stream().mapToLong(Expr::size).sum();
    } else if (this instanceof Alt alt) {
      size = 1 + alt.items().stream().mapToLong(Expr::size).sum();
    } else if (this instanceof Repeat repeat) {
      size = Math.max(1, repeat.item().size()) * Math.max(1, repeat.max() < 0 ? repeat.min() + 1 : repeat.max());
    }
    return Math.min(size, Integer.MAX_VALUE);
  }

  default boolean hasAnchor() {
    if (this instanceof Seq seq) {
      return seq.items().stream().anyMatch(Expr::hasAnchor);
    }
    if (this instanceof Alt alt) {
      return alt.items().stream().anyMatch(Expr::hasAnchor);
    }
    return this instanceof Anchor || this instanceof Repeat repeat && repeat.item().hasAnchor();
  }

  /**
   * Appends its automaton to a graph; without anchors.
   *
   * @param bytes over UTF-8's bytes (and calls), else over code points
   * @return the state after it
   */
  default int append(Graph graph, int from, boolean bytes) {
    if (this instanceof Seq seq) {
      int at = from;
      for (Expr item : seq.items()) {
        at = item.append(graph, at, bytes);
      }
      return at;
    }
    if (this instanceof Alt alt) {
      int end = graph.state();
      for (Expr item : alt.items()) {
        int start = graph.state();
        graph.free(from, start);
        graph.free(item.append(graph, start, bytes), end);
      }
      return end;
    }
    if (this instanceof Call call && bytes) {
      return graph.call(from, call.rule());
    }
    throw new IllegalStateException("no automaton of " + this);
  }
}
