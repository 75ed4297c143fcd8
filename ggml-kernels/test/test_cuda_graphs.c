/* CUDA graphs: regions (gk_ops.graph_begin) that come again give what ops called one by one give, whatever happens in them. See cuda_cases.h. */
#include "cuda_cases.h"

enum { STEP_T = 6, STEP_W = 64, STEP = STEP_T * STEP_W };
typedef struct step_buffers { float *x, *y, *w, *rstd, *db; } step_buffers;

static step_buffers step_open(gk_backend *b) {
  random_state = 3;
  step_buffers s = {on_device(b, guarded_normal(STEP), STEP), ops->alloc(b, STEP * 4), on_device(b, guarded_normal(STEP_W), STEP_W), ops->alloc(b, STEP_T * 4), ops->alloc(b, STEP_W * 4)};
  return s;
}

/* A step whose host arrays follow from its number, and are gone when it returns. variant 0: as ever; 1: other tokens; 2: one op less at the end; 3: one more; 4: another
 * op in the middle; 5: a download in the middle; 6: memory is allocated in the middle; 7: an upload in the middle. */
static void step(gk_backend *b, const step_buffers *s, int number, int variant, const char *key) {
  const int64_t t = variant == 1 ? STEP_T - 1 : STEP_T;
  int32_t *position = malloc(sizeof(int32_t) * STEP_T), *rows = malloc(sizeof(int32_t) * STEP_T);
  float *factor = malloc(sizeof(float) * STEP_T), freq[8];
  for (int i = 0; i < 8; i++) freq[i] = (float)pow(10000, -i / 8.0);
  for (int i = 0; i < STEP_T; i++) position[i] = number * 5 + i, rows[i] = (i * 5 + number) % STEP_T, factor[i] = (float)(1 + (i + number) % 3) * 0.5f;
  gk_rope r = {GK_ROPE_NEOX, 16, freq, 1};
  const gk_status ok = GK_OK;
  if (key) CHECK(ops->graph_begin(b, key, (int64_t)strlen(key)) == ok);
  CHECK(ops->zero(b, s->y, STEP * 4) == ok && ops->rmsnorm_fwd(b, gk_f32(s->x), s->w, 1e-5f, t, STEP_W, 1, STEP_W, gk_f32(s->y), s->rstd) == ok);
  CHECK(ops->rope(b, &r, gk_f32(s->y), position, t, 2, 32, 1) == ok && ops->scale_rows(b, s->y, factor, t, STEP_W) == ok);
  memset(position, 0xff, sizeof(int32_t) * STEP_T);
  if (variant == 4) CHECK(ops->swiglu_fwd(b, gk_f32(s->y), gk_f32(s->y), STEP, gk_f32(s->y)) == ok);
  if (variant == 5) {
    float *got = on_host(b, s->y, STEP);
    CHECK(isfinite(got[0]));
  }
  if (variant == 6) {
    float *p = ops->alloc(b, 1000);
    CHECK(p && ops->copy(b, s->rstd, p, 4) == ok);
    ops->release(b, p);
  }
  if (variant == 7) CHECK(ops->upload(b, s->w, factor, 8) == ok);
  CHECK(ops->scatter_add_rows(b, s->y, rows, t, STEP_W, s->x) == ok && ops->add_bias_bwd(b, gk_f32(s->y), t, STEP_W, s->db) == ok);
  if (variant != 2) CHECK(ops->copy(b, s->y, s->x, STEP * 2) == ok && ops->add_scaled(b, s->x, s->y, -0.5f, STEP) == ok);
  if (variant == 3) CHECK(ops->scale(b, s->x, 0.5f, STEP) == ok);
  if (key) CHECK(ops->graph_end(b) == ok);
  memset(rows, 0xff, sizeof(int32_t) * STEP_T), memset(factor, 0xff, sizeof(float) * STEP_T);
  free(position), free(rows), free(factor);
}

