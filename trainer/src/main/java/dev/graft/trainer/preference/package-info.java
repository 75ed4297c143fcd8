/**
 * Learning from preferences: DPO (Rafailov et al. 2023, arXiv:2305.18290) and its kin over packed pairs that share their prompt, with the
 * reference's log-probabilities computed once and kept. {@link dev.graft.trainer.preference.DpoRun} is the entrance.
 */
package dev.graft.trainer.preference;
