#define GK_VEC_NEON
#include "cpu/rope.h"
