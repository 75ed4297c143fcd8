package dev.graft.trainer.serve;

import dev.graft.bindings.CacheType;
import dev.graft.bindings.GeneratorOptions;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.ModelInfo;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunException;

/**
 * The size of a {@link NativeAnswerEngine}.
 *
 * @param sequences most answers at once
 * @param context most tokens of a prompt with its answer
 * @param cacheTokens tokens in the cache, of all answers together and kept for reuse
 * @param cacheType how they are stored
 * @param passRows most tokens computed together
 * @param promptRows most tokens of prompts computed while other answers wait for their next token
 * @param queue most requests that wait
 */
public record EngineOptions(int sequences, int context, long cacheTokens, CacheType cacheType, int passRows, int promptRows, int queue) {
  /** A context can be no larger than the cache. @throws dev.graft.trainer.run.RunException when a number is out of range */
  public EngineOptions {
    require(sequences >= 1 && sequences <= 4096, "1 to 4096 answers at once, not " + sequences);
    require(context >= 1 && cacheTokens >= 1, "a context of " + context + " tokens and a cache of " + cacheTokens + " must both be at least 1");
    require(passRows >= 1 && promptRows >= 1, "a pass of " + passRows + " tokens with " + promptRows + " of prompts: both must be at least 1");
    require(queue >= 0, "a queue of " + queue + " requests must be 0 or more");
    context = (int) Math.min(context, cacheTokens);
  }

  /** What suits most: 16 answers at once of up to 4096 tokens, four of that length in the cache, in F32; 64 may wait. */
  public static EngineOptions of(ModelInfo model) {
    int context = model.contextLength() > 0 ? Math.min(model.contextLength(), 4096) : 4096;
    return new EngineOptions(16, context, 4L * context, CacheType.F32, 512, 128, 64);
  }

  /**
   * The same with a smaller cache when it would take more than half of the memory that is left.
   *
   * @param runtime where it is to run
   * @throws dev.graft.trainer.run.RunException when not even an eighth of the context fits
   */
  public EngineOptions withRoomFor(ModelInfo model, GraftRuntime runtime) {
    long perToken = cacheType.bytesPerToken(model);
    long available = MemoryCheck.require(runtime, model.fileBytes(), perToken * Math.max(1, context / 8), "a smaller context or cache type would help");
    long room = Math.max(context / 8, (available - model.fileBytes()) / 2 / perToken);
    return available == 0 || room >= cacheTokens ? this : new EngineOptions(sequences, context, Math.max(1, room), cacheType, passRows, promptRows, queue);
  }

  private static void require(boolean ok, String message) {
    if (!ok) {
      throw RunException.usage(message);
    }
  }

  GeneratorOptions generator() {
    return new GeneratorOptions(sequences, context, cacheTokens, cacheType, Math.max(passRows, sequences + 1));
  }
}
