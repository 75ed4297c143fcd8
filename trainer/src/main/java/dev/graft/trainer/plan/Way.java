package dev.graft.trainer.plan;

import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.LabelledExample;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import java.util.ArrayList;
import java.util.List;

/**
 * A way to train that a plan compares with others.
 *
 * @param prefixSharing a pair's prompt is computed once
 */
public record Way(Method method, boolean prefixSharing, Reference reference) {
  /** What is learnt from. */
  public enum Method {
    /** Supervised, on the chosen answer of a pair. */
    SFT,
    /** Pairs. */
    DPO,
    /** Single answers called good or bad; each step scores the rows' mismatched companions too, for its KL estimate. */
    KTO
  }

  /** Where the reference's log-probabilities come from. */
  public enum Reference {
    /** The loss has none. */
    NONE,
    /** Computed once, before training. */
    CACHE,
    /** Computed in each step. */
    ONLINE
  }

  /** Supervised training. */
  public static final Way SFT = new Way(Method.SFT, false, Reference.NONE);

  /** Preference training with and without what makes it cheap, cheapest first. @param withReference whether the loss has a reference */
  public static List<Way> preference(boolean withReference) {
    List<Way> ways = new ArrayList<>();
    for (boolean sharing : new boolean[] {true, false}) {
      for (Reference reference : Reference.values()) {
        if (withReference != (reference == Reference.NONE)) {
          ways.add(new Way(Method.DPO, sharing, reference));
        }
      }
    }
    return List.copyOf(ways);
  }

  /** Training on single answers called good or bad, cheapest way first. Prompts are computed once for each, however they are packed. */
  public static List<Way> unpaired(boolean prefixSharing) {
    return List.of(new Way(Method.KTO, prefixSharing, Reference.CACHE), new Way(Method.KTO, prefixSharing, Reference.ONLINE));
  }

  /** The same with another reference. */
  Way with(Reference other) {
    return new Way(method, prefixSharing, other);
  }

  /** Whether it learns from preferences. */
  public boolean dpo() {
    return method != Method.SFT;
  }

  /** "dpo, shared prompts, cached reference". */
  public String text() {
    if (method == Method.SFT) {
      return "sft";
    }
    String from = switch (reference) {
      case NONE -> "no reference";
      case CACHE -> "cached reference";
      case ONLINE -> "online reference";
    };
    return method == Method.KTO ? "kto, " + from : "dpo, " + (prefixSharing ? "shared prompts, " : "two sequences, ") + from;
  }

  /** Whether the reference is computed in each step. */
  public boolean online() {
    return reference == Reference.ONLINE;
  }

  /** What a row's training passes compute. @throws IllegalArgumentException for a row of another kind */
  BatchShape shape(Example row) {
    if (row instanceof SftExample sft && method == Method.SFT) {
      return BatchShape.of(sft);
    } else if (row instanceof LabelledExample labelled && method == Method.KTO) {
      return BatchShape.of(labelled);
    } else if (row instanceof PreferenceExample pair && method != Method.KTO) {
      return method == Method.SFT ? BatchShape.ofChosen(pair) : prefixSharing ? BatchShape.shared(pair) : BatchShape.apart(pair);
    }
    throw new IllegalArgumentException("a row of this kind is not trained on by " + text());
  }
}
