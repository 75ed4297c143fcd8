package dev.graft.trainer.constrain;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Transition;

/**
 * A grammar's rules as one table of states (a recursive transition network). What can never be finished is left out; {@link #height} says how many more levels of the stack
 * finishing takes. Immutable.
 */
final class Net {
  private static final int NEVER = Integer.MAX_VALUE / 4;
  private static final int NO = 0xFF;

  /** First state of each rule. */
  final int[] start;

  /** Whether a rule may end in a state. */
  final BitSet ends = new BitSet();

  /** Whether a state has nothing but its rule's end. */
  final BitSet tail = new BitSet();

  /** States that answers may be left in between tokens: whence single-byte tokens lead to an end. */
  final BitSet landable = new BitSet();

  /** States at which more than bytes must be looked at: they call, or end a rule that is called. */
  final BitSet boundary = new BitSet();

  /** States that a byte may follow. */
  final BitSet takesBytes = new BitSet();

  /** The greatest {@link #height} of a state that can be finished. */
  final int highest;

  /** Least levels that must be pushed to get from a state to its rule's end. */
  final int[] height;

  /** A state with the same tokens within its rule. */
  final int[] like;

  /** Calls of state s: {@code callRule[i]}, to come back to {@code callBack[i]}, i from {@code callStart[s]} to before {@code callStart[s + 1]}. */
  final int[] callStart;

  final int[] callRule;
  final int[] callBack;

  /** For each state, which of its targets a byte takes, or 255 for none; shared between states. */
  private final byte[][] shape;
  private final int[] base;
  private final int[] target;

  private final int[] rule;
  private final Grammar grammar;

  /**
   * @param root the rule of a whole answer
   * @param bytes that are tokens of their own
   * @throws ConstraintException when no answer can be finished, or a rule begins with itself
   */
  Net(Grammar grammar, int root, BitSet bytes) {
    this.grammar = grammar;
    int rules = grammar.size();
    start = new int[rules];
    int n = 0;
    int edges = 0;
    int calls = 0;
    Transition t = new Transition();
    for (int r = 0; r < rules; r++) {
      start[r] = n;
      Automaton a = grammar.rule(r).automaton();
      n += Math.max(1, a.getNumStates());
      edges += a.getNumTransitions();
      for (int s = 0; s < a.getNumStates(); s++) {
        for (int i = a.initTransition(s, t); i > 0; i--) {
          a.getNextTransition(t);
          calls += Math.max(0, t.max - Math.max(t.min, Grammar.CALL) + 1);
        }
      }
    }
    shape = new byte[n][];
    base = new int[n];
    target = new int[edges];
    rule = new int[n];
    like = new int[n];
    callStart = new int[n + 1];
    callRule = new int[calls];
    callBack = new int[calls];
    fill();
    height = heights(null);
    if (height[start[root]] >= NEVER) {
      throw new ConstraintException("no answer could ever be finished: " + grammar.rule(root).name() + " always needs another part of its own kind");
    }
    int[] byTokens = heights(bytes);
    for (int s = 0; s < n; s++) {
      if (byTokens[s] < NEVER) {
        landable.set(s);
        height[s] = byTokens[s];
      }
    }
    if (!landable.get(start[root])) {
      throw new ConstraintException("the vocabulary cannot write such an answer: it has no token of its own for " + missing(bytes));
    }
    prune();
    if (height[start[root]] > Limits.STACK) {
      throw new ConstraintException("the least answer nests " + height[start[root]] + " deep; at most " + Limits.STACK + " levels are followed");
    }
    refuseLeftRecursion();
    highest = Arrays.stream(height).filter(h -> h < NEVER).max().orElse(0);
  }

