/* Products: which way each goes. docs/matmul.md, "CUDA" */
#include "cublas.h"
#include "matmul.h"

/* A weight is dequantized in slices of rows of at most so many bytes. Less where the tests run, so that they see slices too. */
#ifdef GRAFT_CUDA_EMULATED
static const int64_t SLICE_BYTES = int64_t(1) << 20;
#else
static const int64_t SLICE_BYTES = int64_t(128) << 20;
#endif

/* cuBLAS gains from about this size on, in all three of its dimensions. */
static gk_status multiply_bf16(gk_backend *b, const gk_cuda_gemm &g) {
  const int64_t least = 128, most = INT32_MAX;
  const bool large = g.i >= least && g.j >= least && g.s >= least && g.i <= most && g.j <= most && g.s <= most && g.a.ld <= most && g.b.ld <= most && g.ldc <= most;
  return b->cublas && large ? gk_cublas_gemm_bf16(b, g) : gk_cuda_gemm_bf16(b, g);
}
static gk_status multiply(gk_backend *b, bool fast, const gk_cuda_gemm &g) { return fast ? multiply_bf16(b, g) : gk_cuda_gemm_f32(b, g); }

/* Room for a matrix in scratch as the kernels want it. */
static int64_t row_elements(bool fast, int64_t columns) { return fast ? gk_round_8(columns) : columns; }
static int64_t element_bytes(bool fast) { return fast ? 2 : 4; }

/* Activations as operands: in bf16, or as they are. */
static gk_status activations(gk_backend *b, bool fast, const gk_cuda_matrix *m, int count, gk_cuda_operand *operands) {
  for (int i = 0; i < count; i++) operands[i] = {m[i].act.data, m[i].ld, false};
  return fast ? b->kept->get(m, count, operands) : GK_OK;
}

/* Can a weight's rows be used where they are? */
static bool as_it_is(bool fast, const gk_weight &w) { return fast ? w.type == GK_BF16 && w.k % 8 == 0 && gk_aligned(w.data, 16) : w.type == GK_F32; }

/* Is it dequantized beside the main stream? What other ops write (adapters, weights that are trained) only where it is worth the wait for them. */
static bool aside(gk_backend *b, bool fast, const gk_weight &w, bool *stays) {
  *stays = b->ahead && b->ahead->stays(w.data);
  return b->ahead && !as_it_is(fast, w) && (*stays || w.n * row_elements(fast, w.k) * element_bytes(fast) >= SLICE_BYTES / 8);
}

/* Before a call's first weight: those that other ops write are read after what they have been asked for so far. */
static gk_status written_by_now(gk_backend *b, bool fast, int32_t group, const gk_product *p) {
  bool stays;
  for (int32_t g = 0; g < group; g++)
    if (aside(b, fast, p[g].w, &stays) && !stays) return gk_cuda_in_region(b) ? GK_OK : b->ahead->after_main();
  return GK_OK;
}

static gk_status dequantize(gk_backend *b, bool fast, const gk_weight &w, int64_t begin, int64_t rows, void *room) {
  return fast ? gk_cuda_weight_bf16(b, w, begin, rows, (uint16_t *)room) : gk_cuda_weight_f32(b, w, begin, rows, (float *)room);
}

/* C = or += A · (rows begin .. of a weight): the weight's part of g is filled in, in scratch unless it can be used where it is. */
static gk_status multiply_weight(gk_backend *b, bool fast, const gk_weight &w, int64_t begin, int64_t rows, bool crossed, gk_cuda_gemm g) {
  const int64_t ld = row_elements(fast, w.k), bytes = rows * ld * element_bytes(fast);
  g.b = {(const char *)w.data + begin * gk_type_bytes(w.type, w.k), w.k, crossed};
  if (as_it_is(fast, w)) return multiply(b, fast, g);
  bool stays;
  void *room = nullptr;
  if (aside(b, fast, w, &stays)) {
    GK_TRY(b->ahead->begin(bytes, &room));
    GK_TRY(b->ahead->ready(dequantize(b, fast, w, begin, rows, room)));
    g.b = {room, ld, crossed};
    GK_TRY(multiply(b, fast, g));
    return b->ahead->used();
  }
  if (!(room = gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_W, bytes))) return GK_OUT_OF_MEMORY;
  GK_TRY(dequantize(b, fast, w, begin, rows, room));
  g.b = {room, ld, crossed};
  return multiply(b, fast, g);
}

/* Rows of a slice: a multiple of 128. */
static int64_t slice_rows(bool fast, const gk_weight &w) {
  const int64_t fits = SLICE_BYTES / (row_elements(fast, w.k) * element_bytes(fast)) / 128 * 128;
  return fits > 128 ? fits : 128;
}

/* How many members from p[0] on are one product: small ones that are trained, whose columns lie side by side, as the low-rank rows of layers that share an input do. */
static int32_t neighbours(bool fast, int32_t group, const gk_product *p) {
  const auto beside = [](const gk_product &a, const gk_product &c) {
    return gk_act_at(a.y, a.w.n).data == c.y.data && a.y.type == c.y.type && a.ldy == c.ldy && a.scale == c.scale && a.accumulate == c.accumulate;
  };
  int64_t bytes = 0;
  int32_t count = 0;
  for (; fast && count < group; count++) {
    const gk_product &q = p[count];
    if (q.w.type != GK_F32 || (bytes += q.w.n * row_elements(fast, q.w.k) * 2) >= SLICE_BYTES / 8) break;
    if (count > 0 && !(beside(p[count - 1], q) && q.y.data < gk_act_at(p[0].y, q.ldy).data)) break;
  }
  return count > 1 ? count : 1;
}
static int64_t columns_of(int32_t count, const gk_product *p) {
  int64_t n = 0;
  for (int32_t g = 0; g < count; g++) n += p[g].w.n;
  return n;
}
/* Their rows as one weight, which is the operand. */
static gk_status stack(gk_backend *b, int32_t count, const gk_product *p, bool crossed, gk_cuda_operand *operand) {
  const int64_t ld = row_elements(true, p[0].w.k);
  uint16_t *room = (uint16_t *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_W, columns_of(count, p) * ld * 2);
  if (!room) return GK_OUT_OF_MEMORY;
  *operand = {room, ld, crossed};
  for (int32_t g = 0; g < count; room += p[g++].w.n * ld) GK_TRY(gk_cuda_weight_bf16(b, p[g].w, 0, p[g].w.n, room));
  return GK_OK;
}

