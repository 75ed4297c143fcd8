/* Block layouts of the weight types, as GGUF files store them (little endian, no padding anywhere).
 *
 * A row of a weight is a whole number of blocks. `bpw` is bits per weight. Every f16 is kept as its 16 bits.
 * Formulas give x[i], the value of element i of a block; docs/formats.md has them with bit positions drawn out,
 * and src/ref/dequantize_ref.c is the same in C, in the order of float operations that fixes every bit.
 */
#ifndef GRAFT_BLOCKS_H
#define GRAFT_BLOCKS_H
#include <stdint.h>

#ifdef __cplusplus
#define GK_STATIC_ASSERT(e, m) static_assert(e, m)
#else
#define GK_STATIC_ASSERT(e, m) _Static_assert(e, m)
#endif

enum { GK_BLOCK = 32, GK_SUPER = 256 }; /* elements of a plain block and of a super-block */

typedef uint16_t gk_f16;

/* q4_0, 4.5 bpw. x[i] = (q_i - 8) * d, q_i 4 bits: byte j holds i = j (low nibble) and i = j + 16 (high). */
typedef struct gk_block_q4_0 {
  gk_f16 d;
  uint8_t qs[16];
} gk_block_q4_0;
GK_STATIC_ASSERT(sizeof(gk_block_q4_0) == 18, "q4_0");

/* q4_1, 5 bpw. x[i] = q_i * d + m; nibbles as q4_0. */
typedef struct gk_block_q4_1 {
  gk_f16 d, m;
  uint8_t qs[16];
} gk_block_q4_1;
GK_STATIC_ASSERT(sizeof(gk_block_q4_1) == 20, "q4_1");

/* q5_0, 5.5 bpw. x[i] = (q_i - 16) * d; low 4 bits as q4_0, bit 4 is bit i of qh (32 bits, little endian). */
typedef struct gk_block_q5_0 {
  gk_f16 d;
  uint8_t qh[4];
  uint8_t qs[16];
} gk_block_q5_0;
GK_STATIC_ASSERT(sizeof(gk_block_q5_0) == 22, "q5_0");

/* q5_1, 6 bpw. x[i] = q_i * d + m; bits as q5_0. */
typedef struct gk_block_q5_1 {
  gk_f16 d, m;
  uint8_t qh[4];
  uint8_t qs[16];
} gk_block_q5_1;
GK_STATIC_ASSERT(sizeof(gk_block_q5_1) == 24, "q5_1");

/* q8_0, 8.5 bpw. x[i] = qs[i] * d. */
typedef struct gk_block_q8_0 {
  gk_f16 d;
  int8_t qs[32];
} gk_block_q8_0;
GK_STATIC_ASSERT(sizeof(gk_block_q8_0) == 34, "q8_0");

/* q2_K, 2.625 bpw. 16 sub-blocks s = i / 16. x[i] = (d * (scales[s] & 15)) * q_i - dmin * (scales[s] >> 4).
 * q_i: half h = i / 128, shift 2 * ((i % 128) / 32), byte qs[32 h + i % 32]. */
typedef struct gk_block_q2_K {
  uint8_t scales[16];
  uint8_t qs[64];
  gk_f16 d, dmin;
} gk_block_q2_K;
GK_STATIC_ASSERT(sizeof(gk_block_q2_K) == 84, "q2_K");

/* q3_K, 3.4375 bpw. x[i] = (d * (S_s - 32)) * (q_i - (bit_i ? 0 : 4)), s = i / 16; q_i as q2_K;
 * bit_i is bit i / 32 of hmask[i % 32]; S_s has 6 bits: its low four in scales[s % 8] (low nibble for s < 8,
 * high for the rest), its high two in scales[8 + s % 4] at bit 2 * (s / 4). */
typedef struct gk_block_q3_K {
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  gk_f16 d;
} gk_block_q3_K;
GK_STATIC_ASSERT(sizeof(gk_block_q3_K) == 110, "q3_K");

/* q4_K, 4.5 bpw. 8 sub-blocks s = i / 32. x[i] = (d * S_s) * q_i - dmin * M_s.
 * q_i: byte qs[32 (i / 64) + i % 32], low nibble when s is even, high when odd.
 * S, M of 6 bits: for s < 4 they are scales[s] & 63 and scales[s+4] & 63; above, the low four bits are the nibbles of
 * scales[s+4] (S low, M high), the high two the top two bits of scales[s-4] and scales[s]. */
typedef struct gk_block_q4_K {
  gk_f16 d, dmin;
  uint8_t scales[12];
  uint8_t qs[128];
} gk_block_q4_K;
GK_STATIC_ASSERT(sizeof(gk_block_q4_K) == 144, "q4_K");

/* q5_K, 5.5 bpw. As q4_K with a fifth bit: bit s of qh[i % 32]. */
typedef struct gk_block_q5_K {
  gk_f16 d, dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
} gk_block_q5_K;
GK_STATIC_ASSERT(sizeof(gk_block_q5_K) == 176, "q5_K");

/* q6_K, 6.5625 bpw. x[i] = (d * scales[i / 16]) * (q_i - 32). With h = i / 128, r = (i % 128) / 32, l = i % 32:
 * low four bits in ql[64 h + 32 (r & 1) + l], low nibble for r < 2, high above; high two in qh[32 h + l] at bit 2 r. */
typedef struct gk_block_q6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  gk_f16 d;
} gk_block_q6_K;
GK_STATIC_ASSERT(sizeof(gk_block_q6_K) == 210, "q6_K");

/* iq4_nl, 4.5 bpw. x[i] = d * table[q_i], nibbles as q4_0, table gk_iq4_values. */
typedef struct gk_block_iq4_nl {
  gk_f16 d;
  uint8_t qs[16];
} gk_block_iq4_nl;
GK_STATIC_ASSERT(sizeof(gk_block_iq4_nl) == 18, "iq4_nl");

/* iq4_xs, 4.25 bpw. 8 sub-blocks s = i / 32. x[i] = (d * (L_s - 32)) * table[q_i]; inside a sub-block nibbles as q4_0.
 * L_s: low four bits a nibble of scales_l[s / 2] (low when s is even), high two at bit 2 s of scales_h. */
typedef struct gk_block_iq4_xs {
  gk_f16 d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
} gk_block_iq4_xs;
GK_STATIC_ASSERT(sizeof(gk_block_iq4_xs) == 136, "iq4_xs");

/* The 16 levels of iq4_nl and iq4_xs. */
#define GK_IQ4_VALUES -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113

#endif
