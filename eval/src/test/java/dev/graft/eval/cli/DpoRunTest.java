package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Preference runs: resuming, the reference's cache, losses that couple the rows of a step, unpaired rows. */
class DpoRunTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");

  @TempDir Path folder;

  private static Object[] flags(Path output, Object... more) {
    List<Object> flags = new ArrayList<>(
        List.of("dpo", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--eval-data", GOLDEN.dpo(), "--eval-steps", 2, "--init-adapter", GOLDEN.adapter(), "--output",
            output, "--batch-size", 3, "--learning-rate", 0.002, "--save-steps", 2, "--save-total-limit", 0, "--max-steps", 4));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  private static List<JsonNode> withoutTimes(Path run) {
    List<JsonNode> lines = Golden.lines(run.resolve("metrics.jsonl"));
    lines.forEach(line -> ((ObjectNode) line).remove(List.of("seconds", "tokens_per_second", "eval_seconds")));
    return lines;
  }

  /** bco_pair carries a running mean from step to step; kto has rows of its own; with dropout random numbers go on too. */
  @ParameterizedTest
  @CsvSource({"sigmoid,0.1", "bco_pair,0", "kto,0", "simpo,0"})
  void resumingGivesTheBitsOfAnUnbrokenRun(String loss, double dropout) throws IOException {
    Path whole = folder.resolve("a/run");
    Path broken = folder.resolve("b/run");
    Object[] more = {"--loss", loss, "--lora-dropout", dropout, "--quiet"};
    Cli.run(flags(whole, more)).ok();
    Cli.run(flags(broken, more)).ok();
    Files.delete(broken.resolve("adapter.gguf"));
    for (String file : new String[] {"trainer.state", "adapter.gguf", "state.json", ""}) {
      Files.delete(broken.resolve("checkpoints/step-4").resolve(file));
    }
    Object[] resumed = Arrays.copyOf(more, more.length + 1);
    resumed[more.length] = "--resume";
    Cli.run(flags(broken, resumed)).ok();
    assertThat(withoutTimes(broken)).isEqualTo(withoutTimes(whole));
    for (String file : new String[] {"adapter.gguf", "best/adapter.gguf", "checkpoints/step-4/trainer.state"}) {
      assertThat(broken.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
    if (!loss.equals("simpo")) {
      assertThat(broken.resolve("reference-train.bin")).hasSameBinaryContentAs(whole.resolve("reference-train.bin"));
    }
    assertThat(whole.resolve("reference-train.bin").toFile().exists()).isEqualTo(!loss.equals("simpo"));
  }

  @Test
  void aDamagedOrStaleReferenceIsSaidAndComputedAgain() throws IOException {
    Path run = folder.resolve("run");
    Cli.run(flags(run)).ok();
    Path reference = run.resolve("reference-train.bin");
    byte[] good = Files.readAllBytes(reference);
    List<JsonNode> lines = withoutTimes(run);
    assertThat(Cli.run(flags(run, "--overwrite")).ok().err()).containsOnlyOnce("reference-train.bin: the reference's log-probabilities are reused");
    byte[] bad = good.clone();
    bad[bad.length - 40] ^= 1;
    Files.write(reference, bad);
    assertThat(Cli.run(flags(run, "--overwrite")).ok().err()).contains("reference-train.bin: the reference's log-probabilities are damaged (checksum); computing them again");
    assertThat(reference).hasBinaryContent(good);
    assertThat(withoutTimes(run)).isEqualTo(lines);
    Files.write(reference, Arrays.copyOf(good, 100));
    assertThat(Cli.run(flags(run, "--resume")).ok().err()).contains("reference-train.bin: the reference's log-probabilities are damaged");
    assertThat(reference).hasBinaryContent(good);
    assertThat(Cli.run(flags(run, "--overwrite", "--no-prefix-sharing")).ok().err()).contains("stale (another prefix sharing)");
    assertThat(Cli.run(flags(run, "--overwrite", "--max-length", 12, "--no-prefix-sharing")).ok().err()).contains("stale (other rows)");
  }

  @Test
  void runsShareACacheFolder() {
    Path cache = folder.resolve("cache");
    assertThat(Cli.run(flags(folder.resolve("a"), "--reference-cache", cache)).ok().err()).containsOnlyOnce("reused");
    assertThat(cache.toFile().list()).hasSize(1); // the evaluation's rows are those of the training here
    assertThat(Cli.run(flags(folder.resolve("b"), "--reference-cache", cache, "--beta", 0.3)).ok().err()).contains("reused");
    Cli.run(flags(folder.resolve("c"), "--reference-cache", cache, "--reference-adapter", GOLDEN.adapter())).ok();
    assertThat(cache.toFile().list()).hasSize(1); // the same adapter, however it is named
    Cli.run("dpo", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--output", folder.resolve("d"), "--reference-cache", cache, "--max-steps", 1, "--quiet").ok();
    assertThat(cache.toFile().list()).hasSize(2); // the bare base
  }

  /** The reference that was given, not the adapter that the policy starts from. */
  @Test
  void theReferenceIsTheOneGiven() {
    Path own = folder.resolve("own");
    Path base = folder.resolve("base");
    Cli.run(flags(own, "--quiet")).ok();
    Cli.run("dpo", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--output", base, "--reference-adapter", GOLDEN.adapter(), "--quiet", "--max-steps", 1).ok();
    assertThat(Golden.lines(own.resolve("metrics.jsonl")).get(0).path("loss").asDouble()).isCloseTo(Math.log(2), within(1e-6));
    JsonNode line = Golden.lines(base.resolve("metrics.jsonl")).get(0);
    assertThat(Math.abs(line.path("rewards/chosen").asDouble())).isGreaterThan(1e-3);
    assertThat(own.resolve("reference-train.bin")).hasSameBinaryContentAs(base.resolve("reference-train.bin"));
  }

  /** Small micro-batches: what couples the rows of a step, and what does not, gives the same. */
  @ParameterizedTest
  @ValueSource(strings = {"sigmoid", "ipo", "bco_pair", "aot", "simpo", "orpo", "kto", "sigmoid --wpo", "bco_pair --wpo"})
  void microBatchesDoNotMatter(String loss) {
    Path large = folder.resolve("large");
    Path small = folder.resolve("small");
    List<Object> more = new ArrayList<>(List.of("--quiet", "--gradient-accumulation", 2, "--isa", "avx2", "--loss"));
    more.addAll(List.of(loss.split(" ")));
    Cli.run(flags(large, more.toArray())).ok();
    more.addAll(List.of("--micro-batch-tokens", 1));
    Cli.run(flags(small, more.toArray())).ok();
    List<JsonNode> a = Golden.lines(large.resolve("metrics.jsonl"));
    List<JsonNode> b = Golden.lines(small.resolve("metrics.jsonl"));
    assertThat(a).hasSameSizeAs(b);
    for (int i = 0; i < a.size(); i++) {
      for (String field : new String[] {"loss", "grad_norm", "rewards/margins", "logits/chosen", "logits/rejected", "eval_loss", "eval_rewards/margins", "eval_logits/chosen",
          "eval_logits/rejected"}) {
        double value = a.get(i).path(field).asDouble();
        assertThat(b.get(i).path(field).asDouble(Double.NaN)).as("%s in line %d", field, i).satisfiesAnyOf(
            v -> assertThat(v).isCloseTo(value, within(1e-5 + 1e-4 * Math.abs(value))), v -> assertThat(v).isNaN());
        assertThat(b.get(i).has(field)).isEqualTo(a.get(i).has(field));
      }
    }
    double first = a.get(0).path("loss").asDouble();
    assertThat(a.get(a.size() - 2).path("loss").asDouble()).as("falls").isLessThan(first);
  }

  /** One answer's tokens, and of each the mean logit of its distribution and log Σ p²: each answer in a batch of its own. */
  private record Answer(float[] logps, float[] meanLogits, double[] logSquares) {
    static Answer of(Model model, TrainingSession session, int[] prompt, int[] answer) {
      int[] inputs = Arrays.copyOf(prompt, prompt.length + answer.length - 1);
      System.arraycopy(answer, 0, inputs, prompt.length, answer.length - 1);
      double[] logSquares = new double[answer.length];
      PackedBatch.Builder tokens = new PackedBatch.Builder().statistics();
      tokens.addSegment(-1, inputs);
      for (int i = 0; i < answer.length; i++) {
        tokens.addTarget(0, prompt.length - 1 + i, answer[i]);
        PackedBatch.Builder all = new PackedBatch.Builder();
        all.addSegment(-1, inputs);
        for (int id = 0; id < model.info().vocabulary(); id++) {
          all.addTarget(0, prompt.length - 1 + i, id);
        }
        try (PackedBatch batch = all.build()) {
          session.forward(batch, false);
          for (float logp : batch.logps()) {
            logSquares[i] += Math.exp(2.0 * logp);
          }
          logSquares[i] = Math.log(logSquares[i]);
        }
      }
      try (PackedBatch batch = tokens.build()) {
        session.forward(batch, false);
        return new Answer(batch.logps(), batch.meanLogits(), logSquares);
      }
    }

    double aligned() {
      double sum = 0;
      for (int i = 0; i < logps.length; i++) {
        sum += logps[i] - logSquares[i];
      }
      return sum / logps.length;
    }
  }

  private static int[] ids(JsonNode row, String field) {
    int[] ids = new int[row.path(field).size()];
    Arrays.setAll(ids, i -> row.path(field).path(i).asInt());
    return ids;
  }

  /** The first step of a run, whose policy is the reference, from the answers' distributions: TRL's logits, and WPO's weight times log 2. */
  @Test
  void logitsAndWeightsAreThoseOfTheAnswers() {
    double[] logits = new double[2];
    int[] tokens = new int[2];
    double weights = 0;
    List<JsonNode> rows = Golden.lines(GOLDEN.dpo()).subList(0, 3);
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
        Model model = Model.open(runtime, GOLDEN.model());
        Adapter adapter = Adapter.open(model, GOLDEN.adapter());
        TrainingSession session = TrainingSession.open(model, adapter, SessionOptions.scoring(256, model.info().vocabulary()))) {
      for (JsonNode row : rows) {
        double log = 0;
        for (int k = 0; k < 2; k++) {
          Answer answer = Answer.of(model, session, ids(row, "prompt_ids"), ids(row, k == 0 ? "chosen_ids" : "rejected_ids"));
          for (float logit : answer.meanLogits) {
            logits[k] += logit;
          }
          tokens[k] += answer.logps.length;
          log += answer.aligned();
        }
        weights += Math.min(1, Math.exp(log)) / rows.size();
      }
    }
    Cli.run(flags(folder.resolve("wpo"), "--wpo", "--no-shuffle", "--micro-batch-tokens", 40, "--quiet")).ok();
    JsonNode line = Golden.lines(folder.resolve("wpo/metrics.jsonl")).get(0);
    assertThat(line.path("logits/chosen").asDouble(Double.NaN)).isCloseTo(logits[0] / tokens[0], within(1e-5 * (1 + Math.abs(logits[0]) / tokens[0])));
    assertThat(line.path("logits/rejected").asDouble(Double.NaN)).isCloseTo(logits[1] / tokens[1], within(1e-5 * (1 + Math.abs(logits[1]) / tokens[1])));
    assertThat(weights).isLessThan(0.99);
    assertThat(line.path("loss").asDouble(Double.NaN)).isCloseTo(Math.log(2) * weights, within(1e-4));
  }

  @Test
  void unpairedRowsTrain() throws IOException {
    List<String> rows = new ArrayList<>();
    for (JsonNode row : Golden.lines(GOLDEN.dpo())) {
      rows.add("{\"prompt_ids\":" + row.path("prompt_ids") + ",\"completion_ids\":" + row.path("chosen_ids") + ",\"label\":true}");
      rows.add("{\"prompt_ids\":" + row.path("prompt_ids") + ",\"completion_ids\":" + row.path("rejected_ids") + ",\"label\":false}");
    }
    Path data = Files.write(folder.resolve("rows.jsonl"), rows);
    Path split = folder.resolve("split");
    Path labelled = folder.resolve("labelled");
    Object[] more = {"--loss", "kto", "--quiet", "--no-shuffle"};
    Cli.run(flags(split, more)).ok();
    Object[] flags = flags(labelled, more);
    flags[4] = data;
    Cli.run(flags).ok();
    List<JsonNode> lines = withoutTimes(labelled);
    assertThat(lines).isEqualTo(withoutTimes(split)); // pairs are two such rows each
    assertThat(lines.get(0).path("loss").asDouble()).isCloseTo(0.5, within(1e-6));
    assertThat(lines.get(0).path("kl").asDouble(Double.NaN)).isCloseTo(0, within(1e-4));
  }
}
