/* What this processor, and the operating system under us, let us execute.
 *
 * CPUID says what the processor has; XGETBV says which registers the kernel saves (without that the instructions
 * fault); AMX must besides be asked for, once per process (Linux 5.16 and later).
 */
#define _GNU_SOURCE
#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif
#include <pthread.h>

const char *gk_isa_name(gk_isa isa) {
  switch (isa) {
    case GK_ISA_NEON: return "neon";
    case GK_ISA_AVX2: return "avx2";
    case GK_ISA_AVX512: return "avx512";
    case GK_ISA_AMX: return "amx";
    default: return "ref";
  }
}

/* NULL: available. Else the reason. Written once under once_flag. */
static const char *missing[GK_ISA_AMX + 1];
static pthread_once_t once_flag = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
static uint64_t xcr0(void) {
  uint32_t low, high;
  __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

static int bit(uint32_t word, int n) { return (int)((word >> n) & 1); }

/* Asks the kernel for the tile registers (component 18). */
static const char *request_tiles(void) {
#if defined(__linux__)
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) != 0)
    return "the kernel refuses the AMX tile registers";
  return NULL;
#else
  return "AMX is used on Linux only";
#endif
}

static void detect(void) {
  uint32_t a, b, c, d, c1 = 0, b7 = 0, c7 = 0, d7 = 0, a71 = 0;
  missing[GK_ISA_NEON] = "this is an x86-64 processor";
  missing[GK_ISA_AVX2] = missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] = "the processor lacks it";
  if (!__get_cpuid(1, &a, &b, &c1, &d)) return;
  if (__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) __get_cpuid_count(7, 1, &a71, &b, &c, &d);
  if (!bit(c1, 27)) {
    missing[GK_ISA_AVX2] = missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] = "the operating system has no XSAVE";
    return;
  }
  uint64_t saved = xcr0();

  /* AVX, FMA, F16C; AVX2, BMI2 */
  if (!(bit(c1, 28) && bit(c1, 12) && bit(c1, 29) && bit(b7, 5) && bit(b7, 8))) return;
  if ((saved & 0x6) != 0x6) {
    missing[GK_ISA_AVX2] = missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] = "the operating system does not save AVX registers";
    return;
  }
  missing[GK_ISA_AVX2] = NULL;

  /* F, DQ, BW, VL, VNNI */
  if (!(bit(b7, 16) && bit(b7, 17) && bit(b7, 30) && bit(b7, 31) && bit(c7, 11))) return;
  if ((saved & 0xe6) != 0xe6) {
    missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] = "the operating system does not save AVX-512 registers";
    return;
  }
  missing[GK_ISA_AVX512] = NULL;

  /* AMX-BF16, AMX-TILE; AVX512-BF16 */
  if (!(bit(d7, 22) && bit(d7, 24) && bit(a71, 5))) return;
  if ((saved & 0x60000) != 0x60000) {
    missing[GK_ISA_AMX] = "the operating system does not save AMX tiles";
    return;
  }
  missing[GK_ISA_AMX] = request_tiles();
}
#elif defined(__aarch64__)
static void detect(void) {
  missing[GK_ISA_AVX2] = missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] = "this is an arm64 processor";
}
#else
static void detect(void) {
  missing[GK_ISA_NEON] = missing[GK_ISA_AVX2] = missing[GK_ISA_AVX512] = missing[GK_ISA_AMX] =
      "this build has only ref for this processor";
}
#endif

int gk_isa_available(gk_isa isa, const char **why_not) {
  pthread_once(&once_flag, detect);
  if (why_not) *why_not = missing[isa];
  return missing[isa] == NULL;
}
