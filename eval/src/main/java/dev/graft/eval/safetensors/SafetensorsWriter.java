package dev.graft.eval.safetensors;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.run.SafeFiles;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes a safetensors file, whole or not at all. */
public final class SafetensorsWriter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ALIGNMENT = 8;

  private SafetensorsWriter() {}

  /** Gives a tensor's bytes when it is their turn. */
  @FunctionalInterface
  public interface Source {
    byte[] bytes() throws IOException;
  }

  /**
   * A tensor to be written.
   *
   * @param shape outermost extent first  @param bytes asked for once, in order
   */
  public record Entry(String name, Dtype type, List<Long> shape, Source bytes) {
    long size() {
      return shape.stream().reduce((long) type.bytes(), Math::multiplyExact);
    }
  }

  /** Writes the tensors, in order. @param metadata texts for the header's {@code __metadata__} */
  public static void write(Path file, Map<String, String> metadata, List<Entry> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode texts = header.putObject("__metadata__");
      metadata.forEach(texts::put);
    }
    long offset = 0;
    for (Entry tensor : tensors) {
      ObjectNode node = header.putObject(tensor.name());
      node.put("dtype", tensor.type().name());
      tensor.shape().forEach(node.putArray("shape")::add);
      node.putArray("data_offsets").add(offset).add(offset += tensor.size());
    }
    byte[] json = JSON.writeValueAsBytes(header);
    int padding = (ALIGNMENT - json.length % ALIGNMENT) % ALIGNMENT;
    Path temporary = SafeFiles.temporaryFor(file);
    try {
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 20)) {
        out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length + padding).array());
        out.write(json);
        out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
        for (Entry tensor : tensors) {
          byte[] bytes = tensor.bytes().bytes();
          if (bytes.length != tensor.size()) {
            throw new IllegalStateException(tensor.name() + " has " + bytes.length + " bytes, not " + tensor.size());
          }
          out.write(bytes);
        }
      }
      SafeFiles.moveIntoPlace(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
