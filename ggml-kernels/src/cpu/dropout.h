/* Inverted dropout for one isa; see vec.h. docs/dropout.md
 *
 * One Philox block is four elements. VW blocks are made at once, word c of the block in lane l in r[c]. The block of
 * lane 4L + i is i * VW/4 + L, so that transposing the 4x4 matrices inside each 128-bit lane leaves r[i] holding the
 * words of VW consecutive elements. */
#include "philox.h"
#include "vec.h"

typedef struct dropout_job {
  const float *x;
  float *y;
  uint64_t seed, stream;
  uint32_t threshold;
  float keep_scale;
  int all_dropped;       /* p == 1: the threshold does not fit 32 bits */
  int32_t accumulate;
} dropout_job;

GK_INLINE void philox_words(const dropout_job *j, uint64_t block, vu r[4]) {
  uint32_t low[VW];
  for (int l = 0; l < VW; l++) low[l] = (uint32_t)((l % 4) * (VW / 4) + l / 4);
  /* no carry: block is a multiple of VW */
  vu c0 = vu_add(vu_load(low), vu_set((uint32_t)block)), c1 = vu_set((uint32_t)(block >> 32)), c2 = vu_set((uint32_t)j->stream), c3 = vu_set((uint32_t)(j->stream >> 32));
  uint32_t k0 = (uint32_t)j->seed, k1 = (uint32_t)(j->seed >> 32);
  vu m0 = vu_set(GK_PHILOX_M0), m1 = vu_set(GK_PHILOX_M1);
  GK_UNROLL
  for (int i = 0; i < GK_PHILOX_ROUNDS; i++) {
    vu low0, high0, low1, high1;
    vu_mul_wide(c0, m0, &low0, &high0);
    vu_mul_wide(c2, m1, &low1, &high1);
    c0 = vu_xor(vu_xor(high1, c1), vu_set(k0));
    c2 = vu_xor(vu_xor(high0, c3), vu_set(k1));
    c1 = low1;
    c3 = low0;
    k0 += GK_PHILOX_W0, k1 += GK_PHILOX_W1;
  }
  r[0] = c0, r[1] = c1, r[2] = c2, r[3] = c3;
  vu_transpose4(r);
}

static void dropout_run(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const dropout_job *j = arg;
  vu threshold = vu_set(j->threshold);
  vf factor = vf_set(j->keep_scale);
  for (int64_t i = begin; i < end; i += 4 * VW) {
    vu r[4];
    philox_words(j, (uint64_t)i / 4, r);
    if (i + 4 * VW <= end) {
      GK_UNROLL
      for (int c = 0; c < 4; c++) {
        int64_t at = i + c * VW;
        vf d = vf_where_ge(r[c], threshold, vf_mul(vf_load(j->x + at), factor));
        if (j->all_dropped) d = vf_zero();
        if (j->accumulate) d = vf_add(vf_load(j->y + at), d);
        vf_store(j->y + at, d);
      }
      continue;
    }
    for (int c = 0; c < 4; c++) {
      int64_t at = i + c * VW, n = end - at;
      if (n <= 0) break;
      vf d = vf_where_ge(r[c], threshold, vf_mul(vf_loadn(j->x + at, n), factor));
      if (j->all_dropped) d = vf_zero();
      if (j->accumulate) d = vf_add(vf_loadn(j->y + at, n), d);
      vf_storen(j->y + at, d, n);
    }
  }
}

/* A multiple of 4 * VW for every isa. */
enum { DROPOUT_GRAIN = 16384 };

gk_status GK_FN(dropout)(gk_backend *b, const float *x, float p, uint64_t seed, uint64_t stream, int64_t n, float *y,
                         int32_t accumulate) {
  uint64_t threshold = gk_dropout_threshold(p);
  dropout_job j = {.x = x, .y = y, .seed = seed, .stream = stream, .threshold = (uint32_t)threshold,
                   .keep_scale = gk_dropout_scale(p), .all_dropped = threshold > UINT32_MAX, .accumulate = accumulate};
  gk_parallel_for(b, n, DROPOUT_GRAIN, dropout_run, &j);
  return GK_OK;
}
