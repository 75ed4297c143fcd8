#define GK_VEC_NEON
#include "cpu/adamw.h"
