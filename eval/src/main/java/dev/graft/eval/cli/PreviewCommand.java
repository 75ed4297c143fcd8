package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataOptions;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.data.DatasetReader;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.Preview;
import dev.graft.trainer.data.TextModel;
import dev.graft.trainer.template.ChatTemplate;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft preview}: the exact tokens of rows, which of them are learnt, and what is cut or dropped in the whole file. */
@Command(
    name = "preview",
    description = "Shows the exact tokens of rows, which are learnt, and counts what is truncated, emptied, masked or doubled.",
    footer = {"", "Example: graft preview --model model.gguf --data rows.jsonl --rows 2"})
final class PreviewCommand implements Callable<Integer> {
  private static final String LEARNT = "\u001b[1;32m";
  private static final String PLAIN = "\u001b[0m";

  @Mixin CommonOptions common;

  @Option(names = "--model", required = true, paramLabel = "MODEL.gguf", description = "The model whose tokenizer and template are used.")
  Path model;

  @Option(names = "--data", required = true, paramLabel = "ROWS.jsonl", description = "The rows.")
  Path data;

  @Option(names = "--rows", paramLabel = "N", defaultValue = "1", description = "How many rows to show; 0 shows only the counts. Default: ${DEFAULT-VALUE}.")
  int rows;

  @Option(names = "--row", paramLabel = "K", defaultValue = "1", description = "The first row to show, from 1. Default: ${DEFAULT-VALUE}.")
  int row;

  @Option(
      names = "--template",
      paramLabel = "auto|none|NAME|FILE",
      defaultValue = "auto",
      description = "The chat template: the model's own, none, a built-in one or a Jinja file. Default: ${DEFAULT-VALUE}.")
  String template;

  @Option(names = "--train-on-prompts", description = SftCommand.PROMPTS)
  boolean trainOnPrompts;

  @Option(names = "--max-length", paramLabel = "N", description = "Most tokens of a row; 0 for no limit. Default: the model's context length.")
  Integer maxLength;

  @Override
  public Integer call() {
    if (rows < 0 || row < 1) {
      throw CliException.usage(rows < 0 ? "--rows " + rows + " is negative; give a count" : "--row " + row + " does not exist; rows count from 1");
    }
    try (TextModel text = TextModel.open(model)) {
      DataOptions options = options(text);
      Dataset dataset = new DatasetReader(options).read(data, Kind.ANY);
      List<Example> examples = dataset.examples();
      if (row > examples.size() && rows > 0) {
        throw CliException.usage("--row " + row + " does not exist; " + data + " has " + examples.size() + " rows");
      }
      int from = Math.min(row - 1, examples.size());
      int to = (int) Math.min((long) from + rows, examples.size());
      if (common.json()) {
        common.printJson(json(text, options, dataset, from, to));
      } else {
        print(text, options, dataset, from, to);
      }
      return ExitCode.DONE;
    }
  }

  private DataOptions options(TextModel text) {
    try {
      return text.options(template, maxLength == null ? text.contextLength() : maxLength).withKeepAll(true).withTrainOnPrompts(trainOnPrompts);
    } catch (IllegalArgumentException e) {
      throw CliException.usage(e.getMessage());
    }
  }

  private static String templateName(DataOptions options) {
    return options.template().map(ChatTemplate::name).orElse("none");
  }

  private ObjectNode json(TextModel text, DataOptions options, Dataset dataset, int from, int to) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("model", model.toString()).put("data", data.toString()).put("kind", dataset.kind().name().toLowerCase(java.util.Locale.ROOT));
    node.put("template", templateName(options));
    ArrayNode list = node.putArray("rows");
    for (int i = from; i < to; i++) {
      list.add(Preview.toJson(i, dataset.examples().get(i), text.vocabulary()));
    }
    node.set("report", dataset.report().toJson());
    return node;
  }

  private void print(TextModel text, DataOptions options, Dataset dataset, int from, int to) {
    PrintWriter out = common.out();
    boolean colour = common.stdoutIsTerminal();
    for (int i = from; i < to; i++) {
      Example example = dataset.examples().get(i);
      out.println("row " + (i + 1) + " (line " + example.line() + "), template " + templateName(options) + "; learnt tokens are marked +");
      Preview.sequences(example, text.vocabulary()).forEach((name, tokens) -> {
        out.println("  " + name + ": " + tokens.size() + " tokens");
        for (Preview.Token token : tokens) {
          String line = String.format("  %s %7d  %s", token.learnt() ? "+" : " ", token.id(), quoted(token.text()));
          out.println(colour && token.learnt() ? LEARNT + line + PLAIN : line);
        }
      });
      out.println();
    }
    dataset.report().lines().forEach(out::println);
    out.flush();
  }

  /** Text in quotes on one line. */
  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        default -> quoted.append(Character.isISOControl(c) ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    return quoted.append('"').toString();
  }
}
