#define GK_VEC_AVX2
#include "cpu/elementwise.h"
