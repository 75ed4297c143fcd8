/* Speed of the products, as GFLOP/s and as a part of the f32 FMA peak measured in the same run.
 *
 *   bench_matmul [--isa NAME] [--threads N] [--m M] [--n N] [--k K] [--type NAME] [--seconds S] [--json]
 *
 * Without sizes: 512 x 2048 x 8192 for every type (fwd, dx, and 1, 4, 16 and 32 rows as in generation), dw of a full weight and of
 * LoRA's two, and a LoRA group. Each number is the best of the runs that fit into S seconds (default 0.4). --json
 * prints one object a line. With one thread, processor time is measured, so that other programs matter less. Weights are also given in
 * GB/s and as a part of the read bandwidth of the same run.
 */
#define _GNU_SOURCE
#define HARNESS_MAIN
#include <time.h>
#include "cpu/peak.h"
#include "internal.h"
#include "weights.h"

static clockid_t timer = CLOCK_MONOTONIC;

static double now(void) {
  struct timespec t;
  clock_gettime(timer, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct options {
  const char *isa, *type;
  int32_t threads, json;
  int64_t m, n, k;
  double seconds;
} options;

typedef struct bench {
  options o;
  gk_backend *b;
  const char *isa;
  double peak; /* GFLOP/s of f32 FMA on all threads, in the isa's registers */
  double read; /* bytes/s read from memory by all threads */
} bench;

typedef struct fma_run { float (*chains)(int64_t); volatile float sink; } fma_run;

static void fma_part(void *arg, int32_t part, int32_t parts) {
  fma_run *r = arg;
  (void)part, (void)parts;
  r->sink = r->chains(100000);
}

static double fma_peak(gk_backend *b, const char *isa, double seconds) {
  fma_run r = {gk_fma_chains_ref, 0};
  double flops = 2.0 * GK_FMA_CHAINS * GK_FMA_UNROLL * 100000 * b->threads;
#if defined(__x86_64__)
  if (strcmp(isa, "avx2") == 0) r.chains = gk_fma_chains_avx2, flops *= 8;
  if (strcmp(isa, "avx512") == 0 || strcmp(isa, "amx") == 0) r.chains = gk_fma_chains_avx512, flops *= 16;
#else
  (void)isa;
#endif
  double best = 1e30;
  for (const double end = now() + seconds; now() < end;) {
    const double t = now();
    gk_parallel(b, fma_part, &r);
    if (now() - t < best) best = now() - t;
  }
  return flops / best * 1e-9;
}

typedef struct run {
  enum { FWD, DX, DW } op;
  int32_t group;
  gk_product p[8];
  float *x, *out;
  int64_t m, n, k;
} run;

static double measure(bench *s, const run *r) {
  double best = 1e30;
  int rounds = 0;
  for (const double end = now() + s->o.seconds; now() < end || rounds < 2; rounds++) {
    const double t = now();
    gk_status status = GK_OK;
    if (r->op == FWD) status = gk_matmul_fwd(s->b, r->group, r->p, r->x, r->k, r->m, r->k);
    if (r->op == DX) status = gk_matmul_dx(s->b, r->group, r->p, r->out, r->k, r->m, r->k, 0);
    if (r->op == DW) status = gk_matmul_dw(s->b, r->p[0].y.data, r->n, r->x, r->k, r->m, r->n, r->k, 1, r->out);
    if (status != GK_OK) FAIL("status %d", (int)status);
    if (now() - t < best) best = now() - t;
  }
  return best;
}

static void report(const bench *s, const char *op, const char *type, const run *r, double seconds, double flops, double weight_bytes) {
  const double rate = flops / seconds * 1e-9;
  if (s->o.json)
    printf("{\"op\":\"%s\",\"type\":\"%s\",\"isa\":\"%s\",\"threads\":%d,\"m\":%lld,\"n\":%lld,\"k\":%lld,\"seconds\":%.6g,\"gflops\":%.4g,\"of_peak\":%.3g,\"weight_gb_s\":%.3g,\"of_read\":%.3g}\n",
           op, type, s->isa, (int)s->b->threads, (long long)r->m, (long long)r->n, (long long)r->k, seconds, rate, rate / s->peak, weight_bytes / seconds * 1e-9, weight_bytes / seconds / s->read);
  else
    printf("%-8s %-7s %6lld x %5lld x %6lld  %9.3f ms  %7.0f GFLOP/s  %5.2f of peak  %6.2f GB/s of weights  %5.2f of reading\n", op, type, (long long)r->m, (long long)r->k,
           (long long)r->n, seconds * 1e3, rate, rate / s->peak, weight_bytes / seconds * 1e-9, weight_bytes / seconds / s->read);
  fflush(stdout);
}

static void bench_type(bench *s, gk_type type, int64_t m, int64_t n, int64_t k) {
  const gk_type_info *t = gk_type_get(type);
  if (s->o.type && strcmp(s->o.type, t->name) != 0) return;
  run r = {.op = FWD, .group = 1, .m = m, .n = n, .k = k, .x = guarded_normal(m * k), .out = guarded_normal(m * k)};
  r.p[0] = (gk_product){{type, guarded_weight(type, n * k), n, k}, gk_f32(guarded_normal(m * n)), n, 1, 0};
  const double flops = 2.0 * (double)m * (double)n * (double)k, bytes = (double)gk_type_bytes(type, n * k);
  report(s, "fwd", t->name, &r, measure(s, &r), flops, bytes);
  r.op = DX;
  report(s, "dx", t->name, &r, measure(s, &r), flops, bytes);
  r.op = FWD;
  for (int i = 0; i < 4; i++) {
    r.m = (const int64_t[]){1, 4, 16, 32}[i];
    if (r.m < m) report(s, "fwd", t->name, &r, measure(s, &r), flops / (double)m * (double)r.m, bytes);
  }
  guarded_free_all();
}

static void bench_dw(bench *s, int64_t m, int64_t n, int64_t k) {
  run r = {.op = DW, .m = m, .n = n, .k = k, .x = guarded_normal(m * k), .out = guarded_normal(n * k)};
  r.p[0].y = gk_f32(guarded_normal(m * n));
  report(s, "dw", "f32", &r, measure(s, &r), 2.0 * (double)m * (double)n * (double)k, 4.0 * (double)(n * k));
  guarded_free_all();
}

/* h = x·Aᵀ beside the base product, then y += h·Bᵀ. */
static void bench_lora(bench *s, int64_t m, int64_t n, int64_t k, int64_t rank) {
  run r = {.op = FWD, .group = 2, .m = m, .n = n, .k = k, .x = guarded_normal(m * k)};
  float *y = guarded_normal(m * n), *h = guarded_normal(m * rank);
  r.p[0] = (gk_product){{GK_Q4_K, guarded_weight(GK_Q4_K, n * k), n, k}, gk_f32(y), n, 1, 0};
  r.p[1] = (gk_product){{GK_F32, guarded_weight(GK_F32, rank * k), rank, k}, gk_f32(h), rank, 1, 0};
  report(s, "fwd+A", "q4_K", &r, measure(s, &r), 2.0 * (double)m * (double)(n + rank) * (double)k, 0);
  run b = {.op = FWD, .group = 1, .m = m, .n = n, .k = rank, .x = h};
  b.p[0] = (gk_product){{GK_F32, guarded_weight(GK_F32, n * rank), n, rank}, gk_f32(y), n, 2, 1};
  report(s, "+=h·B", "f32", &b, measure(s, &b), 2.0 * (double)m * (double)n * (double)rank, 4.0 * (double)(n * rank));
  guarded_free_all();
}

int main(int argc, char **argv) {
  bench s = {.o = {.seconds = 0.4}};
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(a, "--json") == 0) {
      s.o.json = 1;
      continue;
    }
    if (v && strcmp(a, "--isa") == 0) s.o.isa = v;
    else if (v && strcmp(a, "--type") == 0) s.o.type = v;
    else if (v && strcmp(a, "--threads") == 0) s.o.threads = atoi(v);
    else if (v && strcmp(a, "--m") == 0) s.o.m = atoll(v);
    else if (v && strcmp(a, "--n") == 0) s.o.n = atoll(v);
    else if (v && strcmp(a, "--k") == 0) s.o.k = atoll(v);
    else if (v && strcmp(a, "--seconds") == 0) s.o.seconds = atof(v);
    else {
      fprintf(stderr, "usage: bench_matmul [--isa NAME] [--threads N] [--m M] [--n N] [--k K] [--type NAME] [--seconds S] [--json]\n");
      return 2;
    }
    i++;
  }
  s.b = open_backend(s.o.isa, s.o.threads);
  if (s.b->threads == 1) timer = CLOCK_PROCESS_CPUTIME_ID;
  s.isa = gk_isa_name(s.b->isa);
  s.peak = fma_peak(s.b, s.isa, 0.5);
  const int64_t words = 16 << 20;
  float *from = guarded_normal(words), *to = guarded_f32(words);
  double copy = 1e30;
  for (int i = 0; i < 8; i++) {
    const double t = now();
    gk_backend_ops(s.b)->copy(s.b, to, from, words * 4);
    if (now() - t < copy) copy = now() - t;
  }
  guarded_free_all();
  const int64_t large = 64 << 20; /* no cache holds 256 MiB for long */
  from = guarded_f32(large);
  for (int i = 0; i < 4; i++) s.read = fmax(s.read, 4.0 * (double)large / gk_cpu_read_seconds(s.b, from, large * 4));
  guarded_free_all();
  if (s.o.json)
    printf("{\"op\":\"peak\",\"isa\":\"%s\",\"threads\":%d,\"fma_gflops\":%.4g,\"copy_gb_s\":%.3g,\"read_gb_s\":%.3g}\n", s.isa, (int)s.b->threads, s.peak, 8.0 * (double)words / copy * 1e-9, s.read * 1e-9);
  else
    printf("%s\nf32 FMA peak %.0f GFLOP/s, copy %.1f GB/s (read + written), read %.1f GB/s\n", gk_backend_ops(s.b)->describe(s.b), s.peak, 8.0 * (double)words / copy * 1e-9,
           s.read * 1e-9);
  const int64_t m = s.o.m ? s.o.m : 512, n = s.o.n ? s.o.n : 8192, k = s.o.k ? s.o.k : 2048;
  for (int t = 0; t < ALL_TYPES; t++) bench_type(&s, all_types[t], m, n, k);
  if (!s.o.type) {
    bench_lora(&s, m, n, k, 16);
    bench_dw(&s, m, n, k);
    bench_dw(&s, m, 16, k);
    bench_dw(&s, m, n, 16);
  }
  gk_backend_ops(s.b)->close(s.b);
  return 0;
}
