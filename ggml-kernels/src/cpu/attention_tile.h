/* What the attention kernels of one isa share: key order, packing, and the register tile; see vec.h.
 * docs/attention.md explains the blocks.
 *
 * The query rows of one kv head in one segment are its (position, head) pairs, position first: row r is position
 * r / rep, head r % rep of the group. They are taken MR at a time, the keys KB at a time. DP is D rounded up to VW;
 * everything between D and DP is zero. */
#ifndef GRAFT_ATTENTION_TILE_H
#define GRAFT_ATTENTION_TILE_H
#include <float.h>
#include <math.h>

#include "vec.h"

#if defined(GK_VEC_AVX2)
enum { MR = 6, KB = 48 };   /* 12 accumulators of 16 registers; KB is a multiple of MR and of 2 VW */
#else
enum { MR = 8, KB = 64 };   /* 16 accumulators of 32 registers */
#endif
enum { KB_VECTORS = KB / VW };

/* The rows of q, k and v that one kv head of one segment touches. */
typedef struct attention_view {
  const gk_segment *s;
  int64_t H, G, D, DP;
  int64_t g;             /* kv head */
  int64_t rep, head0;    /* query heads head0 .. head0 + rep - 1 */
} attention_view;

/* Offset of query row r in q, out, dout, dq. */
GK_INLINE int64_t query_offset(const attention_view *w, int64_t r) {
  return ((w->s->q_begin + r / w->rep) * w->H + w->head0 + r % w->rep) * w->D;
}

/* Offset of key j (the prefix first, then the segment's own) in k, v, dk, dv. */
GK_INLINE int64_t key_offset(const attention_view *w, int64_t j) {
  int64_t row = j < w->s->prefix_count ? w->s->prefix_begin + j : w->s->k_begin + (j - w->s->prefix_count);
  return (row * w->G + w->g) * w->D;
}

/* How many keys query row r sees; never less than an earlier row. */
GK_INLINE int64_t keys_seen(const attention_view *w, int64_t r) {
  int64_t own = (int64_t)w->s->k_count - w->s->q_count + r / w->rep + 1;
  return w->s->prefix_count + (own > 0 ? own : 0);
}

/* c [MR][nv*VW] (row stride ldc) = old + Σ_k a(m,k) * b(k,:), a(m,k) = a[m*am + k*ak], b row stride ldb.
 * old is 0 (OVERWRITE), c (ADD) or alpha[m] * c (RESCALE). am, ak, nv and mode are constants where it is inlined. */
enum { OVERWRITE, ADD, RESCALE };
GK_INLINE void tile(int nv, int mode, int64_t am, int64_t ak, const float *a, const float *b, int64_t ldb, int64_t count,
                    float *c, int64_t ldc, const float *alpha) {
  vf acc[MR][2];
  GK_UNROLL
  for (int m = 0; m < MR; m++) acc[m][0] = acc[m][1] = vf_zero();
  for (int64_t k = 0; k < count; k++) {
    vf b0 = vf_load(b), b1 = nv > 1 ? vf_load(b + VW) : b0;
    GK_UNROLL
    for (int m = 0; m < MR; m++) {
      vf x = vf_set(a[m * am]);
      acc[m][0] = vf_fma(x, b0, acc[m][0]);
      if (nv > 1) acc[m][1] = vf_fma(x, b1, acc[m][1]);
    }
    a += ak;
    b += ldb;
  }
  GK_UNROLL
  for (int m = 0; m < MR; m++) {
    for (int v = 0; v < nv; v++) {
      float *to = c + m * ldc + v * VW;
      vf sum = acc[m][v];
      if (mode == ADD) sum = vf_add(vf_load(to), sum);
      if (mode == RESCALE) sum = vf_fma(vf_load(to), vf_set(alpha[m]), sum);
      vf_store(to, sum);
    }
  }
}

/* s [MR][columns] = packed rows [D][MR] times a transposed block [D][KB]; columns % (2 VW) == 0. */
static __attribute__((noinline, unused)) void tile_scores(const float *rows, const float *block, int64_t D, int64_t columns, float *s) {
  for (int64_t j = 0; j < columns; j += 2 * VW) tile(2, OVERWRITE, 1, MR, rows, block + j, KB, D, s + j, KB, NULL);
}

/* o [MR][DP] = alpha * o + p [MR][KB], its first `count` columns, times block [KB][DP] */
static __attribute__((noinline, unused)) void tile_output(const float *p, const float *block, int64_t count, int64_t DP, const float *alpha, float *o) {
  int64_t d = 0;
  for (; d + 2 * VW <= DP; d += 2 * VW) tile(2, RESCALE, KB, 1, p, block + d, DP, count, o + d, DP, alpha);
  if (d < DP) tile(1, RESCALE, KB, 1, p, block + d, DP, count, o + d, DP, alpha);
}

