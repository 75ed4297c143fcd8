package dev.graft.trainer.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Main class of the process that runs java-llama.cpp. Reads one JSON request a line on standard input and answers each with one line on
 * standard output. It is a process of its own because a malformed model makes llama.cpp abort, which would take the user's run along,
 * and because java-llama.cpp frees nothing until the process ends. It ends when its input does, so it never outlives its parent.
 */
public final class LlamaWorker {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final OutputStream out;
  private final LlamaEngine engine = new LlamaEngine();
  private final ExecutorService answers = Executors.newCachedThreadPool();
  private final Set<Long> cancelled = ConcurrentHashMap.newKeySet();

  private LlamaWorker(OutputStream out) {
    this.out = out;
  }

  /** Takes no arguments; see {@link LlamaProcess}. */
  public static void main(String[] args) throws Exception {
    OutputStream protocol = new FileOutputStream(FileDescriptor.out);
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8)); // java-llama.cpp prints
    BlockingQueue<String> requests = new LinkedBlockingQueue<>();
    Thread reader = new Thread(() -> read(requests), "requests");
    reader.setDaemon(true);
    reader.start();
    LlamaWorker worker = new LlamaWorker(protocol);
    while (true) {
      worker.answer(requests.take());
    }
  }

  /** Reads ahead, so that the end of input stops the process even in the midst of a native call. */
  private static void read(BlockingQueue<String> requests) {
    try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        requests.add(line);
      }
    } catch (IOException e) {
      // the parent is gone
    } finally {
      Runtime.getRuntime().halt(0);
    }
  }

  private void answer(String line) throws IOException {
    ObjectNode reply = JSON.createObjectNode();
    try {
      JsonNode request = JSON.readTree(line);
      if (request.path("op").asText().equals("stream")) {
        answers.execute(() -> stream(request));
        return;
      } else if (request.path("op").asText().equals("cancel")) {
        cancelled.add(request.path("id").asLong());
        return;
      }
      switch (request.path("op").asText()) {
        case "load" -> engine.load(request);
        case "encode" -> encode(request, reply);
        case "decode" -> reply.put("text", engine.decode(ids(request)));
        case "generate" -> engine.generate(request, ids(request), reply);
        case "quit" -> Runtime.getRuntime().halt(0);
        default -> throw new IllegalArgumentException("unknown request");
      }
      reply.put("ok", true);
    } catch (Exception | LinkageError e) {
      reply.removeAll();
      reply.put("ok", false).put("error", e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }
    write(reply);
  }

  private void write(ObjectNode reply) throws IOException {
    synchronized (out) {
      out.write(('\n' + Protocol.MARK + reply + '\n').getBytes(StandardCharsets.UTF_8));
      out.flush();
    }
  }

  /** An answer beside others: lines with its id and a piece of text, then one that ends it. */
  private void stream(JsonNode request) {
    long id = request.path("id").asLong();
    ObjectNode end = JSON.createObjectNode().put("id", id);
    try {
      int pieces = engine.stream(request, ids(request), more -> {
        if (!more.isEmpty()) {
          told(JSON.createObjectNode().put("id", id).put("text", more));
        }
        return !cancelled.contains(id);
      });
      end.put("ok", true).put("tokens", pieces).put("finish_reason", pieces - 1 >= request.path("max_tokens").asInt() ? "length" : "stop");
    } catch (Exception | LinkageError e) {
      end.put("ok", false).put("error", e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }
    cancelled.remove(id);
    told(end);
  }

  private void told(ObjectNode line) {
    try {
      write(line);
    } catch (IOException e) {
      Runtime.getRuntime().halt(0); // the parent is gone
    }
  }

  private void encode(JsonNode request, ObjectNode reply) {
    ArrayNode all = reply.putArray("ids");
    for (JsonNode text : request.path("texts")) {
      ArrayNode ids = all.addArray();
      if (!text.textValue().isEmpty()) {
        for (int id : engine.encode(text.textValue())) {
          ids.add(id);
        }
      }
    }
  }

  private static int[] ids(JsonNode request) {
    JsonNode node = request.path("ids");
    int[] ids = new int[node.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = node.get(i).intValue();
    }
    return ids;
  }
}