  private void fill() {
    Map<ByteBuffer, byte[]> shapes = new HashMap<>();
    Transition t = new Transition();
    int edge = 0;
    int call = 0;
    for (int r = 0; r < start.length; r++) {
      Automaton a = grammar.rule(r).automaton();
      int[] alike = grammar.rule(r).like();
      rule[start[r]] = r;
      like[start[r]] = start[r];
      for (int s = 0; s < a.getNumStates(); s++) {
        int state = start[r] + s;
        rule[state] = r;
        like[state] = start[r] + (alike == null ? s : alike[s]);
        ends.set(state, a.isAccept(s));
        base[state] = edge;
        byte[] row = new byte[256];
        Arrays.fill(row, (byte) NO);
        for (int i = a.initTransition(s, t); i > 0; i--) {
          a.getNextTransition(t);
          if (t.min < Grammar.CALL) {
            Arrays.fill(row, t.min, Math.min(t.max, 0xFF) + 1, (byte) (edge - base[state]));
            target[edge++] = start[r] + t.dest;
          }
          for (int c = Math.max(t.min, Grammar.CALL); c <= t.max; c++) {
            callRule[call] = c - Grammar.CALL;
            callBack[call++] = start[r] + t.dest;
          }
        }
        shape[state] = shapes.computeIfAbsent(ByteBuffer.wrap(row), buffer -> row);
        callStart[state + 1] = call;
      }
      if (a.getNumStates() == 0) {
        byte[] row = new byte[256];
        Arrays.fill(row, (byte) NO);
        shape[start[r]] = row;
        callStart[start[r] + 1] = call;
      }
    }
  }

  /** State after a byte, or -1. */
  int step(int state, byte b) {
    int k = shape[state][b & 0xFF] & 0xFF;
    return k == NO ? -1 : target[base[state] + k];
  }

  /** Least height for each state, by bytes that are in a set (null: by any); {@link #NEVER} where there is no way. */
  private int[] heights(BitSet bytes) {
    int n = shape.length;
    int[] from = new int[n + 1];
    eachEdge(bytes, (s, t) -> from[t + 1]++);
    for (int i = 0; i < n; i++) {
      from[i + 1] += from[i];
    }
    int[] source = new int[from[n]];
    int[] fill = from.clone();
    eachEdge(bytes, (s, t) -> source[fill[t]++] = s);
    int[] least = new int[n];
    Arrays.fill(least, NEVER);
    ArrayDeque<Integer> open = new ArrayDeque<>();
    ends.stream().forEach(s -> {
      least[s] = 0;
      open.add(s);
    });
    BitSet waiting = (BitSet) ends.clone();
    while (!open.isEmpty()) {
      int t = open.poll();
      waiting.clear(t);
      for (int i = from[t]; i < from[t + 1]; i++) {
        int s = source[i];
        int value = leastOf(s, bytes, least);
        if (value < least[s]) {
          least[s] = value;
          if (!waiting.get(s)) {
            waiting.set(s);
            open.add(s);
          }
        }
      }
    }
    return least;
  }

  private int leastOf(int s, BitSet bytes, int[] least) {
    int value = ends.get(s) ? 0 : NEVER;
    for (int b = 0; b < 256; b++) {
      int k = shape[s][b] & 0xFF;
      if (k != NO && (bytes == null || bytes.get(b))) {
        value = Math.min(value, least[target[base[s] + k]]);
      }
    }
    for (int i = callStart[s]; i < callStart[s + 1]; i++) {
      value = Math.min(value, Math.max(least[start[callRule[i]]] + 1, least[callBack[i]]));
    }
    return value;
  }

  private interface EdgeVisitor {
    void edge(int from, int to);
  }

  private void eachEdge(BitSet bytes, EdgeVisitor visitor) {
    for (int s = 0; s < shape.length; s++) {
      int last = NO;
      for (int b = 0; b < 256; b++) {
        int k = shape[s][b] & 0xFF;
        if (k != NO && k != last && (bytes == null || bytes.get(b))) {
          visitor.edge(s, target[base[s] + k]);
          last = k;
        }
      }
      for (int i = callStart[s]; i < callStart[s + 1]; i++) {
        visitor.edge(s, callBack[i]);
        visitor.edge(s, start[callRule[i]]);
      }
    }
  }

