#define GK_VEC_NEON
#include "cpu/dropout.h"
