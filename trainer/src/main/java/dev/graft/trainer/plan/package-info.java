/** What a run will cost, before it runs: tokens, floating point operations, memory and time. */
package dev.graft.trainer.plan;
