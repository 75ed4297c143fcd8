/**
 * Training runs: how rows become steps, schedules, checkpoints and resuming, metrics, memory checks. {@link
 * dev.graft.trainer.run.SftRun} is the entrance.
 */
package dev.graft.trainer.run;
