package dev.graft.trainer.tokenizer;

import java.util.List;

/**
 * Turns text into token ids of one model. Encoding is llama.cpp's own (see {@link LlamaTokenizer}); decoding reads the
 * vocabulary's pieces and needs no native code.
 *
 * <p>Special tokens written in the text ("&lt;s&gt;", "&lt;|im_end|&gt;") become their ids; no BOS or EOS is ever added here.
 * Implementations may be shared by threads unless they say otherwise. Whoever opened one closes it.
 */
public interface Tokenizer extends AutoCloseable {

  /** Ids of one text; empty for the empty text. */
  default int[] encode(String text) {
    return encodeAll(List.of(text)).get(0);
  }

  /**
   * Ids of many texts, in order; far faster than one at a time.
   *
   * @throws dev.graft.trainer.llama.LlamaProcessException when the tokenizer's process fails
   */
  List<int[]> encodeAll(List<String> texts);

  /** The model's vocabulary: special ids, flags, pieces. */
  Vocabulary vocabulary();

  /** Text of ids, special tokens left out; bytes that are not UTF-8 become U+FFFD. */
  default String decode(int[] ids) {
    return vocabulary().decode(ids, false);
  }

  /** Exact bytes that one token stands for, special tokens as written ("&lt;s&gt;"). */
  default byte[] piece(int id) {
    return vocabulary().piece(id);
  }

  @Override
  void close();
}
