#include <immintrin.h>

#include "peak.h"

float gk_fma_chains_avx512(int64_t rounds) {
  __m512 chain[GK_FMA_CHAINS];
  for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = _mm512_set1_ps((float)i);
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (int64_t r = 0; r < rounds; r++)
    for (int u = 0; u < GK_FMA_UNROLL; u++) {
#pragma GCC unroll 12
      for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = _mm512_fmadd_ps(chain[i], x, y);
      /* Each chain stays a chain: the compiler may not merge or hoist them. */
      __asm__ volatile("" : "+v"(chain[0]), "+v"(chain[1]), "+v"(chain[2]), "+v"(chain[3]), "+v"(chain[4]), "+v"(chain[5]));
    }
  float lanes[16], sum = 0;
  for (int i = 0; i < GK_FMA_CHAINS; i++) {
    _mm512_storeu_ps(lanes, chain[i]);
    for (int j = 0; j < 16; j++) sum += lanes[j];
  }
  return sum;
}
