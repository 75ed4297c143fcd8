#define GK_VEC_NEON
#include "cpu/elementwise.h"
