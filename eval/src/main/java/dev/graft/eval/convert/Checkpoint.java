package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.eval.safetensors.SafeTensor;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** The weights of a folder: {@code model.safetensors}, or the shards that {@code model.safetensors.index.json} names. */
final class Checkpoint implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final long MOST_INDEX_BYTES = 256 << 20;

  private final Map<String, SafetensorsFile> files = new TreeMap<>();
  private final Map<String, Place> tensors = new LinkedHashMap<>();

  /** Where a tensor is. */
  record Place(SafetensorsFile file, SafeTensor tensor) {}

  private Checkpoint() {}

  static Checkpoint open(Path folder) throws IOException {
    Checkpoint checkpoint = new Checkpoint();
    try {
      if (Files.isRegularFile(folder.resolve(INDEX))) {
        checkpoint.openShards(folder, JsonFile.read(folder.resolve(INDEX), MOST_INDEX_BYTES));
      } else if (Files.isRegularFile(folder.resolve(SINGLE))) {
        checkpoint.add(SINGLE, folder.resolve(SINGLE));
      } else {
        boolean pickled = Files.exists(folder.resolve("pytorch_model.bin")) || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
        throw new BadFileException(folder + " has neither " + SINGLE + " nor " + INDEX + (pickled ? ", only pickled weights, which could run code; save them as safetensors" : ""));
      }
      return checkpoint;
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private void openShards(Path folder, JsonFile index) throws IOException {
    JsonNode map = index.get("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw index.bad("weight_map", map, "expected the shard of each tensor");
    }
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asText();
      if (!shard.matches("[A-Za-z0-9._-]+") || shard.startsWith(".")) {
        throw index.bad("weight_map." + SafetensorsFile.shown(entry.getKey()), entry.getValue(), "expected the name of a file in the same folder");
      }
      if (!files.containsKey(shard)) {
        if (!Files.isRegularFile(folder.resolve(shard))) {
          throw new BadFileException(folder.resolve(shard) + ": the shard is missing, though " + index.path().getFileName() + " names it; fetch it");
        }
        add(shard, folder.resolve(shard));
      }
      Place place = tensors.get(entry.getKey());
      if (place == null || place.file != files.get(shard)) {
        throw new BadFileException(index.path() + " says that " + SafetensorsFile.shown(entry.getKey()) + " is in " + shard + ", but it is not; fetch the folder again");
      }
    }
  }

  private void add(String name, Path path) throws IOException {
    SafetensorsFile file = SafetensorsFile.open(path);
    files.put(name, file);
    for (SafeTensor tensor : file.tensors().values()) {
      Place other = tensors.put(tensor.name(), new Place(file, tensor));
      if (other != null) {
        throw new BadFileException("tensor " + SafetensorsFile.shown(tensor.name()) + " is both in " + other.file.path() + " and in " + path);
      }
    }
  }

  /** All tensors by name. */
  Map<String, Place> tensors() {
    return tensors;
  }

  /** Number of files. */
  int shards() {
    return files.size();
  }

  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }
}
