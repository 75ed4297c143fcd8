package dev.graft.eval.doctor;

import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GraftException;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.ModelInfo;
import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.run.HostMemory;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Whether a model can be used: its architecture, its types, its tokenizer, its chat template, and the memory it needs. */
final class ModelChecks {
  private ModelChecks() {}

  static List<Check> of(Path path, String isa, int threads) {
    List<Check> checks = new ArrayList<>();
    try (GgufFile file = GgufFile.open(path)) {
      checks.add(architecture(path, isa, threads));
      checks.add(types(file));
      checks.addAll(text(file, path));
    } catch (GraftException e) {
      checks.add(Check.failed("model", e.getMessage(), "give a GGUF file that is whole; graft convert makes one from a Hugging Face folder"));
    }
    return checks;
  }

  private static Check architecture(Path path, String isa, int threads) {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", isa, threads);
        Model model = Model.open(runtime, path)) {
      ModelInfo info = model.info();
      String notes = info.notes().isEmpty() ? "" : "; " + String.join("; ", info.notes());
      String detail = String.format(Locale.ROOT, "%s, %,d parameters, %s, context %,d: can be trained, scored and run%s", info.architecture(), info.parameters(), MemoryCheck.gib(info.fileBytes()),
          info.contextLength(), notes);
      OptionalLong available = HostMemory.available();
      if (available.isPresent() && available.getAsLong() < info.fileBytes()) {
        return Check.note("model", detail + "; only " + MemoryCheck.gib(available.getAsLong()) + " of memory are available", "it will be slow or fail; quantize it smaller, or free memory");
      }
      return Check.ok("model", detail);
    } catch (GraftException e) {
      return Check.failed("model", e.getMessage(), "llama, qwen2 and qwen3 can be trained; models of other architectures can be asked with --engine llama.cpp if it knows them");
    }
  }

  private static Check types(GgufFile file) {
    Map<String, Integer> counts = new TreeMap<>();
    file.describe(0).path("tensors").forEach(tensor -> counts.merge(tensor.path("type").asText().toUpperCase(Locale.ROOT), 1, Integer::sum));
    return Check.ok("weight types", counts.entrySet().stream().map(e -> e.getKey() + " (" + e.getValue() + ")").collect(Collectors.joining(", ")));
  }

  private static List<Check> text(GgufFile file, Path path) {
    Vocabulary vocabulary;
    try {
      vocabulary = Vocabulary.read(file, path);
    } catch (GraftException e) {
      return List.of(Check.failed("tokenizer", e.getMessage(), "only rows of token ids can be used; take a file with its tokenizer"));
    }
    return List.of(tokenizer(file, vocabulary), template(vocabulary, path));
  }

  private static Check tokenizer(GgufFile file, Vocabulary vocabulary) {
    try (LlamaTokenizer tokenizer = LlamaTokenizer.open(file, vocabulary)) {
      String sample = "Fever for 3 days.\n";
      String back = vocabulary.decode(tokenizer.encode(sample), true).strip();
      String name = file.string("tokenizer.ggml.model").orElse("?") + file.string("tokenizer.ggml.pre").map(pre -> " (" + pre + ")").orElse("");
      String detail = name + String.format(Locale.ROOT, ", %,d tokens, BOS %s%s, EOS %s", vocabulary.size(), shown(vocabulary.bosText()), vocabulary.addBos() ? "" : " (not put before text)", shown(vocabulary.eosText()));
      return back.equals(sample.strip()) ? Check.ok("tokenizer", detail)
          : Check.note("tokenizer", detail + "; text does not survive: '" + back + "'", "see graft preview before training on it");
    } catch (GraftException e) {
      return Check.failed("tokenizer", e.getMessage(), "only rows of token ids can be used; convert the model again, or give the right pre-tokenizer with graft convert --pre");
    }
  }

  private static String shown(String token) {
    return token.isEmpty() ? "none" : token;
  }

  private static Check template(Vocabulary vocabulary, Path path) {
    String fix = "give one with --template: none, a file, or one of " + String.join(", ", ChatTemplate.names());
    try {
      Optional<ChatTemplate> template = ChatTemplate.resolve("auto", vocabulary, path);
      if (template.isEmpty()) {
        return Check.note("chat template", "none: prompts are taken as they are", "for an instruct model, " + fix);
      }
      String rendered = template.get().render(List.of(Map.of("role", "user", "content", "Fever?")), true, Map.of());
      return rendered.contains("Fever?") ? Check.ok("chat template", template.get().name() + "; renders a question into " + rendered.length() + " characters")
          : Check.note("chat template", "loses a user's question: " + rendered.replaceAll("\\s+", " "), fix);
    } catch (TemplateException | GraftException e) {
      return Check.note("chat template", "cannot be used: " + e.getMessage(), fix);
    }
  }
}
