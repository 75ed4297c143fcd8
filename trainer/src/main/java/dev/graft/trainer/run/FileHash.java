package dev.graft.trainer.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** SHA-256 of a file, computed on a daemon thread while other work goes on. */
public final class FileHash {
  private final Path file;
  private final CompletableFuture<String> result;

  private FileHash(Path file, CompletableFuture<String> result) {
    this.file = file;
    this.result = result;
  }

  /** Starts hashing. */
  public static FileHash start(Path file) {
    CompletableFuture<String> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(sha256(file));
              } catch (Throwable failure) {
                result.completeExceptionally(failure);
              }
            },
            "graft-hash");
    thread.setDaemon(true);
    thread.start();
    return new FileHash(file, result);
  }

  /** Waits for the hash, 64 lower-case hexadecimal digits. @throws RunException when the file cannot be read */
  public String get() {
    try {
      return result.join();
    } catch (CompletionException e) {
      throw RunException.failed(file + ": cannot be read for its SHA-256: " + e.getCause().getMessage(), e.getCause());
    }
  }

  /** The hash when it is ready, else null; never waits. */
  public String now() {
    return result.isDone() ? get() : null;
  }

  static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 20];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
