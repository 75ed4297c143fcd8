package dev.graft.eval.cli;

import dev.graft.bindings.CacheType;
import dev.graft.eval.serve.ServeServer;
import dev.graft.eval.serve.ServeSettings;
import dev.graft.eval.serve.ServedEngine;
import dev.graft.eval.serve.ServedModel;
import java.io.IOException;
import java.net.BindException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft serve}. */
@Command(
    name = "serve",
    customSynopsis = "graft serve --model M.gguf [--adapter NAME=A.gguf ...] [flags]",
    description = "Answers over HTTP as OpenAI's API does: the base and each adapter by name, many requests at once; with a page to compare them at /.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft serve --model model.gguf --adapter sft=sft/adapter.gguf --adapter dpo=dpo/adapter.gguf",
      "  curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' \\",
      "    -d '{\"model\": \"sft\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'",
      "",
      "Routes: /v1/models, /v1/chat/completions, /v1/completions, /v1/embeddings, /health, /metrics and, with an admin key,",
      "POST /admin/adapters {\"name\", \"path\"} and DELETE /admin/adapters/NAME. It listens before the model is loaded (503 until then).",
      "Chats may carry tools where the chat template takes them; calls come back as tool_calls, and tool_choice can require one.",
      "SIGTERM or Ctrl-C stops it in good order: what runs is finished, new requests get 503."
    })
