/* The host side of the CUDA plug-in: opening, memory, transfers, what queued work still needs, errors. Nothing here looks into a tensor but by
 * download, so it runs on a real GPU too; what needs a GPU that fails or waits is for the emulated one.
 */
#include "cuda_cases.h"

static int one_line(const char *s) { return *s && !strchr(s, '\n'); }

/* ---- opening ---- */

static void open_fine(void) {
  gk_backend *b = open_it(), *second = cuda_open(0, NULL, 0);
  CHECK(second && second != b && strcmp(ops->device, "cuda") == 0 && one_line(ops->describe(b)) && strstr(ops->describe(b), "cuda: "));
  ops->close(b);
  float x = 3, *p = on_device(second, &x, 1);
  CHECK(ops->scale(second, p, 2, 1) == GK_OK && *on_host(second, p, 1) == 6);
  ops->close(second);
  ops->close(NULL);
}

static void refused(int32_t device, const char *a, const char *b) {
  char message[256] = "", little[5] = "";
  load();
  CHECK(!cuda_open(device, message, sizeof message));
  if (!one_line(message) || !strstr(message, a) || !strstr(message, b)) FAIL("the message is: %s", message);
  CHECK(!cuda_open(device, little, sizeof little) && strlen(little) == 4 && !cuda_open(device, NULL, 0));
}
static void no_such_device(void) { refused(5, "GPU 5 does not exist", "there are"); }
static void negative_device(void) { refused(-1, "GPU -1 does not exist", "counted from 0"); }
static void no_driver(void) { refused(0, "no NVIDIA driver", "--device cpu"); }
static void old_driver(void) { refused(0, "CUDA 12.4", "built with 13.0"); }
static void no_device(void) { refused(0, "no NVIDIA GPU", "--device cpu"); }
static void old_device(void) { refused(0, "compute capability 7.5", "8.0"); }
static void no_memory_at_all(void) { refused(0, "pinned memory", "out of memory"); }

/* ---- memory ---- */

static void check_memory(void) {
  gk_backend *b = open_it();
  const int64_t bytes = 3000001;
  unsigned char *host = guarded(bytes), *back = guarded(bytes);
  for (int64_t i = 0; i < bytes; i++) host[i] = (unsigned char)random_u64();
  char *p = ops->alloc(b, bytes);
  CHECK(p && (uintptr_t)p % 64 == 0 && ops->download(b, back, p, bytes) == GK_OK);
  for (int64_t i = 0; i < bytes; i++) CHECK(back[i] == 0);
  CHECK(ops->upload(b, p, host, bytes) == GK_OK && ops->download(b, back, p, bytes) == GK_OK && memcmp(back, host, (size_t)bytes) == 0);
  CHECK(ops->copy(b, p + 1000000, p + 3, 1000) == GK_OK && ops->download(b, back, p, bytes) == GK_OK && memcmp(back + 1000000, host + 3, 1000) == 0);
  CHECK(memcmp(back, host, 1000000) == 0 && memcmp(back + 1001000, host + 1001000, (size_t)bytes - 1001000) == 0);
  CHECK(ops->zero(b, p + 1, bytes - 2) == GK_OK && ops->download(b, back, p, bytes) == GK_OK && back[0] == host[0] && back[bytes - 1] == host[bytes - 1]);
  for (int64_t i = 1; i < bytes - 1; i++) CHECK(back[i] == 0);
  const void *data = NULL;
  CHECK(ops->import_weight(b, host, bytes, &data) == GK_OK && data && ops->download(b, back, data, bytes) == GK_OK && memcmp(back, host, (size_t)bytes) == 0);
  ops->release_weight(b, data);
  ops->release(b, p);
  CHECK(ops->alloc(b, INT64_MAX / 4) == NULL && ops->alloc(b, INT64_MAX) == NULL && one_line(last_error()));
  CHECK((p = ops->alloc(b, 0)) && ops->upload(b, p, host, 0) == GK_OK && ops->download(b, back, p, 0) == GK_OK && ops->copy(b, p, p, 0) == GK_OK && ops->zero(b, p, 0) == GK_OK);
  ops->release(b, p);
  ops->release(b, NULL);
  ops->release_weight(b, NULL);
  ops->close(b);
}

