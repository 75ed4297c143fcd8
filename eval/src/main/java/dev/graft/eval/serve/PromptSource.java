package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Optional;

/** Turns what clients send into a model's token ids. Threads may share it. */
interface PromptSource {
  /**
   * Messages through the chat template, up to where the assistant takes over.
   *
   * @param extra more variables for the template
   * @throws ApiException when they are no messages, or the template refuses them
   */
  int[] chat(JsonNode messages, Map<String, Object> extra);

  /** Text as it stands, with a BOS when the vocabulary asks for it. @throws ApiException when nothing is left to start from */
  int[] text(String text);

  /** How the model calls functions; empty when the chat template takes no tools. */
  Optional<ToolSupport> toolCalls();
}
