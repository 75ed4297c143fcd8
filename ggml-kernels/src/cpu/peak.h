/* Chains of independent multiply-adds with every operand in a register: `rounds` times gk_fma_flops_<isa> operations. */
#ifndef GRAFT_PEAK_H
#define GRAFT_PEAK_H
#include <stdint.h>

enum { GK_FMA_CHAINS = 12, GK_FMA_UNROLL = 8 };
/* Returns a sum of the chains, so that nothing is optimized away. */
float gk_fma_chains_ref(int64_t rounds);
float gk_fma_chains_avx2(int64_t rounds);
float gk_fma_chains_avx512(int64_t rounds);

#endif
