/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011): ten rounds of multiply and xor turn a 128-bit counter and a
 * 64-bit key into four 32-bit words. docs/dropout.md
 */
#ifndef GRAFT_PHILOX_H
#define GRAFT_PHILOX_H
#include <stdint.h>

#define GK_PHILOX_M0 0xD2511F53u
#define GK_PHILOX_M1 0xCD9E8D57u
#define GK_PHILOX_W0 0x9E3779B9u
#define GK_PHILOX_W1 0xBB67AE85u
enum { GK_PHILOX_ROUNDS = 10 };

#ifdef __CUDACC__   /* kernels use it too */
#define GK_PHILOX_FN static __host__ __device__ __forceinline__
#else
#define GK_PHILOX_FN static inline
#endif

/* Counter words 0,1 are the block number, 2,3 the stream; the key is the seed. */
GK_PHILOX_FN void gk_philox(uint64_t seed, uint64_t stream, uint64_t block, uint32_t word[4]) {
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  for (int i = 0; i < GK_PHILOX_ROUNDS; i++) {
    uint64_t m0 = (uint64_t)GK_PHILOX_M0 * c0, m1 = (uint64_t)GK_PHILOX_M1 * c2;
    uint32_t n0 = (uint32_t)(m1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(m0 >> 32) ^ c3 ^ k1;
    c0 = n0, c1 = (uint32_t)m1, c2 = n2, c3 = (uint32_t)m0;
    k0 += GK_PHILOX_W0, k1 += GK_PHILOX_W1;
  }
  word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

/* A word below this drops its element: p of all 2^32 words (all of them when p is 1). */
static inline uint64_t gk_dropout_threshold(float p) {
  double t = (double)p * 4294967296.0;
  return t <= 0 ? 0 : t >= 4294967296.0 ? 4294967296u : (uint64_t)t;
}

static inline float gk_dropout_scale(float p) { return p < 1 ? (float)(1.0 / (1.0 - (double)p)) : 0.0f; }

#endif
