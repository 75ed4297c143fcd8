package dev.graft.eval.synthetic;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes a {@link DataSet} as rows to learn from: prompts with completions, and preferences. */
public final class DataSetWriter {
  private DataSetWriter() {}

  /** Writes {@code sft/}, {@code dpo/} and the manifest; returns the manifest. */
  public static Map<String, Object> write(DataSet data, DataFolder folder) throws IOException {
    return write(data, folder, Map.of());
  }

  /** The same. @param more entries of the manifest */
  public static Map<String, Object> write(DataSet data, DataFolder folder, Map<String, Object> more) throws IOException {
    folder.clear();
    int before = 0;
    Map<String, Object> splits = new LinkedHashMap<>();
    Map<String, Object> labels = new LinkedHashMap<>();
    List<Map<String, List<Map<String, Object>>>> kinds = new ArrayList<>();
    for (Split split : Split.values()) {
      List<SyntheticRow> rows = data.rows().get(split);
      List<Map<String, Object>> sft = new ArrayList<>();
      List<Map<String, Object>> dpo = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        String id = String.format(java.util.Locale.ROOT, "%s-%05d", data.task(), before + i);
        sft.add(line(id, rows.get(i), "completion", rows.get(i).completion()));
        dpo.add(line(id, rows.get(i), "chosen", rows.get(i).completion(), "rejected", rows.get(i).rejected().get(0)));
      }
      before += rows.size();
      splits.put(split.fileName(), rows.size());
      labels.put(split.fileName(), balance(rows));
      kinds.add(Map.of("sft", sft, "dpo", dpo));
    }
    for (String kind : List.of("sft", "dpo")) {
      for (Split split : Split.values()) {
        folder.writeLines(kind + "/" + split.fileName() + ".jsonl", kinds.get(split.ordinal()).get(kind));
      }
    }
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("task", data.task());
    manifest.put("seed", data.seed());
    manifest.put("generator_version", DataFolder.GENERATOR_VERSION);
    manifest.put("rows", data.size());
    manifest.put("splits", splits);
    manifest.put("labels", labels);
    manifest.put("near_duplicates", leakage(data.leakage()));
    manifest.putAll(more);
    return folder.finish(manifest);
  }

  private static Map<String, Object> line(String id, SyntheticRow row, String... answers) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", id);
    line.put("prompt", row.prompt());
    for (int i = 0; i < answers.length; i += 2) {
      line.put(answers[i], answers[i + 1]);
    }
    row.fields().forEach(
        (name, value) -> {
          if (line.put(name, value) != null) {
            throw new IllegalStateException("the field " + name + " of a generator hides one of the row");
          }
        });
    return line;
  }

  /** How often each value of each field of text occurs; fields of which nearly every row has its own value are left out. */
  private static Map<String, Object> balance(List<SyntheticRow> rows) {
    Map<String, Map<String, Integer>> counts = new LinkedHashMap<>();
    for (SyntheticRow row : rows) {
      row.fields().forEach(
          (name, value) -> {
            if (value instanceof String text) {
              counts.computeIfAbsent(name, k -> new TreeMap<>()).merge(text, 1, Integer::sum);
            }
          });
    }
    counts.values().removeIf(values -> values.size() > 12);
    return new LinkedHashMap<>(counts);
  }

  private static Map<String, Object> leakage(DataSet.Leakage leakage) {
    Map<String, Object> found = new LinkedHashMap<>();
    found.put("measure", "Jaccard similarity of word " + ShingleIndex.WORDS + "-shingles, between splits");
    found.put("threshold", leakage.threshold());
    found.put("remade_as_exact", leakage.remadeAsExact());
    found.put("remade_as_near", leakage.remadeAsNear());
    found.put("highest_left", Math.round(leakage.highestLeft() * 1e4) / 1e4);
    return found;
  }
}
