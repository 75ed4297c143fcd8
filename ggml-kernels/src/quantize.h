/* Inside the kernels: rows of values into the blocks of a weight type. Every table gives the same bits; docs/quantize.md.
 *
 * A row is cut into sub-blocks of 16 or 32 values, each of which is fitted by a search; what the fits become in a block (rounding of scales,
 * levels, bits) is quantize_blocks.h, shared by all. The searches are src/ref/quantize_search_ref.c, plain, one sub-block at a time, and
 * src/cpu/quantize_lanes.h, a sub-block in each lane of a vector.
 */
#ifndef GK_QUANTIZE_H
#define GK_QUANTIZE_H
#include "internal.h"

/* rows x width values, width a multiple of the block size; importance [width] >= 0, or NULL; dst overwritten. All values finite. */
typedef void (*gk_quantize_fn)(const float *src, int64_t rows, int64_t width, const float *importance, void *dst);

/* Indexed by gk_type; NULL where values are not quantized into the type. */
extern const gk_quantize_fn gk_quantize_table_ref[GK_TYPE_LIMIT];
#if defined(__x86_64__)
extern const gk_quantize_fn gk_quantize_table_avx2[GK_TYPE_LIMIT];
extern const gk_quantize_fn gk_quantize_table_avx512[GK_TYPE_LIMIT];
#endif

/* The table of an isa: cpu/quantize.c. */
const gk_quantize_fn *gk_quantize_table(gk_isa isa);

/* Round to nearest even; beyond the range an infinity; NaN stays a quiet NaN. */
uint16_t gk_f32_to_f16(float x);
uint16_t gk_f32_to_bf16(float x);

enum { GK_SUBBLOCKS = 16 };   /* most in a super-block */

/* Fits of a super-block's sub-blocks. A value is near scale * level - min (or scale * (level - peak), or scale * table[level]).
 * Before the scales are rounded its level was nearest(inverse * (x - origin)), clamped. */
typedef struct gk_fits {
  float scale[GK_SUBBLOCKS], min[GK_SUBBLOCKS];
  float inverse[GK_SUBBLOCKS], origin[GK_SUBBLOCKS];
  float weight[GK_SUBBLOCKS];   /* sum of the sub-block's weights */
  uint8_t levels[256];          /* of q3_K's descent only */
} gk_fits;

/* How a search weighs the error of a value x. qw: its importance; mean squares are of the 256 values of its super-block, of the 32 of its
 * sub-block, or of its row. */
typedef enum gk_weighting {
  GK_WEIGH_SQUARE,        /* x² */
  GK_WEIGH_MAGNITUDE,     /* |x| */
  GK_WEIGH_ROOT_PLUS,     /* sqrt(mean square of the sub-block) + |x| */
  GK_WEIGH_IMPORTANCE,    /* qw */
  GK_WEIGH_SPREAD         /* qw * sqrt(spread + x²), spread a multiple of a mean square */
} gk_weighting;

#endif
