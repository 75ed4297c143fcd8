package dev.graft.trainer.bpe;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What the words of a text are told apart by: letters, numbers and white space of Unicode 15.1, whatever Java this is. */
final class CharacterClasses {
  static final byte OTHER = 0;
  static final byte LETTER = 1;
  static final byte NUMBER = 2;
  static final byte SPACE = 3;

  private static final byte[] CLASS = read();

  private CharacterClasses() {}

  /** The class of a code point. */
  static byte of(int codePoint) {
    return CLASS[codePoint];
  }

  private static byte[] read() {
    byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(CharacterClasses.class.getResourceAsStream("character-classes.txt"), StandardCharsets.US_ASCII))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          byte kind = line.charAt(0) == 'L' ? LETTER : line.charAt(0) == 'N' ? NUMBER : SPACE;
          for (String range : line.substring(2).split(" ")) {
            int dash = range.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash), 16);
            int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1), 16);
            Arrays.fill(classes, first, last + 1, kind);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return classes;
  }
}
