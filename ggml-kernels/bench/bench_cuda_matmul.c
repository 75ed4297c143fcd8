/* Speed of the CUDA plug-in's products at the sizes of a 7 or 8 billion parameter model.
 *
 *   bench_cuda_matmul LIBRARY [--seconds S] [--type NAME] [--check]
 *
 * LIBRARY is libgraft_cuda.so (with GRAFT_CUBLAS=off: own products). Each line: the median time of a call, with the work queued and waited for once each
 * ten calls; TFLOP/s, and GB/s of the weight's blocks and the activations, which are bf16 with GK_FAST. --check: small sizes, once, for the emulated GPU.
 */
#define _GNU_SOURCE
#define HARNESS_MAIN
#include <time.h>

#include "acts.h"
#include "weights.h"

static gk_backend *b;
static const gk_ops *ops;
static double seconds = 0.3;
static int small;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *x, const void *y) {
  const double a = *(const double *)x, c = *(const double *)y;
  return (a > c) - (a < c);
}

enum { MOST = 4000, CALLS = 10 };
typedef struct shape { gk_product p[8]; int32_t group; gk_act x; float *dw; int64_t m, k; } shape;

/* what: 0 forward, 1 dx, 2 dw of the first member */
static void once(const shape *s, int what) {
  gk_status status = GK_OK;
  if (what == 0) status = ops->matmul_fwd(b, s->group, s->p, s->x, s->k, s->m, s->k);
  if (what == 1) status = ops->matmul_dx(b, s->group, s->p, s->x, s->k, s->m, s->k, 0);
  if (what == 2) status = ops->matmul_dw(b, s->p[0].y, s->p[0].ldy, s->x, s->k, s->m, s->p[0].w.n, s->k, 1, s->dw);
  CHECK(status == GK_OK);
}

static void measure(const char *name, const shape *s, int what) {
  static double times[MOST];
  int runs = 0;
  float back;
  const int calls = small ? 1 : CALLS;
  for (int warm = 0; warm < (small ? 0 : 2); warm++) once(s, what);
  CHECK(ops->download(b, &back, s->x.data, sizeof back) == GK_OK);
  for (const double begin = now(); runs < MOST && (runs < 3 || now() - begin < seconds); runs++) {
    const double start = now();
    for (int i = 0; i < calls; i++) once(s, what);
    CHECK(ops->download(b, &back, s->x.data, sizeof back) == GK_OK);
    times[runs] = (now() - start) / calls;
    if (small) { runs++; break; }
  }
  qsort(times, (size_t)runs, sizeof *times, by_size);
  double flop = 0, bytes = (double)s->m * (double)gk_type_bytes(s->x.type, s->k);
  int64_t n = 0;
  for (int32_t g = 0; g < s->group; g++) {
    n += s->p[g].w.n;
    flop += 2.0 * (double)s->m * (double)s->p[g].w.n * (double)s->k;
    bytes += (double)gk_type_bytes(s->p[g].w.type, s->p[g].w.n * s->k) + (double)s->m * (double)gk_type_bytes(s->p[g].y.type, s->p[g].w.n);
  }
  const double t = times[runs / 2];
  printf("%-28s %-4s M %6lld N %6lld K %6lld   %9.1f us  %8.2f TFLOP/s  %8.1f GB/s\n", name, what == 0 ? "fwd" : what == 1 ? "dx" : "dw", (long long)s->m, (long long)n, (long long)s->k,
         t * 1e6, flop / t * 1e-12, bytes / t * 1e-9);
}

static void *device(const void *host, int64_t bytes) {
  void *p = ops->alloc(b, bytes);
  if (!p) FAIL("no device memory for %lld bytes", (long long)bytes);
  if (host) CHECK(ops->upload(b, p, host, bytes) == GK_OK);
  return p;
}

static void *random_f32(int64_t n) {
  const int64_t some = n < (1 << 20) ? n : 1 << 20;   /* repeated */
  float *host = malloc((size_t)some * sizeof *host);
  for (int64_t i = 0; i < some; i++) host[i] = random_normal();
  char *p = device(NULL, n * 4);
  for (int64_t at = 0; at < n; at += some) CHECK(ops->upload(b, p + at * 4, host, (n - at < some ? n - at : some) * 4) == GK_OK);
  free(host);
  return p;
}

/* Of the type that activations have with this precision. */
static gk_act random_act(gk_precision precision, int64_t n) {
  gk_act a = {NULL, ops->activation_type(b, precision)};
  if (a.type == GK_F32) return gk_f32(random_f32(n));
  const int64_t some = n < (1 << 20) ? n : 1 << 20;
  uint16_t *host = malloc((size_t)some * sizeof *host);
  for (int64_t i = 0; i < some; i++) host[i] = act_bits(random_normal());
  a.data = device(NULL, n * 2);
  for (int64_t at = 0; at < n; at += some) CHECK(ops->upload(b, (uint16_t *)a.data + at, host, (n - at < some ? n - at : some) * 2) == GK_OK);
  free(host);
  return a;
}

