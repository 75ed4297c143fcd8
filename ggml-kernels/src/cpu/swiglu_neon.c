#define GK_VEC_NEON
#include "cpu/swiglu.h"
