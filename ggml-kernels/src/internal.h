/* What the files of this library share and nobody outside sees: the backend struct, its threads and scratch
 * memory, and the declaration of every kernel (from kernels.def).
 */
#ifndef GRAFT_INTERNAL_H
#define GRAFT_INTERNAL_H
#include <stddef.h>
#include <stdint.h>

#include "graft/ops.h"

/* Ordered so that a later one implies what its family needs: amx implies avx512, avx512 implies avx2. */
typedef enum gk_isa { GK_ISA_REF, GK_ISA_NEON, GK_ISA_AVX2, GK_ISA_AVX512, GK_ISA_AMX } gk_isa;

typedef struct gk_pool gk_pool;

/* Who owns which scratch slot. A slot's content lives until the same slot is asked for more bytes. */
enum {
  GK_SCRATCH_OP,            /* any one op, for the length of its call */
  GK_SCRATCH_PARTIAL,       /* partial sums that are added up in a fixed order at the end of an op */
  GK_SCRATCH_SEGMENTS,      /* segments of paged attention */
  GK_SCRATCH_ROPE_0,        /* rope tables, kept between calls */
  GK_SCRATCH_ROPE_1,
  GK_SCRATCH_MATMUL_A,
  GK_SCRATCH_MATMUL_B,
  GK_SCRATCH_MATMUL_C,
  GK_SCRATCH_MATMUL_D,
  GK_SCRATCH_SLOTS
};
typedef struct gk_scratch {
  void *data[GK_SCRATCH_SLOTS];
  int64_t bytes[GK_SCRATCH_SLOTS];
} gk_scratch;

/* What a rope table in scratch was made for; docs/rope.md. */
typedef struct gk_rope_cache {
  int32_t valid[2];
  int32_t next;             /* the slot to be replaced next */
  int64_t t[2];
  int32_t rotary[2], layout[2];
  float magnitude[2];
} gk_rope_cache;

struct gk_backend {
  const gk_ops *ops;        /* must stay the first member */
  gk_isa isa;
  int32_t threads;
  gk_pool *pool;            /* NULL when threads == 1 */
  gk_precision precision;
  char description[160];
  gk_scratch scratch;
  gk_rope_cache rope_cache;
};

/* Runs fn(arg, part, parts) on every thread of the backend, part 0 on the caller; returns when all are done.
 * parts == backend->threads. Not to be nested. */
void gk_parallel(gk_backend *b, void (*fn)(void *arg, int32_t part, int32_t parts), void *arg);
/* Cuts [0, count) into runs of `grain` (the last may be shorter) and hands them to whichever thread is free;
 * fn(arg, begin, end, part). The cuts depend on count and grain only. One run is done on the caller alone. */
void gk_parallel_for(gk_backend *b, int64_t count, int64_t grain,
                     void (*fn)(void *arg, int64_t begin, int64_t end, int32_t part), void *arg);

/* The same for a loop that may be too small to be worth waking a thread: with less than GK_WORTH of `work` the caller
 * does every run itself, in the same cuts. The unit is a multiply-add of a product, of which a core does about 100 in a
 * nanosecond: GK_WORTH is some 40 microseconds. docs/matmul.md, "small products" */
enum { GK_WORTH = 4000000 };
void gk_parallel_for_work(gk_backend *b, int64_t count, int64_t grain, int64_t work,
                          void (*fn)(void *arg, int64_t begin, int64_t end, int32_t part), void *arg);

gk_pool *gk_pool_open(int32_t threads);   /* NULL when threads cannot be started */
void gk_pool_close(gk_pool *pool);        /* NULL is fine */
int32_t gk_cpu_count(void);               /* CPUs this process may run on, at least 1 */

/* Grow-only, 64-byte aligned, not zeroed; NULL when memory is out. Only the calling thread may ask. */
void *gk_scratch_get(gk_backend *b, int slot, int64_t bytes);

/* cpu_features.c: the name of an isa; whether this machine and build can run it, and if not, why. */
const char *gk_isa_name(gk_isa isa);
int gk_isa_available(gk_isa isa, const char **why_not);

/* dispatch.c: the op table for an isa. */
const gk_ops *gk_cpu_table(gk_isa isa);

/* matmul.c: up to so many rows of x, a row of matmul_fwd has the same bits whatever the rows beside it. */
int32_t gk_matmul_few_rows(const gk_backend *b);

/* Every kernel, declared from the one list. */
#define GK_ONE(ret, op, params) ret gk_##op params;
#define GK_DISPATCHED(op, params) gk_status gk_##op params; gk_status gk_##op##_ref params;
#define GK_VEC(op, params)                                     \
  gk_status gk_##op##_ref params;                              \
  gk_status gk_##op##_avx2 params;                             \
  gk_status gk_##op##_avx512 params;                           \
  gk_status gk_##op##_neon params;
#define GK_ONE_ACT(ret, op, params, floats, arguments) GK_ONE(ret, op, floats)
#define GK_DISPATCHED_ACT(op, params, floats, arguments) GK_DISPATCHED(op, floats)
#define GK_VEC_ACT(op, params, floats, arguments) GK_VEC(op, floats)
#include "kernels.def"

static inline int64_t gk_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t gk_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t gk_round_up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }

#endif
