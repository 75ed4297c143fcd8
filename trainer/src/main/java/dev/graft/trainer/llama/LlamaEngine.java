package dev.graft.trainer.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaIterator;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** The calls into java-llama.cpp; lives in the child process only. */
final class LlamaEngine {
  /**
   * Whose turn it is to wait for llama.cpp's next piece. All pieces lie in one list there, and who waits for his own spins as long as another's lies in it: many that
   * wait at once take the processor from the model. Fair locks make them take turns, which is the order in which the slots' pieces come.
   */
  private final Lock turn = new ReentrantLock(true);

  /** The same for first pieces, so that what is being written does not wait for a long prompt. */
  private final Lock firstTurn = new ReentrantLock(true);

  /** Tokens that llama.cpp computes at once. */
  private static final int PASS = 512;

  /** Tokens of a batch, after which llama.cpp's slots get their next pieces: its own default, and the most that we let what is being written wait for. */
  private static final long USUAL_BATCH = 2048;
  private static final long LARGEST_BATCH = 8192;

  /** Cells of the cache for each token that the slots may hold, where there are several. */
  private static final long ROOM = 2;

  private LlamaModel model;
  private int context;

  void load(JsonNode request) {
    int slots = Math.max(1, request.path("parallel").asInt());
    ModelParameters parameters = new ModelParameters().setModel(request.path("model").asText()).setGpuLayers(0).setParallel(slots).skipWarmup();
    context = request.path("context").asInt();
    parameters.setCtxSize(context); // 0: as the model says
    if (slots > 1 && context > 0) {
      // the slots share one cache, and a pass needs cells side by side: where answers of many lengths came and went, one without room to spare fails them all
      parameters.setCtxSize((int) Math.min(Integer.MAX_VALUE, ROOM * context * slots + PASS));
      // who waits for a prompt that the current batch left out would spin until the next has been computed, so a batch takes the prompts of all slots, within limits
      parameters.setBatchSize((int) Math.min(LARGEST_BATCH, Math.max(USUAL_BATCH, (long) context * slots)));
    }
    if (slots > 1) {
      parameters.enableFlashAttn(); // all slots share one cache; only this kernel skips the others' cells instead of computing and masking them
    }
    int threads = request.path("threads").asInt();
    if (threads > 0) {
      parameters.setThreads(threads).setThreadsBatch(threads);
    }
    if (request.hasNonNull("adapter")) {
      parameters.addLoraAdapter(request.path("adapter").asText());
    }
    model = new LlamaModel(parameters);
  }

  int[] encode(String text) {
    return loaded().encode(text);
  }

  String decode(int[] ids) {
    return loaded().decode(ids);
  }

  /** Puts text, ids and finish_reason into the reply. */
  void generate(JsonNode request, int[] prompt, ObjectNode reply) throws ReflectiveOperationException {
    StringBuilder text = new StringBuilder();
    int pieces = stream(request, prompt, more -> {
      text.append(more);
      return true;
    });
    int[] ids = continuation(text.toString());
    reply.put("text", text.toString());
    ArrayNode node = reply.putArray("ids");
    for (int id : ids) {
      node.add(id);
    }
    reply.put("finish_reason", Math.max(pieces - 1, ids.length) >= request.path("max_tokens").asInt() ? "length" : "stop");
  }

