/* The driver of the products: cuts C[i,j] = Σ_s R[i,s] S[s,j] into what fits the caches. docs/matmul.md
 *
 *   for a band of i (at most BAND rows)
 *     for a segment of s (so that the packed R stays below RESIDENT_BYTES)
 *       pack R: every s-block, every panel; shared by all threads
 *       for a chunk of j (GK_CHUNK columns), threads take chunks as they come
 *         for an s-block
 *           S panels of the chunk <- weights, dequantized
 *           C tiles (in the thread's scratch) += R panels · S panel
 *         C -> out
 *
 * A C element is summed in an order that depends on shapes only, so neither timing nor the number of threads shows.
 */
#include "cpu/matmul.h"
#include <string.h>

enum { BAND = 512, RESIDENT_BYTES = 48 << 20 };

/* A matrix that is streamed: rows of W (or of x, for DW). */
typedef struct source {
  const char *data;
  int64_t row_bytes, n;
  gk_type type;
  int32_t block, block_bytes, narrow;
  gk_dequantize_fn dequantize;
  float *io;          /* FWD: y;  DX: dy;  DW: unused */
  int64_t ld;
  float scale;
  int32_t accumulate;
} source;

typedef struct sblock {
  int32_t src, count;
  int64_t s;          /* first s in that source */
} sblock;

typedef struct job {
  const gk_mm_kernel *kernel;
  gk_mm_mode mode;
  const source *sources;
  int32_t n_sources;
  /* resident */
  const float *r;     /* FWD: x;  DX: NULL (sources[].io);  DW: dy */
  int64_t ldr;
  float r_scale;
  int64_t i0;
  int32_t ni, panels;
  /* the segment of s */
  const sblock *blocks;
  int32_t n_blocks, first_segment;
  int64_t block_bytes; /* of packed R */
  char *packed;
  /* streamed */
  int64_t nj;         /* DX, DW: columns */
  int32_t chunk;      /* columns of a chunk */
  int64_t chunks;
  char *scratch;      /* of the threads */
  int64_t thread_bytes, stream_bytes;
  /* C, for DX and DW */
  float *out;
  int64_t li, lj;
  float scale;
  int32_t accumulate;
} job;

