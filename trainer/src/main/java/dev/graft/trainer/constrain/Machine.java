package dev.graft.trainer.constrain;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Follows a {@link Net} byte by byte and says which tokens may come. All stacks that fit what was written are followed together ({@link StackSet}), which keeps ambiguous grammars
 * polynomial. A mask is put together from what each state allows within its own rule, kept for all stacks that it may stand on, and from a walk on where tokens cross the
 * rule's end. Threads may share it: they wait for each other.
 */
final class Machine {
  private record Pair(StackSet a, StackSet b) {}

  private final Net net;
  private final TokenTrie trie;
  private final StackSet[] path;
  private final StackSet none = new StackSet(new int[0], new StackSet[0], false);
  private final StackSet bottom = new StackSet(new int[0], new StackSet[0], true);
  private final StackSet start;
  private final Map<StackSet, StackSet> sets = new HashMap<>();
  private final Map<Pair, StackSet> unions = new HashMap<>();
  private final MaskCache<Integer, RuleTokens> within = new MaskCache<>(Limits.MASK_BYTES / 2);
  private final MaskCache<StackSet, long[]> masks = new MaskCache<>(Limits.MASK_BYTES / 2);

  Machine(Net net, TokenTrie trie, int root) {
    this.net = net;
    this.trie = trie;
    path = new StackSet[trie.longest + 1];
    Closure closure = new Closure();
    closure.add(net.start[root], bottom);
    start = closure.close();
  }

  TokenTrie trie() {
    return trie;
  }

  StackSet start() {
    return start;
  }

  /** The stacks after a token's bytes; none ({@link StackSet#isNone}) when they do not fit or the answer could not go on from there. */
  synchronized StackSet after(StackSet set, byte[] bytes) {
    StackSet at = set;
    for (int i = 0; i < bytes.length && !at.isNone(); i++) {
      at = step(at, bytes[i]);
    }
    return lands(at) ? at : none;
  }

  /** Tokens that may come. Shared: not to be changed. */
  synchronized long[] mask(StackSet set) {
    long[] mask = masks.get(set);
    if (mask == null) {
      mask = compute(set);
      masks.put(set, mask, mask.length * 8L + 64);
    }
    return mask;
  }

  private long[] compute(StackSet set) {
    long[] mask = new long[trie.words];
    if (set.empty) {
      or(mask, trie.endMask);
    }
    Map<Integer, StackSet> onward = new HashMap<>();
    for (int i = 0; i < set.states.length; i++) {
      if (set.under[i].depth + net.highest > Limits.STACK) {
        walk(0, one(set.states[i], set.under[i]), mask); // so near to the highest stack, what a state allows depends on it
        continue;
      }
      RuleTokens tokens = within(net.like[set.states[i]]);
      tokens.addTo(mask);
      StackSet under = set.under[i];
      onward.clear();
      for (int e = 0; e < tokens.exitNode.length; e++) {
        StackSet beyond = onward.computeIfAbsent(tokens.exitState[e], state -> beyond(state, under));
        if (beyond.states.length > 0) {
          walk(tokens.exitNode[e], beyond, mask);
        }
      }
    }
    return mask;
  }

  /** Where a stack goes from a boundary state of its top rule without another byte, but for that state itself, whose own bytes are {@link RuleTokens}' matter. */
  private StackSet beyond(int state, StackSet under) {
    Closure closure = new Closure();
    closure.add(state, under);
    return closure.closeWithout(state, under);
  }

  /** Adds the tokens of a trie node's subtree that stacks at this node allow, the node's own tokens left out. */
  private void walk(int node, StackSet set, long[] mask) {
    path[trie.depth[node]] = set;
    int end = trie.next[node];
    for (int i = node + 1; i < end; ) {
      int depth = trie.depth[i];
      StackSet at = step(path[depth - 1], trie.edge[i]);
      if (at.isNone()) {
        i = trie.next[i];
        continue;
      }
      if (trie.tokenStart[i] < trie.tokenStart[i + 1] && lands(at)) {
        for (int t = trie.tokenStart[i]; t < trie.tokenStart[i + 1]; t++) {
          mask[trie.token[t] >> 6] |= 1L << trie.token[t];
        }
      }
      path[depth] = at;
      i++;
    }
  }

  private RuleTokens within(int state) {
    RuleTokens tokens = within.get(state);
    if (tokens == null) {
      tokens = RuleTokens.of(net, trie, state);
      within.put(state, tokens, tokens.bytes());
    }
    return tokens;
  }

