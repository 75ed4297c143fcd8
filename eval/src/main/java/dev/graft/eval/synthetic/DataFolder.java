package dev.graft.eval.synthetic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The folder of a generated data set. Each file appears whole or not at all, {@code manifest.json} last: a folder with a manifest is
 * complete. One thread.
 */
public final class DataFolder {
  /** Version of the generators: goes up when the same seed gives other bytes. */
  public static final int GENERATOR_VERSION = 2;

  /** What the folder tells of its files. */
  public static final String MANIFEST = "manifest.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** All that a data set may consist of; {@code --overwrite} removes these and nothing else. */
  private static final List<String> OWNED = List.of(MANIFEST, "sft", "dpo", "train.jsonl", "heldout.jsonl");

  private final Path folder;
  private final Map<String, Object> files = new LinkedHashMap<>();

  private DataFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens a folder, making it when it is missing.
   *
   * @throws DataSetException when it holds something and {@code overwrite} is false, or is not a folder
   */
  public static DataFolder open(Path folder, boolean overwrite) throws IOException {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new DataSetException("--output " + folder + " is a file; name a folder", true);
    }
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException e) {
      throw new DataSetException("--output " + folder + ": " + e.getFile() + " is a file; name a folder", true);
    }
    if (!overwrite && !isEmpty(folder)) {
      throw new DataSetException("--output " + folder + " is not empty; name another folder, or give --overwrite to replace the data set in it", true);
    }
    return new DataFolder(folder);
  }

  /** Removes the data set that lies there, the manifest first; other files stay. */
  public void clear() throws IOException {
    for (String name : OWNED) {
      SafeFiles.deleteTree(folder.resolve(name));
    }
  }

  /** Writes a file of JSON lines. @param name within the folder, with {@code /} */
  public void writeLines(String name, List<?> rows) throws IOException {
    StringBuilder text = new StringBuilder();
    for (Object row : rows) {
      text.append(json(row)).append('\n');
    }
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    SafeFiles.writeText(file, text.toString());
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("rows", rows.size());
    entry.put("bytes", bytes.length);
    entry.put("sha256", sha256(bytes));
    files.put(name, entry);
  }

  /** Writes the manifest: what is given, then the files. Returns it. */
  public Map<String, Object> finish(Map<String, Object> manifest) throws IOException {
    Map<String, Object> whole = new LinkedHashMap<>(manifest);
    whole.put("files", files);
    SafeFiles.writeText(folder.resolve(MANIFEST), pretty(whole) + "\n");
    return whole;
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.findAny().isEmpty();
    }
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write a row as JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static String pretty(Object value) {
    try {
      return JSON.writer(new com.fasterxml.jackson.core.util.DefaultPrettyPrinter()
          .withObjectIndenter(new com.fasterxml.jackson.core.util.DefaultIndenter("  ", "\n"))).writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write the manifest as JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
