package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads {@code /v1/chat/completions}. Threads may share it. */
final class ChatReader {
  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");
  private static final int MOST_LOGPROBS = 20;

  private ChatReader() {}

  /** @param limit most tokens of an answer, 0 for none @throws ApiException naming the field at fault */
  static AnswerJob read(byte[] body, Served served, int limit) {
    Fields fields = Fields.parse(body);
    AnswerFields common = AnswerFields.read(fields, served);
    boolean logprobs = fields.flag("logprobs", false);
    Long top = fields.whole("top_logprobs", 0L, MOST_LOGPROBS);
    if (top != null && !logprobs) {
      throw ApiException.bad("top_logprobs", "top_logprobs goes with logprobs: true");
    }
    String param = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
    if (fields.has("max_completion_tokens") && fields.has("max_tokens")) {
      throw ApiException.bad("max_tokens", "Give max_tokens or max_completion_tokens, not both");
    }
    Long most = fields.whole(param, 1L, Integer.MAX_VALUE);
    JsonNode messages = messages(fields.get("messages"));
    Map<String, Object> extra = tools(fields, served);
    fields.ignore("parallel_tool_calls", "reasoning_effort", "verbosity");
    fields.refuse("functions", "function_call", "audio", "prediction", "web_search_options");
    fields.done();
    List<int[]> prompts = List.of(served.prompts().chat(messages, extra));
    return new AnswerJob(common.model(),
        common.requests(prompts, "messages", most == null ? null : most.intValue(), param, limit, logprobs ? (top == null ? 0 : top.intValue()) : -1,
            served.engine().contextLength()),
        common.n(), common.stream(), common.includeUsage(), new ChatShape(logprobs ? new LogprobJson(served.vocabulary()) : null), List.of(""));
  }

  /** What {@link PromptSource} would not say in this API's words: roles, and parts that are no text. */
  private static JsonNode messages(JsonNode messages) {
    if (!messages.isArray() || messages.isEmpty()) {
      throw ApiException.bad("messages", "messages must be a list of at least one message");
    }
    for (int i = 0; i < messages.size(); i++) {
      JsonNode message = messages.get(i);
      String at = "messages[" + i + "]";
      if (!message.isObject()) {
        throw ApiException.bad(at, at + " must be an object with role and content");
      } else if (!ROLES.contains(message.path("role").asText())) {
        throw ApiException.bad(at + ".role", at + ".role must be one of system, developer, user, assistant, tool");
      }
      for (JsonNode part : message.path("content").isArray() ? message.path("content") : List.<JsonNode>of()) {
        if (!part.path("type").asText().equals("text")) {
          throw ApiException.bad(at + ".content", at + ".content has a part of type '" + part.path("type").asText() + "'; this model reads only text", "unsupported_content");
        }
      }
    }
    return messages;
  }

  private static Map<String, Object> tools(Fields fields, Served served) {
    JsonNode tools = fields.get("tools");
    JsonNode choice = fields.get("tool_choice");
    Map<String, Object> extra = new HashMap<>();
    if (!choice.isNull() && !choice.asText().equals("auto") && !choice.asText().equals("none")) {
      throw ApiException.bad("tool_choice", "tool_choice must be auto or none; this server cannot force a tool");
    }
    if (!tools.isNull() && !tools.isArray()) {
      throw ApiException.bad("tools", "tools must be a list");
    }
    if (!tools.isEmpty() && !choice.asText().equals("none")) {
      if (!served.prompts().takesTools()) {
        throw ApiException.bad("tools", "This model's chat template takes no tools");
      }
      extra.put("tools", Fields.JSON.convertValue(tools, Object.class));
    }
    JsonNode more = fields.get("chat_template_kwargs");
    if (!more.isNull() && !more.isObject()) {
      throw ApiException.bad("chat_template_kwargs", "chat_template_kwargs must be an object");
    }
    more.properties().forEach(entry -> extra.put(entry.getKey(), Fields.JSON.convertValue(entry.getValue(), Object.class)));
    return extra;
  }
}
