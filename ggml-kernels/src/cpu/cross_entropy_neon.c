#define GK_VEC_NEON
#include "cpu/cross_entropy.h"
