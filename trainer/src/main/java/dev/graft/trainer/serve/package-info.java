/** Answers many requests at once, each with its own adapters, sampling and constraint, on one base. */
package dev.graft.trainer.serve;
