package dev.graft.trainer.llama;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;

/**
 * The native library of java-llama.cpp as a file that many processes may load at once. The library's own loader unpacks it to one name
 * in the temporary folder, where processes that start together collide; here it is unpacked once into the user's cache, under its size
 * and version, by writing a temporary file and renaming it.
 */
final class LlamaLibrary {
  static final String VERSION = "4.2.0";

  private LlamaLibrary() {}

  /** Folder that holds the library, for {@code -Dde.kherud.llama.lib.path}; empty where the jar has none for this system. */
  static Optional<Path> folder() throws IOException {
    URL resource = LlamaLibrary.class.getResource("/de/kherud/llama/" + platform() + "/" + System.mapLibraryName("jllama"));
    if (resource == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(unpack(resource, cache()));
    } catch (FileSystemException | SecurityException e) { // a read-only or full home
      Path folder = Files.createTempDirectory("graft-llama-");
      folder.toFile().deleteOnExit();
      Path unpacked = unpack(resource, folder);
      unpacked.toFile().deleteOnExit();
      unpacked.resolve(System.mapLibraryName("jllama")).toFile().deleteOnExit();
      return Optional.of(unpacked);
    }
  }

  private static Path unpack(URL resource, Path root) throws IOException {
    URLConnection connection = resource.openConnection();
    connection.setUseCaches(false);
    long bytes = connection.getContentLengthLong();
    Path folder = root.resolve("java-llama.cpp-" + VERSION + "-" + platform().replace('/', '-') + "-" + bytes);
    Path library = folder.resolve(System.mapLibraryName("jllama"));
    try (InputStream in = connection.getInputStream()) {
      if (Files.isRegularFile(library) && Files.size(library) == bytes) {
        return folder;
      }
      Files.createDirectories(folder);
      Path temporary = Files.createTempFile(folder, "unpacking-", ".tmp");
      try {
        Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
        Files.move(temporary, library, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    }
    return folder;
  }

  private static Path cache() {
    String given = System.getenv("XDG_CACHE_HOME");
    Path root = given != null && !given.isBlank() && Path.of(given).isAbsolute() ? Path.of(given) : Path.of(System.getProperty("user.home"), ".cache");
    return root.resolve("graft");
  }

  /** The jar's folder for this system, as java-llama.cpp names it. */
  private static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String machine = arch.equals("amd64") || arch.equals("x86_64") ? "x86_64" : arch;
    return (os.contains("mac") ? "Mac/" : os.contains("win") ? "Windows/" : "Linux/") + machine;
  }
}
