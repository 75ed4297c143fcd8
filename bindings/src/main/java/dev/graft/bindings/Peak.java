package dev.graft.bindings;

/**
 * What the device was measured to do at most.
 *
 * @param fmaFlops f32 fused multiply-adds over all threads, in FLOP/s (two for each)
 * @param copyBytes memory copy bandwidth in bytes/s, read and written bytes both counted
 * @param readBytes read bandwidth over all threads in bytes/s
 */
public record Peak(double fmaFlops, double copyBytes, double readBytes) {}
