package dev.graft.bindings;

import java.util.Objects;

/**
 * The shape of a new LoRA adapter (Hu et al. 2021, arXiv:2106.09685).
 *
 * @param rank of every pair
 * @param alpha numerator of the scale
 * @param rslora scale alpha / sqrt(rank) (Kalajdzievski 2023, arXiv:2312.03732) instead of alpha / rank
 * @param targets "all-linear", or a comma-separated list of attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down
 * @param seed of the A matrices; the B matrices are zero
 */
public record LoraSpec(int rank, float alpha, boolean rslora, String targets, long seed) {
  /** @throws NullPointerException when targets is null */
  public LoraSpec {
    Objects.requireNonNull(targets, "targets");
  }
}
