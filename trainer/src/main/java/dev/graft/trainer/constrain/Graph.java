package dev.graft.trainer.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Transition;

/** An automaton in the making: states, edges, and edges that take nothing. State 0 is the first. */
final class Graph {
  private final List<List<int[]>> edges = new ArrayList<>();
  private final List<List<Integer>> free = new ArrayList<>();
  private final BitSet accept = new BitSet();

  Graph() {
    state();
  }

  int state() {
    edges.add(new ArrayList<>(1));
    free.add(new ArrayList<>(0));
    if (edges.size() > Limits.STATES) {
      throw Automatons.tooLarge("the form");
    }
    return edges.size() - 1;
  }

  void accept(int state) {
    accept.set(state);
  }

  void edge(int from, int label, int to) {
    edge(from, label, label, to);
  }

  void edge(int from, int min, int max, int to) {
    edges.get(from).add(new int[] {min, max, to});
  }

  /** Lets {@code from} be taken for {@code to} at no cost. */
  void free(int from, int to) {
    free.get(from).add(to);
  }

  /** Appends the bytes of a text. @return the state after them */
  int text(int from, String text) {
    int at = from;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      int to = state();
      edge(at, b & 0xFF, to);
      at = to;
    }
    return at;
  }

  /** Appends a call of a rule. @return the state after it */
  int call(int from, int rule) {
    int to = state();
    edge(from, Grammar.CALL + rule, to);
    return to;
  }

  /** Appends an automaton. @return the state after it */
  int append(int from, Automaton a) {
    int offset = edges.size();
    for (int s = 0; s < a.getNumStates(); s++) {
      state();
    }
    int to = state();
    free(from, offset);
    Transition t = new Transition();
    for (int s = 0; s < a.getNumStates(); s++) {
      if (a.isAccept(s)) {
        free(offset + s, to);
      }
      for (int i = a.initTransition(s, t); i > 0; i--) {
        a.getNextTransition(t);
        edge(offset + s, t.min, t.max, offset + t.dest);
      }
    }
    return to;
  }

  /** Without the free edges; not deterministic. */
  Automaton finish() {
    int n = edges.size();
    Automaton a = new Automaton(n, n);
    for (int s = 0; s < n; s++) {
      a.createState();
    }
    long transitions = 0;
    ArrayDeque<Integer> open = new ArrayDeque<>();
    for (int s = 0; s < n; s++) {
      BitSet seen = new BitSet();
      seen.set(s);
      open.add(s);
      while (!open.isEmpty()) {
        int at = open.poll();
        if (accept.get(at)) {
          a.setAccept(s, true);
        }
        for (int[] edge : edges.get(at)) {
          a.addTransition(s, edge[2], edge[0], edge[1]);
        }
        transitions += edges.get(at).size();
        if (transitions > Limits.TRANSITIONS) {
          throw Automatons.tooLarge("the form");
        }
        for (int to : free.get(at)) {
          if (!seen.get(to)) {
            seen.set(to);
            open.add(to);
          }
        }
      }
    }
    a.finishState();
    return a;
  }
}