/* A block that was given back serves again, zeroed; no two that are in use overlap; figures add up. */
static void check_pool(void) {
  gk_backend *b = open_it();
  enum { BLOCKS = 40 };
  int64_t used0, used, peak0, peak, free_now, total, bytes[BLOCKS];
  char *block[BLOCKS];
  memory(b, &used0, &peak0, &free_now, &total);
  CHECK(used0 >= 0 && peak0 >= used0 && free_now > 0 && free_now <= total);
  for (int i = 0; i < BLOCKS; i++) {
    bytes[i] = i % 7 == 0 ? 1500000 + i : 1 + (int64_t)(random_u64() % 20000);
    CHECK((block[i] = ops->alloc(b, bytes[i])));
    for (int j = 0; j < i; j++) CHECK(block[i] + bytes[i] <= block[j] || block[j] + bytes[j] <= block[i]);
  }
  int64_t asked = 0;
  for (int i = 0; i < BLOCKS; i++) asked += bytes[i];
  memory(b, &used, &peak, NULL, NULL);
  CHECK(used - used0 >= asked && used - used0 <= 2 * asked && peak == used);
  unsigned char *junk = guarded(1500000), *back = guarded(1500000);
  memset(junk, 0xab, 1500000);
  for (int round = 0; round < 200; round++) {
    int i = (int)(random_u64() % BLOCKS);
    int64_t n = bytes[i] < 1500000 ? bytes[i] : 1500000;
    CHECK(ops->upload(b, block[i], junk, n) == GK_OK);
    char *was = block[i];
    ops->release(b, block[i]);
    ops->release(b, block[i]);   /* twice is once */
    CHECK((block[i] = ops->alloc(b, bytes[i])) == was && ops->download(b, back, block[i], n) == GK_OK);
    for (int64_t k = 0; k < n; k++) CHECK(back[k] == 0);
    for (int j = 0; j < BLOCKS; j++) CHECK(j == i || block[i] + bytes[i] <= block[j] || block[j] + bytes[j] <= block[i]);
  }
  int64_t now;
  memory(b, &now, &peak, NULL, NULL);
  CHECK(now == used && peak == used);
  for (int i = 0; i < BLOCKS; i++) ops->release(b, block[i]);
  memory(b, &now, &peak, NULL, NULL);
  CHECK(now == used0 && peak == used);
  ops->close(b);
}

/* With 100 MiB, 32 of them the ring's: what is kept is given up when something else needs it; what does not fit is an answer. */
static void check_out_of_memory(void) {
  gk_backend *b = open_it();
  char *three[3], *big;
  int64_t used, free_now, total;
  for (int i = 0; i < 3; i++) CHECK((three[i] = ops->alloc(b, 16 << 20)));
  CHECK(!ops->alloc(b, 40 << 20) && one_line(last_error()) && strstr(last_error(), "memory of 0.04 GiB") && strstr(last_error(), "0.05 GiB in use") && strstr(last_error(), "of 0.10 GiB free"));
  const void *data = NULL;
  char *host = guarded(40 << 20);
  CHECK(ops->import_weight(b, host, 40 << 20, &data) == GK_OUT_OF_MEMORY && !data && strstr(last_error(), "weight of 0.04 GiB"));
  for (int i = 0; i < 3; i++) ops->release(b, three[i]);
  CHECK((big = ops->alloc(b, 48 << 20)));   /* of three kept blocks none is enough */
  memory(b, &used, NULL, &free_now, &total);
  CHECK(used >= 48 << 20 && total == 100 << 20 && free_now <= total - used);
  float *y = (float *)big, *s = guarded_f32(9 << 20);
  for (int i = 0; i < 9 << 20; i++) s[i] = 1;
  CHECK(ops->scale_rows(b, y, s, 9 << 20, 1) == GK_OUT_OF_MEMORY && one_line(last_error()) && strstr(last_error(), "scratch memory of 0.04 GiB"));
  s[1] = 7, s[2] = 5;
  CHECK(ops->upload(b, y, s, 12) == GK_OK && ops->scale_rows(b, y, s, 3, 1) == GK_OK);
  float *got = on_host(b, y, 3);
  CHECK(got[0] == 1 && got[1] == 49 && got[2] == 25);
  ops->release(b, big);
  CHECK(ops->import_weight(b, host, 40 << 20, &data) == GK_OK);
  ops->release_weight(b, data);
  ops->close(b);
}

