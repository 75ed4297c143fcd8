package dev.graft.trainer.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code metrics.jsonl}: a whole line at a time, so that a reader may follow it. A resumed run first cuts the lines after its
 * checkpoint, so that the file becomes what an unbroken run would have written. One thread.
 */
public final class MetricsLog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;

  private MetricsLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * @param afterStep lines of later steps are cut; so is a half-written last line
   * @param keepEvaluation whether an evaluation at that very step stays (else it is done again)
   */
  public static MetricsLog open(Path file, long afterStep, boolean keepEvaluation) {
    try {
      String kept = Files.exists(file) ? kept(file, afterStep, keepEvaluation) : "";
      SafeFiles.writeText(file, kept);
      return new MetricsLog(file, FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND));
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  private static String kept(Path file, long afterStep, boolean keepEvaluation) throws IOException {
    StringBuilder kept = new StringBuilder();
    String text = Files.readString(file);
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
      JsonNode node = parse(line);
      long step = node == null ? Long.MAX_VALUE : node.path("step").asLong(Long.MAX_VALUE);
      boolean repeated = step == afterStep && !keepEvaluation && node.has("eval_loss");
      if (step > afterStep || repeated) {
        break;
      }
      kept.append(line).append('\n');
    }
    return kept.toString();
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** Appends one value as a line. */
  public void add(Object metrics) {
    try {
      ByteBuffer line = ByteBuffer.wrap((JSON.writeValueAsString(metrics) + "\n").getBytes(StandardCharsets.UTF_8));
      while (line.hasRemaining()) {
        channel.write(line);
      }
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e) + "; make room, then go on with --resume", e);
    }
  }

  /** Makes all lines durable; before a checkpoint is, so that they are never fewer than its steps. */
  public void sync() {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e) + "; make room, then go on with --resume", e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be closed: " + SafeFiles.reason(e), e);
    }
  }
}
