/* Tables of cosines and sines for the vector rope kernels. docs/rope.md */
#ifndef GRAFT_ROPE_TABLE_H
#define GRAFT_ROPE_TABLE_H
#include "internal.h"

/* Floats in one of the two rows of a position: each angle once (NEOX) or twice (NORM). */
static inline int64_t gk_rope_columns(const gk_rope *r) { return r->layout == GK_ROPE_NEOX ? r->rotary / 2 : r->rotary; }

/* [t][2][columns]: magnitude * cos, then magnitude * sin (NORM: -sin, +sin) of position * inv_freq, in double.
 * Two tables are kept and given again to a call with equal arguments, since the layers of a model ask for the same
 * one or two over and over. NULL when memory is out. Valid until the next call. */
const float *gk_rope_table(gk_backend *b, const gk_rope *r, const int32_t *positions, int64_t t);

#endif
