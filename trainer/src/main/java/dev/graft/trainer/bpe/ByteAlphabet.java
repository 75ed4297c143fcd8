package dev.graft.trainer.bpe;

/** GPT-2's alphabet, which writes any byte as one visible character: printable bytes are themselves, the others follow from U+0100. */
final class ByteAlphabet {
  private static final char[] CHARACTER = characters();

  private ByteAlphabet() {}

  /** The character that stands for a byte. */
  static char of(int b) {
    return CHARACTER[b & 0xFF];
  }

  /** Bytes written in the alphabet. */
  static String text(byte[] bytes) {
    char[] text = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      text[i] = of(bytes[i]);
    }
    return new String(text);
  }

  private static char[] characters() {
    char[] characters = new char[256];
    char next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      characters[b] = printable ? (char) b : next++;
    }
    return characters;
  }
}
