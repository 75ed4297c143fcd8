/* Inverted dropout, plainly. The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). docs/dropout.md
 */
#include "internal.h"
#include "philox.h"

gk_status gk_dropout_ref(gk_backend *b, const float *x, float p, uint64_t seed, uint64_t stream, int64_t n, float *y,
                         int32_t accumulate) {
  (void)b;
  uint64_t drop_below = gk_dropout_threshold(p);
  float keep_scale = gk_dropout_scale(p);
  uint32_t word[4] = {0, 0, 0, 0};
  for (int64_t i = 0; i < n; i++) {
    if (i % 4 == 0) gk_philox(seed, stream, (uint64_t)i / 4, word);
    float d = word[i % 4] >= drop_below ? x[i] * keep_scale : 0;
    y[i] = accumulate ? y[i] + d : d;
  }
  return GK_OK;
}
