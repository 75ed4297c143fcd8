/* AdamW for one isa; see vec.h. docs/adamw.md */
#include <math.h>

#include "vec.h"

typedef struct adamw_job {
  const float *g;
  float *p, *m, *v;
  float decay;           /* lr * weight_decay */
  float b1, b2, one_less_b1, one_less_b2, grad_scale;
  float rate;            /* lr / (1 - b1^t) */
  float root;            /* 1 / sqrt(1 - b2^t) */
  float eps;
} adamw_job;

/* d = grad_scale * g;  m = b1 m + (1-b1) d;  v = b2 v + (1-b2) d²;  p -= decay p + rate m / (root sqrt(v) + eps) */
GK_INLINE vf adamw_step(const adamw_job *j, vf g, vf p, vf *m, vf *v) {
  vf d = vf_mul(g, vf_set(j->grad_scale));
  *m = vf_fma(vf_set(j->one_less_b1), d, vf_mul(vf_set(j->b1), *m));
  *v = vf_fma(vf_mul(vf_set(j->one_less_b2), d), d, vf_mul(vf_set(j->b2), *v));
  vf below = vf_fma(vf_set(j->root), vf_sqrt(*v), vf_set(j->eps));
  return vf_sub(p, vf_fma(vf_set(j->rate), vf_div(*m, below), vf_mul(p, vf_set(j->decay))));
}

static void adamw_run(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const adamw_job *j = arg;
  int64_t i = begin;
  for (; i + VW <= end; i += VW) {
    vf m = vf_load(j->m + i), v = vf_load(j->v + i);
    vf p = adamw_step(j, vf_load(j->g + i), vf_load(j->p + i), &m, &v);
    vf_store(j->p + i, p);
    vf_store(j->m + i, m);
    vf_store(j->v + i, v);
  }
  if (i < end) {
    int64_t k = end - i;
    vf m = vf_loadn(j->m + i, k), v = vf_loadn(j->v + i, k);
    vf p = adamw_step(j, vf_loadn(j->g + i, k), vf_loadn(j->p + i, k), &m, &v);
    vf_storen(j->p + i, p, k);
    vf_storen(j->m + i, m, k);
    vf_storen(j->v + i, v, k);
  }
}

gk_status GK_FN(adamw)(gk_backend *b, const gk_adamw *o, const float *g, float *p, float *m, float *v, int64_t n) {
  double b1 = o->beta1, b2 = o->beta2, lr = o->learning_rate;
  adamw_job j = {.g = g, .p = p, .m = m, .v = v,
                 .decay = (float)(lr * o->weight_decay),
                 .b1 = o->beta1, .b2 = o->beta2, .one_less_b1 = (float)(1 - b1), .one_less_b2 = (float)(1 - b2),
                 .grad_scale = o->grad_scale,
                 .rate = (float)(lr / (1 - pow(b1, (double)o->step))),
                 .root = (float)(1 / sqrt(1 - pow(b2, (double)o->step))),
                 .eps = o->eps};
  gk_parallel_for(b, n, 16384, adamw_run, &j);
  return GK_OK;
}
