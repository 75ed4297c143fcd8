package dev.graft.eval.cli;

import dev.graft.eval.adapter.BaseShape;
import dev.graft.eval.adapter.PeftImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter import}. */
@Command(
    name = "import",
    customSynopsis = "graft adapter import FOLDER --model BASE.gguf --output OUT.gguf [flags]",
    description = "Turns a folder of Hugging Face's PEFT (adapter_config.json, adapter_model.safetensors) into an adapter in llama.cpp's layout.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft adapter import peft-folder --model base.gguf --output adapter.gguf",
      "",
      "LoRA of the q, k, v, o, gate, up and down projections of llama, mistral, qwen2 and qwen3. The base tells how its heads are laid",
      "out: rows of q and k of llama models are stored in another order in GGUF files, and their B matrices with them. use_rslora,",
      "rank_pattern and alpha_pattern are honoured. DoRA, biases and modules_to_save are refused: an adapter cannot hold them."
    })
final class AdapterImportCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "FOLDER", arity = "1", description = "The folder.")
  Path folder;

  @Option(names = "--model", required = true, paramLabel = "BASE.gguf", description = "The base model that the adapter was trained on, in any type. Required.")
  Path model;

  @Option(names = "--name", paramLabel = "NAME", description = "The file's general.name. Default: the folder's name.")
  String name;

  @Option(names = "--output", required = true, paramLabel = "OUT.gguf", description = "The file to write. Required.")
  Path output;

  @Override
  public Integer call() throws IOException {
    if (!Files.isDirectory(folder)) {
      throw CliException.badData(folder + ": no such folder; give one that PEFT's save_pretrained wrote");
    }
    OutputFiles.check("--output", output, model);
    PeftImport.Result result = PeftImport.run(folder, BaseShape.read(model), name == null ? OutputFiles.baseName(folder) : name, output);
    result.notes().forEach(common::note);
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("output", output.toString());
      json.put("weights", result.pairs());
      json.put("rank", result.rank());
      json.put("alpha", result.alpha());
      json.put("notes", result.notes());
      common.printJson(json);
    } else {
      common.note(output + ": " + result.pairs() + " weights, rank " + result.rank() + ", alpha " + result.alpha());
    }
    return ExitCode.DONE;
  }
}
