package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A memory-mapped GGUF file of version 2 or 3 whose header has been checked. Any thread may use it; calls are made one at a time.
 * Format: <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">gguf.md</a>.
 */
public final class GgufFile implements AutoCloseable {
  private final Handle handle;
  private final Path path;
  /** For {@link #bytes}, opened when first needed. */
  private FileChannel channel;

  private GgufFile(Handle handle, Path path) {
    this.handle = handle;
    this.path = path;
  }

  /**
   * Maps the file and checks everything about its header.
   *
   * @throws BadFileException when it is damaged or not a GGUF, naming the key or tensor
   * @throws GraftIoException when it cannot be read
   */
  public static GgufFile open(Path path) {
    Objects.requireNonNull(path, "path");
    return new GgufFile(
        Handle.root("GGUF file", () -> Calls.open((out, m, n) -> GraftLibrary.graft_gguf_open(Calls.path(path), out, m, n)), GraftLibrary::graft_gguf_close), path);
  }

  /** The path it was opened with. */
  public Path path() {
    return path;
  }

  /**
   * The whole header: {@code version, alignment, file_bytes, parameters, metadata [{key, type, value}], tensors [{name, type, shape
   * [ne0, ...], bytes, offset}]}. An array value is {@code {array: element type, count, items}}.
   *
   * @param maxItems most items shown of an array value; negative gives all
   */
  public JsonNode describe(int maxItems) {
    return handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_gguf_describe(p, maxItems, b, c, needed, m, n)));
  }

  /** All tensors, in the order of the file. */
  public List<GgufTensor> tensors() {
    List<GgufTensor> tensors = new ArrayList<>();
    for (JsonNode tensor : describe(0).path("tensors")) {
      List<Long> shape = new ArrayList<>();
      tensor.path("shape").forEach(n -> shape.add(n.asLong()));
      tensors.add(new GgufTensor(tensor.path("name").asText(), WeightType.named(tensor.path("type").asText()), List.copyOf(shape), tensor.path("offset").asLong(),
          tensor.path("bytes").asLong()));
    }
    return List.copyOf(tensors);
  }

  /** The value of a metadata key, all items of an array included, as in {@link #describe}; empty when the key is absent. */
  public Optional<JsonNode> metadata(String key) {
    Objects.requireNonNull(key, "key");
    for (JsonNode entry : describe(-1).path("metadata")) {
      if (key.equals(entry.path("key").asText())) {
        return Optional.of(entry.path("value"));
      }
    }
    return Optional.empty();
  }

  /** A text value; empty when the key is absent or holds something else. Bytes that are not UTF-8 become U+FFFD. */
  public Optional<String> string(String key) {
    Objects.requireNonNull(key, "key");
    for (JsonNode entry : describe(0).path("metadata")) {
      if (key.equals(entry.path("key").asText())) {
        return "str".equals(entry.path("type").asText())
            ? Optional.of(new String(stringBytes(key, 0), StandardCharsets.UTF_8))
            : Optional.empty();
      }
    }
    return Optional.empty();
  }

  /**
   * The exact bytes of a text value (index 0), or of an item of an array of texts.
   *
   * @throws GraftException when the key is absent, holds something else, or has no such item
   */
  public byte[] stringBytes(String key, long index) {
    Objects.requireNonNull(key, "key");
    return handle.with(p -> Calls.bytes((b, c, needed, m, n) -> GraftLibrary.graft_gguf_string(p, key, index, b, c, needed, m, n)));
  }

  /**
   * Writes a tiny model that carries this file's tokenizer and loads in any llama.cpp, whatever the architecture here.
   *
   * @throws BadFileException when the tokenizer metadata is missing or damaged
   * @throws GraftIoException when the file cannot be written
   */
  public void writeTokenizer(Path target) {
    Objects.requireNonNull(target, "target");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_gguf_write_tokenizer(p, Calls.path(target), m, n)));
  }

  /**
   * Bytes of some of a tensor's blocks, as the file has them.
   *
   * @param first element, a multiple of the type's block  @param count of elements, likewise
   * @throws GraftIoException when they cannot be read
   */
  public byte[] bytes(GgufTensor tensor, long first, int count) {
    byte[] bytes = new byte[Math.toIntExact(tensor.type().bytes(count))];
    long at = tensor.type().bytes(first);
    if (at + bytes.length > tensor.bytes()) {
      throw new IndexOutOfBoundsException("elements " + first + " to " + (first + count) + " of " + tensor.name());
    }
    try {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        if (channel().read(buffer, tensor.offset() + at + buffer.position()) < 0) {
          throw new GraftIoException(path + ": ended while it was read; another program is changing it");
        }
      }
    } catch (IOException e) {
      throw new GraftIoException(path + ": cannot be read: " + e.getMessage(), e);
    }
    return bytes;
  }

  private synchronized FileChannel channel() throws IOException {
    if (channel == null) {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    }
    return channel;
  }

  /** The handle, for what reads this file. */
  Handle handle() {
    return handle;
  }

  /** Unmaps the file. */
  @Override
  public synchronized void close() {
    handle.close();
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        return; // nothing was written through it
      }
    }
  }
}
