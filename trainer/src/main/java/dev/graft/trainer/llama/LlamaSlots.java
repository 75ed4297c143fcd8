package dev.graft.trainer.llama;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.Sampling;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A child process that runs llama.cpp's server (java-llama.cpp) and writes several answers at once, piece by piece. If llama.cpp aborts, what runs fails with one
 * clear line, and another process can be started. Threads may share it.
 */
public final class LlamaSlots implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final OutputStream requests;
  private final LogTail log;
  private final Map<Long, Heard> running = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final CompletableFuture<JsonNode> loaded = new CompletableFuture<>();
  private volatile boolean ended;

  /** Hears of one answer, on the process's reading thread. Either {@link #done} or {@link #failed} comes last. */
  public interface Heard {
    /** More text, whole characters. */
    void text(String more);

    /** @param tokens pieces that llama.cpp wrote: about its tokens */
    void done(String finishReason, int tokens);

    /** It refused, or died. */
    void failed(LlamaProcessException reason);
  }

  private LlamaSlots(Process process) {
    this.process = process;
    requests = process.getOutputStream();
    log = new LogTail(process.getErrorStream());
    Thread reader = new Thread(this::read, "llama.cpp answers");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Starts a process and loads the model.
   *
   * @param options its context is for each answer  @param slots answers at once
   * @throws LlamaProcessException when it cannot start, or llama.cpp does not take the model or the adapter
   */
  public static LlamaSlots start(LlamaOptions options, int slots) {
    LlamaSlots process = new LlamaSlots(WorkerCommand.start());
    try {
      process.send(Protocol.load(options).put("parallel", slots));
      JsonNode reply = process.loaded.get(options.startTimeout().toMillis(), TimeUnit.MILLISECONDS);
      if (!reply.path("ok").asBoolean()) {
        throw new LlamaProcessException("llama.cpp failed while loading " + options.model() + ": " + reply.path("error").asText() + " (" + process.log.cause() + ")", false, null);
      }
      return process;
    } catch (IOException | ExecutionException | TimeoutException e) {
      process.close();
      throw e.getCause() instanceof LlamaProcessException known
          ? known : new LlamaProcessException("llama.cpp did not load " + options.model() + " (" + process.log.cause() + "); check the file and free memory", true, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.close();
      throw new LlamaProcessException("interrupted while llama.cpp was loading", true, e);
    } catch (RuntimeException e) {
      process.close();
      throw e;
    }
  }

  /** How a process with so many slots works, for who compares speeds: one line. */
  public static String describe(int slots) {
    return slots + (slots == 1 ? " slot" : " slots, flash attention") + ", F16 cache, " + WorkerCommand.waiting();
  }

  /**
   * Asks for an answer.
   *
   * @param shown ids of special tokens that are part of its text
   * @return its number, for {@link #cancel}
   */
  public long answer(int[] prompt, int maxTokens, Sampling sampling, long seed, List<String> stop, Set<Integer> shown, Heard heard) {
    long id = ids.incrementAndGet();
    ObjectNode node = JSON.createObjectNode().put("op", "stream").put("id", id).put("max_tokens", maxTokens).put("cache", true);
    node.put("temperature", sampling.temperature()).put("top_k", sampling.topK()).put("top_p", sampling.topP()).put("min_p", sampling.minP());
    node.put("seed", (int) (seed & 0x7fffffff)).put("repetition_penalty", sampling.repetitionPenalty()).put("presence_penalty", sampling.presencePenalty());
    node.put("frequency_penalty", sampling.frequencyPenalty());
    ObjectNode bias = node.putObject("logit_bias");
    sampling.logitBias().forEach((token, value) -> bias.put(Integer.toString(token), value));
    ArrayNode stops = node.putArray("stop");
    stop.forEach(stops::add);
    ArrayNode special = node.putArray("shown");
    shown.forEach(special::add);
    ArrayNode list = node.putArray("ids");
    for (int token : prompt) {
      list.add(token);
    }
    running.put(id, heard);
    try {
      send(node);
    } catch (IOException e) {
      end();
    }
    if (ended) {
      fail(id);
    }
    return id;
  }

  /** Nobody waits for an answer any more; it still ends with {@link Heard#done}. */
  public void cancel(long id) {
    if (running.containsKey(id)) {
      try {
        send(JSON.createObjectNode().put("op", "cancel").put("id", id));
      } catch (IOException e) {
        end();
      }
    }
  }

  /** Whether the process still runs. */
  public boolean alive() {
    return !ended && process.isAlive();
  }

  /** Id of the process, for tests. */
  public long pid() {
    return process.pid();
  }

  private void send(ObjectNode request) throws IOException {
    byte[] line = (JSON.writeValueAsString(request) + '\n').getBytes(StandardCharsets.UTF_8);
    synchronized (requests) {
      requests.write(line);
      requests.flush();
    }
  }

  private void read() {
    try (BufferedReader in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8), 1 << 16)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int mark = line.indexOf(Protocol.MARK);
        if (mark >= 0) { // anything else was printed by native code
          heard(JSON.readTree(line.substring(mark + Protocol.MARK.length())));
        }
      }
    } catch (JsonProcessingException e) {
      process.destroyForcibly();
    } catch (IOException e) {
      // it is gone
    }
    end();
  }

  private void heard(JsonNode node) {
    if (!node.has("id")) {
      loaded.complete(node);
      return;
    }
    Heard heard = running.get(node.path("id").asLong());
    if (heard == null) {
      return;
    } else if (node.has("text")) {
      heard.text(node.path("text").asText());
      return;
    }
    running.remove(node.path("id").asLong());
    if (node.path("ok").asBoolean()) {
      heard.done(node.path("finish_reason").asText(), node.path("tokens").asInt());
    } else {
      heard.failed(new LlamaProcessException("llama.cpp failed while writing an answer: " + node.path("error").asText(), false, null));
    }
  }

  private void end() {
    ended = true;
    loaded.completeExceptionally(death());
    running.keySet().forEach(this::fail);
  }

  private void fail(long id) {
    Heard heard = running.remove(id);
    if (heard != null) {
      heard.failed(death());
    }
  }

  private LlamaProcessException death() {
    String how = process.isAlive() ? "" : " (" + LlamaProcess.describeExit(process.exitValue()) + ")";
    return new LlamaProcessException("the llama.cpp process stopped" + how + "; ask again", true, null);
  }

  /** Ends the process at once; what runs fails. */
  @Override
  public void close() {
    ended = true;
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
