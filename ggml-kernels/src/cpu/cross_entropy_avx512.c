#define GK_VEC_AVX512
#include "cpu/cross_entropy.h"