final class ServeCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin ModelOptions model;

  @Option(names = "--adapter", paramLabel = "NAME=A.gguf", arity = "1", description = "A LoRA adapter and the name that requests call it by; may be given several times. Default: none.")
  List<String> adapters = new ArrayList<>();

  @Option(names = "--model-name", paramLabel = "NAME", description = "What requests call the base. Default: the file's name without .gguf.")
  String modelName;

  @Option(names = "--host", paramLabel = "H", defaultValue = "127.0.0.1", description = "Address to listen at. One that other machines reach needs a key. Default: ${DEFAULT-VALUE}.")
  String host;

  @Option(names = "--port", paramLabel = "N", defaultValue = "8080", description = "Port to listen at; 0 is any free one. Default: ${DEFAULT-VALUE}.")
  int port;

  @Option(names = "--api-key", paramLabel = "KEY", defaultValue = "${env:GRAFT_API_KEY}", description = "Key that requests must bring; better in the environment as GRAFT_API_KEY. Default: none.")
  String apiKey;

  @Option(
      names = "--admin-key",
      paramLabel = "KEY",
      defaultValue = "${env:GRAFT_ADMIN_KEY}",
      description = "Key that lets adapters be added and dropped; better as GRAFT_ADMIN_KEY. Default: nobody may.")
  String adminKey;

  @Option(names = "--parallel", paramLabel = "N", defaultValue = "8", description = "Most answers written at once. Default: ${DEFAULT-VALUE}.")
  int parallel;

  @Option(names = "--queue", paramLabel = "N", defaultValue = "64", description = "Most answers that wait; then 429. Default: ${DEFAULT-VALUE}.")
  int queue;

  @Option(names = "--context", paramLabel = "N", defaultValue = "0", description = "Most tokens of a prompt with its answer; 0 is the model's own. Default: ${DEFAULT-VALUE}.")
  int context;

  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens that the cache holds, of all requests together; 0 lets the engine choose. Default: ${DEFAULT-VALUE}.")
  long cacheTokens;

  @Option(names = "--cache-type", paramLabel = "F32|F16|Q8_0", defaultValue = "F32", description = "How keys and values are stored. Default: ${DEFAULT-VALUE}.")
  CacheType cacheType;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "0", description = "Most tokens of an answer; 0 is what the context leaves. Default: ${DEFAULT-VALUE}.")
  int maxTokens;

  @Option(names = "--max-body-bytes", paramLabel = "N", defaultValue = "4194304", description = "Largest request; then 413. Default: ${DEFAULT-VALUE}.")
  int maxBodyBytes;

  @Option(names = "--cors-origin", paramLabel = "ORIGIN", arity = "1", description = "A web origin whose pages may ask, such as https://app.example; * is all. Default: none.")
  List<String> corsOrigins = new ArrayList<>();

  @Option(names = "--access-log", paramLabel = "FILE|-|none", defaultValue = "-", description = "JSON lines of requests, without their contents; - is stderr. Default: ${DEFAULT-VALUE}.")
  String accessLog;

  @Option(names = "--drain-seconds", paramLabel = "N", defaultValue = "30", description = "How long to finish what runs when asked to stop. Default: ${DEFAULT-VALUE}.")
  int drainSeconds;

  @Option(
      names = "--engine",
      paramLabel = "native|llama.cpp",
      defaultValue = "native",
      description = "Our own engine, or java-llama.cpp in a child process: other architectures, one adapter at most. Default: ${DEFAULT-VALUE}.")
  String engine;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Map<String, Path> named = named();
    ServeSettings settings = settings();
    ServedEngine served = new ServedEngine(model.model, model.template, engine, parallel, queue, context, cacheTokens, cacheType, common.threads());
    CountDownLatch stop = new CountDownLatch(1);
    try (StopSignals signals = new StopSignals(stop::countDown);
        ServeServer server = listen(settings)) {
      String url = "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + server.port();
      common.note("listening at " + url + "; loading " + model.model);
      try (ServedModel loaded = served.open(name(), named, common::openRuntime, common::note)) {
        server.ready(loaded);
        if (common.json()) {
          common.printJson(Map.of("url", url, "models", loaded.models()));
        }
        common.note("ready: " + String.join(", ", loaded.models()));
        stop.await();
        common.note("stopping: finishing what runs, for " + drainSeconds + " s at most");
        if (!server.drain(Duration.ofSeconds(drainSeconds))) {
          common.note("some answers were cut");
        }
        server.close(); // before the engine that answers for it
      }
      return signals.exitCode();
    }
  }

  private ServeServer listen(ServeSettings settings) throws IOException {
    try {
      return ServeServer.listen(settings);
    } catch (BindException e) {
      throw CliException.failed("cannot listen at " + host + ":" + port + ": " + e.getMessage() + "; choose another --port, or stop what listens there", e);
    } catch (UnknownHostException | UnresolvedAddressException e) {
      throw CliException.failed("cannot listen at " + host + ": no such address on this machine; give another --host", e);
    }
  }

  private ServeSettings settings() {
    require(port >= 0 && port <= 65_535, "--port " + port + " must be from 0 to 65535");
    require(parallel >= 1 && parallel <= 4096, "--parallel " + parallel + " must be from 1 to 4096");
    require(queue >= 0 && queue <= 100_000, "--queue " + queue + " must be from 0 to 100000");
    require(context >= 0, "--context " + context + " must be 0 (the model's) or more");
    require(cacheTokens >= 0, "--cache-tokens " + cacheTokens + " must be 0 (the engine's choice) or more");
    require(maxTokens >= 0, "--max-tokens " + maxTokens + " must be 0 (what the context leaves) or more");
    require(maxBodyBytes >= 1024 && maxBodyBytes <= 1 << 30, "--max-body-bytes " + maxBodyBytes + " must be from 1024 to " + (1 << 30));
    require(drainSeconds >= 0, "--drain-seconds " + drainSeconds + " must be 0 or more");
    require(engine.equals(ServedEngine.NATIVE) || engine.equals(ServedEngine.LLAMA), "--engine " + engine + " is not known; give native or llama.cpp");
    require(ServedModel.isName(name()), "--model-name '" + name() + "' must be letters, digits and ._:/@+-, at most 128");
    require(engine.equals(ServedEngine.NATIVE) || adapters.size() <= 1, "--engine llama.cpp takes one --adapter at most, which then answers everything");
    ServeSettings settings = new ServeSettings(host, port, blank(apiKey), blank(adminKey), queue, parallel, maxBodyBytes, maxTokens, corsOrigins, accessLog);
    require(!settings.open() || settings.apiKey() != null, "--host " + host + " lets other machines in: set a key in the environment as GRAFT_API_KEY, or with --api-key");
    require(settings.adminKey() == null || !settings.adminKey().equals(settings.apiKey()), "--admin-key must not be the --api-key: whoever may ask could change the adapters");
    return settings;
  }

  private static String blank(String key) {
    return key == null || key.isBlank() ? null : key.strip();
  }

  private String name() {
    return modelName != null ? modelName : model.model.getFileName().toString().replaceFirst("\\.gguf$", "");
  }

  private Map<String, Path> named() {
    Map<String, Path> named = new LinkedHashMap<>();
    for (String given : adapters) {
      int at = given.indexOf('=');
      require(at > 0 && at + 1 < given.length(), "--adapter " + given + " must be NAME=FILE, such as sft=run/adapter.gguf");
      String adapter = given.substring(0, at);
      require(ServedModel.isName(adapter), "--adapter " + given + ": a name must be letters, digits and ._:/@+-, at most 128");
      require(!adapter.equals(name()) && named.put(adapter, Path.of(given.substring(at + 1))) == null, "--adapter " + given + ": the name " + adapter + " is taken; choose another");
    }
    return named;
  }

  private static void require(boolean ok, String message) {
    if (!ok) {
      throw CliException.usage(message);
    }
  }
}