/* ---- rows ---- */

static void check_rows(void) {
  gk_backend *b = open_it();
  static const struct { int64_t table, n, width; } shapes[] = {{1, 1, 1}, {5, 3, 17}, {70, 200, 31}, {9, 300, 600}, {50, 1, 2048}, {3, 70, 4}, {200, 64, 1028}};
  for (size_t c = 0; c < 2 * sizeof shapes / sizeof shapes[0]; c++) {
    const int64_t rows = shapes[c / 2].table, n = shapes[c / 2].n, width = shapes[c / 2].width;
    const int rising = c % 2;
    AT("rows %d n %d width %d %s", (int)rows, (int)n, (int)width, rising ? "rising" : "");
    float *table = guarded_normal(rows * width), *sum = guarded_f32(rows * width);
    int32_t *at = guarded_i32(n);
    for (int64_t i = 0; i < n; i++) at[i] = (int32_t)(rising ? i * rows / n : (int64_t)(random_u64() % (uint64_t)rows));
    float *d_table = on_device(b, table, rows * width), *d_out = ops->alloc(b, n * width * (int64_t)sizeof(float));
    CHECK(ops->gather_rows(b, d_table, at, n, width, d_out) == GK_OK);
    float *out = on_host(b, d_out, n * width);
    for (int64_t i = 0; i < n * width; i++) CHECK(out[i] == table[at[i / width] * width + i % width]);
    for (int64_t i = 0; i < n * width; i++) out[i] = random_normal();
    memcpy(sum, table, (size_t)(rows * width) * sizeof(float));
    CHECK(ops->upload(b, d_out, out, n * width * (int64_t)sizeof(float)) == GK_OK);
    CHECK(ops->scatter_add_rows(b, d_out, at, n, width, d_table) == GK_OK);
    float *got = on_host(b, d_table, rows * width);
    for (int64_t i = 0; i < n; i++)   /* the same order: the same bits */
      for (int64_t d = 0; d < width; d++) sum[at[i] * width + d] += out[i * width + d];
    CHECK(memcmp(sum, got, (size_t)(rows * width) * sizeof(float)) == 0);
    ops->release(b, d_table);
    ops->release(b, d_out);
    guarded_free_all();
  }
  float x = 1, *p = on_device(b, &x, 1);
  CHECK(ops->gather_rows(b, p, NULL, 0, 1, p) == GK_OK && ops->scatter_add_rows(b, p, NULL, 0, 1, p) == GK_OK && *on_host(b, p, 1) == 1);
  ops->close(b);
}

/* ---- the ring through which host arrays pass ---- */

static void check_ring(void) {
  gk_backend *b = open_it();
  /* an upload that goes round more than once, from memory that changes at once */
  const int64_t bytes = (70 << 20) + 3;
  unsigned char *host = guarded(bytes), *back = guarded(bytes), *want = guarded(bytes);
  for (int64_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t v = random_u64();
    memcpy(want + i, &v, 8);
  }
  memcpy(host, want, (size_t)bytes);
  char *p = ops->alloc(b, bytes);
  CHECK(p && ops->upload(b, p, host, bytes) == GK_OK);
  memset(host, 0, (size_t)bytes);
  CHECK(ops->download(b, back, p, bytes) == GK_OK && memcmp(back, want, (size_t)bytes) == 0);
  ops->release(b, p);

  /* tables of a MiB, each used by one queued kernel, each changed as soon as the op returns: more than the ring holds */
  enum { ROWS = 1 << 18, TABLES = 40 };
  float *factor = guarded_f32(ROWS), *y = guarded_f32(ROWS);
  for (int i = 0; i < ROWS; i++) y[i] = (float)(1 + i % 1000);
  float *d = on_device(b, y, ROWS);
  for (int t = 0; t < TABLES; t++) {
    for (int i = 0; i < ROWS; i++) {   /* signs, and powers of two that come back: exact */
      factor[i] = ((i * 31 + t * 17) % 5 < 2 ? -1.0f : 1.0f) * (t % 2 ? 0.5f : 2.0f);
      y[i] *= factor[i];
    }
    CHECK(ops->scale_rows(b, d, factor, ROWS, 1) == GK_OK);
    if (t % 3 == 0) {   /* the same again, which need not be copied again */
      for (int i = 0; i < ROWS; i++) y[i] *= factor[i];
      CHECK(ops->scale_rows(b, d, factor, ROWS, 1) == GK_OK);
    }
  }
  float *got = on_host(b, d, ROWS);
  for (int i = 0; i < ROWS; i++) CHECK(got[i] == y[i]);
  ops->release(b, d);

  /* a table larger than half the ring, twice with other content */
  const int64_t rows = (5 << 20) + 7;
  float *many = guarded_f32(rows), *one = guarded_f32(rows);
  for (int64_t i = 0; i < rows; i++) one[i] = 1;
  d = on_device(b, one, rows);
  for (int round = 0; round < 2; round++) {
    for (int64_t i = 0; i < rows; i++) many[i] = (float)((i + round) % 4093), one[i] *= many[i];
    CHECK(ops->scale_rows(b, d, many, rows, 1) == GK_OK);
  }
  got = on_host(b, d, rows);
  for (int64_t i = 0; i < rows; i++) CHECK(got[i] == one[i]);
  ops->close(b);
}

