/* Opening backends, threads, memory, and the ops that move rows. */
#define _GNU_SOURCE
#define HARNESS_MAIN
#include <unistd.h>

#include "harness.h"
#include "internal.h"

static void check_open(void) {
  char message[256], names[64], *rest = names;
  snprintf(names, sizeof names, "%s", gk_cpu_isas());
  char *best = strtok_r(rest, ",", &rest), *last = best;
  for (char *isa = best; isa; isa = strtok_r(NULL, ",", &rest)) {
    gk_backend *b = open_backend(isa, 1);
    CHECK(gk_backend_ops(b) == *(const gk_ops **)(void *)b);
    CHECK(strstr(gk_backend_ops(b)->describe(b), isa) && strcmp(gk_backend_ops(b)->device, "cpu") == 0);
    gk_backend_ops(b)->close(b);
    last = isa;
  }
  CHECK(strcmp(last, "ref") == 0);

  unsetenv("GRAFT_ISA");
  gk_backend *b = open_backend(NULL, 0);
  CHECK(strstr(gk_backend_ops(b)->describe(b), best) && b->threads == gk_cpu_count());
  const gk_ops *ops = gk_backend_ops(b);
  ops->close(b);
  ops->close(NULL);
  setenv("GRAFT_ISA", "ref", 1);
  b = open_backend("auto", 1);
  CHECK(b->isa == GK_ISA_REF);
  ops->close(b);
  b = open_backend(best, 1);          /* what is asked for by name is not overridden */
  CHECK(strcmp(gk_isa_name(b->isa), best) == 0);
  ops->close(b);
  setenv("GRAFT_ISA", "sse9", 1);
  CHECK(!gk_cpu_open(NULL, 1, message, sizeof message) && strstr(message, "sse9") && strstr(message, "GRAFT_ISA") && strstr(message, best));
  unsetenv("GRAFT_ISA");
  CHECK(!gk_cpu_open("sse9", 1, message, sizeof message) && strstr(message, best) && !strchr(message, '\n'));
  for (int isa = GK_ISA_REF; isa <= GK_ISA_AMX; isa++)
    if (!gk_isa_available((gk_isa)isa, NULL)) CHECK(!gk_cpu_open(gk_isa_name((gk_isa)isa), 1, message, sizeof message) && strstr(message, "not available"));
  CHECK(!gk_cpu_open("ref", -1, message, sizeof message) && strstr(message, "threads"));
  CHECK(!gk_cpu_open("sse9", 1, NULL, 0));
  CHECK(!gk_cpu_open("sse9", 1, message, 5) && strlen(message) < 5);
}

typedef struct tally { int32_t *hits; int64_t count, grain; int32_t parts[8], alone; } tally;
static void hit(void *arg, int64_t begin, int64_t end, int32_t part) {
  tally *t = arg;
  if (begin % t->grain != 0 || end - begin > t->grain || part < 0 || part >= 8 || (t->alone && part != 0)) exit(3);
  for (int64_t i = begin; i < end; i++) t->hits[i]++;
}
static void mark(void *arg, int32_t part, int32_t parts) {
  tally *t = arg;
  t->parts[part] += parts;
}

static void check_threads(void) {
  for (int32_t threads = 1; threads <= 5; threads++) {
    gk_backend *b = open_backend("ref", threads);
    AT("%d threads", threads);
    int32_t hits[1000];
    for (int round = 0; round < 500; round++) {
      tally t = {hits, round % 1000, 1 + round % 37, {0}, 0};
      memset(hits, 0, sizeof hits);
      gk_parallel_for(b, t.count, t.grain, hit, &t);
      for (int64_t i = 0; i < 1000; i++) CHECK(hits[i] == (i < t.count));
      if (round % 50 == 0) usleep(300); /* they sleep now, and come late */
      t.alone = round % 2;
      gk_parallel_for_work(b, t.count, t.grain, t.alone ? GK_WORTH - 1 : GK_WORTH, hit, &t);
      for (int64_t i = 0; i < 1000; i++) CHECK(hits[i] == 2 * (i < t.count));
      gk_parallel(b, mark, &t);
      for (int32_t i = 0; i < 8; i++) CHECK(t.parts[i] == (i < threads ? threads : 0));
    }
    gk_backend_ops(b)->close(b);
  }
}

