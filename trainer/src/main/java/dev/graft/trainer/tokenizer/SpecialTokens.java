package dev.graft.trainer.tokenizer;

import java.util.Set;

/** Special ids ({@link Vocabulary#NONE} where there is none) and flags of a vocabulary. */
record SpecialTokens(
    int bos, int eos, int eot, int eom, boolean addBos, boolean addEos, boolean addSpacePrefix, Set<Integer> endOfGeneration) {

  SpecialTokens {
    endOfGeneration = Set.copyOf(endOfGeneration);
  }
}
