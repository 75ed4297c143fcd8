package dev.graft.eval.bench;

import dev.graft.bindings.ModelInfo;

/**
 * Floating point operations that one training step needs, a multiply-add counted as two.
 *
 * <p>With N weights used for a token, a forward pass takes 2N for each token, and the backward pass through frozen weights 2N more
 * (dx = dy·W; no dW). The output head counts for rows with a target only. Attention is counted apart: in each layer every query looks
 * at itself and what is before it, 4·heads·headWidth for each such pair forward (scores and values) and twice that backward. The
 * adapter's own products, norms, activations, and what recomputing repeats are not counted.
 *
 * @param forward products with the weights
 * @param backward products with the weights
 * @param attention forward and backward
 */
record StepFlops(double forward, double backward, double attention) {
  static StepFlops of(ModelInfo model, int rows, int sequence) {
    double head = 2.0 * model.vocabulary() * model.width();
    double tokens = (double) rows * sequence;
    double targets = rows * (sequence - 1.0);
    double products = (model.flopsPerToken() - head) * tokens + head * targets;
    double pairs = rows * (sequence * (sequence + 1.0) / 2);
    double attention = 3 * 4.0 * model.heads() * model.headWidth() * pairs * model.layers();
    return new StepFlops(products, products, attention);
  }

  /** Products with the weights, both passes. */
  double compute() {
    return forward + backward;
  }
}