static void check_graphs(void) {
  gk_backend *b = open_it();
  setenv("GRAFT_CUDA_GRAPHS", "0", 1);
  gk_backend *plain = cuda_open(0, NULL, 0);
  CHECK(plain);
  int64_t (*launches)(void) = (int64_t (*)(void))dlsym(cuda_library, "emulator_graph_launches");   /* of graphs; NULL on a real GPU */
  step_buffers s = step_open(b), want = step_open(plain);
  /* variants of steps 0, 1, .. under one key, with the graphs launched in each */
  static const struct { const char *key; int variant, launched; } steps[] = {
      {"a", 0, 0}, {"a", 0, 1}, {"a", 0, 1}, {"a", 0, 1}, {"b", 1, 0}, {"a", 0, 1}, {"b", 1, 1}, {"b", 1, 1},
      {"a", 1, 0}, {"a", 1, 1}, {"a", 0, 0}, {"a", 0, 1},                             /* other shapes under a known key */
      {"a", 2, 0}, {"a", 2, 1}, {"a", 0, 0}, {"a", 3, 0}, {"a", 3, 1}, {"a", 0, 0}, {"a", 4, 0}, {"a", 4, 1}, {"a", 0, 0}, {"a", 0, 1},
      {"c", 5, 0}, {"c", 5, 0}, {"c", 0, 0}, {"d", 6, 0}, {"d", 6, 0}, {"e", 7, 0}, {"e", 7, 0},   /* what a graph cannot hold */
      {"a", 0, 1}, {"a", 5, 0}, {"a", 0, 0}, {"f", 0, 0}, {"f", 0, 1}, {"f", 7, 0}, {"f", 0, 0}};
  for (int i = 0; i < (int)(sizeof steps / sizeof steps[0]); i++) {
    AT("check_graphs step %d key %s variant %d", i, steps[i].key, steps[i].variant);
    const int64_t before = launches ? launches() : 0;
    step(b, &s, i, steps[i].variant, steps[i].key);
    step(plain, &want, i, steps[i].variant, i % 2 ? "x" : NULL);
    if (launches) CHECK(launches() - before == steps[i].launched);
    float *got = on_host(b, s.x, STEP), *expected = on_host(plain, want.x, STEP);
    CHECK(memcmp(got, expected, STEP * 4) == 0 && isfinite(got[0]) && isfinite(got[STEP - 1]));
    CHECK(memcmp(on_host(b, s.db, STEP_W), on_host(plain, want.db, STEP_W), STEP_W * 4) == 0);
    guarded_free_all();
  }
  /* many steps with nothing waited for between them */
  for (int i = 0; i < 20; i++) step(b, &s, i, 0, "g"), step(plain, &want, i, 0, NULL);
  CHECK(memcmp(on_host(b, s.x, STEP), on_host(plain, want.x, STEP), STEP * 4) == 0);
  /* scratch memory moves between two steps, and what it was is used by another */
  float *wide = on_device(b, guarded_normal(3000 * 40), 3000 * 40), *sum = ops->alloc(b, 3000 * 4);
  CHECK(ops->add_bias_bwd(b, gk_f32(wide), 40, 3000, sum) == GK_OK);
  float *taken = ops->alloc(b, 4 * STEP_W);
  step(b, &s, 20, 0, "g"), step(plain, &want, 20, 0, NULL);
  float *zeros = on_host(b, taken, STEP_W);
  for (int i = 0; i < STEP_W; i++) CHECK(zeros[i] == 0);
  CHECK(memcmp(on_host(b, s.db, STEP_W), on_host(plain, want.db, STEP_W), STEP_W * 4) == 0);
  /* a region that nobody ends; more keys than are kept */
  CHECK(ops->graph_begin(b, "g", 1) == GK_OK && ops->scale(b, s.x, 0.5f, STEP) == GK_OK && ops->scale(plain, want.x, 0.5f, STEP) == GK_OK);
  for (int i = 0; i < 400; i++) {
    char key[8];
    snprintf(key, sizeof key, "%d", i % 200 / 2);
    step(b, &s, i, 0, key), step(plain, &want, i, 0, NULL);
  }
  CHECK(memcmp(on_host(b, s.x, STEP), on_host(plain, want.x, STEP), STEP * 4) == 0);
  CHECK(ops->graph_end(b) == GK_OK && ops->graph_begin(b, NULL, 0) == GK_OK && ops->graph_end(b) == GK_OK);
  ops->close(b);
  ops->close(plain);
}

