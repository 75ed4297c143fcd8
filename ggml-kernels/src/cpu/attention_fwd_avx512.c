#define GK_VEC_AVX512
#include "cpu/attention_fwd.h"
