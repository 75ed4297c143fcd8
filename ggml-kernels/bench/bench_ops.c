/* Each GK_VEC row of kernels.def at the shape of a 1B llama: `bench_ops [isa [threads [op]]]`.
 *
 * With one thread, processor time is measured, so that other programs on the machine matter less.
 * Prints, of each op, the best of several runs as a share of what the machine did in the same run: of the f32 FMA
 * rate for attention, of the memory copy rate (bytes the op must read and write) for the others.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum { T = 512, H = 32, G = 8, D = 64, C = 2048, F = 8192, V = 128256, ROWS = 128 };

static gk_backend *b;
static const gk_ops *ops;
static double copy_rate;   /* bytes read plus written, a second */
static double fma_rate;    /* flop a second, all threads */
static float *x, *y, *z, *w, *u;   /* ROWS * V floats each */
static int32_t ids[T];

static double now(void) {
  struct timespec t;
  clock_gettime(b->threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define BEST(seconds, statement)                       \
  double seconds = 1e30;                               \
  for (int run_ = 0; run_ < 7; run_++) {               \
    double start_ = now();                             \
    statement;                                         \
    double took_ = now() - start_;                     \
    if (took_ < seconds) seconds = took_;              \
  }

static void report_bytes(const char *name, double seconds, double bytes) {
  printf("%-16s %9.3f ms  %6.1f GB/s  %5.2f of copy\n", name, seconds * 1e3, bytes / seconds * 1e-9, bytes / seconds / copy_rate);
}
static void report_flops(const char *name, double seconds, double flops) {
  printf("%-16s %9.3f ms  %6.1f GFLOP/s  %5.2f of FMA peak\n", name, seconds * 1e3, flops / seconds * 1e-9, flops / seconds / fma_rate);
}
#define BENCH(op) static void bench_##op(void)
#define BYTES(op, bytes, ...)                    \
  BEST(s, ops->op(b, __VA_ARGS__))               \
  report_bytes(#op, s, (double)(bytes) * sizeof(float));

BENCH(rmsnorm_fwd) { BYTES(rmsnorm_fwd, 2 * T * C, gk_f32(x), w, 1e-5f, T, C, 1, C, gk_f32(y), z) }
BENCH(rmsnorm_bwd) { BYTES(rmsnorm_bwd, 4 * T * C, gk_f32(x), gk_f32(y), w, u, T, C, 1, C, gk_f32(z), 1, NULL) }
BENCH(rope) {
  float freq[D / 2];
  for (int i = 0; i < D / 2; i++) freq[i] = powf(500000, -2.0f * (float)i / D);
  gk_rope r = {GK_ROPE_NORM, D, freq, 1};
  BYTES(rope, 2 * T * H * D, &r, gk_f32(x), ids, T, H, D, 1)
}
static const gk_segment segment = {0, T, 0, 0, 0, T};
static const gk_attention attention = {H, G, D, 0.125f, 1, &segment};
BENCH(attention_fwd) {
  BEST(s, ops->attention_fwd(b, &attention, gk_f32(x), gk_f32(y), gk_f32(z), gk_f32(w), u))
  report_flops("attention_fwd", s, 2.0 * 2 * H * D * (T * (T + 1.0) / 2));
  gk_segment one = {0, 1, 0, 0, 0, 4096};
  gk_attention decode = {H, G, D, 0.125f, 1, &one};
  BEST(d, ops->attention_fwd(b, &decode, gk_f32(x), gk_f32(y), gk_f32(z), gk_f32(w), NULL))
  report_bytes("  1 of 4096", d, 2.0 * 4096 * G * D * sizeof(float));
}
BENCH(attention_paged) {
  enum { P = 32, TOKENS = 4096 };
  int32_t table[TOKENS / P];
  for (int i = 0; i < TOKENS / P; i++) table[i] = i * 37 % (TOKENS / P);
  static const struct { gk_type type; const char *name; } types[] = {{GK_F32, "attention_paged"}, {GK_F16, "  f16"}, {GK_Q8_0, "  q8_0"}};
  for (int i = 0; i < 3; i++) {
    gk_paged_segment one = {0, 1, TOKENS, 0};
    gk_paged_attention a = {{types[i].type, P, G, D}, H, 0.125f, 1, &one, table};
    int32_t slots[TOKENS];
    for (int32_t t = 0; t < TOKENS; t++) slots[t] = t;
    ops->pages_write(b, &a.pages, gk_f32(x), slots, TOKENS, y);
    ops->pages_write(b, &a.pages, gk_f32(x), slots, TOKENS, w);
    BEST(s, ops->attention_paged(b, &a, gk_f32(x), y, w, gk_f32(z)))
    report_bytes(types[i].name, s, 2.0 * (double)gk_type_bytes(types[i].type, TOKENS * G * D));
  }
}
BENCH(attention_bwd) {
  ops->attention_fwd(b, &attention, gk_f32(x), gk_f32(y), gk_f32(z), gk_f32(w), u);
  float *dq = u + T * H, *dk = dq + T * H * D, *dv = dk + T * G * D;
  BEST(s, ops->attention_bwd(b, &attention, gk_f32(x), gk_f32(y), gk_f32(z), gk_f32(w), u, gk_f32(x), gk_f32(dq), gk_f32(dk), gk_f32(dv)))
  report_flops("attention_bwd", s, 5.0 * 2 * H * D * (T * (T + 1.0) / 2));
}
BENCH(swiglu_fwd) { BYTES(swiglu_fwd, 3 * T * F, gk_f32(x), gk_f32(y), T * F, gk_f32(z)) }
BENCH(swiglu_bwd) { BYTES(swiglu_bwd, 5 * T * F, gk_f32(x), gk_f32(y), gk_f32(z), T * F, gk_f32(w), gk_f32(u)) }
BENCH(add_bias) { BYTES(add_bias, 2 * T * C, gk_f32(y), w, T, C) }
BENCH(add_bias_bwd) { BYTES(add_bias_bwd, T * C, gk_f32(x), T, C, y) }
BENCH(add_scaled) { BYTES(add_scaled, 3 * T * F, y, x, 1e-6f, T * F) }
BENCH(scale) { BYTES(scale, 2 * T * F, y, 1.0f, T * F) }
BENCH(scale_rows) {
  float ones[T];
  for (int i = 0; i < T; i++) ones[i] = 1;
  BYTES(scale_rows, 2 * T * F, y, ones, T, F)
}
BENCH(sum_squares) {
  double out;
  BYTES(sum_squares, T * F, x, T * F, &out)
}
BENCH(dropout) { BYTES(dropout, 2 * T * C, gk_f32(x), 0.05f, 42, 7, T * C, gk_f32(y), 0) }
BENCH(cross_entropy) {
  int32_t targets[ROWS] = {0};
  float logps[ROWS], means[ROWS], squares[ROWS];
  BYTES(cross_entropy, 2 * (double)ROWS * V, z, V, targets, ROWS, V, logps, NULL, NULL, 1)
  BEST(both, ops->cross_entropy(b, z, V, targets, ROWS, V, logps, means, squares, 1))
  report_bytes("  and statistics", both, 2.0 * ROWS * V * sizeof(float));
}
BENCH(adamw) {
  gk_adamw o = {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f, 3, 1};
  BYTES(adamw, 7 * T * F, &o, x, y, z, w, T * F)
}

int main(int argc, char **argv) {
  static const struct { const char *name; void (*bench)(void); } rows[] = {
#define GK_VEC(op, params) {#op, bench_##op},
#include "kernels.def"
  };
  char message[256];
  b = gk_cpu_open(argc > 1 ? argv[1] : NULL, argc > 2 ? atoi(argv[2]) : 0, message, sizeof message);
  if (!b) {
    fprintf(stderr, "%s\n", message);
    return 1;
  }
  ops = gk_backend_ops(b);
  int64_t n = (int64_t)ROWS * V;
  float **all[] = {&x, &y, &z, &w, &u};
  for (int i = 0; i < 5; i++) {
    *all[i] = ops->alloc(b, n * (int64_t)sizeof(float));
    if (!*all[i]) return 1;
    for (int64_t j = 0; j < n; j++) (*all[i])[j] = (float)((j * 2654435761u >> 8) % 1000) * 0.002f - 1;
  }
  for (int i = 0; i < T; i++) ids[i] = i;
  fma_rate = gk_cpu_fma_peak(b, 0.3);
  BEST(s, ops->copy(b, y, x, n * (int64_t)sizeof(float)))
  copy_rate = 2.0 * (double)n * sizeof(float) / s;
  printf("%s; FMA %.0f GFLOP/s, copy %.1f GB/s; T %d C %d H %d G %d D %d F %d V %d\n", ops->describe(b), fma_rate * 1e-9, copy_rate * 1e-9, T, C, H, G, D, F, V);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (argc <= 3 || strcmp(argv[3], rows[i].name) == 0) rows[i].bench();
  ops->close(b);
  return 0;
}
