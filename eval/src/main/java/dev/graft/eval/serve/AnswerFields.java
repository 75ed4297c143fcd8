package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.Sampling;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.serve.AdapterUse;
import dev.graft.trainer.serve.AnswerRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What both ways of asking for answers have in common.
 *
 * @param constraint what answers are held to, or null  @param shown ids of special tokens that are part of their text
 * @param n answers to each prompt  @param stream whether text is sent as it comes  @param includeUsage whether a stream ends with its usage
 */
record AnswerFields(
    String model, List<AdapterUse> adapters, Sampling sampling, long seed, List<String> stop, int n, boolean stream, boolean includeUsage, TokenConstraint constraint, Set<Integer> shown) {
  private static final int MOST_ANSWERS = 128;
  private static final int MOST_STOPS = 16;
  private static final int MOST_ADAPTERS = 8;
  private static final float SMALLEST_TOP_P = 1e-6f;

  /** Reads them. @throws ApiException naming the field at fault */
  static AnswerFields read(Fields fields, Served served) {
    String model = fields.requiredText("model");
    List<AdapterUse> adapters = adapters(fields, served, model);
    boolean stream = fields.flag("stream", false);
    boolean includeUsage = includeUsage(fields, stream);
    fields.ignore("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key");
    Long seed = fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE);
    return new AnswerFields(model, adapters, sampling(fields, served.vocabulary().size()), seed == null ? ThreadLocalRandom.current().nextLong() : seed,
        fields.texts("stop", MOST_STOPS), fields.whole("n", 1, MOST_ANSWERS, 1), stream, includeUsage, served.constraints().of(fields), Set.of());
  }

  /** The same for answers that may call functions. @throws ApiException when they must, and are held to another form already */
  AnswerFields with(ToolUse tools, Served served) {
    if (tools.forced() && constraint != null) {
      throw ApiException.bad("tool_choice", "tool_choice asks for a call, but the answer's form is given already; leave one of them out");
    }
    TokenConstraint calls = tools.held() ? served.constraints().calls(tools) : null;
    return new AnswerFields(model, adapters, sampling, seed, stop, n, stream, includeUsage, calls, tools.support().shown());
  }

  private static boolean includeUsage(Fields fields, boolean stream) {
    JsonNode options = fields.get("stream_options");
    if (options.isNull()) {
      return false;
    } else if (!stream || !options.isObject()) {
      throw ApiException.bad("stream_options", "stream_options must be an object, and only goes with stream: true");
    }
    JsonNode usage = options.path("include_usage");
    if (!usage.isMissingNode() && !usage.isNull() && !usage.isBoolean()) {
      throw ApiException.bad("stream_options.include_usage", "stream_options.include_usage must be true or false");
    }
    return usage.asBoolean();
  }

  /** By the model's name; or several with scales, by the field {@code adapters} with the base's name. */
  private static List<AdapterUse> adapters(Fields fields, Served served, String model) {
    List<AdapterUse> named = served.adaptersOf(model);
    JsonNode list = fields.get("adapters");
    if (list.isNull()) {
      return named;
    } else if (!named.isEmpty() || !list.isArray() || list.size() > MOST_ADAPTERS) {
      throw ApiException.bad("adapters", "adapters must be a list of at most " + MOST_ADAPTERS + " {\"name\", \"scale\"}, and goes with the base as the model");
    }
    List<AdapterUse> uses = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (JsonNode item : list) {
      String name = item.path("name").asText();
      if (!served.engine().adapters().contains(name) || !seen.add(name)) {
        throw ApiException.bad("adapters", "adapters has a name twice, or one that is not loaded; GET /v1/models lists those that are");
      }
      uses.add(new AdapterUse(name, item.has("scale") ? Fields.number("adapters.scale", item.get("scale"), -100, 100) : 1));
    }
    return uses;
  }

  private static Sampling sampling(Fields fields, int vocabulary) {
    long topK = fields.whole("top_k", -1, Integer.MAX_VALUE, 0); // -1 is off, as in vLLM
    float minP = fields.number("min_p", 0, 1, 0);
    float repetition = fields.number("repetition_penalty", 0, 100, 1);
    if (minP == 1 || repetition == 0) {
      throw ApiException.bad(minP == 1 ? "min_p" : "repetition_penalty", "min_p must be below 1 and repetition_penalty above 0");
    }
    return new Sampling(fields.number("temperature", 0, 2, 1), (int) Math.max(0, topK), Math.max(SMALLEST_TOP_P, fields.number("top_p", 0, 1, 1)), minP, repetition,
        fields.number("presence_penalty", -2, 2, 0), fields.number("frequency_penalty", -2, 2, 0), bias(fields.get("logit_bias"), vocabulary));
  }

  private static Map<Integer, Float> bias(JsonNode node, int vocabulary) {
    Map<Integer, Float> bias = new HashMap<>();
    if (node.isNull()) {
      return bias;
    } else if (!node.isObject()) {
      throw ApiException.bad("logit_bias", "logit_bias must be an object of token ids and numbers from -100 to 100");
    }
    node.properties().forEach(entry -> bias.put(id(entry.getKey(), vocabulary), Fields.number("logit_bias", entry.getValue(), -100, 100)));
    return bias;
  }

  private static int id(String text, int vocabulary) {
    if (text.matches("\\d{1,9}") && Integer.parseInt(text) < vocabulary) {
      return Integer.parseInt(text);
    }
    throw ApiException.bad("logit_bias", "logit_bias has a key that is no token id; ids are whole numbers from 0 to " + (vocabulary - 1));
  }

  /**
   * The engine's requests: n for each prompt, prompt by prompt.
   *
   * @param promptParam the field that the prompts are in
   * @param most most tokens of an answer as the client said, or null for what the context leaves  @param param the field that said it
   * @param limit of this server, 0 for none
   * @throws ApiException when a prompt with its answer does not fit
   */
  List<AnswerRequest> requests(List<int[]> prompts, String promptParam, Integer most, String param, int limit, int topLogprobs, int context) {
    if (most != null && limit > 0 && most > limit) {
      throw ApiException.bad(param, param + " is " + most + ", but this server writes at most " + limit + " tokens");
    }
    List<AnswerRequest> requests = new ArrayList<>();
    for (int[] prompt : prompts) {
      int room = context - prompt.length;
      if (room < 1 || most != null && most > room) {
        throw ApiException.tooLong(context, prompt.length, most == null ? 0 : most, promptParam);
      }
      int tokens = most != null ? most : limit > 0 ? Math.min(limit, room) : room;
      for (int i = 0; i < n; i++) {
        requests.add(new AnswerRequest(prompt, adapters, sampling, seed + i, stop, tokens, topLogprobs, constraint, shown));
      }
    }
    return requests;
  }
}
