/* Inside the kernels: one table of dequantizers per isa, indexed by gk_type (NULL where the type is not supported).
 * All tables give the same bits. n is a multiple of the block size; nothing outside src's blocks is read. */
#ifndef GK_DEQUANTIZE_H
#define GK_DEQUANTIZE_H
#include "internal.h"

typedef void (*gk_dequantize_fn)(const void *src, float *dst, int64_t n);

extern const gk_dequantize_fn gk_dequantize_table_ref[GK_TYPE_LIMIT];
#if defined(__x86_64__)
extern const gk_dequantize_fn gk_dequantize_table_avx2[GK_TYPE_LIMIT];
extern const gk_dequantize_fn gk_dequantize_table_avx512[GK_TYPE_LIMIT];
#endif

/* The table of an isa: cpu/dequantize.c. */
const gk_dequantize_fn *gk_dequantize_table(gk_isa isa);

float gk_f16_to_f32(uint16_t h);
float gk_bf16_to_f32(uint16_t h);
/* Scale and min of sub-block s (0..7) of q4_K and q5_K. */
void gk_q4_K_scale(const uint8_t scales[12], int s, int *scale, int *min);
/* The 16 scales of q3_K, 32 already subtracted. */
void gk_q3_K_scales(const uint8_t packed[12], int8_t scales[16]);

#endif
