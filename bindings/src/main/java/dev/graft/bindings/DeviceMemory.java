package dev.graft.bindings;

/**
 * A GPU's memory, in bytes.
 *
 * @param used by this runtime: weights, tensors, scratch
 * @param peak the most that were used since the runtime was opened
 * @param free for anybody now
 * @param total all there is
 */
public record DeviceMemory(long used, long peak, long free, long total) {}