/* What a graph's region holds back still has its memory, though it is given back meanwhile, and zeroed for another or returned to the device. 100 MiB. */
static void check_graph_memory(void) {
  gk_backend *b = open_it();
  enum { N = 1000, LARGE = 20 << 20, HUGE_BYTES = 60 << 20 };
  float *ones = guarded_f32(N);
  for (int i = 0; i < N; i++) ones[i] = 1;
  float *from = on_device(b, ones, N), *q = on_device(b, ones, N), *p = ops->alloc(b, LARGE), *r = NULL;
  for (int pass = 0; pass < 2; pass++) {
    CHECK(ops->graph_begin(b, "m", 1) == GK_OK && ops->add_scaled(b, q, from, 1, N) == GK_OK);
    if (pass) {
      ops->release(b, q);
      CHECK((r = ops->alloc(b, N * 4)) == q);
    }
    CHECK(ops->graph_end(b) == GK_OK);
  }
  float *got = on_host(b, r, N);
  for (int i = 0; i < N; i++) CHECK(got[i] == 0);
  for (int pass = 0; pass < 2; pass++) {
    CHECK(ops->graph_begin(b, "n", 1) == GK_OK && ops->add_scaled(b, p, from, 1, N) == GK_OK && ops->add_scaled(b, r, p, 1, N) == GK_OK);
    if (pass) {
      ops->release(b, p);
      CHECK(ops->alloc(b, HUGE_BYTES));
    }
    CHECK(ops->graph_end(b) == GK_OK);
  }
  got = on_host(b, r, N);
  for (int i = 0; i < N; i++) CHECK(got[i] == 3);
  ops->close(b);
}

/* cuBLAS queues by itself: what a region holds back comes before. */
static void check_graph_products(void) {
  gk_backend *b = open_it();
  enum { N = 128 };
  CHECK(strstr(ops->describe(b), "cuBLAS"));
  float *x = on_device(b, guarded_normal(N * N), N * N), *w = on_device(b, guarded_normal(N * N), N * N), *y = ops->alloc(b, N * N * 4);
  const gk_product p = {{GK_F32, w, N, N}, gk_f32(y), N, 1, 0};
  CHECK(ops->matmul_fwd(b, 1, &p, gk_f32(x), N, N, N) == GK_OK);
  float *before = on_host(b, y, N * N);
  for (int pass = 0; pass < 4; pass++) {
    CHECK(ops->graph_begin(b, "p", 1) == GK_OK && ops->scale(b, x, 2, N * N) == GK_OK && ops->matmul_fwd(b, 1, &p, gk_f32(x), N, N, N) == GK_OK && ops->graph_end(b) == GK_OK);
    float *got = on_host(b, y, N * N);
    for (int i = 0; i < N * N; i++) CHECK(got[i] == 2 * before[i]);
    before = got;
  }
  ops->close(b);
}

int main(void) {
  if (no_plugin()) return 0;
  EACH(check_graphs, "GRAFT_CUDA_SYNC=0");
  EACH(check_graphs, "GRAFT_CUDA_SYNC=0", "GRAFT_EMULATOR_DELAY=1");
  if (is_emulated()) {
    if (plain_cublas()) EACH(check_graph_products, plain_cublas());
    if (plain_cublas()) EACH(check_graph_products, plain_cublas(), "GRAFT_EMULATOR_DELAY=1");
    EACH(check_graph_memory, "GRAFT_EMULATOR_MEMORY=104857600");
  }
  puts("ok");
  return 0;
}