static void check_memory(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  AT("%s memory", isa);
  int64_t bytes = 3000001;
  unsigned char *p = ops->alloc(b, bytes), *host = guarded(bytes), *back = guarded(bytes);
  CHECK(p && (uintptr_t)p % 64 == 0);
  for (int64_t i = 0; i < bytes; i++) CHECK(p[i] == 0);
  for (int64_t i = 0; i < bytes; i++) host[i] = (unsigned char)random_u64();
  CHECK(ops->upload(b, p, host, bytes) == GK_OK && ops->download(b, back, p, bytes) == GK_OK);
  CHECK(memcmp(back, host, (size_t)bytes) == 0);
  CHECK(ops->copy(b, p + 1000000, host, 1000) == GK_OK && memcmp(p + 1000000, host, 1000) == 0);
  CHECK(ops->zero(b, p, bytes) == GK_OK);
  for (int64_t i = 0; i < bytes; i++) CHECK(p[i] == 0);
  const void *data = NULL;
  CHECK(ops->import_weight(b, host, bytes, &data) == GK_OK && data == host);
  ops->release_weight(b, data);
  ops->release(b, p);
  ops->release(b, NULL);
  CHECK(ops->alloc(b, INT64_MAX / 4) == NULL);   /* no memory is an answer, not a crash */
  p = ops->alloc(b, 0);
  CHECK(p);
  ops->release(b, p);
}

static void check_rows(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  static const struct { int64_t table, n, width; } shapes[] = {{1, 1, 1}, {5, 3, 17}, {70, 200, 31}, {9, 300, 600}, {50, 1, 2048}};
  for (size_t c = 0; c < sizeof shapes / sizeof shapes[0]; c++) {
    int64_t rows = shapes[c].table, n = shapes[c].n, width = shapes[c].width;
    AT("%s rows %d n %d width %d", isa, (int)rows, (int)n, (int)width);
    float *table = guarded_normal(rows * width), *out = guarded_f32(n * width), *sum = guarded_f32(rows * width);
    int32_t *at = guarded_i32(n);
    for (int64_t i = 0; i < n; i++) at[i] = (int32_t)(random_u64() % (uint64_t)rows);
    CHECK(ops->gather_rows(b, table, at, n, width, out) == GK_OK);
    for (int64_t i = 0; i < n * width; i++) CHECK(out[i] == table[at[i / width] * width + i % width]);
    gk_weight w = {GK_F32, table, rows, width};
    memset(out, 0xff, (size_t)(n * width) * sizeof(float));
    CHECK(ops->embed(b, &w, at, n, out) == GK_OK);
    for (int64_t i = 0; i < n * width; i++) CHECK(out[i] == table[at[i / width] * width + i % width]);
    for (int64_t i = 0; i < n * width; i++) out[i] = random_normal();   /* rows that meet differ, so that their order shows */
    memcpy(sum, table, (size_t)(rows * width) * sizeof(float));
    CHECK(ops->scatter_add_rows(b, out, at, n, width, sum) == GK_OK);
    for (int64_t i = 0; i < n; i++)   /* the same order: the same bits */
      for (int64_t d = 0; d < width; d++) table[at[i] * width + d] += out[i * width + d];
    CHECK(memcmp(sum, table, (size_t)(rows * width) * sizeof(float)) == 0);
    guarded_free_all();
  }
}

int main(void) {
  check_open();
  check_threads();
  each_backend(check_memory);
  each_backend(check_rows);
  puts("ok");
  return 0;
}
