/* y = x · Wᵀ for a few rows of x (generation): each row of W is unpacked once and multiplied by every row of x; the limit is
 * reading W, or with more rows of x the multiply-adds. docs/matmul.md, "few rows" */
#include "cpu/matmul.h"
#include <string.h>

/* UNPACK: multiply-adds in whose time a weight is read and unpacked. */
enum { MOST = 16, ROWS_AT_MOST = 4096, SPLITS = 32, UNPACK = 4 };

typedef struct job {
  const gk_mm_kernel *kernel;
  const gk_mm_few *members;
  int64_t unit;        /* rows of W of a task */
  const float *x;      /* to be packed */
  int64_t ldx, k;
  int32_t m;
  float *packed;
  char *digits;
} job;

/* The blocks of s one after the other, in each the rows of x: they lie close, not at distances that share a place in the cache. */
static void pack(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const job *j = arg;
  for (int64_t b = begin; b < end; b++) {
    const int64_t s = b * GK_SBLOCK, n = gk_min_i64(GK_SBLOCK, j->k - s);
    for (int32_t i = 0; i < j->m; i++) memcpy(j->packed + (b * j->m + i) * GK_SBLOCK, j->x + i * j->ldx + s, (size_t)n * sizeof(float));
  }
}

static void split(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const job *j = arg;
  for (int64_t t = begin; t < end; t++) j->kernel->split(j->x + t % j->m * j->ldx + t / j->m * GK_SBLOCK, j->digits + t * j->kernel->digit_bytes);
}

static void dots(const gk_mm_kernel *kernel, const gk_mm_few *f, int64_t begin, int64_t end) {
  float sum[GK_DOT];
  _Alignas(64) float tmp[GK_SBLOCK];
  for (int64_t j = begin; j < end; j++)
    for (int32_t first = 0; first < f->m; first += GK_DOT) {
      const int32_t m = (int32_t)gk_min_i64(GK_DOT, f->m - first);
      kernel->dot(f->type, f->dequantize, f->w + j * f->row_bytes, f->x + first * f->ld, f->ld, m, f->k, sum, tmp);
      for (int32_t i = 0; i < m; i++) {
        float *y = f->y + (first + i) * f->ldy + j;
        *y = (f->accumulate ? *y : 0) + f->scale * sum[i];
      }
    }
}

static int64_t tasks_of(const job *j, const gk_mm_few *f) { return (f->n + j->unit - 1) / j->unit; }

/* Tasks of the members, one after the other. */
static void run(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const job *j = arg;
  for (int64_t t = begin; t < end; t++) {
    const gk_mm_few *f = j->members;
    int64_t at = t;
    for (; at >= tasks_of(j, f); f++) at -= tasks_of(j, f);
    const int64_t first = at * j->unit, last = gk_min_i64(first + j->unit, f->n);
    if (f->digits)
      j->kernel->few_digits(f, first, last);
    else if (j->kernel->few)
      j->kernel->few(f, first, last);
    else
      dots(j->kernel, f, first, last);
  }
}

/* Whether the type takes the digits of x: whole blocks of them. */
static int splits(const gk_mm_kernel *kernel, gk_type type, int64_t k) { return kernel->splits && k % GK_SBLOCK == 0 && kernel->splits(type); }

static gk_status some(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const gk_mm_few *from, int64_t m, int64_t k) {
  gk_mm_few members[MOST];
  int64_t rows = 0, tasks = 0;
  for (int32_t g = 0; g < group; g++) {
    members[g] = (gk_mm_few){.type = p[g].w.type, .dequantize = gk_dequantize_table(b->isa)[p[g].w.type], .w = p[g].w.data,
                             .row_bytes = gk_type_bytes(p[g].w.type, k), .n = p[g].w.n, .k = k, .x = from->x, .ld = from->ld, .block = from->block, .m = (int32_t)m,
                             .y = p[g].y.data, .ldy = p[g].ldy, .scale = p[g].scale, .accumulate = p[g].accumulate};
    if (from->digits && splits(kernel, p[g].w.type, k)) members[g].digits = from->digits;
    rows += p[g].w.n;
  }
  /* A processor takes a while to fetch ahead along a task's rows, so tasks are long; there must be enough to go round. */
  job j = {.kernel = kernel, .members = members};
  j.unit = gk_max_i64(GK_FEW_TASK, gk_min_i64(ROWS_AT_MOST, rows / (4 * b->threads) / GK_FEW_TASK * GK_FEW_TASK));
  for (int32_t g = 0; g < group; g++) tasks += tasks_of(&j, &members[g]);
  gk_parallel_for_work(b, tasks, 1, rows * k * (m + UNPACK), run, &j);
  return GK_OK;
}

gk_status gk_matmul_fwd_few(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  const int64_t blocks = (k + GK_SBLOCK - 1) / GK_SBLOCK;
  gk_mm_few from = {.x = x, .ld = ldx, .block = GK_SBLOCK};
  job j = {.kernel = kernel, .x = x, .ldx = ldx, .k = k, .m = (int32_t)m};
  int32_t whole = 0;
  for (int32_t g = 0; g < group; g++) whole += splits(kernel, p[g].w.type, k);
  if (whole) {
    from.digits = j.digits = gk_scratch_get(b, GK_SCRATCH_MATMUL_A, blocks * m * kernel->digit_bytes);
    if (!j.digits) return GK_OUT_OF_MEMORY;
    gk_parallel_for_work(b, blocks * m, SPLITS, GK_COPY * m * k, split, &j);
  }
  if (whole < group && m >= kernel->few_packed && k > GK_SBLOCK) {
    j.packed = gk_scratch_get(b, GK_SCRATCH_MATMUL_B, blocks * m * GK_SBLOCK * (int64_t)sizeof(float));
    if (!j.packed) return GK_OUT_OF_MEMORY;
    gk_parallel_for_work(b, blocks, gk_max_i64(1, 64 / m), GK_COPY * m * k, pack, &j);
    from.x = j.packed;
    from.ld = GK_SBLOCK;
    from.block = m * GK_SBLOCK;
  }
  for (int32_t g = 0; g < group; g += MOST) {
    const gk_status s = some(kernel, b, (int32_t)gk_min_i64(MOST, group - g), p + g, &from, m, k);
    if (s != GK_OK) return s;
  }
  return GK_OK;
}