static source source_of(const gk_product *p, const gk_dequantize_fn *table) {
  const gk_type_info *t = gk_type_get(p->w.type);
  return (source){.data = p->w.data, .type = p->w.type, .row_bytes = gk_type_bytes(p->w.type, p->w.k), .n = p->w.n, .block = t->block_size,
                  .block_bytes = t->block_bytes, .narrow = p->w.type == GK_BF16, .dequantize = table[p->w.type], .io = p->y.data,
                  .ld = p->ldy, .scale = p->scale, .accumulate = p->accumulate};
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void pack_resident(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const job *j = arg;
  for (int64_t t = begin; t < end; t++) {
    const sblock *b = &j->blocks[t / j->panels];
    const int64_t p = t % j->panels, rows = j->kernel->rows, i = j->i0 + p * rows;
    const float *src = j->r;
    int64_t ld = j->ldr;
    float scale = j->r_scale;
    if (j->mode == GK_MM_DX) {
      src = j->sources[b->src].io;
      ld = j->sources[b->src].ld;
      scale = j->sources[b->src].scale;
    }
    src += j->mode == GK_MM_DW ? b->s * ld + i : i * ld + b->s;
    j->kernel->resident[j->mode](j->packed + (t / j->panels) * j->block_bytes + p * rows * GK_SBLOCK * 4, src, ld,
                                 (int32_t)gk_min_i64(rows, j->i0 + j->ni - i), b->count, scale);
  }
}

static void run_chunk(const job *j, int64_t index, int32_t part) {
  const gk_mm_kernel *k = j->kernel;
  const source *src = j->sources;
  if (j->mode == GK_MM_FWD) /* chunks of the sources, one after the other */
    for (; index >= ceil_div(src->n, j->chunk); src++) index -= ceil_div(src->n, j->chunk);
  const int64_t j0 = index * j->chunk, total = j->mode == GK_MM_FWD ? src->n : j->nj;
  const int32_t nj = (int32_t)gk_min_i64(j->chunk, total - j0), columns = (int32_t)ceil_div(nj, k->cols);
  const int64_t stream_panel = (int64_t)k->cols * GK_SBLOCK * 4, resident_panel = (int64_t)k->rows * GK_SBLOCK * 4;
  char *stream = j->scratch + part * j->thread_bytes;
  float *tmp = (float *)(stream + j->stream_bytes);
  float *c = tmp + 2 * GK_SBLOCK;
  for (int32_t b = 0; b < j->n_blocks; b++) {
    const sblock *sb = &j->blocks[b];
    const char *packed = j->packed + b * j->block_bytes;
    const source *from = j->mode == GK_MM_FWD ? src : &j->sources[sb->src];
    if (j->mode != GK_MM_FWD)
      k->stream[j->mode](stream, from->type, from->dequantize, from->data + sb->s * from->row_bytes + j0 / from->block * from->block_bytes,
                         from->row_bytes, nj, sb->count, tmp);
    for (int32_t q = 0; q < columns; q++) {
      const char *panel = stream;
      if (j->mode == GK_MM_FWD)
        k->stream[GK_MM_FWD](stream, src->type, src->dequantize, src->data + (j0 + q * k->cols) * src->row_bytes + sb->s / src->block * src->block_bytes,
                             src->row_bytes, (int32_t)gk_min_i64(k->cols, nj - q * k->cols), sb->count, tmp);
      else
        panel = stream + q * stream_panel;
      for (int32_t p = 0; p < j->panels; p++)
        k->multiply[j->mode](packed + p * resident_panel, panel, sb->count, c + ((int64_t)q * j->panels + p) * k->tile, b == 0, from->narrow);
    }
  }
  for (int32_t p = 0; p < j->panels; p++) {
    const int64_t i = j->i0 + (int64_t)p * k->rows;
    const int32_t ni = (int32_t)gk_min_i64(k->rows, j->i0 + j->ni - i);
    for (int32_t q = 0; q < columns; q++) {
      const float *tile = c + ((int64_t)q * j->panels + p) * k->tile;
      const int64_t at = j0 + (int64_t)q * k->cols;
      const int32_t n = (int32_t)gk_min_i64(k->cols, j0 + nj - at);
      if (j->mode == GK_MM_FWD)
        k->store[j->mode](tile, src->io + i * src->ld + at, src->ld, 1, ni, n, src->scale, src->accumulate || !j->first_segment);
      else
        k->store[j->mode](tile, j->out + i * j->li + at * j->lj, j->li, j->lj, ni, n, j->scale, j->accumulate || !j->first_segment);
    }
  }
}

static void run_chunks(void *arg, int64_t begin, int64_t end, int32_t part) {
  const job *j = arg;
  if (j->kernel->begin) j->kernel->begin();
  for (int64_t t = begin; t < end; t++) run_chunk(j, t, part);
  if (j->kernel->end) j->kernel->end();
}

/* Everything but i0, ni and the segment is set. ni_total rows of R; s_total reduction elements of each source. */
static gk_status run(gk_backend *be, job *j, int64_t ni_total, int64_t s_total) {
  const gk_mm_kernel *k = j->kernel;
  /* The s-blocks. FWD: of K, alike for every source. Else: of each source's rows. */
  int64_t count = 0;
  const int32_t lists = j->mode == GK_MM_DX ? j->n_sources : 1;
  for (int32_t g = 0; g < lists; g++) count += ceil_div(j->mode == GK_MM_DX ? j->sources[g].n : s_total, GK_SBLOCK);
  sblock *blocks = gk_scratch_get(be, GK_SCRATCH_MATMUL_D, count * (int64_t)sizeof *blocks);
  if (!blocks) return GK_OUT_OF_MEMORY;
  count = 0;
  for (int32_t g = 0; g < lists; g++) {
    const int64_t n = j->mode == GK_MM_DX ? j->sources[g].n : s_total;
    for (int64_t s = 0; s < n; s += GK_SBLOCK)
      blocks[count++] = (sblock){.src = g, .count = (int32_t)gk_min_i64(GK_SBLOCK, n - s), .s = s};
  }

  const int64_t bands = ceil_div(ni_total, BAND), band = gk_round_up(ceil_div(ni_total, bands), k->rows);
  j->block_bytes = band * GK_SBLOCK * 4;
  const int64_t segment = gk_min_i64(count, gk_max_i64(1, RESIDENT_BYTES / j->block_bytes));
  j->packed = gk_scratch_get(be, GK_SCRATCH_MATMUL_B, segment * j->block_bytes);

  /* Chunks: fewer columns when there would be too few to go round. */
  int32_t unit = k->cols;
  int64_t columns = 0;
  const int32_t widest = j->mode == GK_MM_FWD ? GK_CHUNK_FWD : GK_CHUNK;
  if (j->mode == GK_MM_FWD) {
    for (int32_t g = 0; g < j->n_sources; g++) columns += j->sources[g].n;
  } else {
    columns = j->nj;
    for (int32_t g = 0; g < j->n_sources; g++) unit = (int32_t)gk_max_i64(unit, j->sources[g].block);
  }
  const int64_t rounds = gk_max_i64(1, ceil_div(columns, widest * (int64_t)be->threads));
  j->chunk = (int32_t)gk_min_i64(widest, gk_round_up(ceil_div(columns, rounds * be->threads), unit));
  j->chunks = 0;
  if (j->mode == GK_MM_FWD)
    for (int32_t g = 0; g < j->n_sources; g++) j->chunks += ceil_div(j->sources[g].n, j->chunk);
  else
    j->chunks = ceil_div(j->nj, j->chunk);
  j->stream_bytes = GK_SBLOCK * 4 * (int64_t)(j->mode == GK_MM_FWD ? k->cols : j->chunk);
  const int64_t tiles = ceil_div(j->chunk, k->cols) * (band / k->rows);
  j->thread_bytes = gk_round_up(j->stream_bytes + 2 * GK_SBLOCK * 4 + tiles * k->tile * 4, 4096) + 256;
  j->scratch = gk_scratch_get(be, GK_SCRATCH_MATMUL_A, j->thread_bytes * be->threads);
  if (!j->packed || !j->scratch) return GK_OUT_OF_MEMORY;

  for (int64_t i = 0; i < ni_total; i += band) {
    j->i0 = i;
    j->ni = (int32_t)gk_min_i64(band, ni_total - i);
    j->panels = (int32_t)ceil_div(j->ni, k->rows);
    for (int64_t s = 0; s < count; s += segment) {
      j->blocks = blocks + s;
      j->n_blocks = (int32_t)gk_min_i64(segment, count - s);
      j->first_segment = s == 0;
      const int64_t work = (int64_t)j->n_blocks * GK_SBLOCK * j->ni;
      gk_parallel_for_work(be, (int64_t)j->n_blocks * j->panels, 4, GK_COPY * work, pack_resident, j);
      gk_parallel_for_work(be, j->chunks, 1, work * columns, run_chunks, j);
    }
  }
  return GK_OK;
}

enum { GROUP = 16 };

static gk_status fwd_part(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  source sources[GROUP];
  for (int32_t g = 0; g < group; g++) sources[g] = source_of(&p[g], gk_dequantize_table(b->isa));
  job j = {.kernel = kernel, .mode = GK_MM_FWD, .sources = sources, .n_sources = group, .r = x, .ldr = ldx, .r_scale = 1};
  return run(b, &j, m, k);
}

gk_status gk_matmul_fwd_panel(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  for (int32_t g = 0; g < group; g += GROUP) {
    const gk_status s = fwd_part(kernel, b, (int32_t)gk_min_i64(GROUP, group - g), p + g, x, ldx, m, k);
    if (s != GK_OK) return s;
  }
  return GK_OK;
}

/* fwd: y_g = scale_g * x · W_gᵀ, so dx = Σ_g (scale_g dy_g) · W_g: the sources are laid end to end along s. */
gk_status gk_matmul_dx_panel(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, float *dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate) {
  for (int32_t g = 0; g < group; g += GROUP) {
    source sources[GROUP];
    const int32_t count = (int32_t)gk_min_i64(GROUP, group - g);
    for (int32_t i = 0; i < count; i++) sources[i] = source_of(&p[g + i], gk_dequantize_table(b->isa));
    job j = {.kernel = kernel, .mode = GK_MM_DX, .sources = sources, .n_sources = count, .nj = k, .out = dx,
             .li = lddx, .lj = 1, .scale = 1, .accumulate = accumulate || g > 0};
    const gk_status s = run(b, &j, m, 0);
    if (s != GK_OK) return s;
  }
  return GK_OK;
}

/* fwd: y = x · Wᵀ, so dW = dyᵀ · x. The narrower of dy and x is made resident: when that is x, dWᵀ = xᵀ · dy. */
gk_status gk_matmul_dw_panel(const gk_mm_kernel *kernel, gk_backend *b, const float *dy, int64_t ldy, const float *x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw) {
  const int swap = k < n && k < 256;
  const float *r = swap ? x : dy, *s = swap ? dy : x;
  const source src = {.data = (const char *)s, .type = GK_F32, .row_bytes = (swap ? ldy : ldx) * 4, .n = m, .block = 1, .block_bytes = 4,
                      .dequantize = gk_dequantize_table(b->isa)[GK_F32]};
  job j = {.kernel = kernel, .mode = GK_MM_DW, .sources = &src, .n_sources = 1, .r = r, .ldr = swap ? ldx : ldy, .r_scale = 1,
           .nj = swap ? n : k, .out = dw, .li = swap ? 1 : k, .lj = swap ? k : 1, .scale = scale, .accumulate = 1};
  return run(b, &j, swap ? k : n, m);
}
