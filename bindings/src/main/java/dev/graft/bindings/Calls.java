package dev.graft.bindings;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** How a call of the C ABI is made: the message buffer, the status, texts and handles that come back. */
final class Calls {
  private static final int MESSAGE_BYTES = 1024;
  private static final long FIRST_CAPACITY = 16 * 1024;
  private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private Calls() {}

  /** A native call that returns a status. */
  @FunctionalInterface
  interface Call {
    int run(byte[] message, long messageBytes);
  }

  /** A native call that opens a handle. */
  @FunctionalInterface
  interface Open {
    int run(PointerByReference out, byte[] message, long messageBytes);
  }

  /** A native call that copies out bytes and a closing NUL. */
  @FunctionalInterface
  interface Text {
    int run(Pointer buffer, long capacity, LongByReference needed, byte[] message, long messageBytes);
  }

  static void run(Call call) {
    byte[] message = new byte[MESSAGE_BYTES];
    int status = call.run(message, MESSAGE_BYTES);
    if (status != 0) {
      throw failure(status, text(message));
    }
  }

  static Pointer open(Open call) {
    GraftLibrary.require();
    PointerByReference out = new PointerByReference();
    run((message, bytes) -> call.run(out, message, bytes));
    Pointer handle = out.getValue();
    if (handle == null) {
      throw new NativeFailureException("the native library reported success but opened nothing; this is a defect of Graft");
    }
    return handle;
  }

  static byte[] bytes(Text call) {
    LongByReference needed = new LongByReference();
    long capacity = FIRST_CAPACITY;
    while (true) {
      try (Memory buffer = new Memory(capacity)) {
        long room = capacity;
        run((message, bytes) -> call.run(buffer, room, needed, message, bytes));
        long all = needed.getValue();
        if (all <= capacity) {
          return buffer.getByteArray(0, Math.toIntExact(Math.max(0, all - 1)));
        }
        if (all > Integer.MAX_VALUE) {
          throw new NativeMemoryException("a text of " + all + " bytes is too large for Java");
        }
        capacity = all;
      }
    }
  }

  static String string(Text call) {
    return new String(bytes(call), StandardCharsets.UTF_8);
  }

  static JsonNode json(Text call) {
    String text = string(call);
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new NativeFailureException("the native library wrote broken JSON (" + e.getOriginalMessage() + "); this is a defect of Graft", e);
    }
  }

  /** The path as the native side opens it. */
  static String path(Path path) {
    return path.toString().isEmpty() ? "." : path.toString();
  }

  private static String text(byte[] message) {
    int end = 0;
    while (end < message.length && message[end] != 0) {
      end++;
    }
    return new String(message, 0, end, StandardCharsets.UTF_8);
  }

  private static GraftException failure(int status, String message) {
    message = message.strip().replaceAll("\\p{Cntrl}+", " "); // a file may have put line ends into a name
    String line = message.isEmpty() ? "the native library failed with status " + status + " and no message" : message;
    return switch (status) {
      case 2 -> new UsageException(line);
      case 3 -> new BadFileException(line);
      case 4 -> new NativeMemoryException(line);
      case 5 -> new GraftIoException(line);
      case 6 -> new NotFiniteException(line);
      default -> new NativeFailureException(line);
    };
  }
}
