package dev.graft.eval.cli;

import dev.graft.eval.convert.Converter;
import dev.graft.trainer.run.MemoryCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft convert}. */
@Command(
    name = "convert",
    customSynopsis = "graft convert FOLDER OUT.gguf [--type F32|F16|BF16|Q8_0] [flags]",
    description = "Turns a Hugging Face folder (config.json, tokenizer.json, tokenizer_config.json, safetensors, in one file or in shards) into a GGUF.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft convert Llama-3.2-1B-Instruct model.gguf",
      "  graft convert Llama-3.2-1B-Instruct model.gguf --type Q8_0",
      "",
      "Models of the types llama, mistral, qwen2 and qwen3; their vocabulary as byte-level BPE, or SentencePiece's BPE with byte fallback;",
      "special tokens and chat templates too. Names, metadata and the order of rows are as llama.cpp's own converter gives them. A few rows",
      "are in memory at a time. Tensors that config.json does not ask for, or asks for otherwise, are an error: nothing is left out silently."
    })
final class ConvertCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(index = "0", paramLabel = "FOLDER", description = "The folder.")
  Path folder;

  @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write.")
  Path output;

  @Option(names = "--type", paramLabel = "F32|F16|BF16|Q8_0", description = "Type of the matrices; vectors are F32. Default: that which most weights have.")
  String type;

  @Option(names = "--name", paramLabel = "NAME", description = "The file's general.name. Default: the folder's name.")
  String name;

  @Option(
      names = "--pre",
      paramLabel = "NAME",
      description = "llama.cpp's name of the pre-tokenizer (llama-bpe, qwen2, ...), for a tokenizer.json in which none is recognized. Default: found by its expression.")
  String pre;

  @Override
  public Integer call() throws IOException {
    String wanted = type == null ? null : type.toUpperCase(Locale.ROOT);
    if (wanted != null && !wanted.matches("F32|F16|BF16|Q8_0")) {
      throw CliException.usage("--type " + type + ": choose F32, F16, BF16 or Q8_0 here, and graft quantize for others");
    } else if (!Files.isDirectory(folder)) {
      throw CliException.badData(folder + ": no such folder; give one with config.json, tokenizer.json and safetensors");
    }
    OutputFiles.check("OUT.gguf", output);
    long start = System.nanoTime();
    Converter.Options options = new Converter.Options(wanted, pre, name == null ? OutputFiles.baseName(folder) : name, common.threads());
    return Stoppable.run(common, work -> report(Converter.run(folder, output, options, work.progress("tensors")), (System.nanoTime() - start) * 1e-9));
  }

  private void report(Converter.Result result, double seconds) throws IOException {
    result.notes().forEach(common::note);
    long bytes = Files.size(output);
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("output", output.toString());
      json.put("architecture", result.architecture());
      json.put("type", result.type());
      json.put("tensors", result.tensors());
      json.put("parameters", result.parameters());
      json.put("vocabulary", result.vocabulary());
      json.put("tokenizer", result.tokenizer());
      json.put("files_read", result.shards());
      json.put("file_bytes", bytes);
      json.put("notes", result.notes());
      json.put("seconds", seconds);
      common.printJson(json);
    } else {
      common.out().println(String.format(Locale.ROOT, "%s: %s, %,d parameters in %s, %s, tokenizer %s of %,d tokens; %.1f s", output, result.architecture(), result.parameters(),
          result.type(), MemoryCheck.gib(bytes), result.tokenizer(), result.vocabulary(), seconds));
      common.out().flush();
    }
  }
}
