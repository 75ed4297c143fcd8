/**
 * Tasks that models are tuned for and judged by: what a task's YAML says ({@link dev.graft.eval.task.Task}), and the folder of rows that it is
 * made into ({@link dev.graft.eval.task.TaskData}) from a generator or from a user's file.
 */
package dev.graft.eval.task;