/* Two tables at a time (rope's position and frequencies), of which the first is known already, where the second is going to be written. */
static void check_ring_pairs(void) {
  gk_backend *b = open_it();
  enum { HALF = 12000, ROWS = 600000, LAST = 587500 };
  float *freq = guarded_f32(HALF), *x = guarded_f32(2 * HALF), *one = guarded_f32(ROWS);
  const int32_t position = 5;
  gk_rope r = {GK_ROPE_NORM, 2 * HALF, freq, 1};
  for (int i = 0; i < HALF; i++) freq[i] = 1.0f / (float)(1 + i), x[2 * i] = 1, x[2 * i + 1] = 0;
  float *d = ops->alloc(b, 2 * HALF * 4), *y = ops->alloc(b, ROWS * 4);
  CHECK(d && y && ops->rope(b, &r, gk_f32(d), &position, 1, 1, 2 * HALF, 1) == GK_OK);   /* the position at the ring's begin */
  CHECK(ops->upload(b, d, x, 2 * HALF * 4) == GK_OK);
  /* 32 MiB less 27 KiB in tables: six in the first half, six and a smaller one in the second */
  for (int t = 0; t < 13; t++) {
    const int rows = t < 12 ? ROWS : LAST;
    for (int i = 0; i < rows; i++) one[i] = (float)(t + i % 3);
    CHECK(ops->scale_rows(b, y, one, rows, 1) == GK_OK);
  }
  for (int i = 0; i < HALF; i++) freq[i] = 0.5f / (float)(1 + i);
  CHECK(ops->rope(b, &r, gk_f32(d), &position, 1, 1, 2 * HALF, 1) == GK_OK);
  float *got = on_host(b, d, 2 * HALF);
  for (int i = 0; i < HALF; i++) {
    NEAR("cosine", i, got[2 * i], cos(5.0 * freq[i]), 4 * FLT_EPSILON);
    NEAR("sine", i, got[2 * i + 1], sin(5.0 * freq[i]), 4 * FLT_EPSILON);
  }
  ops->close(b);
}

/* Many ops one after the other with nothing waited for between them: the same bits as with a wait after each. */
enum { CHAIN_T = 24, CHAIN_W = 256, CHAIN = CHAIN_T * CHAIN_W };
static float *chain_result;   /* shared by the processes */

