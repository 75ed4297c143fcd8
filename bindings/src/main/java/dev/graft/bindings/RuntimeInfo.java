package dev.graft.bindings;

import java.util.List;

/**
 * What a runtime computes on.
 *
 * @param device "cpu" or "cuda"
 * @param isa the instruction set in use: "ref", "avx2", "avx512", "amx", "neon"
 * @param threads worker threads, the caller's included
 * @param isas instruction sets that this machine could use
 * @param describe one line for people
 */
public record RuntimeInfo(String device, String isa, int threads, List<String> isas, String describe) {}
