/* What the tests of the CUDA plug-in's host side share. GRAFT_TEST_CUDA names the library: a real one, or the emulated one, whose switches are in emulator/emulator.h. Each case is a
 * process of its own, since those are read once. Include it once in a program's main file.
 */
#ifndef GRAFT_CUDA_CASES_H
#define GRAFT_CUDA_CASES_H
#define _GNU_SOURCE
#define HARNESS_MAIN
#include "harness.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

static gk_cuda_open_fn *cuda_open;
static gk_cuda_last_error_fn *take_error;
/* The newest message; the plug-in forgets it when it is read. */
static inline const char *last_error(void) {
  static char kept[512];
  const char *now = take_error();
  if (*now) snprintf(kept, sizeof kept, "%s", now);
  return kept;
}
static gk_cuda_memory_fn *memory;
static const gk_ops *ops;

static void load(void) {
  cuda_library = dlopen(getenv("GRAFT_TEST_CUDA"), RTLD_NOW | RTLD_LOCAL);
  if (!cuda_library) FAIL("GRAFT_TEST_CUDA: %s", dlerror());
  cuda_open = (gk_cuda_open_fn *)cuda_symbol("gk_cuda_open");
  take_error = (gk_cuda_last_error_fn *)cuda_symbol("gk_cuda_last_error");
  memory = (gk_cuda_memory_fn *)cuda_symbol("gk_cuda_memory");
}

static inline gk_backend *open_it(void) {
  char message[256] = "";
  load();
  gk_backend *b = cuda_open(0, message, sizeof message);
  if (!b) FAIL("gk_cuda_open: %s", message);
  ops = gk_backend_ops(b);
  return b;
}

static inline double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs the case with NAME=VALUE settings, up to a NULL. */
static void in_child(const char *name, void (*run)(void), ...) {
  const double begin = seconds();
  AT("%s", name);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    va_list list;
    va_start(list, run);
    for (const char *s; (s = va_arg(list, const char *));) putenv(strdup(s));
    va_end(list);
    run();
    fflush(NULL);
    _exit(0);
  }
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) FAIL("the case ended with status 0x%x", (unsigned)status);
  printf("ok %s, %.1f s\n", name, seconds() - begin);
}

static inline float *on_device(gk_backend *b, const float *host, int64_t n) {
  float *p = ops->alloc(b, n * (int64_t)sizeof(float));
  CHECK(p && ops->upload(b, p, host, n * (int64_t)sizeof(float)) == GK_OK);
  return p;
}
static inline float *on_host(gk_backend *b, const float *device, int64_t n) {
  float *p = guarded_f32(n);
  CHECK(ops->download(b, p, device, n * (int64_t)sizeof(float)) == GK_OK);
  return p;
}

/* Runs a case of this name. */
#define EACH(name, ...) in_child(#name, name, __VA_ARGS__, (char *)NULL)

/* Is it the emulated GPU? */
static int is_emulated(void) { return strstr(getenv("GRAFT_TEST_CUDA"), "emulated") != NULL; }

/* GRAFT_CUBLAS=... of the library of plain loops, built beside the emulated plug-in; NULL where there is none. */
static inline const char *plain_cublas(void) {
  static char setting[512];
  const char *plugin = getenv("GRAFT_TEST_CUDA"), *name = strrchr(plugin, '/');
  snprintf(setting, sizeof setting, "GRAFT_CUBLAS=%.*slibfake_cublas.so", name ? (int)(name + 1 - plugin) : 0, plugin);
  return is_emulated() && access(strchr(setting, '=') + 1, R_OK) == 0 ? setting : NULL;
}

/* Nothing to test? Then main returns 0. */
static int no_plugin(void) {
  if (getenv("GRAFT_TEST_CUDA")) return 0;
  puts("GRAFT_TEST_CUDA is not set");
  return 1;
}
#endif
