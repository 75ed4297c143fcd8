package dev.graft.trainer.plan;

/**
 * Floating point operations, a multiply-add counted as two.
 *
 * @param forward products with the weights, forward
 * @param backward products with the weights, backward: dx = dy·W only, since the base is frozen; and what it computes again
 * @param forwardAttention scores and values  @param backwardAttention their derivatives
 */
public record Flops(double forward, double backward, double forwardAttention, double backwardAttention) {
  /** None. */
  public static final Flops NONE = new Flops(0, 0, 0, 0);

  /** Everything of the forward pass. */
  public double allForward() {
    return forward + forwardAttention;
  }

  /** Everything of the backward pass. */
  public double allBackward() {
    return backward + backwardAttention;
  }

  /** All of it. */
  public double total() {
    return allForward() + allBackward();
  }

  /** Both. */
  public Flops plus(Flops other) {
    return new Flops(forward + other.forward, backward + other.backward, forwardAttention + other.forwardAttention, backwardAttention + other.backwardAttention);
  }

  /** So many times. */
  public Flops times(double count) {
    return new Flops(forward * count, backward * count, forwardAttention * count, backwardAttention * count);
  }
}
