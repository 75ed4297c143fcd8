package dev.graft.eval.task;

import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.eval.synthetic.Split;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes rows of a user's file in the layout of {@code graft data make}. */
final class TaskWriter {
  private TaskWriter() {}

  /** Writes {@code sft/}, {@code dpo/} and the manifest; returns the manifest. */
  static Map<String, Object> write(Splitter.Result data, SourceRows read, Map<String, Object> recipe, DataFolder folder) throws IOException {
    folder.clear();
    Map<String, Object> splits = new LinkedHashMap<>();
    for (Split split : Split.values()) {
      List<Map<String, Object>> sft = new ArrayList<>();
      for (TaskRow row : data.rows().get(split)) {
        sft.add(line(row, "completion", row.completion()));
      }
      splits.put(split.fileName(), sft.size());
      folder.writeLines("sft/" + split.fileName() + ".jsonl", sft);
    }
    for (Split split : Split.values()) {
      List<Map<String, Object>> dpo = new ArrayList<>();
      for (TaskRow row : data.rows().get(split)) {
        dpo.add(line(row, "chosen", row.completion(), "rejected", row.rejected()));
      }
      folder.writeLines("dpo/" + split.fileName() + ".jsonl", dpo);
    }
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("task", recipe.get("task"));
    manifest.put("seed", recipe.get("seed"));
    manifest.put("rows", data.rows().values().stream().mapToInt(List::size).sum());
    manifest.put("splits", splits);
    manifest.put("rows_read", read.read());
    manifest.put("left_out", read.leftOut());
    Map<String, Object> near = new LinkedHashMap<>();
    near.put("measure", "Jaccard similarity of word " + ShingleIndex.WORDS + "-shingles, between splits");
    near.put("threshold", DataSet.NEARLY_ALIKE);
    near.put("left_out_as_same", data.same());
    near.put("left_out_as_near", data.near());
    near.put("highest_left", Math.round(data.highestLeft() * 1e4) / 1e4);
    manifest.put("near_duplicates", near);
    manifest.put("recipe", recipe);
    return folder.finish(manifest);
  }

  private static Map<String, Object> line(TaskRow row, String... answers) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", row.id());
    line.put("prompt", row.prompt());
    for (int i = 0; i < answers.length; i += 2) {
      line.put(answers[i], answers[i + 1]);
    }
    line.putAll(row.fields());
    return line;
  }
}
