package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads {@code /v1/completions}. Threads may share it. */
final class CompletionReader {
  /** OpenAI's default. */
  private static final int DEFAULT_TOKENS = 16;
  private static final int MOST_PROMPTS = 256;
  private static final int MOST_LOGPROBS = 20;

  private CompletionReader() {}

  /** @param limit most tokens of an answer, 0 for none @throws ApiException naming the field at fault */
  static AnswerJob read(byte[] body, Served served, int limit) {
    Fields fields = Fields.parse(body);
    AnswerFields common = AnswerFields.read(fields, served);
    Long top = fields.whole("logprobs", 0L, MOST_LOGPROBS);
    Long given = fields.whole("max_tokens", 1L, Integer.MAX_VALUE);
    int most = given != null ? given.intValue() : limit > 0 ? Math.min(limit, DEFAULT_TOKENS) : DEFAULT_TOKENS;
    boolean echo = fields.flag("echo", false);
    if (fields.whole("best_of", 1, 20, common.n()) != common.n()) {
      throw ApiException.bad("best_of", "best_of is not supported by this server but for the value of n");
    }
    JsonNode prompt = fields.get("prompt");
    fields.refuse("suffix");
    fields.done();
    if (echo && top != null) {
      throw ApiException.bad("echo", "echo cannot go with logprobs: this server has none for prompts");
    }
    List<int[]> prompts = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (JsonNode one : Inputs.split("prompt", prompt, MOST_PROMPTS)) {
      int[] ids = Inputs.ids("prompt", one, served);
      prompts.add(ids);
      texts.add(!echo ? "" : one.isTextual() ? one.textValue() : served.vocabulary().decode(ids, false));
    }
    return new AnswerJob(common.model(), common.requests(prompts, "prompt", most, "max_tokens", limit, top == null ? -1 : top.intValue(), served.engine().contextLength()),
        common.n(), common.stream(), common.includeUsage(), new CompletionShape(top == null ? null : new LogprobJson(served.vocabulary())), null, texts);
  }
}
