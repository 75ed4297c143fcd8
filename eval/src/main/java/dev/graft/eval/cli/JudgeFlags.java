package dev.graft.eval.cli;

import dev.graft.bindings.BadFileException;
import dev.graft.eval.grade.likert.EndpointJudge;
import dev.graft.eval.grade.likert.EndpointOptions;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.eval.grade.likert.LlamaJudge;
import dev.graft.eval.grade.likert.LocalOptions;
import dev.graft.eval.grade.likert.NativeJudge;
import dev.graft.eval.grade.likert.Rubric;
import dev.graft.trainer.run.FileHash;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Which judge model grades, and how it is asked; a picocli {@code @Mixin}. */
final class JudgeFlags {
  private static final String DEFAULT_KEY = "OPENAI_API_KEY";

  @Option(names = "--judge-url", paramLabel = "URL", description = "An OpenAI-compatible endpoint, such as https://api.openai.com/v1. Default: none, the judge is a local file.")
  String url;

  @Option(names = "--judge-model", paramLabel = "NAME|M.gguf", description = "The judge: a model's name at --judge-url, or without one a GGUF file. Default: none.")
  String model;

  @Option(names = "--judge-key-env", paramLabel = "VARIABLE", description = "Environment variable that holds the endpoint's key, which is never written down. Default: OPENAI_API_KEY, where it is set.")
  String keyVariable;

  @Option(names = "--judge-prompt", paramLabel = "FILE", description = "What the judge is asked, with {prompt}, {gold}, {answer} and {rubric}. Default: the one that comes with Graft.")
  Path prompt;

  @Option(names = "--judge-rubric", paramLabel = "TEXT", description = "What to look for in this task, put in place of {rubric}. Default: none.")
  String rubric;

  @Option(names = "--judge-cache", paramLabel = "FILE", description = "Keeps every grade as soon as it is given, by the hash of judge and question. Default: beside --output.")
  Path cache;

  @Option(names = "--judge-retries", paramLabel = "N", defaultValue = "6", description = "Tries after the first where the endpoint is busy, away or slow. Default: ${DEFAULT-VALUE}.")
  int retries;

  @Option(names = "--judge-backoff", paramLabel = "SECONDS", defaultValue = "1", description = "Wait before the first of them; it doubles each time, to a minute at most. Default: ${DEFAULT-VALUE}.")
  double backoff;

  @Option(names = "--judge-timeout", paramLabel = "SECONDS", defaultValue = "120", description = "Most time for one request. Default: ${DEFAULT-VALUE}.")
  double timeout;

  @Option(names = "--judge-parallel", paramLabel = "N", defaultValue = "4", description = "Requests at a time. Default: ${DEFAULT-VALUE}.")
  int parallel;

  @Option(names = "--judge-max-tokens", paramLabel = "N", defaultValue = "64", description = "Most tokens of an endpoint's reply; models that think first need hundreds. Default: ${DEFAULT-VALUE}.")
  int maxTokens;

  @Option(
      names = "--judge-engine",
      paramLabel = "auto|native|llama.cpp",
      defaultValue = "auto",
      description = "What runs a local judge: our own engine, or java-llama.cpp in a child process; auto takes ours where it knows the model. Default: ${DEFAULT-VALUE}.")
  String engine;

  @Option(names = "--judge-template", paramLabel = "auto|none|NAME|FILE", defaultValue = "auto", description = "Chat template of a local judge. Default: ${DEFAULT-VALUE}.")
  String template;

  /** Whether any judge is named. */
  boolean given() {
    return model != null || url != null;
  }

