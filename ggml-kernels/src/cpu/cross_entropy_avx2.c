#define GK_VEC_AVX2
#include "cpu/cross_entropy.h"
