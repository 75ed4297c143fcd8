package dev.graft.eval.bench;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.eval.bench.ServeBench.Load;
import dev.graft.eval.bench.ServeBench.UnfinishedException;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import dev.graft.eval.serve.ServeServer;
import dev.graft.eval.serve.ServeSettings;
import dev.graft.eval.serve.ServedEngine;
import dev.graft.eval.serve.ServedModel;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench serve}: what a server writes for many clients, beside java-llama.cpp's if asked, in one run. */
@Command(
    name = "serve",
    description = "Lets many clients ask a server on this machine, of the base and several adapters, and prints tokens/s and what the clients waited.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft bench serve --shape 1b --type Q4_K_M                      16 clients, prompts of 256 tokens, answers of 64, base + 3 adapters",
      "  graft bench serve --model model.gguf --peer llama.cpp --json    the same on java-llama.cpp too, with one adapter, and the ratio",
      "",
      "first: from asking to the first text; next: between two pieces of text. Prompts are random and never twice the same; no answer ends early.",
      "Both sides get the same prompts, lengths, adapter and threads. With --peer the exit code is 1 when java-llama.cpp does not finish within --limit."
    })
public final class BenchServeCommand implements Callable<Integer> {
  private static final String BASE = "base";

  /** More than the tokens of a cache's page, so that the last page of each answer has room too. */
  private static final int PAGE = 64;

  @Mixin CommonOptions common;
  @Mixin BenchModelFlags on;

  @Option(names = "--clients", paramLabel = "N", defaultValue = "16", description = "Clients at once. Default: ${DEFAULT-VALUE}.")
  int clients;

  @Option(names = "--prompt", paramLabel = "N", defaultValue = "256", description = "Tokens of a prompt. Default: ${DEFAULT-VALUE}.")
  int prompt;

  @Option(names = "--answer", paramLabel = "N", defaultValue = "64", description = "Tokens of an answer. Default: ${DEFAULT-VALUE}.")
  int answer;

  @Option(names = "--rounds", paramLabel = "N", defaultValue = "1", description = "Requests of each client. Default: ${DEFAULT-VALUE}.")
  int rounds;

  @Option(names = "--adapters", paramLabel = "N", defaultValue = "3", description = "Adapters beside the base. Default: ${DEFAULT-VALUE}.")
  int adapters;

  @Option(names = {"--rank", "--lora-rank"}, paramLabel = "N", defaultValue = "16", description = "Rank of the adapters. Default: ${DEFAULT-VALUE}.")
  int rank;

  @Option(names = "--engine", paramLabel = "native|llama.cpp", defaultValue = "native", description = "What is measured; llama.cpp has one adapter. Default: ${DEFAULT-VALUE}.")
  String engine;

  @Option(names = "--peer", paramLabel = "llama.cpp", description = "Measures java-llama.cpp too, with one adapter, and our own engine with that one. Default: none.")
  String peer;

  @Option(names = "--peer-slots", paramLabel = "N", description = "Answers that llama.cpp writes at once; the other clients wait. Default: as many as clients.")
  Integer peerSlots;

  @Option(names = "--repeats", paramLabel = "N", defaultValue = "1", description = "Rounds of both sides in turn, with --peer; the best of each counts. Default: ${DEFAULT-VALUE}.")
  int repeats;

  @Option(names = "--limit", paramLabel = "SECONDS", defaultValue = "900", description = "Most time for one load; a peer that takes longer is reported. Default: ${DEFAULT-VALUE}.")
  int limit;

  private int threads;

  @Override
  public Integer call() throws IOException, InterruptedException {
    check();
    Path folder = Files.createTempDirectory("graft-bench-serve-");
    try {
      Path file = on.file(common);
      Map<String, Path> all = makeAdapters(file, folder);
      Map<String, Path> one = new LinkedHashMap<>();
      all.entrySet().stream().limit(1).forEach(entry -> one.put(entry.getKey(), entry.getValue()));
      ServeComparison result = new ServeComparison(clients, threads, slots());
      if (engine.equals(ServedEngine.LLAMA)) {
        result.add(ServeComparison.PEER, measure(file, ServedEngine.LLAMA, one, List.copyOf(one.keySet())));
      } else {
        List<String> models = new ArrayList<>(List.of(BASE));
        models.addAll(all.keySet());
        result.add("native, base and " + all.size() + " adapters", measure(file, ServedEngine.NATIVE, all, models));
      }
      if (peer != null) {
        compare(file, one, result);
      }
      if (common.json()) {
        common.printJson(ServeBenchReport.json(result));
      } else {
        ServeBenchReport.print(result, common.out());
      }
      return result.unfinished() == null ? 0 : 1;
    } finally {
      delete(folder);
    }
  }

