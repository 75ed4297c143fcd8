package dev.graft.eval.cli;

import dev.graft.eval.doctor.Check;
import dev.graft.eval.doctor.Doctor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft doctor}. */
@Command(
    name = "doctor",
    customSynopsis = "graft doctor [--model M.gguf] [--json] [flags]",
    description = "Says what of this machine Graft can use, what is missing, and how to mend it.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft doctor",
      "  graft doctor --model model.gguf",
      "",
      "Processor and instruction sets, GPU, memory, disk, Java, native libraries and their versions; with --model also its architecture,",
      "weight types, tokenizer and chat template. The exit code is 0 when Graft can be used, and 1 when something has failed."
    })
final class DoctorCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--model", paramLabel = "M.gguf", description = "A model to look at too. Default: none.")
  Path model;

  @Override
  public Integer call() {
    List<Check> checks = new Doctor(GraftVersion.VERSION, common.isa(), common.threads()).examine(model);
    boolean usable = checks.stream().noneMatch(check -> check.state() == Check.State.FAILED);
    if (common.json()) {
      common.printJson(json(checks, usable));
    } else {
      checks.forEach(this::print);
      long notes = checks.stream().filter(check -> check.state() == Check.State.NOTE).count();
      common.out().println(usable ? "Graft " + GraftVersion.VERSION + " can be used here" + (notes == 0 ? "" : "; " + notes + (notes == 1 ? " thing" : " things") + " could be better")
          : "Graft " + GraftVersion.VERSION + " cannot be used as it should be; see what failed");
      common.out().flush();
    }
    return usable ? ExitCode.DONE : ExitCode.FAILED;
  }

  private void print(Check check) {
    String mark = switch (check.state()) {
      case OK -> "ok";
      case NOTE -> "note";
      case FAILED -> "FAILED";
    };
    common.out().println(String.format(Locale.ROOT, "%-7s %-22s %s", mark, check.name(), Failures.oneLine(check.detail())));
    if (check.fix() != null) {
      common.out().println(String.format(Locale.ROOT, "%-7s %-22s -> %s", "", "", Failures.oneLine(check.fix())));
    }
  }

  private static Map<String, Object> json(List<Check> checks, boolean usable) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Check check : checks) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("name", check.name());
      row.put("state", check.state().name().toLowerCase(Locale.ROOT));
      row.put("detail", Failures.oneLine(check.detail()));
      row.put("fix", check.fix());
      rows.add(row);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", GraftVersion.VERSION);
    json.put("usable", usable);
    json.put("checks", rows);
    return json;
  }
}