static void chain(gk_backend *b, float *result) {
  random_state = 7;
  float *x = on_device(b, guarded_normal(CHAIN), CHAIN), *w = on_device(b, guarded_normal(CHAIN_W), CHAIN_W), *y = on_device(b, guarded_normal(CHAIN), CHAIN);
  float *g = on_device(b, guarded_normal(CHAIN), CHAIN), *m = ops->alloc(b, CHAIN * 4), *v = ops->alloc(b, CHAIN * 4), *rstd = ops->alloc(b, CHAIN_T * 4), *dw = ops->alloc(b, CHAIN_W * 4);
  float freq[16], logps[CHAIN_T], means[CHAIN_T], factor[CHAIN_T];
  int32_t position[CHAIN_T], target[CHAIN_T];
  double squares = 0;
  for (int round = 0; round < 6; round++) {
    for (int i = 0; i < 16; i++) freq[i] = (float)pow(10000 + round, -i / 16.0);
    for (int i = 0; i < CHAIN_T; i++) position[i] = i * (1 + round % 2), target[i] = (int32_t)(random_u64() % CHAIN_W), factor[i] = random_normal();
    gk_rope r = {round % 2 ? GK_ROPE_NEOX : GK_ROPE_NORM, 32, freq, 1};
    gk_adamw o = {.learning_rate = 1e-2f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .weight_decay = 0.1f, .grad_scale = 1, .step = round + 1};
    const gk_status ok = GK_OK;
    CHECK(ok == ops->rmsnorm_fwd(b, gk_f32(x), w, 1e-5f, CHAIN_T, CHAIN_W, 1, CHAIN_W, gk_f32(y), rstd) && ok == ops->rope(b, &r, gk_f32(y), position, CHAIN_T, 4, 64, 1));
    CHECK(ok == ops->swiglu_fwd(b, gk_f32(y), gk_f32(x), CHAIN, gk_f32(y)) && ok == ops->dropout(b, gk_f32(y), 0.1f, 1, (uint64_t)round, CHAIN, gk_f32(x), 1));
    CHECK(ok == ops->rope(b, &r, gk_f32(x), position, CHAIN_T, 4, 64, -1) && ok == ops->scale_rows(b, y, factor, CHAIN_T, CHAIN_W));
    CHECK(ok == ops->rmsnorm_bwd(b, gk_f32(y), gk_f32(x), w, rstd, CHAIN_T, CHAIN_W, 1, CHAIN_W, gk_f32(g), 1, dw) && ok == ops->gather_rows(b, x, target, 20, 16, y));
    CHECK(ok == ops->scatter_add_rows(b, y, target, 20, 16, x) && ok == ops->adamw(b, &o, g, x, m, v, CHAIN));
    CHECK(ok == ops->add_bias(b, gk_f32(y), dw, CHAIN_T, CHAIN_W) && ok == ops->add_bias_bwd(b, gk_f32(y), CHAIN_T, CHAIN_W, dw) && ok == ops->add_scaled(b, y, g, 0.5f, CHAIN));
    CHECK(ok == ops->scale(b, dw, 0.01f, CHAIN_W));
    memset(freq, 0, sizeof freq), memset(position, 0, sizeof position), memset(factor, 0, sizeof factor);
  }
  CHECK(ops->copy(b, m, y, CHAIN * 4) == GK_OK && ops->cross_entropy(b, m, CHAIN_W, target, CHAIN_T, CHAIN_W, logps, means, NULL, 1) == GK_OK);
  CHECK(ops->sum_squares(b, x, CHAIN, &squares) == GK_OK);
  memcpy(result, on_host(b, x, CHAIN), CHAIN * 4);
  memcpy(result + CHAIN, on_host(b, m, CHAIN), CHAIN * 4);
  memcpy(result + 2 * CHAIN, logps, sizeof logps);
  memcpy(result + 2 * CHAIN + CHAIN_T, means, sizeof means);
  memcpy(result + 2 * CHAIN + 2 * CHAIN_T, &squares, 8);
  CHECK(isfinite(squares) && isfinite(logps[0]));
}
enum { CHAIN_RESULTS = 2 * CHAIN + 2 * CHAIN_T + 2 };

static void chain_first(void) {
  gk_backend *b = open_it();
  chain(b, chain_result);
  ops->close(b);
}
static void chain_again(void) {
  gk_backend *b = open_it();
  float *result = guarded_f32(CHAIN_RESULTS);
  chain(b, result);
  CHECK(memcmp(result, chain_result, CHAIN_RESULTS * sizeof(float)) == 0);
  ops->close(b);
}

/* ---- errors ---- */

