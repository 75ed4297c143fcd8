/* Rotary position embedding, plainly, angles in double. docs/rope.md */
#include <math.h>

#include "internal.h"

gk_status gk_rope_ref(gk_backend *b, const gk_rope *r, float *x, const int32_t *positions, int64_t t, int64_t heads,
                      int64_t head_width, int32_t direction) {
  (void)b;
  int32_t half = r->rotary / 2;
  for (int64_t i = 0; i < t; i++) {
    for (int32_t p = 0; p < half; p++) {
      double angle = (double)positions[i] * (double)r->inv_freq[p];
      double c = cos(angle) * r->magnitude, s = sin(angle) * r->magnitude * direction;
      for (int64_t h = 0; h < heads; h++) {
        float *head = x + (i * heads + h) * head_width;
        float *u = head + (r->layout == GK_ROPE_NEOX ? p : 2 * p);
        float *v = r->layout == GK_ROPE_NEOX ? u + half : u + 1;
        double a = *u, d = *v;
        *u = (float)(a * c - d * s);
        *v = (float)(d * c + a * s);
      }
    }
  }
  return GK_OK;
}