/* o [MR][DP] += the same product */
static __attribute__((noinline, unused)) void tile_add_rows(const float *p, const float *block, int64_t count, int64_t DP, float *o) {
  int64_t d = 0;
  for (; d + 2 * VW <= DP; d += 2 * VW) tile(2, ADD, KB, 1, p, block + d, DP, count, o + d, DP, NULL);
  if (d < DP) tile(1, ADD, KB, 1, p, block + d, DP, count, o + d, DP, NULL);
}

/* o [MR keys][DP] += pᵀ times rows: p [count][KB] at its first of MR columns, rows [count][DP] */
static __attribute__((noinline, unused)) void tile_add_columns(const float *p, const float *rows, int64_t count, int64_t DP, float *o) {
  int64_t d = 0;
  for (; d + 2 * VW <= DP; d += 2 * VW) tile(2, ADD, 1, KB, p, rows + d, DP, count, o + d, DP, NULL);
  if (d < DP) tile(1, ADD, 1, KB, p, rows + d, DP, count, o + d, DP, NULL);
}

/* to[d*ldt + i] = scale * from[i][d] for four rows i and all d < D. */
GK_INLINE void transpose_four(const float *const from[4], int64_t D, float scale, float *to, int64_t ldt) {
  vf f = vf_set(scale);
  int64_t d = 0;
  for (; d + VW <= D; d += VW) {
    vu r[4];
    GK_UNROLL
    for (int i = 0; i < 4; i++) r[i] = vf_bits(vf_mul(f, vf_load(from[i] + d)));
    vu_transpose4(r);    /* lane L of r[i]: column d + 4L + i of the four rows */
    GK_UNROLL
    for (int i = 0; i < 4; i++) vu_store_lanes(to + (d + i) * ldt, 4 * ldt, r[i]);
  }
  for (; d < D; d++)
    for (int i = 0; i < 4; i++) to[d * ldt + i] = from[i][d] * scale;
}

/* One row: to[d*ldt] = scale * from[d], or 0 where from is NULL. */
GK_INLINE void transpose_one(const float *from, int64_t D, float scale, float *to, int64_t ldt) {
  for (int64_t d = 0; d < D; d++) to[d * ldt] = from ? from[d] * scale : 0;
}

/* Query rows r .. r+n-1 as [ceil(n/MR)][D][MR], times scale; rows past n are zero. */
GK_INLINE void pack_rows(const attention_view *w, const float *x, int64_t r, int64_t n, float scale, float *to) {
  for (int64_t m0 = 0; m0 < n; m0 += MR, to += w->D * MR) {
    int64_t m = 0;
    for (; m + 4 <= MR && m0 + m + 4 <= n; m += 4) {
      const float *from[4];
      for (int i = 0; i < 4; i++) from[i] = x + query_offset(w, r + m0 + m + i);
      transpose_four(from, w->D, scale, to + m, MR);
    }
    for (; m < MR; m++) transpose_one(m0 + m < n ? x + query_offset(w, r + m0 + m) : NULL, w->D, scale, to + m, MR);
  }
}

/* to [DP] = scale * from [D], zeros after. */
GK_INLINE void copy_row(const float *from, int64_t D, int64_t DP, float scale, float *to) {
  vf f = vf_set(scale);
  int64_t d = 0;
  for (; d + VW <= D; d += VW) vf_store(to + d, vf_mul(f, vf_load(from + d)));
  if (d < DP) vf_store(to + d, vf_mul(f, vf_loadn(from + d, D - d)));
}

/* Keys j .. j+n-1 as [KB][DP]; keys past n are zero. */
GK_INLINE void pack_keys(const attention_view *w, const float *x, int64_t j, int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++) copy_row(x + key_offset(w, j + i), w->D, w->DP, 1.0f, to + i * w->DP);
  memset(to + n * w->DP, 0, (size_t)((KB - n) * w->DP) * sizeof(float));
}

/* Keys j .. j+n-1 as [D][KB]; keys past n are zero. */
GK_INLINE void pack_keys_transposed(const attention_view *w, const float *x, int64_t j, int64_t n, float *to) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const float *from[4];
    for (int c = 0; c < 4; c++) from[c] = x + key_offset(w, j + i + c);
    transpose_four(from, w->D, 1.0f, to + i, KB);
  }
  for (; i < KB; i++) transpose_one(i < n ? x + key_offset(w, j + i) : NULL, w->D, 1.0f, to + i, KB);
}

/* Cuts a thread's slice of scratch into arrays, each 64-byte aligned. With base NULL it only counts. */
typedef struct carver {
  char *base;
  int64_t used;
} carver;
GK_INLINE float *carve(carver *c, int64_t floats) {
  float *p = c->base ? (float *)(void *)(c->base + c->used) : NULL;
  c->used += gk_round_up(floats * (int64_t)sizeof(float), 64);
  return p;
}

#endif
