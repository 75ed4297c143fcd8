package dev.graft.trainer.preference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.run.SafeFiles;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * A reference's log-probabilities on disk, of the first rows or of all: {@code GRAFTREF}, a JSON header with what they were computed from,
 * then for each row a count and as many big-endian f32, then the SHA-256 of all that. Written whole or not at all.
 */
final class ReferenceFile {
  private static final byte[] MAGIC = "GRAFTREF".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_HEADER = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private ReferenceFile() {}

  /**
   * What a file gave.
   *
   * @param rows the first rows' log-probabilities; empty when there is a problem
   * @param problem why it cannot be used, for the user; or null
   */
  record Loaded(float[][] rows, String problem) {}

  /** @param key what the file must have been computed from  @param counts targets of every row */
  static Loaded read(Path file, Map<String, String> key, int[] counts) {
    MessageDigest digest = sha256();
    try (DataInputStream in = new DataInputStream(new DigestInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16), digest))) {
      if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
        return problem("damaged (no reference file)");
      }
      int headerBytes = in.readInt();
      if (headerBytes < 0 || headerBytes > MAX_HEADER) {
        return problem("damaged (header)");
      }
      Map<String, String> was = JSON.readValue(in.readNBytes(headerBytes), new TypeReference<TreeMap<String, String>>() {});
      for (Map.Entry<String, String> entry : key.entrySet()) {
        if (!entry.getValue().equals(was.get(entry.getKey()))) {
          return problem("stale (" + (entry.getKey().equals("rows") ? "other " : "another ") + entry.getKey() + ")");
        }
      }
      int done = in.readInt();
      if (done < 0 || done > counts.length) {
        return problem("damaged (row count)");
      }
      float[][] rows = new float[done][];
      for (int i = 0; i < done; i++) {
        if (in.readInt() != counts[i]) {
          return problem("damaged (row " + i + ")");
        }
        byte[] bytes = in.readNBytes(Math.multiplyExact(4, counts[i]));
        if (bytes.length != 4 * counts[i]) {
          return problem("damaged (cut short)");
        }
        rows[i] = new float[counts[i]];
        ByteBuffer.wrap(bytes).asFloatBuffer().get(rows[i]);
      }
      byte[] sum = digest.digest();
      return Arrays.equals(in.readNBytes(sum.length), sum) && in.read() < 0 ? new Loaded(rows, null) : problem("damaged (checksum)");
    } catch (EOFException e) {
      return problem("damaged (cut short)");
    } catch (JsonProcessingException e) {
      return problem("damaged (header)");
    } catch (IOException e) {
      return problem("unreadable (" + SafeFiles.reason(e) + ")");
    }
  }

  private static Loaded problem(String what) {
    return new Loaded(new float[0][], what);
  }

  /** @param done rows that are ready, from the first */
  static void write(Path file, Map<String, String> key, float[][] rows, int done) throws IOException {
    Path temporary = SafeFiles.temporaryFor(file);
    MessageDigest digest = sha256();
    try {
      try (DataOutputStream out = new DataOutputStream(new DigestOutputStream(new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16), digest))) {
        byte[] header = JSON.writeValueAsBytes(new TreeMap<>(key));
        out.write(MAGIC);
        out.writeInt(header.length);
        out.write(header);
        out.writeInt(done);
        for (int i = 0; i < done; i++) {
          out.writeInt(rows[i].length);
          ByteBuffer bytes = ByteBuffer.allocate(4 * rows[i].length);
          bytes.asFloatBuffer().put(rows[i]);
          out.write(bytes.array());
        }
        out.flush();
      }
      Files.write(temporary, digest.digest(), StandardOpenOption.APPEND);
      SafeFiles.moveIntoPlace(temporary, file);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
