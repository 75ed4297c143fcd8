package dev.graft.eval.bench;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.RandomModel;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model a bench measures: a file, or one of random weights that it makes and keeps; a picocli {@code @Mixin}. */
final class BenchModelFlags {
  @Option(names = "--model", paramLabel = "FILE", description = "The GGUF to measure. Default: one of random weights, see --shape.")
  Path model;

  @Option(names = "--shape", paramLabel = "NAME",
      description = "Makes a model of this shape (see 'graft bench make-model --help') and keeps it under ~/.cache/graft/bench. Default: 1b.")
  String shape;

  @Option(names = "--type", paramLabel = "TYPE", description = "Weight type of that model. Default: Q4_K_M.")
  String type;

  /** Refuses flags that contradict each other. */
  void check() {
    if (model != null && (shape != null || type != null)) {
      throw CliException.usage("--model is a model already; leave --shape and --type out, or leave out --model");
    }
  }

  /** Refuses a number that is too small. */
  static void atLeast(String flag, int value, int least) {
    if (value < least) {
      throw CliException.usage(flag + " " + value + " is too small; give at least " + least);
    }
  }

  /** The model asked for, or that of the shape and type, made when it isn't there yet. */
  Path file(CommonOptions common) throws IOException {
    if (model != null) {
      return model;
    }
    String name = shape == null ? "1b" : shape;
    RandomModel random = ModelShape.named(name).withMix(type == null ? "Q4_K_M" : type).withSeed(common.seed());
    String cache = System.getenv("XDG_CACHE_HOME");
    Path folder = (cache == null || cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache)).resolve("graft").resolve("bench");
    Files.createDirectories(folder);
    Path file = folder.resolve(name + "-" + random.mix() + "-seed" + random.seed() + "-" + GraftRuntime.nativeVersion() + ".gguf");
    if (!Files.exists(file)) {
      common.note("writing " + file);
      random.write(file);
    }
    return file;
  }
}
