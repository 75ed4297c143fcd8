#define GK_VEC_NEON
#include "cpu/attention_fwd.h"
