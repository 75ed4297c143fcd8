package dev.graft.bindings;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A model of a given shape with random weights, for benches and tests, or to be pretrained.
 *
 * @param architecture "llama", "qwen2" or "qwen3"
 * @param layers blocks
 * @param width model width
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headWidth width of a head; 0 means width / heads
 * @param feedForward feed-forward width
 * @param vocabularySize entries of the vocabulary; that of {@code vocabulary} wins
 * @param contextLength tokens
 * @param tied whether the embedding serves as output too
 * @param mix a type name ("F32", "Q8_0", ...) or "Q4_K_M"
 * @param vocabulary a GGUF whose tokenizer is copied, or null for byte tokens plus filler
 * @param seed of the weights
 */
public record RandomModel(String architecture, int layers, int width, int heads, int kvHeads, int headWidth, int feedForward, int vocabularySize,
    int contextLength, boolean tied, String mix, Path vocabulary, long seed) {

  /** @throws NullPointerException when architecture or mix is null */
  public RandomModel {
    Objects.requireNonNull(architecture, "architecture");
    Objects.requireNonNull(mix, "mix");
  }

  /** A llama of a few hundred thousand parameters, in F32. */
  public static RandomModel tiny() {
    return new RandomModel("llama", 2, 64, 4, 2, 0, 128, 320, 256, false, "F32", null, 1);
  }

  /** The same with other weight types. */
  public RandomModel withMix(String value) {
    return new RandomModel(architecture, layers, width, heads, kvHeads, headWidth, feedForward, vocabularySize, contextLength, tied, value, vocabulary, seed);
  }

  /** The same with another architecture. */
  public RandomModel withArchitecture(String value) {
    return new RandomModel(value, layers, width, heads, kvHeads, headWidth, feedForward, vocabularySize, contextLength, tied, mix, vocabulary, seed);
  }

  /** The same with the tokenizer of another file, or none. */
  public RandomModel withVocabulary(Path value) {
    return new RandomModel(architecture, layers, width, heads, kvHeads, headWidth, feedForward, vocabularySize, contextLength, tied, mix, value, seed);
  }

  /** The same with another seed. */
  public RandomModel withSeed(long value) {
    return new RandomModel(architecture, layers, width, heads, kvHeads, headWidth, feedForward, vocabularySize, contextLength, tied, mix, vocabulary, value);
  }

  /**
   * Writes the file for benches and tests, whole or not at all.
   *
   * @throws UsageException when the shape is not one that the architecture or the types allow
   * @throws GraftIoException when the file cannot be written
   */
  public void write(Path path) {
    write(path, 0, 0, null);
  }

  /**
   * Writes the file as the start of pretraining, whole or not at all: norms 1, biases 0, matrices around 0.
   *
   * @param deviation of the matrices, above 0; those that end in the residual stream get less, see graft.h
   * @param ropeBase of the rotation, or 0 for the architecture's own
   * @param name of the model, or null
   * @throws UsageException when the shape is not one that the architecture or the types allow
   * @throws GraftIoException when the file cannot be written
   */
  public void writeInitial(Path path, float deviation, float ropeBase, String name) {
    if (!(deviation > 0)) {
      throw new UsageException("a deviation of " + deviation + " for the weights must be above 0; about 0.02 is usual");
    }
    write(path, deviation, ropeBase, name);
  }

  private void write(Path path, float deviation, float ropeBase, String name) {
    Objects.requireNonNull(path, "path");
    GraftLibrary.require();
    String tokenizer = vocabulary == null ? null : Calls.path(vocabulary);
    Calls.run((m, n) -> GraftLibrary.graft_write_random_model(Calls.path(path), architecture, layers, width, heads, kvHeads, headWidth, feedForward,
        vocabularySize, contextLength, tied ? 1 : 0, mix, tokenizer, seed, deviation, ropeBase, name, m, n));
  }
}
