package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code /v1/chat/completions}. Threads may share it. */
final class ChatReader {
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
    ToolUse tools = ToolReader.read(fields, served);
    JsonNode messages = new ChatMessages(served.prompts().toolCalls().map(ToolSupport::format)).read(fields.get("messages"));
    Map<String, Object> extra = extra(fields, tools != null);
    fields.ignore("reasoning_effort", "verbosity");
    fields.refuse("functions", "function_call", "audio", "prediction", "web_search_options");
    fields.done();
    boolean calls = tools != null && (tools.forced() || common.constraint() == null); // held to another form, an answer is no call
    AnswerFields all = calls ? common.with(tools, served) : common;
    List<int[]> prompts = List.of(served.prompts().chat(messages, extra));
    return new AnswerJob(common.model(),
        all.requests(prompts, "messages", most == null ? null : most.intValue(), param, limit, logprobs ? (top == null ? 0 : top.intValue()) : -1,
            served.engine().contextLength()),
        common.n(), common.stream(), common.includeUsage(), new ChatShape(logprobs ? new LogprobJson(served.vocabulary()) : null), calls ? tools : null,
        List.of(""));
  }

  /** More variables for the template. */
  private static Map<String, Object> extra(Fields fields, boolean tools) {
    Map<String, Object> extra = new HashMap<>();
    if (tools) {
      extra.put("tools", Fields.JSON.convertValue(fields.get("tools"), Object.class));
    }
    JsonNode more = fields.get("chat_template_kwargs");
    if (!more.isNull() && !more.isObject()) {
      throw ApiException.bad("chat_template_kwargs", "chat_template_kwargs must be an object");
    }
    more.properties().forEach(entry -> extra.put(entry.getKey(), Fields.JSON.convertValue(entry.getValue(), Object.class)));
    return extra;
  }
}
