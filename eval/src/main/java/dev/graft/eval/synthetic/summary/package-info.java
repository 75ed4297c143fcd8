/** Discharge notes from structured facts, their summaries, worse summaries, and checklists that tell them apart. */
package dev.graft.eval.synthetic.summary;
