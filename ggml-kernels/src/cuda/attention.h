/* Attention on the device: what the host works out of a call's segments, and who computes what. docs/attention.md
 *
 * A tile is a run of rows that one block owns. Keys of a segment are numbered through, prefix first, as in docs/attention.md. */
#ifndef GRAFT_CUDA_ATTENTION_H
#define GRAFT_CUDA_ATTENTION_H
#include "acts.cuh"

/* Query rows of one segment: row i (0 <= i < rows) sees keys 0 .. prefix_count + max(own + i, 0) - 1. */
struct attention_query_tile {
  int32_t q_begin, rows, prefix_begin, prefix_count, k_begin, own;
};
/* Key rows k_begin .. k_begin + keys - 1, of which nobody else adds to dk and dv, and who sees them: viewers first .. first + count - 1. */
struct attention_key_tile {
  int32_t k_begin, keys, first, count;
};
/* Query i of q_count sees key row r where i >= r - base. A prefix has base INT32_MAX: all see it. */
struct attention_viewer {
  int32_t q_begin, q_count, base;
};

/* The lists, on the device, heaviest tiles first; and the rows that any segment uses: q_begin .. q_end - 1, k_begin .. k_end - 1. */
struct attention_work {
  const attention_query_tile *query_tiles;
  const attention_key_tile *key_tiles;
  const attention_viewer *viewers;
  int64_t n_query_tiles, n_key_tiles, n_viewers;
  int64_t q_begin, q_end, k_begin, k_end;
};
/* Tiles of at most query_rows and key_rows rows; key_rows 0: no key tiles. */
gk_status gk_cuda_attention_work(gk_backend *b, const gk_attention *a, int32_t query_rows, int32_t key_rows, attention_work *w);

GK_DEVICE int tile_seen(const attention_query_tile &t, int i) { return t.prefix_count + (t.own + i > 0 ? t.own + i : 0); }
GK_DEVICE int tile_key_row(const attention_query_tile &t, int key) { return key < t.prefix_count ? t.prefix_begin + key : t.k_begin + (key - t.prefix_count); }

/* Computed in f32, activations of either type, any head width up to 256: attention_f32.cu. */
gk_status gk_cuda_attention_fwd_f32(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse);
gk_status gk_cuda_attention_bwd_f32(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv);

/* Products in bf16, sums in f32: attention_bf16_fwd.cu, attention_bf16_bwd.cu. Activations in bf16, each aligned to 16; scale > 0, with which the largest product
 * is the largest score; the head widths below. */
static inline bool gk_cuda_attention_has_bf16(int32_t head_width) { return head_width == 64 || head_width == 96 || head_width == 128; }
gk_status gk_cuda_attention_fwd_bf16(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse);
gk_status gk_cuda_attention_bwd_bf16(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv);
#endif
