package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.BitSet;

/** What is learnt of a sequence that is learnt whole. */
final class AllTokens {
  private AllTokens() {}

  /** Every token but the first, which nothing comes before, and BOS, which nobody predicts (unless it is EOS too). */
  static BitSet learnt(int[] tokens, Vocabulary vocabulary) {
    BitSet learnt = new BitSet(tokens.length);
    for (int i = 1; i < tokens.length; i++) {
      learnt.set(i, tokens[i] != vocabulary.bosId() || vocabulary.bosId() == vocabulary.eosId());
    }
    return learnt;
  }
}