  /** Drops edges into what can never be finished, and calls that cannot come back; then marks tails and boundaries. */
  private void prune() {
    int[] old = callStart.clone();
    int call = 0;
    BitSet called = new BitSet();
    for (int s = 0; s < shape.length; s++) {
      byte[] row = null;
      for (int b = 0; b < 256; b++) {
        int k = shape[s][b] & 0xFF;
        if (k != NO && height[target[base[s] + k]] >= NEVER) {
          row = row == null ? shape[s].clone() : row;
          row[b] = (byte) NO;
        }
      }
      shape[s] = row == null ? shape[s] : row;
      for (byte k : shape[s]) {
        if ((k & 0xFF) != NO) {
          takesBytes.set(s);
          break;
        }
      }
      callStart[s] = call;
      for (int i = old[s]; i < old[s + 1]; i++) {
        if (height[start[callRule[i]]] < NEVER && landable.get(callBack[i])) {
          called.set(callRule[i]);
          callRule[call] = callRule[i];
          callBack[call++] = callBack[i];
        }
      }
      boundary.set(s, call > callStart[s]);
      tail.set(s, ends.get(s) && call == callStart[s] && !takesBytes.get(s));
    }
    callStart[shape.length] = call;
    ends.stream().filter(s -> called.get(rule[s])).forEach(boundary::set);
  }

  /** A rule that begins with itself would be pushed without end. */
  private void refuseLeftRecursion() {
    BitSet nullable = nullable();
    int rules = start.length;
    int[][] first = new int[rules][];
    int[] entering = new int[rules];
    for (int r = 0; r < rules; r++) {
      first[r] = atFront(r, nullable).stream().flatMap(s -> Arrays.stream(callRule, callStart[s], callStart[s + 1])).distinct().toArray();
      Arrays.stream(first[r]).forEach(callee -> entering[callee]++);
    }
    ArrayDeque<Integer> open = new ArrayDeque<>();
    BitSet left = new BitSet();
    left.set(0, rules);
    for (int r = 0; r < rules; r++) {
      if (entering[r] == 0) {
        open.add(r);
      }
    }
    while (!open.isEmpty()) {
      int r = open.poll();
      left.clear(r);
      for (int callee : first[r]) {
        if (--entering[callee] == 0) {
          open.add(callee);
        }
      }
    }
    if (!left.isEmpty()) {
      throw new ConstraintException(grammar.rule(left.nextSetBit(0)).name() + " begins with itself (left recursion), which cannot be followed; put what it repeats behind what it begins with");
    }
  }

  private BitSet nullable() {
    BitSet nullable = new BitSet();
    boolean more = true;
    while (more) {
      more = false;
      for (int r = 0; r < start.length; r++) {
        if (!nullable.get(r) && atFront(r, nullable).intersects(ends)) {
          nullable.set(r);
          more = true;
        }
      }
    }
    return nullable;
  }

  /** States of a rule that are reached without a byte. */
  private BitSet atFront(int r, BitSet nullable) {
    BitSet seen = new BitSet();
    ArrayDeque<Integer> open = new ArrayDeque<>();
    seen.set(start[r]);
    open.add(start[r]);
    while (!open.isEmpty()) {
      int s = open.poll();
      for (int i = callStart[s]; i < callStart[s + 1]; i++) {
        if (nullable.get(callRule[i]) && !seen.get(callBack[i])) {
          seen.set(callBack[i]);
          open.add(callBack[i]);
        }
      }
    }
    return seen;
  }

  /** Up to four bytes that the grammar uses and the vocabulary lacks. */
  private String missing(BitSet bytes) {
    BitSet used = new BitSet();
    for (byte[] row : new HashSet<>(Arrays.asList(shape))) {
      for (int b = 0; b < 256; b++) {
        if ((row[b] & 0xFF) != NO) {
          used.set(b);
        }
      }
    }
    used.andNot(bytes);
    StringBuilder text = new StringBuilder();
    used.stream().limit(4).forEach(b -> text.append(text.length() == 0 ? "" : ", ").append(b > ' ' && b < 0x7F ? String.format("byte 0x%02X (%c)", b, b) : String.format("byte 0x%02X", b)));
    return text + (used.cardinality() > 4 ? " and " + (used.cardinality() - 4) + " more" : "");
  }
}
