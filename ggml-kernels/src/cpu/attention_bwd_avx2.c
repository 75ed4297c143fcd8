#define GK_VEC_AVX2
#include "cpu/attention_bwd.h"
