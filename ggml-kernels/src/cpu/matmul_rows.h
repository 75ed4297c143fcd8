/* The resident panels of the f32 isas: ROWS rows of i (defined by the includer), GK_SBLOCK floats each, as they come. */
#include <string.h>
#include "cpu/matmul.h"

/* R[i,s] = scale * src[i * ld + s] */
static void resident_rows(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale) {
  float *to = (float *)panel;
  for (int32_t r = 0; r < ROWS; r++, to += GK_SBLOCK) {
    if (r < rows)
      for (int32_t s = 0; s < count; s++) to[s] = scale * src[r * ld + s];
    else
      memset(to, 0, (size_t)count * 4);
  }
}

/* R[i,s] = scale * src[s * ld + i] */
static void resident_columns(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale) {
  float *to = (float *)panel;
  for (int32_t s = 0; s < count; s++)
    for (int32_t r = 0; r < ROWS; r++) to[r * GK_SBLOCK + s] = r < rows ? scale * src[s * ld + r] : 0;
}
