package dev.graft.trainer.generate;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.ModelInfo;
import dev.graft.bindings.Sampling;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunException;
import java.util.List;

/**
 * How answers are generated.
 *
 * @param sampling temperature 0 is greedy
 * @param seed with the prompt's index it determines an answer's random numbers, whatever runs beside it
 * @param stop texts that end an answer and are not part of it
 * @param sequences most answers generated at once
 */
public record GenerateOptions(Sampling sampling, long seed, List<String> stop, int sequences) {
  /** @throws RunException when a value is out of range */
  public GenerateOptions {
    require(sampling.temperature() >= 0 && Float.isFinite(sampling.temperature()), "--temperature " + sampling.temperature() + " must be 0 (greedy) or more");
    require(sampling.topK() >= 0, "--top-k " + sampling.topK() + " must be 0 (off) or more");
    require(sampling.topP() > 0 && sampling.topP() <= 1, "--top-p " + sampling.topP() + " must be above 0 and at most 1 (off)");
    require(sampling.minP() >= 0 && sampling.minP() < 1, "--min-p " + sampling.minP() + " must be at least 0 (off) and below 1");
    require(sequences >= 1 && sequences <= 4096, "--parallel " + sequences + " must be from 1 to 4096");
    require(stop.stream().noneMatch(String::isEmpty), "--stop '' is empty; give the text that ends an answer");
    stop = List.copyOf(stop);
  }

  /**
   * The same, with fewer answers at once when the cache would not fit into memory otherwise.
   *
   * @param context tokens of each answer with its prompt  @param runtime where they are to be computed
   * @throws RunException when not even one fits
   */
  public GenerateOptions withRoomFor(ModelInfo model, int context, GraftRuntime runtime) {
    long perSequence = 2L * Float.BYTES * model.layers() * model.kvHeads() * model.headWidth() * context;
    long available = MemoryCheck.require(runtime, model.fileBytes(), perSequence, "a lower --max-tokens or shorter prompts would help");
    long room = Math.max(perSequence, (available - model.fileBytes()) / 2);
    int fitting = available == 0 ? sequences : (int) Math.max(1, Math.min(sequences, room / perSequence));
    return new GenerateOptions(sampling, seed, stop, fitting);
  }

  private static void require(boolean ok, String message) {
    if (!ok) {
      throw RunException.usage(message);
    }
  }
}
