package dev.graft.trainer.data;

import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** Reads a file of UTF-8 lines strictly, counts them, and hashes the bytes on the way. One thread; the caller closes it. */
public final class LineReader implements AutoCloseable {
  /** Longest line accepted, in bytes. */
  static final int MAX_BYTES = 100 << 20;

  private final Path file;
  private final InputStream in;
  private final MessageDigest digest;
  private final int maxBytes;
  private final byte[] chunk = new byte[1 << 16];
  private int at;
  private int limit;
  private byte[] buffer = new byte[1 << 12];
  private int line;

  /** Opens a file or a pipe. @throws DataException when it is a folder */
  public LineReader(Path file) throws IOException {
    this(file, MAX_BYTES);
  }

  LineReader(Path file, int maxBytes) throws IOException {
    this.file = file;
    this.maxBytes = maxBytes;
    if (Files.isDirectory(file)) {
      throw new DataException(file, 0, "is a folder; give a JSONL file");
    }
    // A channel's stream asks a pipe for its position, which a pipe does not have.
    boolean pipe = Files.exists(file) && !Files.isRegularFile(file);
    in = new BufferedInputStream(pipe ? new FileInputStream(file.toFile()) : Files.newInputStream(file), 1 << 16);
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** The next line without its end (LF or CRLF) and without a byte order mark, or null at the end of the file. */
  public String next() throws IOException {
    int length = readLine();
    if (length < 0) {
      return null;
    }
    line++;
    int start = line == 1 ? checkStart(file, buffer, length) : 0;
    if (length > start && buffer[length - 1] == '\r') {
      length--;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(buffer, start, length - start))
          .toString();
    } catch (CharacterCodingException e) {
      throw new DataException(file, line, "is not UTF-8 text; convert the file, with iconv -f LATIN1 -t UTF-8 say", e);
    }
  }

  /** Line that {@link #next} gave last, from 1. */
  public int line() {
    return line;
  }

  /** SHA-256 in hexadecimal of all bytes read. */
  public String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }

  private int readLine() throws IOException {
    int length = 0;
    while (true) {
      if (at == limit) {
        limit = in.read(chunk);
        at = 0;
        if (limit < 0) {
          limit = 0;
          return length == 0 ? -1 : length;
        }
        digest.update(chunk, 0, limit);
      }
      int end = at;
      while (end < limit && chunk[end] != '\n') {
        end++;
      }
      if (length + (end - at) > maxBytes) {
        throw new DataException(file, line + 1, "is longer than " + (maxBytes >> 20) + " MiB; one row is one line, so check for missing line ends");
      }
      if (buffer.length < length + (end - at)) {
        buffer = Arrays.copyOf(buffer, Math.max(length + (end - at), buffer.length * 2));
      }
      System.arraycopy(chunk, at, buffer, length, end - at);
      length += end - at;
      boolean found = end < limit;
      at = found ? end + 1 : end;
      if (found) {
        return length;
      }
    }
  }

  /** Bytes to skip at the start of a file (a byte order mark); refuses what is no text at all. */
  static int checkStart(Path file, byte[] bytes, int length) {
    if (starts(bytes, length, 0xEF, 0xBB, 0xBF)) {
      return 3;
    } else if (starts(bytes, length, 0xFE, 0xFF) || starts(bytes, length, 0xFF, 0xFE)) {
      throw new DataException(file, 1, "is UTF-16 text; convert the file with iconv -f UTF-16 -t UTF-8");
    } else if (starts(bytes, length, 0x1F, 0x8B)) {
      throw new DataException(file, 0, "is compressed (gzip); unpack it first");
    } else if (starts(bytes, length, 'G', 'G', 'U', 'F')) {
      throw new DataException(file, 0, "is a model (GGUF), not data; give a JSONL file");
    }
    return 0;
  }

  private static boolean starts(byte[] buffer, int length, int... bytes) {
    if (length < bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if ((buffer[i] & 0xFF) != bytes[i]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
