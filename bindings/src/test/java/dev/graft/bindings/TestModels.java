package dev.graft.bindings;

import java.nio.file.Path;

/** Models that tests make for themselves. */
final class TestModels {
  private TestModels() {}

  /** A small model in F32. */
  static Path tiny(Path folder) {
    Path file = folder.resolve("tiny.gguf");
    RandomModel.tiny().write(file);
    return file;
  }

  /** A batch of one segment whose tokens after the first are its targets. */
  static PackedBatch batch(int... tokens) {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    builder.addSegment(-1, tokens);
    for (int i = 1; i < tokens.length; i++) {
      builder.addTarget(0, i - 1, tokens[i]);
    }
    return builder.build();
  }
}
