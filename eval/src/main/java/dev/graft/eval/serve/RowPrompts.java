package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.PromptEncoder;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.template.ToolCallFormat;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Prompts as training reads them from rows: the same template, the same code. Threads may share it. */
final class RowPrompts implements PromptSource {
  private static final Path WHERE = Path.of("request");

  private final PromptEncoder chat;
  private final PromptEncoder plain;
  private final Optional<ToolSupport> tools;

  /** @param source stays open as long as this is used */
  RowPrompts(RowSource source) {
    chat = source.prompts(WHERE);
    plain = source.plainPrompts(WHERE);
    tools = source.template().filter(template -> template.source().contains("tools")).map(template -> new ToolSupport(ToolCallFormat.of(template), source.vocabulary()));
  }

  @Override
  public int[] chat(JsonNode messages, Map<String, Object> extra) {
    return encode("messages", () -> chat.encode(messages, extra));
  }

  @Override
  public int[] text(String text) {
    return encode("prompt", () -> plain.encode(text));
  }

  @Override
  public Optional<ToolSupport> toolCalls() {
    return tools;
  }

  private static int[] encode(String param, Supplier<int[]> encoding) {
    try {
      return encoding.get();
    } catch (DataException e) {
      throw ApiException.bad(param, e.getMessage().replaceFirst("^" + WHERE + ": ", ""));
    } catch (StackOverflowError e) {
      throw ApiException.bad(param, param + " is nested too deeply for the chat template");
    }
  }
}
