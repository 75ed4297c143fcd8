package dev.graft.bindings;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A byte-pair vocabulary to be written as a tiny model, which any llama.cpp loads for its tokenizer and {@link RandomModel} copies. Ids
 * are positions in the list of tokens; {@link #NONE} stands for no token.
 *
 * @param name the file's {@code general.name}
 * @param pre which pre-tokenizer splits text before merges, by llama.cpp's name ({@code llama-bpe})
 * @param tokens texts in GPT-2's byte alphabet, special ones as they are written; none empty, all different
 * @param types of the tokens, as many: {@link #NORMAL}, {@link #CONTROL}, or another of llama.cpp's numbers from 1 to 5
 * @param merges {@code left right}, first learnt first; left, right and leftright are tokens
 * @param bos beginning of a text
 * @param eos end of a text
 * @param eot end of a turn
 * @param pad padding
 * @param addBos whether a BOS stands before every text
 * @param chatTemplate a Jinja template, or null
 */
public record VocabularyFile(String name, String pre, List<String> tokens, List<Integer> types, List<String> merges, int bos, int eos, int eot, int pad,
    boolean addBos, String chatTemplate) {
  /** No token. */
  public static final int NONE = -1;
  /** Type of a token that text becomes. */
  public static final int NORMAL = 1;
  /** Type of a token that is not text of its own, such as BOS. */
  public static final int CONTROL = 3;

  /** @throws NullPointerException when anything but the template is null */
  public VocabularyFile {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(pre, "pre");
    tokens = List.copyOf(tokens);
    types = List.copyOf(types);
    merges = List.copyOf(merges);
  }

  /**
   * Writes the file, whole or not at all.
   *
   * @throws UsageException naming the token, merge or id that does not fit
   * @throws GraftIoException when the file cannot be written
   */
  public void write(Path path) {
    Objects.requireNonNull(path, "path");
    GraftLibrary.require();
    if (types.size() != tokens.size()) {
      throw new UsageException(types.size() + " token types for " + tokens.size() + " tokens");
    }
    byte[] texts = endToEnd("token", tokens);
    byte[] pairs = endToEnd("merge", merges);
    int[] kinds = types.stream().mapToInt(Integer::intValue).toArray();
    Calls.run((m, n) -> GraftLibrary.graft_write_vocabulary(Calls.path(path), name, pre, tokens.size(), texts, texts.length, kinds, merges.size(), pairs,
        pairs.length, bos, eos, eot, pad, addBos ? 1 : 0, chatTemplate, m, n));
  }

  /** The texts in UTF-8, each closed by a NUL. */
  private static byte[] endToEnd(String what, List<String> texts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(16 * texts.size());
    for (int i = 0; i < texts.size(); i++) {
      if (texts.get(i).indexOf('\0') >= 0) {
        throw new UsageException(what + " " + i + " holds a NUL character, which no vocabulary file can hold");
      }
      bytes.writeBytes(texts.get(i).getBytes(StandardCharsets.UTF_8));
      bytes.write(0);
    }
    return bytes.toByteArray();
  }
}
