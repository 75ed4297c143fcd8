#define GK_VEC_AVX512
#include "cpu/swiglu.h"
