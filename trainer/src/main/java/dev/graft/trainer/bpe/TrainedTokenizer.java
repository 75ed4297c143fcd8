package dev.graft.trainer.bpe;

import dev.graft.bindings.VocabularyFile;

/**
 * A vocabulary and what was measured on the text that it was learnt from.
 *
 * @param file what is to be written
 * @param special number of special tokens, which have the first ids
 * @param merges number of merges
 * @param words different words of the text
 * @param textBytes bytes of the text
 * @param textTokens tokens of the text, without BOS and EOS
 */
public record TrainedTokenizer(VocabularyFile file, int special, int merges, int words, long textBytes, long textTokens) {

  /** How much text a token holds, in bytes. */
  public double bytesPerToken() {
    return (double) textBytes / textTokens;
  }
}
