package dev.graft.eval.grade.likert;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.Packer;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import dev.graft.trainer.score.PairBatches;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A local model that our own engine runs, choosing among "1" to "5": the grade is the one of highest probability as the reply's beginning,
 * the expected grade the mean under the five probabilities. A question is computed once for all five. Greedy, so the same model always gives
 * the same grades. One thread.
 */
public final class NativeJudge implements LikertJudge {
  private static final int GRADES = 5;

  private final LocalOptions options;
  private final GraftRuntime runtime;
  private final Model model;
  private final RowSource source;
  private final String identity;

  /** Takes over the runtime, also when it throws. @throws dev.graft.bindings.BadFileException when our engine does not know the model */
  public NativeJudge(LocalOptions options, GraftRuntime runtime) {
    this.options = options;
    this.runtime = runtime;
    try {
      FileHash hash = FileHash.start(options.model());
      this.model = Model.open(runtime, options.model());
      this.source = RowSource.open(options.model(), model.info().vocabulary(), options.template());
      this.identity = "native sha256=" + hash.get() + " template=" + source.template().map(t -> t.name() + " " + GradeCache.key("template", t.source())).orElse("none");
    } catch (RuntimeException e) {
      runtime.close(); // with all that was opened from it
      throw e;
    }
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public void grade(List<Question> questions, Sink sink, StopRequest stop) {
    int[][] digits = digits(questions.get(0).text());
    List<Integer> places = new ArrayList<>();
    List<int[]> prompts = new ArrayList<>();
    int longest = Arrays.stream(digits).mapToInt(d -> d.length).max().orElse(1);
    for (int i = 0; i < questions.size(); i++) {
      int[] prompt = source.prompt(questions.get(i).text());
      if (model.info().contextLength() > 0 && prompt.length + longest > model.info().contextLength()) {
        sink.ungraded(i, "the question has " + prompt.length + " tokens, more than the judge's context of " + model.info().contextLength());
      } else {
        places.add(i);
        prompts.add(prompt);
      }
    }
    if (!places.isEmpty()) {
      choose(prompts, digits, places, sink, stop);
    }
  }

  private void choose(List<int[]> prompts, int[][] digits, List<Integer> places, Sink sink, StopRequest stop) {
    int[] inputs = prompts.stream().mapToInt(prompt -> PairBatches.inputsTogether(prompt, digits)).toArray();
    int targets = Arrays.stream(digits).mapToInt(d -> d.length).sum();
    List<int[]> plan = Packer.inOrder(inputs, options.batchTokens());
    long most = plan.stream().mapToLong(rows -> Arrays.stream(rows).mapToLong(row -> inputs[row]).sum()).max().orElse(1);
    long rows = plan.stream().mapToLong(batch -> batch.length).max().orElse(1);
    SessionOptions session = SessionOptions.scoring(most, rows * targets);
    MemoryCheck.require(runtime, model.info().fileBytes(), TrainingSession.memoryBytes(model, 1, "all-linear", session), "a smaller judge, or shorter answers, would help");
    try (TrainingSession trainer = TrainingSession.open(model, null, session)) {
      for (int[] batch : plan) {
        if (stop.requested()) {
          return;
        }
        PackedBatch.Builder builder = new PackedBatch.Builder();
        for (int row : batch) {
          PairBatches.addTogether(builder, prompts.get(row), digits);
        }
        try (PackedBatch packed = builder.build()) {
          trainer.forward(packed, false);
          float[] logps = packed.logps();
          for (int i = 0; i < batch.length; i++) {
            sink.graded(places.get(batch[i]), chosen(Arrays.copyOfRange(logps, i * targets, (i + 1) * targets), digits));
          }
        }
      }
    }
  }

  /** The grade of log-probabilities of the five replies' tokens. */
  private Likert chosen(float[] logps, int[][] digits) {
    double[] sums = new double[GRADES];
    int at = 0;
    for (int g = 0; g < GRADES; g++) {
      for (int i = 0; i < digits[g].length; i++) {
        sums[g] += logps[at++];
      }
      if (!Double.isFinite(sums[g])) {
        throw RunException.badData(options.model() + ": a log-probability is not finite; the judge's weights are broken", null);
      }
    }
    return of(sums);
  }

  /** The grade of the log-probabilities of "1" to "5": the most probable (the lower of equals), and the mean. */
  static Likert of(double[] logps) {
    int best = 0;
    for (int g = 1; g < GRADES; g++) {
      best = logps[g] > logps[best] ? g : best;
    }
    double weights = 0;
    double mean = 0;
    for (int g = 0; g < GRADES; g++) {
      double weight = Math.exp(logps[g] - logps[best]);
      weights += weight;
      mean += weight * (g + 1);
    }
    return new Likert(best + 1, mean / weights, weights * Math.exp(logps[best]), null);
  }

  /**
   * The tokens that a reply of "1" to "5" begins with, as training on that reply would have them (with the space before it that SentencePiece
   * and some templates write), without the end of the turn. They are the same for all questions, which end alike.
   */
  private int[][] digits(String question) {
    try {
      Path file = Files.createTempFile("graft-judge-", ".jsonl");
      try {
        StringBuilder rows = new StringBuilder();
        for (int g = 1; g <= GRADES; g++) {
          rows.append(new com.fasterxml.jackson.databind.node.ObjectNode(com.fasterxml.jackson.databind.node.JsonNodeFactory.instance).put("prompt", question).put("completion", "" + g)).append('\n');
        }
        Files.writeString(file, rows, StandardCharsets.UTF_8);
        return digits(source.read(file, Dataset.Kind.SFT, 0, true).sft());
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int[][] digits(List<SftExample> rows) {
    int[][] replies = rows.stream().map(row -> Arrays.copyOfRange(row.tokens(), row.learnt().nextSetBit(0), row.tokens().length)).toArray(int[][]::new);
    int end = 0; // what all five end with: the end of the turn
    while (end < replies[0].length - 1 && same(replies, end)) {
      end++;
    }
    int common = end;
    int[][] digits = Arrays.stream(replies).map(reply -> Arrays.copyOf(reply, reply.length - common)).toArray(int[][]::new);
    long different = Arrays.stream(digits).map(Arrays::toString).distinct().count();
    if (different < GRADES || Arrays.stream(digits).anyMatch(d -> d.length == 0)) {
      throw RunException.badData(options.model() + ": its tokenizer does not tell the digits 1 to 5 apart, so it cannot judge; take another model", null);
    }
    return digits;
  }

  private static boolean same(int[][] replies, int end) {
    Optional<Integer> first = at(replies[0], end);
    return first.isPresent() && Arrays.stream(replies).allMatch(reply -> reply.length > end + 1 && at(reply, end).equals(first));
  }

  private static Optional<Integer> at(int[] reply, int end) {
    return reply.length > end ? Optional.of(reply[reply.length - 1 - end]) : Optional.empty();
  }

  @Override
  public void close() {
    source.close();
    model.close();
    runtime.close();
  }
}
