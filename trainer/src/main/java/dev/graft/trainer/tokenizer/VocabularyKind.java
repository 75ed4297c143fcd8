package dev.graft.trainer.tokenizer;

/** How a vocabulary writes its tokens, by {@code tokenizer.ggml.model}. */
public enum VocabularyKind {
  /** SentencePiece: {@code llama}. */
  SPM,
  /** Byte-level BPE: {@code gpt2}. */
  BPE,
  /** WordPiece, Unigram, RWKV and what else there is. */
  OTHER;

  static VocabularyKind of(String model) {
    return switch (model) {
      case "llama" -> SPM;
      case "gpt2" -> BPE;
      default -> OTHER;
    };
  }
}
