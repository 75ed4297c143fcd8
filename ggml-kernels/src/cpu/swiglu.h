/* Gated linear unit with SiLU for one isa; see vec.h. docs/swiglu.md */
#include "vec.h"

typedef struct swiglu_job {
  const float *dy, *gate, *up;
  float *y, *dgate, *dup;
} swiglu_job;

GK_INLINE vf sigmoid(vf g) { return vf_div(vf_set(1.0f), vf_add(vf_set(1.0f), vf_exp(vf_sub(vf_zero(), g)))); }

static void swiglu_forward(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const swiglu_job *j = arg;
  int64_t i = begin;
  for (; i + VW <= end; i += VW) {
    vf g = vf_load(j->gate + i);
    vf_store(j->y + i, vf_mul(vf_mul(g, sigmoid(g)), vf_load(j->up + i)));
  }
  if (i < end) {
    vf g = vf_loadn(j->gate + i, end - i);
    vf_storen(j->y + i, vf_mul(vf_mul(g, sigmoid(g)), vf_loadn(j->up + i, end - i)), end - i);
  }
}

enum { SWIGLU_GRAIN = 16384 };

gk_status GK_FN(swiglu_fwd)(gk_backend *b, const float *gate, const float *up, int64_t n, float *y) {
  swiglu_job j = {.gate = gate, .up = up, .y = y};
  gk_parallel_for(b, n, SWIGLU_GRAIN, swiglu_forward, &j);
  return GK_OK;
}

/* fwd: y = silu(g) * u, silu(g) = g * s, s = 1/(1+exp(-g))
 * du = dy * g * s,  dg = dy * u * s * (1 + g * (1 - s)) */
GK_INLINE void swiglu_gradient(vf d, vf g, vf u, vf *dg, vf *du) {
  vf s = sigmoid(g), one = vf_set(1.0f);
  *du = vf_mul(d, vf_mul(g, s));
  *dg = vf_mul(vf_mul(d, u), vf_mul(s, vf_fma(g, vf_sub(one, s), one)));
}

static void swiglu_backward(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const swiglu_job *j = arg;
  int64_t i = begin;
  vf dg, du;
  for (; i + VW <= end; i += VW) {
    swiglu_gradient(vf_load(j->dy + i), vf_load(j->gate + i), vf_load(j->up + i), &dg, &du);
    vf_store(j->dgate + i, dg);
    vf_store(j->dup + i, du);
  }
  if (i < end) {
    int64_t k = end - i;
    swiglu_gradient(vf_loadn(j->dy + i, k), vf_loadn(j->gate + i, k), vf_loadn(j->up + i, k), &dg, &du);
    vf_storen(j->dgate + i, dg, k);
    vf_storen(j->dup + i, du, k);
  }
}

gk_status GK_FN(swiglu_bwd)(gk_backend *b, const float *dy, const float *gate, const float *up, int64_t n,
                            float *dgate, float *dup) {
  swiglu_job j = {.dy = dy, .gate = gate, .up = up, .dgate = dgate, .dup = dup};
  gk_parallel_for(b, n, SWIGLU_GRAIN, swiglu_backward, &j);
  return GK_OK;
}
