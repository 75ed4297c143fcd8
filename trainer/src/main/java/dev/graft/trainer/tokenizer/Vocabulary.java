package dev.graft.trainer.tokenizer;

import dev.graft.bindings.GgufFile;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * A model's vocabulary, read from its file: pieces, special ids, flags and chat template, with llama.cpp's defaults (llama-vocab.cpp)
 * where the file is silent. Reading needs no llama.cpp. Immutable; threads may share it.
 */
public final class Vocabulary {
  /** An id that the vocabulary does not have. */
  public static final int NONE = -1;

  private final VocabularyKind kind;
  private final byte[][] texts;
  private final TokenType[] types;
  private final byte[][] pieces;
  private final SpecialTokens special;
  private final String chatTemplate;

  Vocabulary(VocabularyKind kind, byte[][] texts, TokenType[] types, SpecialTokens special, String chatTemplate) {
    this.kind = kind;
    this.texts = texts;
    this.types = types;
    this.special = special;
    this.chatTemplate = chatTemplate;
    pieces = new byte[texts.length][];
    for (int i = 0; i < texts.length; i++) {
      pieces[i] = PieceDecoder.piece(kind, types[i], texts[i]);
    }
  }

  /**
   * Reads the vocabulary of an open file, which may be closed afterwards.
   *
   * @param path names the file in errors
   * @throws dev.graft.trainer.data.DataException when there is none, or it contradicts itself
   */
  public static Vocabulary read(GgufFile file, Path path) {
    return VocabularyReader.read(Metadata.of(file), path);
  }

  /** Opens a model file just to read its vocabulary. */
  public static Vocabulary read(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      return read(file, path);
    }
  }

  /** As {@link #read(GgufFile, Path)} from any metadata. */
  public static Vocabulary read(Metadata metadata, Path path) {
    return VocabularyReader.read(metadata, path);
  }

  /** How tokens are written. */
  public VocabularyKind kind() {
    return kind;
  }

  /** Number of tokens; ids are 0 to size - 1. */
  public int size() {
    return texts.length;
  }

  /** Beginning of sequence, or {@link #NONE}. */
  public int bosId() {
    return special.bos();
  }

  /** End of sequence, or {@link #NONE}. */
  public int eosId() {
    return special.eos();
  }

  /** End of turn, or {@link #NONE}. */
  public int eotId() {
    return special.eot();
  }

  /** End of message (a tool call follows), or {@link #NONE}. */
  public int eomId() {
    return special.eom();
  }

  /** What llama.cpp puts before a prompt: true when a BOS. Never true without a BOS. */
  public boolean addBos() {
    return special.addBos();
  }

  /** What llama.cpp puts after a prompt: true when an EOS. */
  public boolean addEos() {
    return special.addEos();
  }

  /** True when the encoder writes a space before text that starts a sequence or follows a special token. */
  public boolean addSpacePrefix() {
    return special.addSpacePrefix();
  }

  /** Text of the BOS token as a template writes it; empty when there is none. */
  public String bosText() {
    return text(bosId());
  }

  /** Text of the EOS token; empty when there is none. */
  public String eosText() {
    return text(eosId());
  }

  /** Tokens at which generation stops: EOS, EOT, EOM and the tokens that llama.cpp knows by name. */
  public Set<Integer> endOfGeneration() {
    return special.endOfGeneration();
  }

  /** The file's chat template. */
  public Optional<String> chatTemplate() {
    return Optional.ofNullable(chatTemplate);
  }

  /** True for a token that is not text of its own: BOS, EOS, markers of turns. */
  public boolean isSpecial(int id) {
    return types[check(id)].special();
  }

  /** Text of a token as the vocabulary writes it; empty for {@link #NONE}. */
  public String text(int id) {
    return id == NONE ? "" : new String(texts[check(id)], StandardCharsets.UTF_8);
  }

  /** Bytes that a token stands for, a special one's own text; may be part of a character. A copy. */
  public byte[] piece(int id) {
    return pieces[check(id)].clone();
  }

  /** Number of bytes that a token stands for, without a copy. */
  public int pieceBytes(int id) {
    return pieces[check(id)].length;
  }

  /**
   * Bytes of a run of ids, end to end. The space that SentencePiece writes before a text's first word is kept, since ids may continue
   * another text.
   *
   * @param withSpecial whether BOS, EOS and their kind appear as their text or not at all
   */
  public byte[] bytes(int[] ids, boolean withSpecial) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(ids.length * 4);
    for (int id : ids) {
      if (withSpecial || !isSpecial(id)) {
        out.writeBytes(pieces[id]);
      }
    }
    return out.toByteArray();
  }

  /** {@link #bytes} as text; bytes that are not UTF-8 become U+FFFD. */
  public String decode(int[] ids, boolean withSpecial) {
    return new String(bytes(ids, withSpecial), StandardCharsets.UTF_8);
  }

  private int check(int id) {
    if (id < 0 || id >= texts.length) {
      throw new IllegalArgumentException("token id " + id + " is not in a vocabulary of " + texts.length);
    }
    return id;
  }
}
