package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.eval.task.TaskSource;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** The rows of a study's tasks: those of a user's folders, or made here. Stateless. */
final class StudyData {
  private static final ObjectMapper JSON = new ObjectMapper();

  private StudyData() {}

  /**
   * Finds or makes the rows of all tasks.
   *
   * @param root where rows that are made go, a folder for each task
   * @throws RunException naming a file that is missing
   */
  static Map<String, TaskData> of(StudySettings settings, Path root) {
    Map<String, TaskData> data = new LinkedHashMap<>();
    for (Task task : settings.tasks()) {
      data.put(task.name(), settings.dataDir().isPresent()
          ? given(settings.dataDir().get().resolve(task.name()))
          : TaskData.prepare(task, TaskSource.OWN, root.resolve(task.name()), settings.seed(), settings.profile().rows(), false));
    }
    return data;
  }

  private static TaskData given(Path folder) {
    TaskData data = new TaskData(folder, manifest(folder.resolve(DataFolder.MANIFEST)));
    for (Split split : Split.values()) {
      for (Path file : new Path[] {data.sft(split), data.dpo(split)}) {
        if (!Files.isRegularFile(file)) {
          throw RunException.usage("--data-dir: " + file + " is missing; it wants a folder for each task, as 'graft data prepare --task " + folder.getFileName() + " --output "
              + folder + "' writes it");
        }
      }
    }
    return data;
  }

  private static JsonNode manifest(Path file) {
    try {
      return Files.exists(file) ? JSON.readTree(Files.readString(file)) : MissingNode.getInstance();
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e).lines().findFirst().orElse(""), e);
    }
  }

  /** One hash of all files of a task. */
  static String sha256(TaskData data) {
    StringBuilder all = new StringBuilder();
    for (Split split : Split.values()) {
      all.append(FileHash.start(data.sft(split)).get()).append(FileHash.start(data.dpo(split)).get());
    }
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(all.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
