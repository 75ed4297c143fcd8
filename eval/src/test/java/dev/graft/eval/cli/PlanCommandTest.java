package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Golden GOLDEN = Golden.of("llama_q4_k_m");
  private static final Golden FLOATS = Golden.of("llama_f32");
  @TempDir Path folder;

  private static JsonNode plan(Path data, Object... more) throws Exception {
    return plan(GOLDEN, data, more);
  }

  private static JsonNode plan(Golden golden, Path data, Object... more) throws Exception {
    List<Object> args = new ArrayList<>(List.of("plan", "--model", golden.model(), "--data", data, "--quiet", "--json", "--flops-per-second", 1e9));
    args.addAll(List.of(more));
    return JSON.readTree(Cli.run(args.toArray()).ok().out());
  }

  private static JsonNode method(JsonNode plan, String name) {
    for (JsonNode method : plan.path("methods")) {
      if (method.path("name").asText().equals(name)) {
        return method;
      }
    }
    throw new AssertionError(name + " is not in " + plan);
  }

  /** Rows and pairs counted one by one from the file. */
  @Test
  void countsThePairsOfTheFile() throws Exception {
    long shared = 0;
    long apart = 0;
    long sft = 0;
    long targets = 0;
    long pairs = 0;
    for (JsonNode row : Golden.lines(GOLDEN.dpo())) {
      int p = row.path("prompt_ids").size();
      int c = row.path("chosen_ids").size();
      int r = row.path("rejected_ids").size();
      shared += p + c - 1 + r - 1;
      apart += p + c - 1 + p + r - 1;
      sft += p + c - 1;
      targets += c + r;
      for (int i = 1; i <= p; i++) {
        pairs += i;
      }
      for (int i = 1; i < c; i++) {
        pairs += p + i;
      }
      for (int i = 1; i < r; i++) {
        pairs += p + i;
      }
    }
    JsonNode plan = plan(GOLDEN.dpo(), "--max-steps", 14, "--batch-size", 2);
    assertThat(plan.path("methods").size()).isEqualTo(5);
    JsonNode chosen = method(plan, "dpo, shared prompts, cached reference");
    assertThat(chosen.path("chosen").asBoolean()).isTrue();
    assertThat(chosen.path("computed_tokens_per_epoch").asLong()).isEqualTo(shared);
    assertThat(chosen.path("head_rows_per_epoch").asLong()).isEqualTo(targets);
    assertThat(chosen.path("attention_pairs_per_epoch").asLong()).isEqualTo(pairs);
    assertThat(method(plan, "dpo, two sequences, online reference").path("computed_tokens_per_epoch").asLong()).isEqualTo(apart);
    assertThat(method(plan, "sft").path("computed_tokens_per_epoch").asLong()).isEqualTo(sft);
    assertThat(method(plan, "sft").path("ratio_to_sft").asDouble()).isEqualTo(1);
    assertThat(plan.path("epochs").asDouble()).isEqualTo(4);
    double flops = chosen.path("flops_per_epoch").asDouble();
    assertThat(chosen.path("flops_per_step").asDouble()).isCloseTo(flops * 2 / 7, within(1e-3));
    assertThat(chosen.path("seconds_per_epoch").asDouble()).isCloseTo(flops / 1e9, within(1e-9));
    assertThat(chosen.path("seconds_total").asDouble()).isCloseTo((4 * flops + chosen.path("flops_once").asDouble()) / 1e9, within(1e-9));
    JsonNode online = method(plan, "dpo, shared prompts, online reference");
    assertThat(online.path("flops_per_epoch").asDouble()).isCloseTo(flops + chosen.path("flops_once").asDouble(), within(1e-3));
    assertThat(online.path("memory").path("reference_bytes").asLong()).isPositive();
    assertThat(plan.path("advice").isArray()).isTrue();
  }

  /** What is planned is what the run itself announces, and does. */
  @ParameterizedTest
  @CsvSource({
    "sft,", "sft,--lora-dropout=0.2 --eval-steps=2", "dpo,", "dpo,--reference=online --no-prefix-sharing", "dpo,--loss=kto", "dpo,--loss=kto --reference=online --max-length=30 --lora-dropout=0.1", "sft,--full",
    "dpo,--full --reference=online"
  })
  void agreesWithTheRun(String command, String more) throws Exception {
    Golden golden = more != null && more.contains("--full") ? FLOATS : GOLDEN;
    Path data = command.equals("sft") ? golden.sft() : golden.dpo();
    List<Object> flags = new ArrayList<>(List.of("--max-steps", 5, "--batch-size", 3, "--micro-batch-tokens", 64, "--lora-rank", 8, "--lora-targets", "attn_q,ffn_down", "--eval-data", data));
    if (more != null) {
      flags.addAll(List.of(more.split(" ")));
    }
    List<Object> args = new ArrayList<>(List.of(command, "--model", golden.model(), "--data", data, "--output", folder, "--quiet"));
    args.addAll(flags);
    Cli.run(args.toArray()).ok();
    JsonNode run = JSON.readTree(folder.resolve("config.json").toFile()).path("plan");
    flags.addAll(List.of("--method", command));
    JsonNode plan = plan(golden, data, flags.toArray());
    JsonNode method = method(plan, plan.path("chosen").asText());
    assertThat(plan.path("methods").size()).isEqualTo(command.equals("sft") ? 1 : plan.path("kind").asText().equals("unpaired") ? 2 : 4);
    assertThat(plan.path("rows")).isEqualTo(run.path("rows"));
    assertThat(plan.path("steps")).isEqualTo(run.path("steps"));
    assertThat(plan.path("trainable_parameters")).isEqualTo(run.path("trainable_parameters"));
    assertThat(method.path("micro_batch_tokens")).isEqualTo(run.path("max_tokens"));
    assertThat(method.path("prompt_tokens_per_epoch").asLong() + method.path("completion_tokens_per_epoch").asLong()).isEqualTo(run.path("tokens").asLong());
    JsonNode memory = method.path("memory");
    assertThat(memory.path("session_bytes").asLong() + memory.path("adapter_and_optimizer_bytes").asLong() + memory.path("reference_bytes").asLong())
        .isEqualTo(run.path("training_bytes").asLong());
    assertThat(memory.path("model_file_bytes")).isEqualTo(run.path("model_bytes"));
    long evaluations = Golden.lines(folder.resolve("metrics.jsonl")).stream().filter(line -> line.has("eval_loss")).count();
    assertThat(method.path("evaluations").asLong()).isEqualTo(evaluations).isPositive();
    assertThat(method.path("seconds_total").asDouble()).isCloseTo(method.path("flops_total").asDouble() / 1e9, within(1e-9));
  }

  @Test
  void plansKtoOnRowsAndOnPairsThatCountTwice() throws Exception {
    JsonNode plan = plan(GOLDEN.dpo(), "--loss", "kto", "--eval-data", GOLDEN.dpo(), "--max-steps", 14, "--batch-size", 2);
    assertThat(plan.path("kind").asText()).isEqualTo("unpaired");
    assertThat(plan.path("rows").asInt()).isEqualTo(14);
    assertThat(plan.path("chosen").asText()).isEqualTo("kto, cached reference");
    JsonNode cached = method(plan, "kto, cached reference");
    JsonNode online = method(plan, "kto, online reference");
    double kl = cached.path("flops_per_epoch_by_part").path("kl_estimate").asDouble();
    assertThat(kl).isPositive();
    assertThat(online.path("flops_per_epoch").asDouble()).isGreaterThan(cached.path("flops_per_epoch").asDouble() + kl);
    assertThat(cached.path("flops_once").asDouble()).isPositive();
    assertThat(cached.path("ratio_to_sft").isNull()).isTrue();
    Cli.Result table = Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--loss", "kto", "--eval-data", GOLDEN.dpo(), "--flops-per-second", 1e9, "--quiet").ok();
    assertThat(table.out()).contains("14 labelled rows", "* kto, cached reference", "evaluation", "3 times on 14 rows");
    assertThat(Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--loss", "kto", "--quiet").fails(3).err()).contains("label");
  }

  @Test
  void flagsOfDpoChoose() throws Exception {
    assertThat(plan(GOLDEN.dpo(), "--reference", "online", "--no-prefix-sharing", "--beta", 0.3).path("chosen").asText()).isEqualTo("dpo, two sequences, online reference");
    assertThat(plan(GOLDEN.dpo(), "--loss", "simpo").path("chosen").asText()).isEqualTo("dpo, shared prompts, no reference");
    assertThat(plan(GOLDEN.dpo(), "--method", "sft").path("chosen").asText()).isEqualTo("sft");
    assertThat(plan(GOLDEN.dpo(), "--method", "dpo").path("methods").size()).isEqualTo(4);
    assertThat(plan(GOLDEN.dpo(), "--output", folder.resolve("never")).path("chosen").asText()).startsWith("dpo");
    assertThat(folder.resolve("never")).doesNotExist();
  }

  @Test
  void printsATableFromAMeasuredSpeed() {
    Cli.Result result = Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--threads", 1).ok();
    assertThat(result.out()).contains("* dpo, shared prompts, cached reference", "measured on", "adapter and optimizer", "available", "7 pairs");
    assertThat(result.err()).contains("measuring");
  }

  /** Gradients of all weights are one more product, and the optimizer has all of them. */
  @Test
  void plansAllWeights() throws Exception {
    JsonNode plan = plan(FLOATS, FLOATS.sft(), "--full");
    JsonNode adapter = plan(FLOATS, FLOATS.sft());
    double forward = method(plan, "sft").path("flops_per_epoch_by_part").path("forward").asDouble();
    assertThat(method(plan, "sft").path("flops_per_epoch").asDouble()).isCloseTo(method(adapter, "sft").path("flops_per_epoch").asDouble() + forward, within(1e-3));
    assertThat(method(plan, "sft").path("memory").path("adapter_and_optimizer_bytes").asLong()).isEqualTo(16 * plan.path("trainable_parameters").asLong());
    assertThat(Cli.run("plan", "--model", FLOATS.model(), "--data", FLOATS.sft(), "--full", "--flops-per-second", 1e9, "--quiet").ok().out())
        .contains("all weights, ", "weights and optimizer");
    assertThat(Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--full", "--quiet").fails(2).err()).contains("F32, F16 or BF16");
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThat(Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--method", "dpo", "--quiet").fails(3).err()).contains(":1: ");
    Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--method", "ppo").fails(2);
    Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--reference", "sometimes").fails(2);
    Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--loss", "unheard").fails(2);
    Cli.run("plan", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--flops-per-second", 0).fails(2);
    Cli.run("plan", "--data", GOLDEN.dpo()).fails(2);
  }
}
