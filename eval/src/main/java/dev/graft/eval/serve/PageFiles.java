package dev.graft.eval.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/** The page's files, out of the jar. Threads may share it. */
final class PageFiles {
  private static final String FOLDER = "page/";
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]*\\.([a-z0-9]+)");
  private static final Map<String, String> TYPES =
      Map.of("html", "text/html; charset=utf-8", "css", "text/css; charset=utf-8", "js", "text/javascript; charset=utf-8", "svg", "image/svg+xml", "png", "image/png",
          "ico", "image/x-icon", "woff2", "font/woff2", "webmanifest", "application/manifest+json");

  private final Map<String, Optional<File>> files = new ConcurrentHashMap<>();

  /** A file. @param tag changes with its bytes */
  private record File(String type, byte[] bytes, String tag) {}

  /** Whether a path names a file of the page. */
  boolean has(String path) {
    return file(path).isPresent();
  }

  /** Sends it; {@link #has} was true. */
  void send(Exchange exchange) {
    File file = file(exchange.request().path()).orElseThrow();
    exchange.header("etag", file.tag);
    exchange.header("cache-control", "no-cache");
    exchange.header("content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'");
    exchange.header("referrer-policy", "no-referrer");
    exchange.header("cross-origin-opener-policy", "same-origin");
    exchange.header("cross-origin-resource-policy", "same-origin");
    if (file.tag.equals(exchange.request().getHeader("if-none-match"))) {
      exchange.empty(304);
    } else {
      exchange.send(200, file.type, file.bytes);
    }
  }

  private Optional<File> file(String path) {
    String name = path.equals("/") ? "index.html" : path.substring(1);
    if (!NAME.matcher(name).matches() || !TYPES.containsKey(extension(name))) {
      return Optional.empty();
    }
    Optional<File> known = files.get(name);
    if (known == null) {
      known = read(name);
      if (known.isPresent()) { // else anybody could fill the map with names of nothing
        files.put(name, known);
      }
    }
    return known;
  }

  private static String extension(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  private static Optional<File> read(String name) {
    try (InputStream in = PageFiles.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        return Optional.empty();
      }
      byte[] bytes = in.readAllBytes();
      String tag = '"' + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 12) + '"';
      return Optional.of(new File(TYPES.get(extension(name)), bytes, tag));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
