package dev.graft.bindings;

/** What a {@link TrainingSession} can train: a LoRA {@link Adapter}, or all {@link Weights} of a model. */
public sealed interface Trainable extends AutoCloseable permits Adapter, Weights {
  /** Numbers that are trained. */
  long parameters();

  /**
   * Elements of a tensor.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  long elements(String tensor);

  @Override
  void close();
}
