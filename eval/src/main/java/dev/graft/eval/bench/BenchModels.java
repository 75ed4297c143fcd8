package dev.graft.eval.bench;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.RandomModel;
import dev.graft.eval.cli.CommonOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models of random weights that benches make for themselves and keep. */
final class BenchModels {
  private BenchModels() {}

  /**
   * The model of a shape and weight type, made when it isn't there yet.
   *
   * @param shape null: 1b  @param type null: Q4_K_M
   */
  static Path made(String shape, String type, CommonOptions common) throws IOException {
    String name = shape == null ? "1b" : shape;
    RandomModel model = ModelShape.named(name).withMix(type == null ? "Q4_K_M" : type).withSeed(common.seed());
    String cache = System.getenv("XDG_CACHE_HOME");
    Path folder = (cache == null || cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache)).resolve("graft").resolve("bench");
    Files.createDirectories(folder);
    Path file = folder.resolve(name + "-" + model.mix() + "-seed" + model.seed() + "-" + GraftRuntime.nativeVersion() + ".gguf");
    if (!Files.exists(file)) {
      common.note("writing " + file);
      model.write(file);
    }
    return file;
  }
}
