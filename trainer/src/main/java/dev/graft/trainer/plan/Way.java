package dev.graft.trainer.plan;

import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import java.util.ArrayList;
import java.util.List;

/**
 * A way to train that a plan compares with others.
 *
 * @param dpo learns from pairs; false: supervised, on the chosen answer of a pair
 * @param prefixSharing a pair's prompt is computed once
 */
public record Way(boolean dpo, boolean prefixSharing, Reference reference) {
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
  public static final Way SFT = new Way(false, false, Reference.NONE);

  /** Preference training with and without what makes it cheap, cheapest first. @param withReference whether the loss has a reference */
  public static List<Way> preference(boolean withReference) {
    List<Way> ways = new ArrayList<>();
    for (boolean sharing : new boolean[] {true, false}) {
      for (Reference reference : Reference.values()) {
        if (withReference != (reference == Reference.NONE)) {
          ways.add(new Way(true, sharing, reference));
        }
      }
    }
    return List.copyOf(ways);
  }

  /** "dpo, shared prompts, cached reference". */
  public String text() {
    if (!dpo) {
      return "sft";
    }
    String from = switch (reference) {
      case NONE -> "no reference";
      case CACHE -> "cached reference";
      case ONLINE -> "online reference";
    };
    return "dpo, " + (prefixSharing ? "shared prompts, " : "two sequences, ") + from;
  }

  /** Whether the reference is computed in each step. */
  public boolean online() {
    return reference == Reference.ONLINE;
  }

  /** What a row's training passes compute. @throws IllegalArgumentException for a row of another kind */
  BatchShape shape(Example row) {
    if (row instanceof SftExample sft && !dpo) {
      return BatchShape.of(sft);
    } else if (row instanceof PreferenceExample pair) {
      return !dpo ? BatchShape.ofChosen(pair) : prefixSharing ? BatchShape.shared(pair) : BatchShape.apart(pair);
    }
    throw new IllegalArgumentException("a row of this kind is not trained on by " + text());
  }
}
