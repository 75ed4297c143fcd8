package dev.graft.eval.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The model, and how text becomes its prompts; a picocli {@code @Mixin}. */
final class ModelOptions {
  @Option(names = "--model", required = true, paramLabel = "M.gguf", description = "The model: a GGUF file. Required.")
  Path model;

  @Option(
      names = "--template",
      paramLabel = "auto|none|NAME|FILE",
      defaultValue = "auto",
      description = "Chat template for text prompts: the model's own, none, a built-in one, or a Jinja file. Default: ${DEFAULT-VALUE}.")
  String template;
}
