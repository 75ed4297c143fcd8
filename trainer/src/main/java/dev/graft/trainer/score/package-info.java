/** Log-probabilities of completions, in forward-only batches. */
package dev.graft.trainer.score;