static gk_weight random_weight(gk_type type, int64_t n, int64_t k) {
  const int64_t rows = n < 64 ? n : 64, row = gk_type_bytes(type, k);   /* 64 rows, repeated */
  char *host = malloc((size_t)(rows * row));
  fill_weight(type, host, rows * k);
  char *p = device(NULL, n * row);
  for (int64_t at = 0; at < n; at += rows) CHECK(ops->upload(b, p + at * row, host, (n - at < rows ? n - at : rows) * row) == GK_OK);
  free(host);
  return (gk_weight){type, p, n, k};
}

/* beside: the members' y are neighbouring columns. */
static void run(gk_precision precision, const char *name, gk_type type, int32_t group, const int64_t *n, int64_t m, int64_t k, int accumulate, int beside, const char *what) {
  if (small) m = m > 40 ? 40 : m, k = k > 256 ? 256 : k;
  shape s = {.group = group, .m = m, .k = k};
  s.x = random_act(precision, m * k);
  int64_t columns = 0, at = 0;
  for (int32_t g = 0; g < group; g++) columns += small && n[g] > 64 ? 64 : n[g];
  const gk_act all = beside ? random_act(precision, m * columns) : (gk_act){NULL, GK_F32};
  for (int32_t g = 0; g < group; g++) {
    const int64_t rows = small && n[g] > 64 ? 64 : n[g];
    s.p[g] = (gk_product){random_weight(type, rows, k), beside ? gk_act_at(all, at) : random_act(precision, m * rows), beside ? columns : rows, 1, accumulate};
    at += rows;
  }
  if (strchr(what, 'w')) s.dw = random_f32(s.p[0].w.n * k);
  if (strchr(what, 'f')) measure(name, &s, 0);
  if (strchr(what, 'x')) measure(name, &s, 1);
  if (strchr(what, 'w')) measure(name, &s, 2);
  for (int32_t g = 0; g < group; g++) {
    ops->release_weight(b, s.p[g].w.data);
    if (!beside) ops->release(b, s.p[g].y.data);
  }
  ops->release(b, all.data);
  ops->release(b, s.dw);
  ops->release(b, s.x.data);
}

int main(int argc, char **argv) {
  const char *only = NULL;
  if (argc < 2) {
    fprintf(stderr, "bench_cuda_matmul LIBRARY [--seconds S] [--type NAME] [--check]\n");
    return 2;
  }
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[i], "--check")) small = 1;
    else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = atof(argv[++i]);
    else if (!strcmp(argv[i], "--type") && i + 1 < argc) only = argv[++i];
  }
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  char message[512];
  if (!library) FAIL("%s", dlerror());
  b = ((gk_cuda_open_fn *)dlsym(library, "gk_cuda_open"))(0, message, sizeof message);
  if (!b) FAIL("%s", message);
  ops = gk_backend_ops(b);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("%s\n", ops->describe(b));
  const int64_t c = 4096, f = 14336, v = 128256, r = 16, kv = 1024;
  const int64_t qkv[] = {c, kv, kv}, gate_up[] = {f, f}, as[] = {r, r, r};
  for (int precise = 0; precise < 2; precise++) {
    const gk_precision precision = precise ? GK_PRECISE : GK_FAST;
    ops->set_precision(b, precision);
    printf("%s\n", precise ? "GK_PRECISE" : "GK_FAST");
    const gk_type type = GK_Q4_K;
    if (!only) {
      run(precision, "q4_K", type, 1, &c, 4096, c, 0, 0, "fx");
      run(precision, "q4_K gate, up", type, 2, gate_up, 4096, c, 0, 0, "fx");
      run(precision, "q4_K down", type, 1, &c, 4096, f, 0, 0, "fx");
      run(precision, "q6_K head", GK_Q6_K, 1, &v, 512, c, 0, 0, "fx");
      run(precision, "q4_K of 64 rows", type, 1, &c, 64, c, 0, 0, "fx");
      run(precision, "f32 (pretrain)", GK_F32, 1, &c, 4096, c, 0, 0, "fxw");
      run(precision, "LoRA A, three", GK_F32, 3, as, 4096, c, 0, 1, "fxw");
      run(precision, "LoRA B", GK_F32, 1, &c, 4096, r, 1, 0, "fxw");
      run(precision, "LoRA B up", GK_F32, 1, &f, 4096, r, 1, 0, "fxw");
      for (int64_t m = 1; m <= 32; m *= 4) {
        run(precision, "LoRA A, three, few rows", GK_F32, 3, as, m, c, 0, 1, "f");
        run(precision, "LoRA B, few rows", GK_F32, 1, &c, m, r, 1, 0, "f");
      }
    }
    for (int t = 0; t < ALL_TYPES; t++) {
      const char *name = gk_type_get(all_types[t])->name;
      if (only && strcmp(only, name)) continue;
      static const int64_t rows[] = {1, 2, 8, 16, 32};
      for (int i = 0; i < 5; i++) run(precision, name, all_types[t], 2, gate_up, rows[i], c, 0, 0, "f");
      run(precision, name, all_types[t], 1, &c, 64, c, 0, 0, "f");   /* dequantization, mostly */
    }
    if (!only) run(precision, "q4_K q, k, v", type, 3, qkv, 1, c, 0, 0, "f");
  }
  ops->close(b);
  return 0;
}