  /** Whether an answer may be left here: it is whole, or single bytes lead on to an end. */
  private boolean lands(StackSet set) {
    if (set.empty) {
      return true;
    }
    for (int i = 0; i < set.states.length; i++) {
      if (net.landable.get(set.states[i]) && set.under[i].depth + net.height[set.states[i]] <= Limits.STACK) {
        return true;
      }
    }
    return false;
  }

  private StackSet step(StackSet set, byte b) {
    StackSet[] after = set.after;
    if (after == null) {
      after = new StackSet[256];
      set.after = after;
    }
    StackSet known = after[b & 0xFF];
    if (known != null) {
      return known;
    }
    Closure closure = new Closure();
    for (int i = 0; i < set.states.length; i++) {
      int to = net.step(set.states[i], b);
      if (to >= 0 && set.under[i].depth + net.height[to] <= Limits.STACK) {
        closure.add(to, set.under[i]);
      }
    }
    StackSet next = closure.close();
    after[b & 0xFF] = next;
    return next;
  }

  private StackSet intern(int[] states, StackSet[] under, boolean empty) {
    if (states.length == 0) {
      return empty ? bottom : none;
    }
    if (sets.size() >= Limits.STACK_SETS) {
      // sets that are still in use live on; they only are no longer found
      sets.values().forEach(set -> set.after = null);
      sets.clear();
      unions.clear();
      masks.clear();
    }
    StackSet set = new StackSet(states, under, empty);
    StackSet known = sets.putIfAbsent(set, set);
    return known == null ? set : known;
  }

  private StackSet one(int state, StackSet under) {
    return intern(new int[] {state}, new StackSet[] {under}, false);
  }

  private StackSet union(StackSet a, StackSet b) {
    if (a == b) {
      return a;
    }
    Pair pair = new Pair(a, b);
    if (unions.size() > 4 * Limits.STACK_SETS) {
      unions.clear();
    }
    StackSet known = unions.get(pair);
    if (known != null) {
      return known;
    }
    TreeMap<Integer, StackSet> all = new TreeMap<>();
    for (int i = 0; i < a.states.length; i++) {
      all.put(a.states[i], a.under[i]);
    }
    for (int i = 0; i < b.states.length; i++) {
      all.merge(b.states[i], b.under[i], this::union);
    }
    StackSet both = intern(all.keySet().stream().mapToInt(Integer::intValue).toArray(), all.values().toArray(StackSet[]::new), a.empty || b.empty);
    unions.put(pair, both);
    return both;
  }

  private static void or(long[] mask, long[] more) {
    for (int i = 0; i < mask.length; i++) {
      mask[i] |= more[i];
    }
  }

  /** What a set of stacks becomes by calls and returns alone. One use. */
  private final class Closure {
    private final TreeMap<Integer, StackSet> stacks = new TreeMap<>();
    private final ArrayDeque<Integer> open = new ArrayDeque<>();
    private boolean empty;

    void add(int state, StackSet under) {
      StackSet before = stacks.get(state);
      StackSet now = before == null ? under : union(before, under);
      if (now != before) {
        stacks.put(state, now);
        open.add(state);
      }
    }

    StackSet close() {
      while (!open.isEmpty()) {
        int state = open.poll();
        StackSet under = stacks.get(state);
        for (int i = net.callStart[state]; i < net.callStart[state + 1]; i++) {
          call(net.start[net.callRule[i]], net.callBack[i], under);
        }
        if (net.ends.get(state)) {
          empty |= under.empty;
          for (int i = 0; i < under.states.length; i++) {
            add(under.states[i], under.under[i]);
          }
        }
      }
      stacks.keySet().removeIf(state -> !net.takesBytes.get(state));
      return intern(stacks.keySet().stream().mapToInt(Integer::intValue).toArray(), stacks.values().toArray(StackSet[]::new), empty);
    }

    /** As {@link #close} without the stack that it began with, unless calls and returns lead to that state on other stacks. */
    StackSet closeWithout(int state, StackSet under) {
      close();
      if (stacks.get(state) == under) {
        stacks.remove(state);
      }
      return intern(stacks.keySet().stream().mapToInt(Integer::intValue).toArray(), stacks.values().toArray(StackSet[]::new), empty);
    }

    /** Enters a rule, unless the stack would grow too high to be unwound within bounds. */
    private void call(int entry, int back, StackSet under) {
      boolean last = net.tail.get(back);
      int depth = under.depth + (last ? 0 : 1);
      if (depth + net.height[entry] <= Limits.STACK && under.depth + net.height[back] <= Limits.STACK) {
        add(entry, last ? under : one(back, under));
      }
    }
  }
}
