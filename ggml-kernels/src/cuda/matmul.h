/* The pieces that products are made of. docs/matmul.md, "CUDA" */
#ifndef GRAFT_CUDA_MATMUL_H
#define GRAFT_CUDA_MATMUL_H
#include "acts.cuh"

/* One operand of C[i,j] = Σ_s A(i,s) B(j,s): element (r,s) lies at data[r * ld + s], or, when crossed, at data[s * ld + r]. */
struct gk_cuda_operand {
  const void *data;   /* bf16, aligned to 16, ld a multiple of 8, zeros from a row's end to the next multiple of 8; or f32, of any alignment */
  int64_t ld;
  bool crossed;
};
/* c [I,J] = scale * Σ_s A(i,s) B(j,s), or += , in f32 or bf16. A is not crossed unless B is. */
struct gk_cuda_gemm {
  gk_cuda_operand a, b;
  int64_t i, j, s;
  gk_act c;
  int64_t ldc;
  float scale;
  bool accumulate;
};
gk_status gk_cuda_gemm_bf16(gk_backend *b, const gk_cuda_gemm &g);
gk_status gk_cuda_gemm_f32(gk_backend *b, const gk_cuda_gemm &g);

/* Where s is cut when c has too few tiles: a matter of the shape alone, so that results do not depend on the device. */
enum { GK_GEMM_FULL = 264, GK_GEMM_LEAST_S = 512 };
/* So many tiles of 128 x 128 or more: they are used. Else tiles of 64 x 64. */
enum { GK_GEMM_LARGE = 120 };
struct gk_cuda_splits { int64_t count, each; };   /* each: a multiple of 64 */
static inline gk_cuda_splits gk_cuda_split(int64_t tiles, int64_t s) {
  int64_t count = GK_GEMM_FULL / (tiles > 0 ? tiles : 1), most = s / GK_GEMM_LEAST_S;
  if (count > most) count = most;
  if (count > 64) count = 64;
  if (count < 1) count = 1;
  const int64_t each = gk_ceil_div(gk_ceil_div(s, count), 64) * 64;
  return {s > 0 ? gk_ceil_div(s, each) : 1, each};
}
/* c = scale * (partial[0] + partial[1] + ...), or +=; partial [splits,I,J]. */
gk_status gk_cuda_gemm_total(gk_backend *b, const float *partial, int64_t splits, const gk_cuda_gemm &g);

/* Rows begin to begin + rows of w into dst [rows, ld], in bf16 (ld = k rounded up to 8, zeros between) or in f32 (ld = k). */
gk_status gk_cuda_weight_bf16(gk_backend *b, const gk_weight &w, int64_t begin, int64_t rows, uint16_t *dst);
gk_status gk_cuda_weight_f32(gk_backend *b, const gk_weight &w, int64_t begin, int64_t rows, float *dst);
/* x [rows,columns] of row stride ldx into dst [rows, columns rounded up to 8], zeros between. */
gk_status gk_cuda_to_bf16(gk_backend *b, gk_act x, int64_t ldx, int64_t rows, int64_t columns, uint16_t *dst);

/* Forward with at most so many rows of x, straight from the weight's blocks; a row's bits do not depend on the rows beside it. */
enum { GK_CUDA_FEW = 32 };
gk_status gk_cuda_few_bf16(gk_backend *b, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k);
/* Here all activations are f32. */
gk_status gk_cuda_few_f32(gk_backend *b, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k);

static inline int64_t gk_round_8(int64_t n) { return (n + 7) / 8 * 8; }
/* GK_OK, or why the weight cannot be read by the kernels here. */
gk_status gk_cuda_check_weight(const gk_weight &w);
#endif
