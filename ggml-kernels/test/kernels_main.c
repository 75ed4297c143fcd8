/* One test for each GK_VEC row of kernels.def: `kernels rmsnorm_fwd`, or `kernels` for all. A row without a
 * check_<op> does not link. Each check compares with the op stated plainly in double in the check itself.
 */
#define _GNU_SOURCE
#define HARNESS_MAIN
#include "harness.h"

#define GK_VEC(op, params) void check_##op(gk_backend *b, const char *isa);
#include "kernels.def"

static const struct { const char *name; void (*check)(gk_backend *, const char *); } rows[] = {
#define GK_VEC(op, params) {#op, check_##op},
#include "kernels.def"
};

int main(int argc, char **argv) {
  int done = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (argc > 1 && strcmp(argv[1], rows[i].name) != 0) continue;
    each_backend(rows[i].check);
    printf("ok %s\n", rows[i].name);
    done++;
  }
  if (!done) {
    fprintf(stderr, "no kernel '%s' in kernels.def\n", argc > 1 ? argv[1] : "");
    return 2;
  }
  return 0;
}
