package dev.graft.trainer.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** Files that are written whole or not at all: temporary file, fsync, rename, fsync of the folder. */
public final class SafeFiles {
  private SafeFiles() {}

  /** Writes a UTF-8 text in place of whatever is at the path. */
  public static void writeText(Path file, String text) throws IOException {
    Path temporary = temporaryFor(file);
    try {
      Files.writeString(temporary, text, StandardCharsets.UTF_8);
      moveIntoPlace(temporary, file);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  /** A name beside the target that no other process uses. */
  public static Path temporaryFor(Path file) {
    return file.resolveSibling("." + file.getFileName() + ".tmp-" + ProcessHandle.current().pid());
  }

  /** Syncs a finished file and renames it, replacing what is there. */
  public static void moveIntoPlace(Path temporary, Path file) throws IOException {
    syncFile(temporary);
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncFolder(file.toAbsolutePath().getParent());
  }

  /** Makes a file's bytes durable. */
  public static void syncFile(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** Makes a folder's entries durable; does nothing where a folder cannot be opened. */
  public static void syncFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      return; // some file systems cannot; the rename itself has happened
    }
  }

  /** Deletes a folder and all in it; a missing one is fine. */
  public static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  /** Why the system refused, in a few words: "no space left on device", "permission denied", ... */
  public static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    } else if (e instanceof NoSuchFileException) {
      return "no such file or folder";
    } else if (e instanceof NotDirectoryException) {
      return "not a folder";
    } else if (e instanceof FileSystemException file && file.getReason() != null) {
      return file.getReason();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
