package dev.graft.eval.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** An open safetensors file whose header has been checked whole. Threads may share it; closed by who opened it. */
public final class SafetensorsFile implements AutoCloseable {
  /** As the format's own reader allows. */
  private static final long MOST_HEADER_BYTES = 100_000_000;

  private static final Map<String, Integer> WIDTHS = Map.ofEntries(
      Map.entry("BOOL", 1), Map.entry("U8", 1), Map.entry("I8", 1), Map.entry("F8_E5M2", 1), Map.entry("F8_E4M3", 1), Map.entry("I16", 2), Map.entry("U16", 2),
      Map.entry("F16", 2), Map.entry("BF16", 2), Map.entry("I32", 4), Map.entry("U32", 4), Map.entry("F32", 4), Map.entry("F64", 8), Map.entry("I64", 8),
      Map.entry("U64", 8));

  private static final ObjectMapper JSON = JsonMapper.builder()
      .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final Path path;
  private final FileChannel channel;
  private final Map<String, SafeTensor> tensors = new LinkedHashMap<>();
  private long dataStart;

  private SafetensorsFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Opens a file and checks its header: every tensor lies inside the file, no two overlap, and no byte is unaccounted for.
   *
   * @throws SafetensorsException when the file is not such
   * @throws IOException when it cannot be read
   */
  public static SafetensorsFile open(Path path) throws IOException {
    SafetensorsFile file = new SafetensorsFile(path, FileChannel.open(path, StandardOpenOption.READ));
    try {
      file.readHeader();
      return file;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** All tensors by name, in the order of the header. */
  public Map<String, SafeTensor> tensors() {
    return tensors;
  }

  private void readHeader() throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw bad("has " + size + " bytes, too few for a safetensors file; it is cut short or something else");
    }
    long length = ByteBuffer.wrap(read(0, 8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > MOST_HEADER_BYTES || length > size - 8) {
      throw bad("declares a header of " + Long.toUnsignedString(length) + " bytes, but the file has " + size + "; it is cut short, or no safetensors file");
    }
    dataStart = 8 + length;
    JsonNode header = parse(read(8, (int) length));
    if (!header.isObject()) {
      throw bad("has a header that is no JSON object; it is no safetensors file");
    }
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        tensors.put(entry.getKey(), tensor(entry.getKey(), entry.getValue(), size - dataStart));
      }
    }
    checkRegions(size - dataStart);
  }

  private JsonNode parse(byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return JSON.readTree(text);
    } catch (CharacterCodingException e) {
      throw bad("has a header that is not UTF-8; it is damaged, or no safetensors file");
    } catch (JsonProcessingException e) {
      throw bad("has a header that is not JSON: " + e.getOriginalMessage().lines().findFirst().orElse("") + "; it is damaged, or no safetensors file");
    }
  }

  private SafeTensor tensor(String name, JsonNode node, long room) {
    JsonNode offsets = node.path("data_offsets");
    if (!node.path("dtype").isTextual() || !node.path("shape").isArray() || !offsets.isArray() || offsets.size() != 2) {
      throw bad("tensor " + shown(name) + " lacks its dtype, shape or data_offsets; the header is damaged");
    }
    String type = node.path("dtype").textValue();
    Integer width = WIDTHS.get(type);
    if (width == null) {
      throw bad("tensor " + shown(name) + " has the unknown dtype " + shown(type) + "; F64, F32, F16 and BF16 can be read");
    }
    List<Long> shape = new ArrayList<>();
    long bytes = width;
    for (JsonNode extent : node.path("shape")) {
      if (!extent.isIntegralNumber() || !extent.canConvertToLong() || extent.longValue() < 0 || shape.size() == 8) {
        throw bad("tensor " + shown(name) + " has the impossible shape " + shown(node.path("shape").toString()));
      }
      shape.add(extent.longValue());
      long product = Math.multiplyHigh(bytes, extent.longValue()) == 0 ? bytes * extent.longValue() : -1;
      if (product < 0) {
        throw bad("tensor " + shown(name) + " has the shape " + shape + ", more than any file holds");
      }
      bytes = product;
    }
    JsonNode first = offsets.get(0);
    JsonNode last = offsets.get(1);
    if (!first.isIntegralNumber() || !last.isIntegralNumber() || !first.canConvertToLong() || !last.canConvertToLong() || first.longValue() < 0
        || last.longValue() < first.longValue()) {
      throw bad("tensor " + shown(name) + " has the impossible data_offsets " + shown(offsets.toString()));
    } else if (last.longValue() > room) {
      throw bad("tensor " + shown(name) + " ends at byte " + last + " of the data, but the file has " + room + "; it is cut short: fetch it again");
    } else if (last.longValue() - first.longValue() != bytes) {
      throw bad("tensor " + shown(name) + " takes " + bytes + " bytes by its shape " + shape + " and dtype " + type + ", but its data_offsets span "
          + (last.longValue() - first.longValue()));
    }
    return new SafeTensor(name, type, List.copyOf(shape), dataStart + first.longValue(), bytes);
  }

  private void checkRegions(long room) {
    List<SafeTensor> byOffset = new ArrayList<>(tensors.values());
    byOffset.sort(Comparator.comparingLong(SafeTensor::offset).thenComparingLong(SafeTensor::bytes));
    long end = dataStart;
    String before = "the header";
    for (SafeTensor tensor : byOffset) {
      if (tensor.offset() != end) {
        throw bad("tensor " + shown(tensor.name()) + (tensor.offset() < end ? " overlaps " + shown(before) : " leaves a hole behind " + shown(before))
            + ": its data begins at byte " + (tensor.offset() - dataStart) + ", not " + (end - dataStart));
      }
      end += tensor.bytes();
      before = tensor.name();
    }
    if (end - dataStart != room) {
      throw bad("has " + (room - (end - dataStart)) + " bytes behind its last tensor; it is damaged");
    }
  }

  /** The values' type. @throws SafetensorsException when they are no floating-point numbers that Graft reads */
  public Dtype dtype(SafeTensor tensor) {
    for (Dtype type : Dtype.values()) {
      if (type.name().equals(tensor.type())) {
        return type;
      }
    }
    throw bad("tensor " + shown(tensor.name()) + " is " + tensor.type() + "; F64, F32, F16 and BF16 can be read, so take the unquantized weights");
  }

  /**
   * Bytes of some of a tensor's values.
   *
   * @param first element  @param count of elements
   */
  public byte[] bytes(SafeTensor tensor, long first, int count) throws IOException {
    int width = dtype(tensor).bytes();
    if (first < 0 || count < 0 || (first + count) * width > tensor.bytes()) {
      throw new IndexOutOfBoundsException("elements " + first + " to " + (first + count) + " of " + tensor.name());
    }
    return read(tensor.offset() + first * width, Math.multiplyExact(count, width));
  }

  /** As {@link #bytes}, as f32. */
  public float[] floats(SafeTensor tensor, long first, int count) throws IOException {
    return dtype(tensor).floats(bytes(tensor, first, count));
  }

  private byte[] read(long at, int count) throws IOException {
    byte[] bytes = new byte[count];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      int n = channel.read(buffer, at + buffer.position());
      if (n < 0) {
        throw bad("ended while it was read; another program is changing it");
      }
    }
    return bytes;
  }

  private SafetensorsException bad(String what) {
    return new SafetensorsException(path + ": " + what);
  }

  /** A name from a file, fit for a message. */
  public static String shown(String text) {
    String line = text.replaceAll("\\p{Cntrl}", "?");
    return line.length() > 120 ? String.format(Locale.ROOT, "%s... (%d characters)", line.substring(0, 120), line.length()) : line;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      return; // nothing was written through it
    }
  }
}
