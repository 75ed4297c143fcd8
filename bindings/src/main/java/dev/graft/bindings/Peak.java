package dev.graft.bindings;

/**
 * What the device was measured to do at most.
 *
 * @param fmaFlops FLOP/s of f32 fused multiply-adds over all threads (two for each); on a GPU of a product of bf16 matrices of 8192 x 8192
 * @param copyBytes memory copy bandwidth in bytes/s, read and written bytes both counted
 * @param readBytes read bandwidth over all threads in bytes/s
 */
public record Peak(double fmaFlops, double copyBytes, double readBytes) {}