  /** Refuses flags that make no sense. */
  void check() {
    if (model == null) {
      throw CliException.usage("the grader 'likert' needs --judge-model: a GGUF file, or with --judge-url a model's name");
    } else if (retries < 0 || retries > 100) {
      throw CliException.usage("--judge-retries " + retries + " must be from 0 to 100");
    } else if (!(backoff >= 0.001 && backoff <= 3600)) {
      throw CliException.usage("--judge-backoff " + backoff + " must be from 0.001 to 3600 seconds");
    } else if (!(timeout >= 0.01 && timeout <= 86_400)) {
      throw CliException.usage("--judge-timeout " + timeout + " must be from 0.01 to 86400 seconds");
    } else if (parallel < 1 || parallel > 256) {
      throw CliException.usage("--judge-parallel " + parallel + " must be from 1 to 256");
    } else if (maxTokens < 1) {
      throw CliException.usage("--judge-max-tokens " + maxTokens + " must be at least 1");
    } else if (!engine.equals("auto") && !engine.equals("native") && !engine.equals("llama.cpp")) {
      throw CliException.usage("--judge-engine " + engine + " is not known; give auto, native or llama.cpp");
    } else if (url == null && !Files.exists(Path.of(model))) {
      throw CliException.usage("--judge-model " + model + ": no such file; give a GGUF, or the endpoint's address with --judge-url");
    }
    if (url != null) {
      EndpointOptions.address(url);
      key();
    }
  }

  Rubric rubric() {
    return prompt == null ? Rubric.shipped(rubric) : Rubric.of(prompt, rubric);
  }

  /** The same for a task. @param own the task's rubric, or null; a flag wins */
  Rubric rubric(String own) {
    String text = rubric != null ? rubric : own;
    return prompt == null ? Rubric.shipped(text) : Rubric.of(prompt, text);
  }

  /** Which judge this is, and all that its grades follow from but the task's rubric. */
  String identity() {
    return (url != null ? url + " " + model : Path.of(model).toAbsolutePath().normalize() + " " + engine + " " + template) + (prompt == null ? "" : " asked with " + FileHash.start(prompt).get())
        + (rubric == null ? "" : " rubric " + rubric);
  }

  /** The same flags, for another command. */
  List<String> arguments() {
    List<String> flags = new ArrayList<>(List.of("--judge-model", url == null ? Path.of(model).toAbsolutePath().toString() : model, "--judge-retries", "" + retries, "--judge-backoff", "" + backoff,
        "--judge-timeout", "" + timeout, "--judge-parallel", "" + parallel, "--judge-max-tokens", "" + maxTokens, "--judge-engine", engine, "--judge-template", template));
    add(flags, "--judge-url", url);
    add(flags, "--judge-key-env", keyVariable);
    add(flags, "--judge-prompt", prompt);
    add(flags, "--judge-rubric", rubric);
    add(flags, "--judge-cache", cache);
    return flags;
  }

  private static void add(List<String> flags, String name, Object value) {
    if (value != null) {
      flags.add(name);
      flags.add(value instanceof Path path ? path.toAbsolutePath().toString() : value.toString());
    }
  }

  /** The judge; the caller closes it. */
  LikertJudge open(CommonOptions common) {
    if (url != null) {
      return new EndpointJudge(new EndpointOptions(EndpointOptions.address(url), model, key(), retries, seconds(timeout), parallel, maxTokens, seconds(backoff)));
    }
    LocalOptions local = new LocalOptions(Path.of(model), template, common.threads(), 2048);
    if (engine.equals("llama.cpp")) {
      return new LlamaJudge(local);
    }
    try {
      return new NativeJudge(local, common.openRuntime());
    } catch (BadFileException e) {
      if (engine.equals("native") || !String.valueOf(e.getMessage()).contains("is not supported")) {
        throw e;
      }
      common.note(e.getMessage() + ": llama.cpp runs the judge instead");
      return new LlamaJudge(local);
    }
  }

  private static Duration seconds(double value) {
    return Duration.ofMillis(Math.max(1, Math.round(value * 1000)));
  }

  /** The key, or null where none is set. Its value is in no message. */
  private String key() {
    String value = System.getenv(keyVariable == null ? DEFAULT_KEY : keyVariable);
    if (value == null || value.isBlank()) {
      if (keyVariable != null) {
        throw CliException.usage("--judge-key-env " + keyVariable + ": the environment has no such variable, or it is empty; set it");
      }
      return null;
    }
    String key = value.strip();
    if (!key.chars().allMatch(c -> c > 32 && c < 127)) {
      throw CliException.usage("the key in " + (keyVariable == null ? DEFAULT_KEY : keyVariable) + " holds characters that no header may have; set it again");
    }
    return key;
  }
}
