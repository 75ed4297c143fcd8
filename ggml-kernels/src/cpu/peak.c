#include "peak.h"

#include <time.h>

#include "../internal.h"

float gk_fma_chains_ref(int64_t rounds) {
  float chain[GK_FMA_CHAINS];
  for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = (float)i;
  for (int64_t r = 0; r < rounds * GK_FMA_UNROLL; r++)
    for (int i = 0; i < GK_FMA_CHAINS; i++) chain[i] = chain[i] * 0.999f + 1e-3f;
  float sum = 0;
  for (int i = 0; i < GK_FMA_CHAINS; i++) sum += chain[i];
  return sum;
}

typedef struct peak_run {
  float (*chains)(int64_t rounds);
  int64_t rounds;
  volatile float sink;
} peak_run;

static void run_part(void *arg, int32_t part, int32_t parts) {
  (void)part, (void)parts;
  peak_run *run = arg;
  run->sink = run->chains(run->rounds);
}

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double gk_cpu_fma_peak(gk_backend *b, double seconds) {
  peak_run run = {gk_fma_chains_ref, 20000, 0};
  double flops_per_round = 2.0 * GK_FMA_CHAINS * GK_FMA_UNROLL;
#if defined(__x86_64__)
  const char *why;
  if (gk_isa_available(GK_ISA_AVX512, &why)) {
    run.chains = gk_fma_chains_avx512;
    flops_per_round *= 16;
  } else if (gk_isa_available(GK_ISA_AVX2, &why)) {
    run.chains = gk_fma_chains_avx2;
    flops_per_round *= 8;
  }
#endif
  const double until = seconds_now() + seconds;
  double best = 0, end;
  do {
    const double begin = seconds_now();
    gk_parallel(b, run_part, &run);
    end = seconds_now();
    const double rate = flops_per_round * (double)run.rounds * b->threads / (end - begin);
    if (rate > best) best = rate;
  } while (end < until);
  return best;
}

typedef struct read_run {
  const uint64_t *data;
  int64_t words; /* a multiple of 512 */
  _Atomic uint64_t sink;
} read_run;

static void read_part(void *arg, int32_t part, int32_t parts) {
  read_run *run = arg;
  const int64_t pages = run->words / 512, begin = pages * part / parts * 512, end = pages * (part + 1) / parts * 512;
  uint64_t sum[16] = {0};
  for (int64_t i = begin; i < end; i += 16)
    for (int c = 0; c < 16; c++) sum[c] += run->data[i + c];
  for (int c = 1; c < 16; c++) sum[0] += sum[c];
  run->sink += sum[0];
}

double gk_cpu_read_seconds(gk_backend *b, const void *data, int64_t bytes) {
  read_run run = {.data = data, .words = bytes / 8};
  const double begin = seconds_now();
  gk_parallel(b, read_part, &run);
  return seconds_now() - begin;
}
