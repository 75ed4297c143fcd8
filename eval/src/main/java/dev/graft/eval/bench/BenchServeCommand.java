package dev.graft.eval.bench;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.eval.bench.ServeBench.Load;
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
      "Where other programs compute too, give --threads 1: llama.cpp's threads wait for each other after every operation."
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

  @Override
  public Integer call() throws IOException, InterruptedException {
    check();
    Path folder = Files.createTempDirectory("graft-bench-serve-");
    try {
      Path file = on.file(common);
      Map<String, Path> all = makeAdapters(file, folder);
      Map<String, Path> one = new LinkedHashMap<>();
      all.entrySet().stream().limit(1).forEach(entry -> one.put(entry.getKey(), entry.getValue()));
      Map<String, Load> loads = new LinkedHashMap<>();
      Double ratio = null;
      if (engine.equals(ServedEngine.LLAMA)) {
        loads.put("llama.cpp, one adapter", measure(file, ServedEngine.LLAMA, one, List.copyOf(one.keySet())));
      } else {
        List<String> models = new ArrayList<>(List.of(BASE));
        models.addAll(all.keySet());
        loads.put("native, base and " + all.size() + " adapters", measure(file, ServedEngine.NATIVE, all, models));
      }
      if (peer != null) {
        Load ours = measure(file, ServedEngine.NATIVE, one, List.copyOf(one.keySet()));
        Load theirs = measure(file, ServedEngine.LLAMA, one, List.copyOf(one.keySet()));
        loads.put("native, one adapter", ours);
        loads.put("llama.cpp, one adapter", theirs);
        ratio = ours.tokensPerSecond() / theirs.tokensPerSecond();
      }
      if (common.json()) {
        common.printJson(ServeBenchReport.json(loads, ratio));
      } else {
        ServeBenchReport.print(loads, ratio, common.out());
      }
    } finally {
      delete(folder);
    }
    return 0;
  }

  private void check() {
    BenchModelFlags.atLeast("--clients", clients, 1);
    BenchModelFlags.atLeast("--prompt", prompt, 1);
    BenchModelFlags.atLeast("--answer", answer, 1);
    BenchModelFlags.atLeast("--rounds", rounds, 1);
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
    ServedEngine options = new ServedEngine(file, "none", with, clients, clients, prompt + answer, (long) clients * (prompt + answer + PAGE), CacheType.F32, common.threads());
    try (ServeServer server = ServeServer.listen(ServeSettings.local().withParallel(clients));
        ServedModel served = options.open(BASE, adapted, common::openRuntime, common::note)) {
      server.ready(served);
      URI root = URI.create("http://127.0.0.1:" + server.port());
      ServeBench.Settings settings = new ServeBench.Settings(clients, prompt, answer, rounds, vocabulary.size(), vocabulary.endOfGeneration(), common.seed());
      new ServeBench(new ServeBench.Settings(1, 2, 2, models.size(), vocabulary.size(), vocabulary.endOfGeneration(), -common.seed())).run(root, models); // warms up
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
