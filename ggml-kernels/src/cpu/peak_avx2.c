#include <immintrin.h>

#include "peak.h"

float gk_fma_chains_avx2(int64_t rounds) {
  __m256 chain[GK_FMA_CHAINS];
  for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = _mm256_set1_ps((float)i);
  const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (int64_t r = 0; r < rounds; r++)
    for (int u = 0; u < GK_FMA_UNROLL; u++) {
#pragma GCC unroll 12
      for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = _mm256_fmadd_ps(chain[i], x, y);
      /* Each chain stays a chain: the compiler may not merge or hoist them. */
      __asm__ volatile("" : "+x"(chain[0]), "+x"(chain[1]), "+x"(chain[2]), "+x"(chain[3]), "+x"(chain[4]), "+x"(chain[5]));
    }
  float lanes[8], sum = 0;
  for (int i = 0; i < GK_FMA_CHAINS; i++) {
    _mm256_storeu_ps(lanes, chain[i]);
    for (int j = 0; j < 8; j++) sum += lanes[j];
  }
  return sum;
}
