/* Attention, plainly: one query row of one head at a time, all its scores in a list, sums in double.
 * docs/attention.md
 */
#include <math.h>

#include "internal.h"

/* Key number j of a segment (its prefix first, then its own): the row of k and v. */
static int64_t key_row(const gk_segment *s, int64_t j) {
  return j < s->prefix_count ? s->prefix_begin + j : s->k_begin + (j - s->prefix_count);
}

/* How many keys query i sees. */
static int64_t visible(const gk_segment *s, int64_t i) {
  int64_t own = (int64_t)s->k_count - s->q_count + i + 1;
  return s->prefix_count + (own > 0 ? own : 0);
}

static int64_t most_keys(const gk_attention *a) {
  int64_t n = 1;
  for (int32_t i = 0; i < a->n_segments; i++)
    n = gk_max_i64(n, (int64_t)a->segments[i].prefix_count + a->segments[i].k_count);
  return n;
}

static double dot(const float *x, const float *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * y[i];
  return sum;
}

gk_status gk_attention_fwd_ref(gk_backend *b, const gk_attention *a, const float *q, const float *k, const float *v,
                               float *out, float *lse) {
  int64_t H = a->heads, G = a->kv_heads, D = a->head_width;
  double *p = gk_scratch_get(b, GK_SCRATCH_OP, (most_keys(a) + D) * (int64_t)sizeof(double));
  if (!p) return GK_OUT_OF_MEMORY;
  double *o = p + most_keys(a);
  for (int32_t n = 0; n < a->n_segments; n++) {
    const gk_segment *s = &a->segments[n];
    for (int64_t i = 0; i < s->q_count; i++) {
      for (int64_t h = 0; h < H; h++) {
        int64_t row = s->q_begin + i, seen = visible(s, i), g = h / (H / G);
        const float *qh = q + (row * H + h) * D;
        double max = -INFINITY, sum = 0;
        for (int64_t j = 0; j < seen; j++) {
          p[j] = a->scale * dot(qh, k + (key_row(s, j) * G + g) * D, D);
          if (p[j] > max) max = p[j];
        }
        for (int64_t d = 0; d < D; d++) o[d] = 0;
        for (int64_t j = 0; j < seen; j++) {
          double e = exp(p[j] - max);
          sum += e;
          const float *vj = v + (key_row(s, j) * G + g) * D;
          for (int64_t d = 0; d < D; d++) o[d] += e * vj[d];
        }
        for (int64_t d = 0; d < D; d++) out[(row * H + h) * D + d] = seen ? (float)(o[d] / sum) : 0;
        if (lse) lse[row * H + h] = seen ? (float)(max + log(sum)) : -INFINITY;
      }
    }
  }
  return GK_OK;
}

/* fwd: s_j = scale * q·k_j,  p = softmax(s) = exp(s - lse),  o = Σ p_j v_j
 * dv_j += p_j * do,  dp_j = do·v_j,  ds_j = p_j * (dp_j - do·o),  dq = scale * Σ ds_j k_j,  dk_j += scale * ds_j * q */
gk_status gk_attention_bwd_ref(gk_backend *b, const gk_attention *a, const float *q, const float *k, const float *v,
                               const float *out, const float *lse, const float *dout, float *dq, float *dk,
                               float *dv) {
  int64_t H = a->heads, G = a->kv_heads, D = a->head_width;
  double *sum = gk_scratch_get(b, GK_SCRATCH_OP, D * (int64_t)sizeof(double));
  if (!sum) return GK_OUT_OF_MEMORY;
  for (int32_t n = 0; n < a->n_segments; n++) {
    const gk_segment *s = &a->segments[n];
    for (int64_t i = 0; i < s->q_count; i++) {
      for (int64_t h = 0; h < H; h++) {
        int64_t row = s->q_begin + i, seen = visible(s, i), g = h / (H / G), at = (row * H + h) * D;
        double delta = dot(dout + at, out + at, D);
        for (int64_t d = 0; d < D; d++) sum[d] = 0;
        for (int64_t j = 0; j < seen; j++) {
          int64_t kat = (key_row(s, j) * G + g) * D;
          double p = exp(a->scale * dot(q + at, k + kat, D) - lse[row * H + h]);
          double ds = p * (dot(dout + at, v + kat, D) - delta) * a->scale;
          for (int64_t d = 0; d < D; d++) {
            sum[d] += ds * k[kat + d];
            dk[kat + d] = (float)(dk[kat + d] + ds * q[at + d]);
            dv[kat + d] = (float)(dv[kat + d] + p * dout[at + d]);
          }
        }
        for (int64_t d = 0; d < D; d++) dq[at + d] = (float)sum[d];
      }
    }
  }
  return GK_OK;
}
