package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GraftException;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft inspect}. */
@Command(
    name = "inspect",
    description = "Shows what is in a GGUF file: metadata, tensors, types, parameter count, and whether Graft can train it.",
    footerHeading = "%nExamples:%n",
    footer = {"  graft inspect model.gguf", "  graft inspect model.gguf --json | jq .parameters"})
final class InspectCommand implements Callable<Integer> {
  private static final int SHOWN_ITEMS = 8;

  @Mixin CommonOptions common;

  @Parameters(paramLabel = "MODEL.gguf", arity = "1", description = "The file: a model or an adapter.")
  Path file;

  @Option(names = "--tensors", description = "Only the table of tensors. Default: everything.")
  boolean tensors;

  @Option(names = "--metadata", description = "Only the metadata, arrays in full. Default: everything, arrays cut to their first items.")
  boolean metadata;

  @Override
  public Integer call() {
    try (GgufFile gguf = GgufFile.open(file)) {
      Inspection inspection = new Inspection(gguf.describe(metadata ? -1 : SHOWN_ITEMS));
      if (common.json()) {
        ObjectNode json = inspection.json();
        addVerdict(json, inspection);
        common.printJson(json);
        return ExitCode.DONE;
      }
      if (!tensors && !metadata) {
        inspection.summary(file).forEach(common.out()::println);
        verdict(inspection).forEach(note -> common.out().println("note: " + Failures.oneLine(note)));
      }
      if (metadata || !tensors) {
        common.out().println();
        inspection.metadata().forEach(common.out()::println);
      }
      if (tensors || !metadata) {
        common.out().println();
        inspection.tensors().forEach(common.out()::println);
      }
      common.out().flush();
    }
    return ExitCode.DONE;
  }

  private void addVerdict(ObjectNode json, Inspection inspection) {
    List<String> notes = verdict(inspection);
    json.put("trainable", trainable);
    notes.forEach(json.putArray("notes")::add);
  }

  private boolean trainable;

  /** Whether Graft trains this, found by opening it as a model; and the model's own notes. */
  private List<String> verdict(Inspection inspection) {
    List<String> notes = new ArrayList<>();
    if (inspection.isAdapter()) {
      notes.add("this is a LoRA adapter: use it with --adapter or --init-adapter beside its model");
      return notes;
    }
    try (GraftRuntime runtime = common.openRuntime();
        Model model = Model.open(runtime, file)) {
      trainable = true;
      notes.add("Graft can train, score and generate with this model");
      notes.addAll(model.info().notes());
    } catch (GraftException e) {
      notes.add("Graft cannot train this: " + e.getMessage());
    }
    return notes;
  }
}
