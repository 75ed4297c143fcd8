/* What every test here uses: guarded buffers, random numbers, comparisons in which NaN fails, and the loop over the
 * instruction sets of this machine. Include it once in a program's main file with HARNESS_MAIN defined.
 */
#ifndef GRAFT_HARNESS_H
#define GRAFT_HARNESS_H
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graft/ops.h"

/* Where the test is, for messages: isa, threads, shape. */
extern char test_where[256];
#define AT(...) snprintf(test_where, sizeof test_where, __VA_ARGS__)
#define FAIL(...)                                                   \
  do {                                                              \
    fprintf(stderr, "%s:%d: [%s] ", __FILE__, __LINE__, test_where); \
    fprintf(stderr, __VA_ARGS__);                                   \
    fputc('\n', stderr);                                            \
    exit(1);                                                        \
  } while (0)
/* What an f32 activation holds. */
#define FLOATS(act) ((float *)(act).data)
#define CHECK(condition) do { if (!(condition)) FAIL("not so: %s", #condition); } while (0)

/* |got - want| <= tolerance; false when anything is NaN. */
#define NEAR(what, index, got, want, tolerance)                                                              \
  do {                                                                                                       \
    double got_ = (got), want_ = (want), tol_ = (tolerance);                                                 \
    if (!(fabs(got_ - want_) <= tol_))                                                                       \
      FAIL("%s[%lld] is %.9g, should be %.9g, off by %.3g, allowed %.3g", what, (long long)(index), got_, want_, \
           fabs(got_ - want_), tol_);                                                                        \
  } while (0)

/* A buffer with an unreadable page before and after it. With guard_front set it begins at the first page's end, so
 * that a read before it crashes; otherwise it ends where the second begins, so that a read past it crashes. */
extern int guard_front;
void *guarded(int64_t bytes);
void guarded_free_all(void);          /* everything guarded() gave out so far */
float *guarded_f32(int64_t n);        /* filled with NaN */
int32_t *guarded_i32(int64_t n);

/* splitmix64 */
extern uint64_t random_state;
uint64_t random_u64(void);
double random_uniform(void);          /* [0, 1) */
float random_normal(void);            /* about N(0, 1) */
float *guarded_normal(int64_t n);     /* N(0, 1) */

/* Is it the CUDA plug-in; and are its products and attention in bf16? The tests run on it, in place of the CPU, when GRAFT_TEST_CUDA names the library:
 * the real one, or the emulated one. */
int is_cuda(const gk_backend *b);
int is_bf16(const gk_backend *b);
/* Opens a backend or ends the test; isa as each_backend gives it. */
gk_backend *open_backend(const char *isa, int32_t threads);
/* Calls fn(backend, isa) for every isa of this machine, 1 to 3 threads (ref: 1), and both kinds of guard; or for the CUDA plug-in ("cuda"),
 * in f32 and in bf16. */
void each_backend(void (*fn)(gk_backend *b, const char *isa));

#ifdef HARNESS_MAIN
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include "graft/cuda.h"

char test_where[256];
int guard_front;
uint64_t random_state = 42;

typedef struct guard_block { char *base, *data; size_t bytes, data_bytes; } guard_block;
static guard_block *guard_blocks;
static size_t guard_count, guard_room;

/* The plug-in of GRAFT_TEST_CUDA. On a real GPU buffers are memory that host and device share, cut from a few large blocks. In place of unreadable pages there are pages full
 * of 0xff: NaN to whoever reads them, and looked at for what was written there. */
static void *cuda_library, *(*cuda_shared_alloc)(int64_t);
enum { SHARED_BLOCKS = 64, SHARED_BYTES = 64 << 20 };
static struct { char *base; size_t bytes, used; } shared_blocks[SHARED_BLOCKS];
static gk_backend *cuda_backend;
static int cuda_fast;

int is_cuda(const gk_backend *b) { return strcmp(gk_backend_ops(b)->device, "cuda") == 0; }
int is_bf16(const gk_backend *b) { return is_cuda(b) && cuda_fast; }

static void *cuda_symbol(const char *name) {
  void *p = dlsym(cuda_library, name);
  if (!p) FAIL("GRAFT_TEST_CUDA: %s", dlerror());
  return p;
}

static gk_backend *open_cuda(void) {
  char message[512] = "";
  if (!cuda_library) {
    setenv("GRAFT_CUDA_SYNC", "1", 1);
    setenv("GRAFT_CUDA_TIMEOUT", "60", 0);
    if (!(cuda_library = dlopen(getenv("GRAFT_TEST_CUDA"), RTLD_NOW | RTLD_LOCAL))) FAIL("GRAFT_TEST_CUDA: %s", dlerror());
    if (((gk_cuda_ops_bytes_fn *)cuda_symbol("gk_cuda_ops_bytes"))() != (int64_t)sizeof(gk_ops)) FAIL("the plug-in was built from other sources");
  }
  gk_backend *b = ((gk_cuda_open_fn *)cuda_symbol("gk_cuda_open"))(0, message, sizeof message);
  if (!b) FAIL("gk_cuda_open: %s", message);
  if (!strstr(gk_backend_ops(b)->describe(b), "emulated")) cuda_shared_alloc = (void *(*)(int64_t))cuda_symbol("gk_cuda_shared_alloc");
  return b;
}

