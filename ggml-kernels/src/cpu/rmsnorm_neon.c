#define GK_VEC_NEON
#include "cpu/rmsnorm.h"
