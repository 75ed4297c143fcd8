package dev.graft.eval.cli;

import dev.graft.trainer.bpe.TokenizerOptions;
import dev.graft.trainer.bpe.TokenizerTrainer;
import dev.graft.trainer.bpe.TrainedTokenizer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft tokenizer}: learns a vocabulary from text. */
@Command(
    name = "tokenizer",
    customSynopsis = "graft tokenizer --data FILE [--data FILE2 ...] --vocab-size N --output TOK.gguf [flags]",
    description = "Learns a byte-level BPE vocabulary from text and writes it as a GGUF that any llama.cpp loads.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft tokenizer --data notes.txt --data chats.jsonl --vocab-size 4096 --output tok.gguf",
      "",
      "A .txt file is text as a whole; other files are JSONL rows, of which the strings text, prompt, completion, chosen,",
      "rejected and the contents of messages are learnt. Any UTF-8 text can be encoded, whatever was learnt: all 256 bytes",
      "are tokens. Digits stay single tokens. Ids: BOS, EOS, PAD, the template's and your own special tokens, the bytes, then",
      "merges as they were learnt; EOS is the template's end of turn. The same files and flags give the same vocabulary: of",
      "pairs that stand equally often, the one with the older tokens is merged first. An --output that exists is replaced."
    })
final class TokenizerCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--data", required = true, arity = "1..*", paramLabel = "FILE", description = "Text to learn from, .txt or JSONL; may be given again. Required.")
  List<Path> data;

  @Option(names = "--vocab-size", required = true, paramLabel = "N", description = "Tokens in all, special ones and the 256 bytes included. Required.")
  int vocabularySize;

  @Option(names = "--output", required = true, paramLabel = "TOK.gguf", description = "The file to write. Required.")
  Path output;

  @Option(names = "--min-frequency", paramLabel = "N", defaultValue = "2", description = "Pairs that stand less often are not merged. Default: ${DEFAULT-VALUE}.")
  int minFrequency;

  @Option(
      names = "--template",
      paramLabel = "none|NAME|FILE",
      defaultValue = TokenizerOptions.DEFAULT_TEMPLATE,
      description = "The chat template that the file carries, which also names the special tokens: a built-in one, a Jinja file, or none. Default: ${DEFAULT-VALUE}.")
  String template;

  @Option(names = "--special", arity = "1..*", paramLabel = "TOKEN", description = "More special tokens, such as '<|tool|>'. Default: those of the template, BOS, EOS and PAD.")
  List<String> special;

  @Option(names = "--name", paramLabel = "NAME", description = "The file's general.name. Default: the name of --output.")
  String name;

  @Override
  public Integer call() {
    OutputFiles.check("--output", output, data.toArray(Path[]::new));
    long start = System.nanoTime();
    TrainedTokenizer trained = TokenizerTrainer.train(
        new TokenizerOptions(data, vocabularySize, minFrequency, template, special == null ? List.of() : special, name == null ? defaultName() : name));
    trained.file().write(output);
    double seconds = (System.nanoTime() - start) * 1e-9;
    if (common.json()) {
      common.printJson(json(trained, seconds));
    } else {
      common.out().println(String.format(Locale.ROOT, "%s: %,d tokens (%d special, 256 bytes, %,d merges); %.3f bytes per token on %,d bytes of text, %,d different words; %.1f s",
          output, trained.file().tokens().size(), trained.special(), trained.merges(), trained.bytesPerToken(), trained.textBytes(), trained.words(), seconds));
      common.out().flush();
    }
    return ExitCode.DONE;
  }

  private String defaultName() {
    return output.getFileName().toString().replaceFirst("(?i)\\.gguf$", "");
  }

  private Map<String, Object> json(TrainedTokenizer trained, double seconds) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("output", output.toString());
    result.put("name", trained.file().name());
    result.put("tokens", trained.file().tokens().size());
    result.put("merges", trained.merges());
    result.put("special", trained.file().tokens().subList(0, trained.special()));
    result.put("bos_token_id", trained.file().bos());
    result.put("eos_token_id", trained.file().eos());
    result.put("pad_token_id", trained.file().pad());
    result.put("pre", trained.file().pre());
    result.put("template", template);
    result.put("min_frequency", minFrequency);
    result.put("text_bytes", trained.textBytes());
    result.put("text_tokens", trained.textTokens());
    result.put("words", trained.words());
    result.put("bytes_per_token", trained.bytesPerToken());
    result.put("seconds", seconds);
    return result;
  }
}
