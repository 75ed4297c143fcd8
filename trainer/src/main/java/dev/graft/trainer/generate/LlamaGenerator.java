package dev.graft.trainer.generate;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufFile;
import dev.graft.trainer.llama.LlamaAnswer;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import dev.graft.trainer.llama.LlamaRequest;
import dev.graft.trainer.run.RunException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Answers prompts with java-llama.cpp in a child process, one after the other. */
public final class LlamaGenerator {
  private LlamaGenerator() {}

  /** The context that a model file was made for, in tokens. @throws RunException when it does not say */
  public static int contextLength(Path model) {
    try (GgufFile file = GgufFile.open(model)) {
      String architecture = file.string("general.architecture").orElse("");
      int length = 0;
      for (JsonNode entry : file.describe(0).path("metadata")) {
        length = entry.path("key").asText().equals(architecture + ".context_length") ? entry.path("value").asInt() : length;
      }
      if (length < 1) {
        throw RunException.badData(model + ": no " + architecture + ".context_length; llama.cpp needs it", null);
      }
      return length;
    }
  }

  /**
   * Generates an answer to every prompt, in order.
   *
   * @param adapter the one that answers every prompt, whatever its own says; null for none  @param threads 0 for llama.cpp's choice  @param context tokens of the longest prompt with its answer
   */
  public static void run(Path model, Path adapter, int threads, int context, List<Prompt> prompts, GenerateOptions options, BatchGenerator.Sink sink) {
    LlamaOptions load = LlamaOptions.of(model).withThreads(threads).withContext(context);
    try (LlamaProcess process = LlamaProcess.start(adapter == null ? load : load.withAdapter(adapter))) {
      for (Prompt prompt : prompts) {
        long start = System.nanoTime();
        LlamaAnswer answer =
            process.generate(
                new LlamaRequest(prompt.tokens(), prompt.maxTokens(), options.sampling().temperature(), options.sampling().topK(), options.sampling().topP(),
                    options.sampling().minP(), options.seed() + prompt.index(), options.stop(), Duration.ofHours(1)));
        if (!answer.text().isEmpty() && !sink.text(prompt.index(), answer.text())) {
          return;
        }
        sink.done(new Completion(prompt.index(), answer.text(), answer.ids(), answer.finishReason()), (System.nanoTime() - start) * 1e-9);
      }
    }
  }
}