  /**
   * Completes a prompt piece by piece; several threads may, up to the slots there are.
   *
   * @param more hears each piece of text, and says whether to go on
   * @return pieces that came
   */
  int stream(JsonNode request, int[] prompt, Predicate<String> more) throws ReflectiveOperationException {
    int maxTokens = request.path("max_tokens").asInt();
    if (context > 0 && prompt.length + (long) maxTokens > context) { // llama.cpp would cut the prompt and say nothing
      throw new IllegalArgumentException(
          "a prompt of " + prompt.length + " tokens and " + maxTokens + " to write do not fit the context of " + context + " tokens; shorten one or raise the other");
    }
    InferenceParameters parameters =
        new InferenceParameters("")
            .setCachePrompt(request.path("cache").asBoolean())
            .setNPredict(maxTokens)
            .setTemperature((float) request.path("temperature").asDouble())
            .setTopK(request.path("temperature").asDouble() > 0 ? request.path("top_k").asInt() : 1) // greedy; with 0 it would sort the whole vocabulary for each token
            .setTopP((float) request.path("top_p").asDouble(1))
            .setMinP((float) request.path("min_p").asDouble())
            .setSeed(request.path("seed").asInt());
    if (request.path("stop").size() > 0) {
      String[] stops = new String[request.path("stop").size()];
      Arrays.setAll(stops, i -> request.path("stop").get(i).asText());
      parameters.setStopStrings(stops);
    }
    if (request.hasNonNull("grammar")) {
      parameters.setGrammar(request.path("grammar").asText());
    }
    penalties(parameters, request);
    set(parameters, "prompt", Arrays.toString(prompt));
    if (request.path("shown").size() > 0) {
      set(parameters, "preserved_tokens", shown(request.path("shown")));
    }
    int pieces = 0;
    LlamaIterator outputs = loaded().generate(parameters).iterator();
    while (outputs.hasNext()) {
      String text = next(outputs, pieces == 0 ? firstTurn : turn);
      pieces++;
      if (!more.test(text) && outputs.hasNext()) {
        outputs.cancel();
        return pieces;
      }
    }
    return pieces;
  }

  private static String next(LlamaIterator outputs, Lock mine) {
    mine.lock();
    try {
      return outputs.next().text;
    } finally {
      mine.unlock();
    }
  }

  private static void penalties(InferenceParameters parameters, JsonNode request) {
    if (request.hasNonNull("repetition_penalty")) {
      parameters.setRepeatLastN(-1).setRepeatPenalty((float) request.path("repetition_penalty").asDouble());
      parameters.setPresencePenalty((float) request.path("presence_penalty").asDouble()).setFrequencyPenalty((float) request.path("frequency_penalty").asDouble());
    }
    Map<Integer, Float> bias = new HashMap<>();
    request.path("logit_bias").properties().forEach(entry -> bias.put(Integer.valueOf(entry.getKey()), (float) entry.getValue().asDouble()));
    if (!bias.isEmpty()) {
      parameters.setTokenIdBias(bias);
    }
  }

  /** Ids of text that goes on after another text: without the space that SentencePiece puts before a first word. */
  private int[] continuation(String text) {
    if (text.isEmpty()) {
      return new int[0];
    }
    int[] lead = model.encode("\n");
    int[] led = model.encode("\n" + text);
    boolean apart = led.length >= lead.length && Arrays.equals(lead, Arrays.copyOf(led, lead.length));
    return apart ? Arrays.copyOfRange(led, lead.length, led.length) : model.encode(text);
  }

  /** Texts of special tokens that llama.cpp would leave out, as JSON. */
  private String shown(JsonNode ids) {
    ArrayNode texts = JsonNodeFactory.instance.arrayNode();
    ids.forEach(id -> texts.add(loaded().decode(new int[] {id.intValue()})));
    return texts.toString();
  }

  /**
   * A parameter of llama.cpp's JSON that the Java API in front of it does not have. It takes only text as a prompt, say, but ids alone are exact: encoding the text of a prompt
   * again need not give the same ids, and would add a BOS.
   */
  @SuppressWarnings("unchecked")
  private static void set(InferenceParameters parameters, String name, String json) throws ReflectiveOperationException {
    Field field = parameters.getClass().getSuperclass().getDeclaredField("parameters");
    field.setAccessible(true);
    ((Map<String, String>) field.get(parameters)).put(name, json);
  }

  private LlamaModel loaded() {
    if (model == null) {
      throw new IllegalStateException("no model is loaded");
    }
    return model;
  }
}