/* The third launch goes wrong; with a wait after each, the error names it. */
static void failing_launch(void) {
  gk_backend *b = open_it();
  float x[4] = {1, 2, 3, 4}, *p = on_device(b, x, 4);
  CHECK(ops->scale(b, p, 2, 4) == GK_OK && ops->swiglu_fwd(b, gk_f32(p), gk_f32(p), 4, gk_f32(p)) == GK_OK);
  CHECK(ops->add_scaled(b, p, p, 2, 4) == GK_DEVICE_ERROR);
  if (!one_line(last_error()) || !strstr(last_error(), "add_scaled_kernel") || !strstr(last_error(), "illegal memory access")) FAIL("the message is: %s", last_error());
  double squares;
  int32_t row = 0;
  const void *data;
  CHECK(ops->scale(b, p, 2, 4) == GK_DEVICE_ERROR && ops->download(b, x, p, 16) == GK_DEVICE_ERROR && ops->upload(b, p, x, 16) == GK_DEVICE_ERROR && one_line(last_error()));
  CHECK(ops->sum_squares(b, p, 4, &squares) == GK_DEVICE_ERROR && ops->gather_rows(b, p, &row, 1, 1, p) == GK_DEVICE_ERROR && ops->zero(b, p, 16) == GK_DEVICE_ERROR);
  CHECK(ops->import_weight(b, x, 16, &data) != GK_OK && !ops->alloc(b, 16) && strstr(last_error(), "illegal"));
  ops->release(b, p);
  ops->close(b);
}

/* Without that wait it is known at the next one, which says that it may be another's fault. */
static void failing_launch_later(void) {
  gk_backend *b = open_it();
  float x[4] = {1, 2, 3, 4}, *p = on_device(b, x, 4);
  CHECK(ops->scale(b, p, 2, 4) == GK_OK && ops->scale(b, p, 2, 4) == GK_OK && ops->scale(b, p, 2, 4) == GK_OK);
  CHECK(ops->download(b, x, p, 16) == GK_DEVICE_ERROR && one_line(last_error()) && strstr(last_error(), "queued before it") && strstr(last_error(), "illegal memory access"));
  CHECK(ops->scale(b, p, 2, 4) == GK_DEVICE_ERROR);
  ops->close(b);
}

/* rope wants 8 bytes of shared memory for each rotated pair. */
static void check_shared_memory(void) {
  gk_backend *b = open_it();
  enum { MOST = 40000 };
  float *freq = guarded_f32(MOST), *x = guarded_normal(2 * MOST), *p = on_device(b, x, 2 * MOST);
  int32_t position = 3;
  for (int i = 0; i < MOST; i++) freq[i] = 1.0f / (float)(i + 1);
  gk_rope r = {GK_ROPE_NORM, 2 * MOST, freq, 1};
  CHECK(ops->rope(b, &r, gk_f32(p), &position, 1, 1, 2 * MOST, 1) == GK_UNSUPPORTED);
  if (!one_line(last_error()) || !strstr(last_error(), "rope_kernel") || !strstr(last_error(), "320000 bytes of shared memory")) FAIL("the message is: %s", last_error());
  r.rotary = 2 * 8000;   /* more than what every launch may have, less than what one may ask for */
  CHECK(ops->rope(b, &r, gk_f32(p), &position, 1, 1, r.rotary, 1) == GK_OK && ops->rope(b, &r, gk_f32(p), &position, 1, 1, r.rotary, 1) == GK_OK);
  float *got = on_host(b, p, r.rotary);
  for (int i = 0; i < r.rotary / 2; i++) {
    double angle = 6.0 * freq[i], size = fabs(x[2 * i]) + fabs(x[2 * i + 1]);
    NEAR("x", 2 * i, got[2 * i], x[2 * i] * cos(angle) - x[2 * i + 1] * sin(angle), 8 * FLT_EPSILON * size);
    NEAR("x", 2 * i + 1, got[2 * i + 1], x[2 * i + 1] * cos(angle) + x[2 * i] * sin(angle), 8 * FLT_EPSILON * size);
  }
  ops->close(b);
}

/* A kernel that does not end: an error after GRAFT_CUDA_TIMEOUT, and none after it waits as long again; not even closing. */
static void hanging_device(void) {
  gk_backend *b = open_it();
  float x[4] = {1, 2, 3, 4}, *p = on_device(b, x, 4);
  CHECK(ops->scale(b, p, 2, 4) == GK_OK);
  double begin = seconds();
  CHECK(ops->add_scaled(b, p, p, 2, 4) == GK_DEVICE_ERROR && seconds() - begin > 0.4);
  if (!one_line(last_error()) || !strstr(last_error(), "add_scaled_kernel did not end within 0.5 s")) FAIL("the message is: %s", last_error());
  begin = seconds();
  int32_t row = 0;
  CHECK(ops->scale(b, p, 2, 4) == GK_DEVICE_ERROR && ops->download(b, x, p, 16) == GK_DEVICE_ERROR && ops->upload(b, p, x, 16) == GK_DEVICE_ERROR);
  CHECK(ops->gather_rows(b, p, &row, 1, 1, p) == GK_DEVICE_ERROR && strstr(last_error(), "did not end"));
  ops->release(b, p);
  ops->close(b);
  CHECK(seconds() - begin < 0.4);
}

