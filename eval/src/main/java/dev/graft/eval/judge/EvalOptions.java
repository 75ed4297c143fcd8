package dev.graft.eval.judge;

import dev.graft.eval.task.Task;
import dev.graft.trainer.generate.GenerateOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What to judge and how.
 *
 * @param model the base  @param systems who answers  @param data the test rows  @param output folder of the results
 * @param task whose outcomes answers are judged by; empty where labels and positive say it
 * @param labels that answers are read as, or empty for exact answers  @param positive the label for F1 and its kin, or null
 * @param judge which judge model grades, with all that its grades follow from; empty for none
 * @param maxTokens most tokens of an answer  @param template of text prompts  @param generate how answers are made
 * @param llama whether llama.cpp answers instead of our own engine  @param threads for llama.cpp, 0 for its choice
 * @param resume goes on with what is in the folder  @param overwrite replaces it
 */
public record EvalOptions(Path model, List<EvalSystem> systems, Path data, Path output, Optional<Task> task, List<String> labels, String positive, String judge, int maxTokens, String template,
    GenerateOptions generate, boolean llama, int threads, boolean resume, boolean overwrite) {}
