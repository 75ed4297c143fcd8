#define GK_VEC_AVX2
#include "cpu/attention_fwd.h"