/* The same when it is the ring that waits. */
static void hanging_ring(void) {
  gk_backend *b = open_it();
  enum { BYTES = 12 << 20 };
  char *host = guarded(BYTES), *p = ops->alloc(b, BYTES);
  gk_status status = ops->scale(b, (float *)(void *)p, 2, 4);
  for (int i = 0; i < 8 && status == GK_OK; i++) status = ops->upload(b, p, host, BYTES);
  CHECK(status == GK_DEVICE_ERROR && strstr(last_error(), "did not end within 0.5 s"));
  ops->close(b);
}

int main(void) {
  if (no_plugin()) return 0;
  chain_result = mmap(NULL, CHAIN_RESULTS * sizeof(float), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(chain_result != MAP_FAILED);
  EACH(open_fine, "GRAFT_CUDA_SYNC=1");
  EACH(no_such_device, "GRAFT_CUDA_SYNC=1");
  EACH(negative_device, "GRAFT_CUDA_SYNC=1");
  EACH(check_memory, "GRAFT_CUDA_SYNC=0");
  EACH(check_memory, "GRAFT_CUDA_SYNC=0", "GRAFT_EMULATOR_DELAY=1", "GRAFT_EMULATOR_STRICT=1");
  EACH(check_pool, "GRAFT_EMULATOR_DELAY=1", "GRAFT_EMULATOR_STRICT=1");
  EACH(check_rows, "GRAFT_EMULATOR_DELAY=1", "GRAFT_EMULATOR_STRICT=1");
  EACH(check_ring, "GRAFT_EMULATOR_DELAY=1");
  EACH(check_ring_pairs, "GRAFT_EMULATOR_DELAY=1");
  EACH(chain_first, "GRAFT_CUDA_SYNC=1", "GRAFT_EMULATOR_STRICT=1");
  EACH(chain_again, "GRAFT_CUDA_SYNC=0", "GRAFT_EMULATOR_DELAY=1", "GRAFT_EMULATOR_STRICT=1");
  if (is_emulated()) {
    EACH(no_driver, "GRAFT_EMULATOR_DRIVER=0");
    EACH(old_driver, "GRAFT_EMULATOR_DRIVER=12040");
    EACH(no_device, "GRAFT_EMULATOR_DEVICES=0");
    EACH(old_device, "GRAFT_EMULATOR_COMPUTE=7.5");
    EACH(no_memory_at_all, "GRAFT_EMULATOR_MEMORY=1000000");
    EACH(check_out_of_memory, "GRAFT_EMULATOR_MEMORY=104857600");
    EACH(failing_launch, "GRAFT_CUDA_SYNC=1", "GRAFT_EMULATOR_FAIL=2");
    EACH(failing_launch, "GRAFT_CUDA_SYNC=1", "GRAFT_EMULATOR_FAIL=2", "GRAFT_EMULATOR_DELAY=1");
    EACH(failing_launch_later, "GRAFT_EMULATOR_FAIL=2", "GRAFT_EMULATOR_DELAY=1");
    EACH(check_shared_memory, "GRAFT_EMULATOR_DELAY=1");
    EACH(hanging_device, "GRAFT_CUDA_SYNC=1", "GRAFT_EMULATOR_HANG=1", "GRAFT_CUDA_TIMEOUT=0.5");
    EACH(hanging_device, "GRAFT_CUDA_SYNC=1", "GRAFT_EMULATOR_HANG=1", "GRAFT_CUDA_TIMEOUT=0.5", "GRAFT_EMULATOR_DELAY=1");
    EACH(hanging_ring, "GRAFT_EMULATOR_HANG=0", "GRAFT_CUDA_TIMEOUT=0.5");
    EACH(hanging_ring, "GRAFT_EMULATOR_HANG=0", "GRAFT_CUDA_TIMEOUT=0.5", "GRAFT_EMULATOR_DELAY=1");
  }
  puts("ok");
  return 0;
}
