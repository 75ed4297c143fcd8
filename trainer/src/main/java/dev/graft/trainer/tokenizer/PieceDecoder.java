package dev.graft.trainer.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** From a token's text in the vocabulary to the bytes it stands for, as llama.cpp's {@code llama_token_to_piece}. */
final class PieceDecoder {
  private static final byte[] EMPTY = {};

  /** Byte of each character that GPT-2's byte-level alphabet uses (below 0x144), or -1. */
  private static final short[] BYTE_OF = byteAlphabet();

  private PieceDecoder() {}

  static byte[] piece(VocabularyKind kind, TokenType type, byte[] text) {
    return switch (type) {
      case CONTROL, UNKNOWN, USER_DEFINED -> text;
      case BYTE -> kind == VocabularyKind.SPM ? byteToken(text) : byteLevel(kind, text);
      case NORMAL -> kind == VocabularyKind.SPM ? spaces(text) : byteLevel(kind, text);
      case UNUSED, UNDEFINED -> EMPTY;
    };
  }

  private static byte[] byteLevel(VocabularyKind kind, byte[] text) {
    if (kind != VocabularyKind.BPE) {
      return text;
    }
    String characters = new String(text, StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream(characters.length());
    for (int i = 0; i < characters.length(); i++) {
      char c = characters.charAt(i);
      if (c < BYTE_OF.length && BYTE_OF[c] >= 0) {
        out.write(BYTE_OF[c]);
      } else {
        return text; // not of the alphabet: a token that was added as plain text
      }
    }
    return out.toByteArray();
  }

  /** {@code <0x0A>} is the byte 10. */
  private static byte[] byteToken(byte[] text) {
    if (text.length == 6 && text[0] == '<' && text[1] == '0' && text[2] == 'x' && text[5] == '>') {
      int high = Character.digit(text[3], 16);
      int low = Character.digit(text[4], 16);
      if (high >= 0 && low >= 0) {
        return new byte[] {(byte) (high << 4 | low)};
      }
    }
    return text;
  }

  /** U+2581 (E2 96 81) is a space. */
  private static byte[] spaces(byte[] text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(text.length);
    for (int i = 0; i < text.length; i++) {
      if (i + 2 < text.length && text[i] == (byte) 0xE2 && text[i + 1] == (byte) 0x96 && text[i + 2] == (byte) 0x81) {
        out.write(' ');
        i += 2;
      } else {
        out.write(text[i]);
      }
    }
    return out.toByteArray();
  }

  /** GPT-2's bytes_to_unicode: printable bytes are themselves, the others follow from U+0100. */
  private static short[] byteAlphabet() {
    short[] byteOf = new short[0x144];
    java.util.Arrays.fill(byteOf, (short) -1);
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      byteOf[printable ? b : next++] = (short) b;
    }
    return byteOf;
  }
}