  private void compare(Path file, Map<String, Path> adapter, ServeComparison result) throws IOException, InterruptedException {
    List<String> models = List.copyOf(adapter.keySet());
    for (int i = 0; i < repeats && result.unfinished() == null; i++) {
      result.add(ServeComparison.OURS, measure(file, ServedEngine.NATIVE, adapter, models));
      try {
        result.add(ServeComparison.PEER, measure(file, ServedEngine.LLAMA, adapter, models));
      } catch (UnfinishedException e) {
        result.unfinished(e);
        common.note("llama.cpp did not finish: " + e.getMessage() + "; give a longer --limit, fewer --clients or --peer-slots");
      }
    }
  }

  private int slots() {
    return peerSlots == null ? clients : Math.min(peerSlots, clients);
  }

  private void check() {
    BenchModelFlags.atLeast("--clients", clients, 1);
    BenchModelFlags.atLeast("--prompt", prompt, 1);
    BenchModelFlags.atLeast("--answer", answer, 1);
    BenchModelFlags.atLeast("--rounds", rounds, 1);
    BenchModelFlags.atLeast("--repeats", repeats, 1);
    BenchModelFlags.atLeast("--limit", limit, 1);
    BenchModelFlags.atLeast("--peer-slots", slots(), 1);
    BenchModelFlags.atLeast("--adapters", adapters, peer != null || engine.equals(ServedEngine.LLAMA) ? 1 : 0);
    on.check();
    if (!engine.equals(ServedEngine.NATIVE) && !engine.equals(ServedEngine.LLAMA)) {
      throw CliException.usage("--engine " + engine + " is not known; give native or llama.cpp");
    } else if (peer != null && (!peer.equals("llama.cpp") || engine.equals(ServedEngine.LLAMA))) {
      throw CliException.usage("--peer " + peer + ": the one peer is llama.cpp, and it goes with --engine native");
    }
  }

  private Map<String, Path> makeAdapters(Path file, Path folder) {
    Map<String, Path> made = new LinkedHashMap<>();
    try (GraftRuntime runtime = common.openRuntime();
        Model base = Model.open(runtime, file)) {
      threads = runtime.info().threads(); // llama.cpp's own choice may be another
      for (int i = 1; i <= adapters; i++) {
        Path path = folder.resolve("adapter" + i + ".gguf");
        try (Adapter adapter = Adapter.create(base, new LoraSpec(rank, 2f * rank, false, "all-linear", common.seed() + i))) {
          adapter.save(path, "adapter" + i);
        }
        made.put("adapter" + i, path);
      }
    }
    return made;
  }

  private Load measure(Path file, String with, Map<String, Path> adapted, List<String> models) throws IOException, InterruptedException {
    Vocabulary vocabulary = Vocabulary.read(file);
    boolean ours = with.equals(ServedEngine.NATIVE);
    ServedEngine options = new ServedEngine(file, "none", with, ours ? clients : slots(), clients, prompt + answer, (long) clients * (prompt + answer + PAGE), CacheType.F32, threads);
    try (ServeServer server = ServeServer.listen(ServeSettings.local().withParallel(clients));
        ServedModel served = options.open(BASE, adapted, common::openRuntime, common::note)) {
      server.ready(served);
      URI root = URI.create("http://127.0.0.1:" + server.port());
      ServeBench.Settings settings =
          new ServeBench.Settings(clients, prompt, answer, rounds, vocabulary.size(), vocabulary.endOfGeneration(), common.seed(), ours, Duration.ofSeconds(limit));
      new ServeBench(settings.warmUp(models.size())).run(root, models);
      Load load = new ServeBench(settings).run(root, models);
      common.note(String.format(Locale.ROOT, "%s, %s: %d requests in %.1f s, %.2f tokens/s", with, String.join("+", models), load.requests(), load.seconds(), load.tokensPerSecond()));
      server.close();
      return load;
    }
  }

  private static void delete(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}
