// Random weights, made directly as blocks of any type.
#pragma once
#include <cstdint>

#include "gguf_writer.h"

namespace graft {

// Gives the sink `elements` random weights of `type` (a whole number of blocks), dequantizing to mean `mean` and standard deviation `deviation`.
// Quants and sub-block scales are uniform random bits, so every bit pattern of them occurs; the super-block scales are set so that the deviation
// comes out right, with random signs or a matching minimum so that the mean is 0. mean != 0 is for F32, F16 and BF16 only.
// The same seed gives the same bytes on every machine. 64 KiB of memory.
void fill_random(gk_type type, int64_t elements, uint64_t seed, double mean, double deviation, const GgufWriter::Sink &sink);

// A seed for the tensor of this name in a model of that seed.
uint64_t seed_of(int64_t seed, std::string_view name);

}  // namespace graft
