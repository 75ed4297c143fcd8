package dev.graft.eval.quickstart;

import dev.graft.eval.process.Stage;
import java.nio.file.Path;
import java.util.List;

/**
 * The stages of the quickstart, in order. Everything lies in one folder.
 *
 * @param folder that holds everything  @param seed of data, adapter and order
 */
public record Stages(Path folder, long seed) {
  /** The notes. */
  public Path data() {
    return folder.resolve("data");
  }

  /** The demo base. */
  public Path base() {
    return folder.resolve("base.gguf");
  }

  /** The predictions and their metrics. */
  public Path judged() {
    return folder.resolve("judged");
  }

  /** The adapter of a training stage, "sft" or "dpo". */
  public Path adapter(String name) {
    return folder.resolve(name).resolve("adapter.gguf");
  }

  /** All, in order. */
  public List<Stage> all() {
    String seed = Long.toString(this.seed);
    String sft = data().resolve("sft").toString();
    String dpo = data().resolve("dpo").toString();
    return List.of(
        new Stage("Data: 800 synthetic notes of patients with white cells in the urine; an infection, or not", "data",
            List.of("data", "make", "uti", "--seed", seed, "--output", data().toString(), "--overwrite"), data().resolve("manifest.json")),
        new Stage("SFT: a LoRA adapter on the quantized base, from 300 notes and their answers", "sft",
            List.of("sft", "--model", base().toString(), "--data", sft + "/train.jsonl", "--eval-data", sft + "/eval.jsonl", "--output", folder.resolve("sft").toString(), "--resume",
                "--seed", seed, "--epochs", "12", "--batch-size", "8", "--learning-rate", "1e-3", "--lr-scheduler", "cosine", "--warmup-steps", "10", "--lora-rank", "16",
                "--micro-batch-tokens", "2048", "--load-best"), adapter("sft")),
        new Stage("DPO: on from there, from the right and the wrong answer to each note", "dpo",
            List.of("dpo", "--model", base().toString(), "--data", dpo + "/train.jsonl", "--eval-data", dpo + "/eval.jsonl", "--init-adapter", adapter("sft").toString(), "--output",
                folder.resolve("dpo").toString(), "--resume", "--seed", seed, "--epochs", "2", "--batch-size", "8", "--learning-rate", "1e-4", "--lr-scheduler", "cosine",
                "--warmup-steps", "10", "--beta", "0.1", "--micro-batch-tokens", "2048", "--load-best"), adapter("dpo")),
        new Stage("Test: base, SFT and DPO answer 200 notes that none of them has seen", "eval",
            List.of("eval", "--model", base().toString(), "--adapter", "sft=" + adapter("sft"), "--adapter", "dpo=" + adapter("dpo"), "--data", sft + "/test.jsonl", "--labels",
                "UTI,No UTI", "--positive", "UTI", "--max-tokens", "8", "--parallel", "48", "--output", judged().toString(), "--resume"), judged().resolve("metrics.json")));
  }
}