/* Can all of this be done with the precision that is set? */
static gk_status check(gk_backend *b, int32_t group, const gk_product *p, gk_act x) {
  bool bf16 = gk_is_bf16(x);
  for (int32_t g = 0; g < group; g++) {
    GK_TRY(gk_cuda_check_weight(p[g].w));
    bf16 = bf16 || gk_is_bf16(p[g].y);
  }
  return bf16 && b->precision != GK_FAST ? gk_acts_mixed("products in f32") : GK_OK;
}

gk_status gk_matmul_fwd_cuda(gk_backend *b, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k) {
  const bool fast = b->precision == GK_FAST;
  GK_TRY(check(b, group, p, x));
  if (m == 0) return GK_OK;
  if (m <= GK_CUDA_FEW) return (fast ? gk_cuda_few_bf16 : gk_cuda_few_f32)(b, group, p, x, ldx, m, k);
  const gk_cuda_matrix input = {x, ldx, m, k};
  gk_cuda_operand left;
  b->kept->begin();
  GK_TRY(written_by_now(b, fast, group, p));
  GK_TRY(activations(b, fast, &input, 1, &left));
  for (int32_t g = 0, count; g < group; g += count) {
    count = neighbours(fast, group - g, p + g);
    const int64_t n = columns_of(count, p + g), step = slice_rows(fast, p[g].w);
    if (count > 1) {
      gk_cuda_operand weights;
      GK_TRY(stack(b, count, p + g, false, &weights));
      GK_TRY(multiply(b, fast, {left, weights, m, n, k, p[g].y, p[g].ldy, p[g].scale, p[g].accumulate != 0}));
      continue;
    }
    for (int64_t begin = 0; begin < n; begin += step) {
      const int64_t rows = begin + step < n ? step : n - begin;
      GK_TRY(multiply_weight(b, fast, p[g].w, begin, rows, false, {left, {}, m, rows, k, gk_act_at(p[g].y, begin), p[g].ldy, p[g].scale, p[g].accumulate != 0}));
    }
  }
  for (int32_t g = 0; g < group; g++) b->kept->wrote({p[g].y, p[g].ldy, m, p[g].w.n});
  b->kept->end();
  return GK_OK;
}

/* fwd: y_g = scale_g * x · W_gᵀ, so dx = Σ_g scale_g * dy_g · W_g: one after the other, each slice of W added to dx. */
gk_status gk_matmul_dx_cuda(gk_backend *b, int32_t group, const gk_product *p, gk_act dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate) {
  const bool fast = b->precision == GK_FAST;
  GK_TRY(check(b, group, p, dx));
  if (m == 0) return GK_OK;
  bool add = accumulate != 0;
  b->kept->begin();
  GK_TRY(written_by_now(b, fast, group, p));
  for (int32_t g = 0, count; g < group; g += count) {
    count = neighbours(fast, group - g, p + g);
    const int64_t n = columns_of(count, p + g), step = slice_rows(fast, p[g].w);
    const gk_cuda_matrix dy = {p[g].y, p[g].ldy, m, n};
    gk_cuda_operand left;
    GK_TRY(activations(b, fast, &dy, 1, &left));
    if (count > 1) {
      gk_cuda_operand weights;
      GK_TRY(stack(b, count, p + g, true, &weights));
      GK_TRY(multiply(b, fast, {left, weights, m, k, n, dx, lddx, p[g].scale, add}));
      add = true;
      continue;
    }
    for (int64_t begin = 0; begin < n; begin += step) {
      const int64_t rows = begin + step < n ? step : n - begin;
      const gk_cuda_operand part = {(const char *)left.data + begin * element_bytes(fast), left.ld, false};
      GK_TRY(multiply_weight(b, fast, p[g].w, begin, rows, true, {part, {}, m, k, rows, dx, lddx, p[g].scale, add}));
      add = true;
    }
  }
  b->kept->wrote({dx, lddx, m, k});
  b->kept->end();
  return GK_OK;
}

/* fwd: y = x · Wᵀ, so dW = dyᵀ · x. */
gk_status gk_matmul_dw_cuda(gk_backend *b, gk_act dy, int64_t ldy, gk_act x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw) {
  const bool fast = b->precision == GK_FAST;
  if (!fast && !gk_acts_are(GK_F32, dy, x)) return gk_acts_mixed("products in f32");
  if (m == 0) return GK_OK;
  const gk_cuda_matrix both[2] = {{dy, ldy, m, n}, {x, ldx, m, k}};
  gk_cuda_operand operands[2];
  b->kept->begin();
  GK_TRY(activations(b, fast, both, 2, operands));
  operands[0].crossed = operands[1].crossed = true;
  GK_TRY(multiply(b, fast, {operands[0], operands[1], n, k, m, gk_f32(dw), k, scale, true}));
  b->kept->wrote({gk_f32(dw), k, n, k});
  b->kept->end();
  return GK_OK;
}
