package dev.graft.eval.cli;

import dev.graft.eval.task.Outcome;
import dev.graft.eval.task.Task;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft data tasks}. */
@Command(
    name = "tasks",
    customSynopsis = "graft data tasks [T ...] [--json]",
    description = "Says what tasks there are: their rows, columns, outcomes, graders and tests. Checks your own YAML.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft data tasks",
      "  graft data tasks mine.yaml --json"
    })
final class DataTasksCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "T", arity = "0..*", description = "Names of shipped tasks, or paths of your own .yaml. Default: all shipped ones.")
  List<String> names = new ArrayList<>();

  @Override
  public Integer call() {
    List<Task> tasks = (names.isEmpty() ? Task.names() : names).stream().map(Task::load).toList();
    if (common.json()) {
      common.printJson(Map.of("tasks", tasks.stream().map(Task::json).toList()));
      return ExitCode.DONE;
    }
    PrintWriter out = common.out();
    for (Task task : tasks) {
      out.println(task.name() + ": " + task.title());
      Map<String, Object> json = task.json();
      out.println("  rows      " + json.get("splits") + " from " + task.generator().map(g -> "graft's generator " + g).or(() -> task.file().map(Object::toString)).orElse("your --source"));
      if (json.get("import") instanceof Map<?, ?> importing) {
        out.println("  --source  " + importing.get("format") + (task.columns().isEmpty() ? "" : ", columns " + task.columns()));
      }
      for (Outcome outcome : task.outcomes()) {
        Map<String, Object> o = outcome.json();
        out.println("  outcome   " + outcome.name() + ": " + outcome.grader().id() + (outcome.labels().isEmpty() ? "" : " " + outcome.labels()) + ", gold in '" + outcome.field() + "', "
            + o.get("metric") + (outcome.positive() == null ? "" : " of " + outcome.positive()) + ", " + o.get("test"));
      }
    }
    out.flush();
    return ExitCode.DONE;
  }
}
