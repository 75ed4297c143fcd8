package dev.graft.trainer.serve;

/**
 * What an engine is doing and has done.
 *
 * @param waiting requests not begun  @param active requests at work
 * @param cacheTokens tokens in the cache, of requests at work and kept for reuse  @param cacheCapacity tokens that it holds
 * @param promptTokens computed since the start  @param reusedTokens of prompts that were in the cache already  @param answerTokens generated since the start
 */
public record EngineStatus(int waiting, int active, long cacheTokens, long cacheCapacity, long promptTokens, long reusedTokens, long answerTokens) {}
