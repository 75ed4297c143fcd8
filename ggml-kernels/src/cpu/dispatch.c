/* One op table for each isa, filled from kernels.def. amx differs from avx512 only inside the products, which look
 * at backend->isa themselves.
 */
#include "internal.h"

/* Activations are f32 here: kernels take plain pointers. */
#define GK_ONE_ACT(ret, op, params, floats, arguments) static ret act_##op params { return gk_##op arguments; }
#define GK_DISPATCHED_ACT(op, params, floats, arguments) static gk_status act_##op params { return gk_##op arguments; }
#define GK_VEC_ACT(op, params, floats, arguments) static gk_status act_##op##_ref params { return gk_##op##_ref arguments; }
#include "kernels.def"
#if defined(__x86_64__)
#define GK_VEC_ACT(op, params, floats, arguments)                                            \
  static gk_status act_##op##_avx2 params { return gk_##op##_avx2 arguments; }               \
  static gk_status act_##op##_avx512 params { return gk_##op##_avx512 arguments; }
#include "kernels.def"
#elif defined(__aarch64__)
#define GK_VEC_ACT(op, params, floats, arguments) static gk_status act_##op##_neon params { return gk_##op##_neon arguments; }
#include "kernels.def"
#endif

#define GK_ONE(ret, op, params) .op = gk_##op,
#define GK_DISPATCHED(op, params) .op = gk_##op,
#define GK_VEC(op, params) .op = gk_##op##_ref,
#define GK_ONE_ACT(ret, op, params, floats, arguments) .op = act_##op,
#define GK_DISPATCHED_ACT(op, params, floats, arguments) .op = act_##op,
#define GK_VEC_ACT(op, params, floats, arguments) .op = act_##op##_ref,
static const gk_ops table_ref = {.device = "cpu",
#include "kernels.def"
};

#if defined(__x86_64__)
#define GK_ONE(ret, op, params) .op = gk_##op,
#define GK_DISPATCHED(op, params) .op = gk_##op,
#define GK_VEC(op, params) .op = gk_##op##_avx2,
#define GK_ONE_ACT(ret, op, params, floats, arguments) .op = act_##op,
#define GK_DISPATCHED_ACT(op, params, floats, arguments) .op = act_##op,
#define GK_VEC_ACT(op, params, floats, arguments) .op = act_##op##_avx2,
static const gk_ops table_avx2 = {.device = "cpu",
#include "kernels.def"
};

#define GK_ONE(ret, op, params) .op = gk_##op,
#define GK_DISPATCHED(op, params) .op = gk_##op,
#define GK_VEC(op, params) .op = gk_##op##_avx512,
#define GK_ONE_ACT(ret, op, params, floats, arguments) .op = act_##op,
#define GK_DISPATCHED_ACT(op, params, floats, arguments) .op = act_##op,
#define GK_VEC_ACT(op, params, floats, arguments) .op = act_##op##_avx512,
static const gk_ops table_avx512 = {.device = "cpu",
#include "kernels.def"
};
#elif defined(__aarch64__)
#define GK_ONE(ret, op, params) .op = gk_##op,
#define GK_DISPATCHED(op, params) .op = gk_##op,
#define GK_VEC(op, params) .op = gk_##op##_neon,
#define GK_ONE_ACT(ret, op, params, floats, arguments) .op = act_##op,
#define GK_DISPATCHED_ACT(op, params, floats, arguments) .op = act_##op,
#define GK_VEC_ACT(op, params, floats, arguments) .op = act_##op##_neon,
static const gk_ops table_neon = {.device = "cpu",
#include "kernels.def"
};
#endif

const gk_ops *gk_cpu_table(gk_isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case GK_ISA_AVX2: return &table_avx2;
    case GK_ISA_AVX512:
    case GK_ISA_AMX: return &table_avx512;
#elif defined(__aarch64__)
    case GK_ISA_NEON: return &table_neon;
#endif
    default: return &table_ref;
  }
}
