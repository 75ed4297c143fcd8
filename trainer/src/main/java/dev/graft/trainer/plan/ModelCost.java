package dev.graft.trainer.plan;

import dev.graft.bindings.ModelInfo;

/**
 * Operations that a model's passes need. With N weights used for a token a forward pass takes 2N, and the backward pass through
 * frozen weights 2N more. The head counts for rows with a target only. Attention takes 4·heads·headWidth for each pair of query and
 * key in each layer forward (scores and values), and twice that backward. The adapter's own products, norms and activations are not
 * counted: a rank of 16 adds about 2%.
 *
 * @param row of one token through all blocks, one direction
 * @param head of one target through the output head, one direction
 * @param pair of one query and one key in all layers and heads, forward
 * @param down what of a row is the last product of each block, whose result no backward reads
 */
public record ModelCost(double row, double head, double pair, double down) {
  /** The costs of a model. */
  public static ModelCost of(ModelInfo model) {
    double head = 2.0 * model.vocabulary() * model.width();
    return new ModelCost(model.flopsPerToken() - head, head, 4.0 * model.heads() * model.headWidth() * model.layers(), 2.0 * model.width() * model.feedForward() * model.layers());
  }

  /** Log-probabilities only. */
  public Flops score(BatchShape shape) {
    return new Flops(row * shape.rows() + head * shape.targets(), 0, pair * shape.pairs(), 0);
  }

  /** Forward and backward. @param recompute the backward computes each block again, but for its last product */
  public Flops train(BatchShape shape, boolean recompute) {
    double products = row * shape.rows() + head * shape.targets();
    double attention = pair * shape.pairs();
    return new Flops(products, products + (recompute ? (row - down) * shape.rows() : 0), attention, (recompute ? 3 : 2) * attention);
  }
}
