/**
 * Training runs: how rows become steps, schedules, checkpoints and resuming, metrics, memory checks. {@link
 * dev.graft.trainer.run.TrainingRun} is the entrance, {@link
 * dev.graft.trainer.run.Task} what differs between supervised fine-tuning and preferences.
 */
package dev.graft.trainer.run;
