package dev.graft.bindings;

import java.util.Locale;
import java.util.Optional;

/** What a backward pass finds of its forward. */
public enum Recompute {
  /** All activations. */
  NONE,
  /** Each block's input, from which the block is computed again: less memory, about a third more time. */
  BLOCK,
  /** The same, with those inputs in the host's memory meanwhile: for long sequences on a GPU. On the CPU no difference. */
  OFFLOAD;

  /** Whether blocks are computed again. */
  public boolean again() {
    return this != NONE;
  }

  /** As on the command line: none, block, offload. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The other way; empty for anything else. */
  public static Optional<Recompute> of(String text) {
    for (Recompute recompute : values()) {
      if (recompute.text().equals(text)) {
        return Optional.of(recompute);
      }
    }
    return Optional.empty();
  }
}
