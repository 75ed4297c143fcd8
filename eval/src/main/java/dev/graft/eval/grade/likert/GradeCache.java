package dev.graft.eval.grade.likert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * Grades that were given, in a file: a line for each, written and synced whole as soon as the grade is known, under the SHA-256 of the judge's
 * identity and the question. A last line that a crash cut short is removed; other lines that are not grades are left alone and counted. One
 * process at a time. Threads may share it; the caller closes it.
 */
public final class GradeCache implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;
  private final FileLock lock;
  private final Map<String, Likert> grades = new HashMap<>();
  private int strange;
  private long end;

  private GradeCache(Path file, FileChannel channel, FileLock lock) {
    this.file = file;
    this.channel = channel;
    this.lock = lock;
  }

  /** Opens or makes the file, in a folder that is there. @throws RunException when another process has it open, or it cannot be read or written */
  public static GradeCache open(Path file) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        FileLock lock = lock(channel);
        if (lock == null) {
          throw RunException.usage(file + ": another graft is grading into this cache; wait for it, or choose another with --judge-cache");
        }
        GradeCache cache = new GradeCache(file, channel, lock);
        cache.read();
        return cache;
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw RunException.failed(file + ": the cache of grades cannot be opened: " + SafeFiles.reason(e) + "; choose another with --judge-cache", e);
    }
  }

  private static FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private void read() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int begin = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        strange += take(bytes, begin, i) || i == begin ? 0 : 1;
        begin = i + 1;
      }
    }
    end = begin;
    if (begin < bytes.length && take(bytes, begin, bytes.length)) { // whole but for its end
      end = bytes.length;
      channel.write(ByteBuffer.wrap(new byte[] {'\n'}), end++);
    }
    channel.truncate(end);
  }

  private boolean take(byte[] bytes, int begin, int limit) {
    try {
      JsonNode node = JSON.readTree(bytes, begin, limit - begin);
      int grade = node.path("grade").asInt();
      if (!node.path("key").isTextual() || grade < 1 || grade > 5) {
        return false;
      }
      grades.put(node.get("key").textValue(), new Likert(grade, number(node.get("expected")), number(node.get("mass")), node.path("reply").isTextual() ? node.get("reply").textValue() : null));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static Double number(JsonNode node) {
    return node == null || !node.isNumber() ? null : node.doubleValue();
  }

  /** The key of a question to a judge. */
  public static String key(String identity, String question) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(identity.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      return HexFormat.of().formatHex(digest.digest(question.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** The grade under a key. */
  public synchronized Optional<Likert> get(String key) {
    return Optional.ofNullable(grades.get(key));
  }

  /** Adds a grade; it is on the disk when this returns. @throws RunException when it cannot be written */
  public synchronized void put(String key, String identity, Likert grade) {
    ObjectNode line = JSON.createObjectNode().put("key", key).put("grade", grade.grade()).put("judge", identity);
    line.put("expected", grade.expected()).put("mass", grade.mass()).put("reply", grade.reply());
    grades.put(key, grade);
    try {
      ByteBuffer bytes = ByteBuffer.wrap((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
      long at = end;
      while (bytes.hasRemaining()) {
        at += channel.write(bytes, at);
      }
      channel.force(false);
      end = at; // a line that failed half-way is overwritten by the next
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write a grade as JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e) + "; make room, then run the same command again", e);
    }
  }

  /** Where it is. */
  public Path file() {
    return file;
  }

  /** Lines that are no grades. */
  public int strange() {
    return strange;
  }

  @Override
  public void close() {
    try {
      lock.release();
      channel.close();
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be closed: " + SafeFiles.reason(e), e);
    }
  }
}
