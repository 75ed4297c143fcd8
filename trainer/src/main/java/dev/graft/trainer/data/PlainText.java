package dev.graft.trainer.data;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Reads a file of plain UTF-8 text strictly, block by block, and hashes the bytes on the way. A block ends behind a lone line end that
 * stands between a visible character and a letter or digit: no pre-tokenizer of byte-level BPE goes on there, so blocks may be encoded
 * one by one. Line ends stay as they are. One thread; the caller closes it.
 */
final class PlainText implements AutoCloseable {
  /** Characters of a block, about; a longer stretch without a place to cut stays whole. */
  private static final int BLOCK = 1 << 16;
  /** Most characters of a text that is taken whole. */
  private static final int MOST = 1 << 30;

  private final Path file;
  private final InputStream in;
  private final MessageDigest digest;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT);
  private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
  private final CharBuffer characters = CharBuffer.allocate(1 << 16);
  private final StringBuilder text = new StringBuilder();
  private long offset;
  private int line = 1;
  private boolean started;
  private boolean ended;

  PlainText(Path file) throws IOException {
    this.file = file;
    if (Files.isDirectory(file)) {
      throw new DataException(file, 0, "is a folder; give a file of text");
    }
    boolean pipe = Files.exists(file) && !Files.isRegularFile(file);
    in = pipe ? new FileInputStream(file.toFile()) : Files.newInputStream(file);
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Whether a file is plain text, by its name: {@code .txt}. */
  static boolean is(Path file) {
    return file.getFileName() != null && file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".txt");
  }

  /** The next block, not empty, or null at the end of the file. */
  String next() throws IOException {
    int searched = 0;
    while (true) {
      boolean enough = text.length() >= BLOCK;
      int cut = enough ? cut(searched) : -1;
      if (cut > 0 || ended) {
        cut = cut > 0 ? cut : text.length();
        String block = text.substring(0, cut);
        text.delete(0, cut);
        return block.isEmpty() ? null : block;
      }
      searched = enough ? text.length() : 0;
      fill();
    }
  }

  /** All of the file. */
  String whole() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String block = next(); block != null; block = next()) {
      if (all.length() + block.length() > MOST) {
        throw new DataException(file, 0, "has more than " + MOST + " characters; split it into several files, or write JSONL rows of text");
      }
      all.append(block);
    }
    return all.toString();
  }

  /** A text cut into blocks as a file is; one block when it is short. */
  static List<String> blocks(String text) {
    List<String> blocks = new ArrayList<>();
    int from = 0;
    while (text.length() - from > BLOCK) {
      int cut = text.indexOf('\n', from + BLOCK - 1);
      while (cut >= 0 && !mayCut(text, cut)) {
        cut = text.indexOf('\n', cut + 1);
      }
      if (cut < 0) {
        break;
      }
      blocks.add(text.substring(from, cut + 1));
      from = cut + 1;
    }
    blocks.add(text.substring(from));
    return blocks;
  }

  /** SHA-256 in hexadecimal of all bytes read. */
  String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Behind the last place to cut, or -1; what was searched before is not searched again. */
  private int cut(int searched) {
    for (int i = text.length() - 2; i > Math.max(0, searched - 2); i--) {
      if (mayCut(text, i)) {
        return i + 1;
      }
    }
    return -1;
  }

  private static boolean mayCut(CharSequence text, int at) {
    return text.charAt(at) == '\n' && at > 0 && at + 1 < text.length() && !space(text.charAt(at - 1)) && Character.isLetterOrDigit(text.charAt(at + 1));
  }

  private static boolean space(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  private void fill() throws IOException {
    int read = in.read(bytes.array(), bytes.position(), bytes.remaining());
    if (read > 0) {
      digest.update(bytes.array(), bytes.position(), read);
      bytes.position(bytes.position() + read);
    }
    ended = read < 0;
    if (!started && !ended && bytes.position() < 4) {
      return; // a pipe may give less than the mark that is looked for
    }
    bytes.flip();
    if (!started) {
      int mark = LineReader.checkStart(file, bytes.array(), bytes.limit());
      bytes.position(mark);
      offset += mark;
      started = true;
    }
    CoderResult result;
    do {
      int from = bytes.position();
      result = decoder.decode(bytes, characters, ended);
      offset += bytes.position() - from;
      characters.flip();
      for (int i = 0; i < characters.limit(); i++) {
        line += characters.get(i) == '\n' ? 1 : 0;
      }
      text.append(characters);
      characters.clear();
      if (result.isError()) {
        throw new DataException(file, line, "is not UTF-8 text at byte " + offset + " of the file; convert it, with iconv -f LATIN1 -t UTF-8 say");
      }
    } while (result.isOverflow());
    bytes.compact();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
