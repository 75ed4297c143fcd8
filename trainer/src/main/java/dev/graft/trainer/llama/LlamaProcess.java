package dev.graft.trainer.llama;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A child process that runs llama.cpp (java-llama.cpp), with one model loaded. If llama.cpp aborts, this process lives on and gets one
 * clear line. The child ends with {@link #close}, and by itself when this process ends in any way. Threads may share it; requests are
 * answered one at a time.
 */
public final class LlamaProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration ENCODE_TIMEOUT = Duration.ofMinutes(10);
  private static final String END = "";

  private final Process process;
  private final Path model;
  private final OutputStream requests;
  private final BlockingQueue<String> replies = new LinkedBlockingQueue<>();
  private final LogTail log;
  private boolean broken;

  private LlamaProcess(Process process, Path model) {
    this.process = process;
    this.model = model;
    requests = process.getOutputStream();
    log = new LogTail(process.getErrorStream());
    Thread reader = new Thread(this::read, "llama.cpp replies");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Starts a process and loads the model.
   *
   * @throws LlamaProcessException when it cannot start, or llama.cpp does not take the model or the adapter
   */
  public static LlamaProcess start(LlamaOptions options) {
    LlamaProcess process = new LlamaProcess(WorkerCommand.start(), options.model());
    try {
      process.ask(Protocol.load(options), options.startTimeout(), "loading " + options.model() + options.adapter().map(a -> " with the adapter " + a).orElse(""));
      return process;
    } catch (RuntimeException e) {
      process.close();
      throw e;
    }
  }

  /** Ids of texts in order, special tokens parsed, no BOS added. */
  public List<int[]> encode(List<String> texts) {
    ObjectNode request = JSON.createObjectNode().put("op", "encode");
    ArrayNode list = request.putArray("texts");
    texts.forEach(list::add);
    List<int[]> all = new ArrayList<>(texts.size());
    for (JsonNode ids : ask(request, ENCODE_TIMEOUT, "encoding text").path("ids")) {
      all.add(ints(ids));
    }
    return all;
  }

  /** llama.cpp's own text of ids, special tokens included. */
  public String decode(int[] ids) {
    ObjectNode request = JSON.createObjectNode().put("op", "decode");
    put(request, ids);
    return ask(request, ENCODE_TIMEOUT, "decoding ids").path("text").asText();
  }

  /**
   * Completes a prompt.
   *
   * @throws LlamaProcessException when it does not fit the context, takes too long, or llama.cpp fails
   */
  public LlamaAnswer generate(LlamaRequest request) {
    if (request.prompt().length == 0 || request.maxTokens() < 1) {
      throw new IllegalArgumentException("a completion needs a prompt of at least 1 token and at least 1 token to write");
    }
    ObjectNode node = JSON.createObjectNode().put("op", "generate").put("max_tokens", request.maxTokens());
    node.put("temperature", request.temperature()).put("top_k", request.topK()).put("top_p", request.topP()).put("min_p", request.minP());
    node.put("seed", (int) (request.seed() & 0x7fffffff));
    ArrayNode stop = node.putArray("stop");
    request.stop().forEach(stop::add);
    if (!request.grammar().isEmpty()) {
      node.put("grammar", request.grammar());
    }
    put(node, request.prompt());
    JsonNode reply = ask(node, request.timeout(), "writing an answer");
    return new LlamaAnswer(reply.path("text").asText(), ints(reply.path("ids")), reply.path("finish_reason").asText());
  }

  private static void put(ObjectNode request, int[] ids) {
    ArrayNode list = request.putArray("ids");
    for (int id : ids) {
      list.add(id);
    }
  }

  private static int[] ints(JsonNode ids) {
    int[] result = new int[ids.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = ids.get(i).intValue();
    }
    return result;
  }

  private synchronized JsonNode ask(ObjectNode request, Duration timeout, String doing) {
    if (broken) {
      throw new LlamaProcessException("the llama.cpp process of " + model + " has ended; start another", true, null);
    }
    try {
      requests.write((JSON.writeValueAsString(request) + '\n').getBytes(StandardCharsets.UTF_8));
      requests.flush();
      String reply = replies.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (reply == null) {
        throw broken(new LlamaProcessException("llama.cpp did not answer within " + timeout.toSeconds() + " s while " + doing + "; raise the limit or use less at a time", true, null));
      } else if (reply.equals(END)) {
        throw broken(new LlamaProcessException(death(doing), true, null));
      }
      JsonNode node = JSON.readTree(reply);
      if (!node.path("ok").asBoolean()) {
        throw refusal(doing, node.path("error").asText());
      }
      return node;
    } catch (JsonProcessingException e) {
      throw broken(new LlamaProcessException("the llama.cpp process answered something unreadable while " + doing, true, e));
    } catch (IOException e) {
      throw broken(new LlamaProcessException(death(doing), true, e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw broken(new LlamaProcessException("interrupted while " + doing, true, e));
    }
  }

  private LlamaProcessException refusal(String doing, String error) {
    String cause = doing.startsWith("loading") ? log.cause() : "";
    return new LlamaProcessException("llama.cpp failed while " + doing + ": " + error + (cause.isEmpty() ? "" : " (" + cause + ")"), false, null);
  }

  private LlamaProcessException broken(LlamaProcessException e) {
    broken = true;
    process.destroyForcibly();
    return e;
  }

  private String death(String doing) {
    String how = "";
    try {
      if (process.waitFor(5, TimeUnit.SECONDS)) {
        how = " (" + describeExit(process.exitValue()) + ")";
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String cause = log.cause();
    return "llama.cpp stopped" + how + " while " + doing + (cause.isEmpty() ? "" : ": " + cause);
  }

  static String describeExit(int code) {
    return switch (code) {
      case 134 -> "abort";
      case 137 -> "killed, maybe out of memory";
      case 139 -> "segmentation fault";
      default -> "exit code " + code;
    };
  }

  private void read() {
    try (BufferedReader in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8), 1 << 16)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int mark = line.indexOf(Protocol.MARK);
        if (mark >= 0) { // anything else was printed by native code
          replies.add(line.substring(mark + Protocol.MARK.length()));
        }
      }
    } catch (IOException e) {
      // told by END
    }
    replies.add(END);
  }

  /** Id of the process, for tests. */
  long pid() {
    return process.pid();
  }

  /** Ends the process at once. */
  @Override
  public void close() {
    synchronized (this) {
      broken = true;
    }
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the process still runs. */
  public boolean alive() {
    return process.isAlive();
  }
}