/* bytes: whole pages. */
static char *shared_take(size_t bytes) {
  for (int i = 0; i < SHARED_BLOCKS; i++) {
    if (!shared_blocks[i].base) {
      const size_t all = bytes > SHARED_BYTES ? bytes : SHARED_BYTES;
      if (!(shared_blocks[i].base = cuda_shared_alloc((int64_t)all))) return NULL;
      shared_blocks[i].bytes = all;
    }
    if (shared_blocks[i].bytes - shared_blocks[i].used < bytes) continue;
    char *p = shared_blocks[i].base + shared_blocks[i].used;
    shared_blocks[i].used += bytes;
    return p;
  }
  return NULL;
}

void *guarded(int64_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = ((size_t)bytes + page - 1) / page * page;
  if (inside == 0) inside = page;
  char *base = cuda_shared_alloc ? shared_take(inside + 2 * page) : mmap(NULL, inside + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!base || base == MAP_FAILED || (!cuda_shared_alloc && mprotect(base + page, inside, PROT_READ | PROT_WRITE) != 0)) FAIL("no memory for a guarded buffer");
  if (guard_count == guard_room) {
    guard_room = guard_room ? 2 * guard_room : 64;
    guard_blocks = realloc(guard_blocks, guard_room * sizeof *guard_blocks);
    if (!guard_blocks) FAIL("no memory");
  }
  char *data = guard_front ? base + page : base + page + (inside - (size_t)bytes);
  guard_blocks[guard_count++] = (guard_block){base, data, inside + 2 * page, (size_t)bytes};
  if (cuda_shared_alloc) {
    memset(base, 0xff, inside + 2 * page);
    memset(data, 0, (size_t)bytes);
  }
  return data;
}

void guarded_free_all(void) {
  for (size_t i = 0; i < guard_count; i++) {
    const guard_block *g = &guard_blocks[i];
    if (!cuda_shared_alloc) {
      munmap(g->base, g->bytes);
      continue;
    }
    for (const char *p = g->base; p < g->base + g->bytes; p++) {
      if (p == g->data) p += g->data_bytes;
      if (p < g->base + g->bytes && *(const unsigned char *)p != 0xff) FAIL("a buffer of %zu bytes: something was written %lld bytes from its beginning", g->data_bytes, (long long)(p - g->data));
    }
  }
  for (int i = 0; i < SHARED_BLOCKS; i++) shared_blocks[i].used = 0;
  guard_count = 0;
}

float *guarded_f32(int64_t n) {
  float *p = guarded(n * (int64_t)sizeof(float));
  for (int64_t i = 0; i < n; i++) p[i] = NAN;
  return p;
}

int32_t *guarded_i32(int64_t n) { return guarded(n * (int64_t)sizeof(int32_t)); }

uint64_t random_u64(void) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double random_uniform(void) { return (double)(random_u64() >> 11) * 0x1p-53; }

float random_normal(void) {
  double r = sqrt(-2 * log(1 - random_uniform()));
  return (float)(r * cos(6.283185307179586 * random_uniform()));
}

float *guarded_normal(int64_t n) {
  float *p = guarded_f32(n);
  for (int64_t i = 0; i < n; i++) p[i] = random_normal();
  return p;
}

gk_backend *open_backend(const char *isa, int32_t threads) {
  if (isa && strncmp(isa, "cuda", 4) == 0) {
    gk_backend *cuda = open_cuda();
    gk_backend_ops(cuda)->set_precision(cuda, cuda_fast ? GK_FAST : GK_PRECISE);
    return cuda;
  }
  char message[256];
  gk_backend *b = gk_cpu_open(isa, threads, message, sizeof message);
  if (!b) FAIL("gk_cpu_open(%s): %s", isa ? isa : "NULL", message);
  return b;
}

static void both_guards(gk_backend *b, const char *isa, void (*fn)(gk_backend *, const char *)) {
  for (guard_front = 0; guard_front < 2; guard_front++) {
    random_state = 42;
    fn(b, isa);
    guarded_free_all();
  }
}

void each_backend(void (*fn)(gk_backend *, const char *)) {
  if (getenv("GRAFT_TEST_CUDA")) {
    if (!cuda_backend) cuda_backend = open_cuda();
    for (cuda_fast = 0; cuda_fast < 2; cuda_fast++) {
      gk_backend_ops(cuda_backend)->set_precision(cuda_backend, cuda_fast ? GK_FAST : GK_PRECISE);
      both_guards(cuda_backend, cuda_fast ? "cuda in bf16" : "cuda in f32", fn);
    }
    return;
  }
  char names[64], *rest = names;
  snprintf(names, sizeof names, "%s", gk_cpu_isas());
  for (char *isa = strtok_r(rest, ",", &rest); isa; isa = strtok_r(NULL, ",", &rest)) {
    for (int32_t threads = 1; threads <= (strcmp(isa, "ref") ? 3 : 1); threads++) {
      gk_backend *b = open_backend(isa, threads);
      both_guards(b, isa, fn);
      gk_backend_ops(b)->close(b);
    }
  }
}
#endif
#endif
