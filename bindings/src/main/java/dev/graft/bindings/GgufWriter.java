package dev.graft.bindings;

import com.sun.jna.Memory;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A GGUF file written piece by piece: set the metadata, add the tensors, {@link #begin}, {@link #write} their bytes, {@link #commit}.
 * Until then nothing stands under the file's name, and closing without it leaves nothing behind. One thread at a time.
 */
public final class GgufWriter implements AutoCloseable {
  private static final int PIECE = 1 << 22;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;

  private final Handle handle;
  private Memory piece;

  private GgufWriter(Handle handle) {
    this.handle = handle;
  }

  /** A file without metadata. */
  public static GgufWriter create() {
    return new GgufWriter(Handle.root("GGUF writer", () -> Calls.open((out, m, n) -> GraftLibrary.graft_gguf_writer_open(null, out, m, n)),
        GraftLibrary::graft_gguf_writer_close));
  }

  /** A file with all metadata of another, bit for bit. */
  public static GgufWriter copyOf(GgufFile source) {
    Objects.requireNonNull(source, "source");
    return new GgufWriter(Handle.root("GGUF writer", () -> source.handle().with(p -> Calls.open((out, m, n) -> GraftLibrary.graft_gguf_writer_open(p, out, m, n))),
        GraftLibrary::graft_gguf_writer_close));
  }

  /** Sets a text. */
  public GgufWriter set(String key, String value) {
    return set(key, STRING, -1, texts(List.of(value)));
  }

  /** Sets an array of texts. */
  public GgufWriter set(String key, List<String> values) {
    return set(key, STRING, values.size(), texts(values));
  }

  /** Sets an unsigned 32-bit number. @throws IllegalArgumentException when it does not fit */
  public GgufWriter set(String key, long value) {
    if (value < 0 || value > 0xFFFFFFFFL) {
      throw new IllegalArgumentException(key + " cannot be " + value);
    }
    return set(key, UINT32, -1, little(4).putInt((int) value).array());
  }

  /** Sets a 32-bit float. */
  public GgufWriter set(String key, float value) {
    return set(key, FLOAT32, -1, little(4).putFloat(value).array());
  }

  /** Sets a truth value. */
  public GgufWriter set(String key, boolean value) {
    return set(key, BOOL, -1, new byte[] {(byte) (value ? 1 : 0)});
  }

  /** Sets an array of signed 32-bit numbers. */
  public GgufWriter set(String key, int[] values) {
    ByteBuffer bytes = little(Math.multiplyExact(4, values.length));
    bytes.asIntBuffer().put(values);
    return set(key, INT32, values.length, bytes.array());
  }

  /** Sets an array of 32-bit floats. */
  public GgufWriter set(String key, float[] values) {
    ByteBuffer bytes = little(Math.multiplyExact(4, values.length));
    bytes.asFloatBuffer().put(values);
    return set(key, FLOAT32, values.length, bytes.array());
  }

  private GgufWriter set(String key, int type, long count, byte[] data) {
    Objects.requireNonNull(key, "key");
    byte[] some = data.length == 0 ? new byte[1] : data;
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_writer_set(p, key, type, count, some, data.length, m, n)));
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @param shape the row's length first
   */
  public GgufWriter tensor(String name, WeightType type, List<Long> shape) {
    long[] extents = shape.stream().mapToLong(Long::longValue).toArray();
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_writer_tensor(p, name, type.number(), extents.length, extents, m, n)));
    return this;
  }

  /**
   * Starts the file, beside its final place.
   *
   * @throws GraftIoException when it cannot be written
   * @throws UsageException naming a tensor that has no name of its own, or a row that does not fit its type
   */
  public void begin(Path path) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_writer_begin(p, Calls.path(path), m, n)));
  }

  /**
   * The next bytes of the tensors, which lie end to end in the order in which they were added.
   *
   * @throws GraftIoException when they cannot be written: the disk is full, say
   */
  public void write(byte[] bytes, int offset, int count) {
    Objects.checkFromIndexSize(offset, count, bytes.length);
    if (piece == null) {
      piece = new Memory(PIECE);
    }
    for (int at = 0; at < count; at += PIECE) {
      int now = Math.min(PIECE, count - at);
      piece.write(0, bytes, offset + at, now);
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_writer_write(p, piece, now, m, n)));
    }
  }

  /** All of these bytes. */
  public void write(byte[] bytes) {
    write(bytes, 0, bytes.length);
  }

  /**
   * Puts the finished file in its place.
   *
   * @throws GraftIoException when that cannot be
   * @throws UsageException when tensors have not been given all their bytes
   */
  public void commit() {
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_writer_commit(p, m, n)));
  }

  /** Removes what was not committed. */
  @Override
  public void close() {
    handle.close();
    if (piece != null) {
      piece.close();
      piece = null;
    }
  }

  private static byte[] texts(List<String> values) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(16 * values.size());
    for (String value : values) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      bytes.writeBytes(little(8).putLong(utf8.length).array());
      bytes.writeBytes(utf8);
    }
    return bytes.toByteArray();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
