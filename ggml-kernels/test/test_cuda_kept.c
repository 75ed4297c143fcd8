/* Activations that products remember in bf16 (src/cuda/kept.h): whatever writes to one between two products, the products see it. Every op with an output, in random order, beside
 * products on few buffers, gives the bits that it gives with GRAFT_CUDA_SYNC=1, where nothing is remembered. See cuda_cases.h.
 */
#include "cuda_cases.h"
#include "weights.h"

enum { T = 40, W = 64, SIZE = T * W, BUFFERS = 6, STEPS = 1200, RESULTS = BUFFERS * SIZE };
static float *known;   /* shared by the processes */

typedef struct pool { gk_backend *b; float *at[BUFFERS], *weight, *rstd; const void *quantized; void *pages; int last; } pool;   /* last: which buffer a product read last */
static int pick(int n) { return (int)(random_u64() % (uint64_t)n); }
/* A buffer, and more often than others the one that a product may remember. */
static int near(const pool *p) { return pick(2) ? p->last : pick(BUFFERS); }

/* Numbers stay within [-4, 4] or so: what an op makes of a buffer is scaled down, or is small as it is. */
static void write_something(pool *p, float *y, const float *x) {
  gk_backend *b = p->b;
  const gk_status ok = GK_OK;
  int32_t positions[T], rows[T];
  float factor[T], freq[8], logps[T];
  for (int i = 0; i < T; i++) positions[i] = pick(50), rows[i] = i, factor[i] = 0.5f + (float)pick(4) / 8;
  for (int i = 0; i < 8; i++) freq[i] = 1.0f / (float)(1 + i);
  const gk_rope rope = {GK_ROPE_NORM, 16, freq, 1};
  const gk_segment segment = {0, T, 0, 0, 0, T};
  const gk_attention attention = {4, 4, 16, 0.25f, 1, &segment};
  const gk_adamw adamw = {.learning_rate = 1e-2f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-4f, .grad_scale = 1, .step = 10};
  const gk_weight table = {GK_Q8_0, p->quantized, W, W};
  const gk_pages pages = {GK_F32, 8, 4, 16};
  float *third = p->at[pick(BUFFERS)];
  switch (pick(19)) {
    case 0: CHECK(ops->scale(b, y, 0.75f, SIZE) == ok); break;
    case 1: CHECK(ops->add_scaled(b, y, x, 0.125f, W) == ok && ops->scale(b, y, 0.875f, W) == ok); break;
    case 2: CHECK(ops->copy(b, y + 3, x + 7, 100) == ok); break;
    case 3: CHECK(ops->zero(b, y + pick(SIZE - 9), 36) == ok); break;
    case 4: CHECK(ops->upload(b, y + pick(SIZE - T), factor, sizeof factor) == ok); break;
    case 5: if (x != y) CHECK(ops->swiglu_fwd(b, gk_f32(x), gk_f32(x), SIZE, gk_f32(y)) == ok && ops->scale(b, y, 0.25f, SIZE) == ok); break;
    case 6: CHECK(ops->dropout(b, gk_f32(y), 0.25f, 5, (uint64_t)pick(100), SIZE, gk_f32(y), 0) == ok && ops->scale(b, y, 0.75f, SIZE) == ok); break;
    case 7: CHECK(ops->rmsnorm_fwd(b, gk_f32(x), p->weight, 1e-3f, T, W, 1, W, gk_f32(y), p->rstd) == ok); break;
    case 8: CHECK(ops->rope(b, &rope, gk_f32(y), positions, T, 4, 16, 1) == ok); break;
    case 9: CHECK(ops->scale_rows(b, y, factor, T, W) == ok); break;
    case 10: if (x != y) CHECK(ops->gather_rows(b, x, rows, T - 3, W, y) == ok); break;
    case 11: if (x != y) CHECK(ops->scatter_add_rows(b, x, rows, 1, W, y) == ok && ops->scale(b, y, 0.5f, W) == ok); break;
    case 12: CHECK(ops->embed(b, &table, rows, T, y) == ok && ops->scale(b, y, 0.125f, SIZE) == ok); break;
    case 13: CHECK(ops->add_bias_bwd(b, gk_f32(y), T, W, p->weight) == ok && ops->scale(b, p->weight, 1.0f / T, W) == ok && ops->add_bias(b, gk_f32(y), p->weight, 1, W) == ok && ops->scale(b, y, 0.5f, W) == ok); break;
    case 14: if (x != y) CHECK(ops->cross_entropy(b, y, W, rows, T, W, logps, NULL, NULL, 1) == ok); break;
    case 15:
      if (x == y || third == x || third == y) break;
      CHECK(ops->adamw(b, &adamw, x, y, third, p->rstd, T) == ok);
      break;
    case 16: if (x != y) CHECK(ops->attention_fwd(b, &attention, gk_f32(x), gk_f32(x), gk_f32(x), gk_f32(y), NULL) == ok); break;
    case 17: {   /* other memory by the same address */
      const int i = near(p);
      ops->release(b, p->at[i]);
      CHECK((p->at[i] = ops->alloc(b, SIZE * 4)) != NULL);
      break;
    }
    default:
      CHECK(ops->graph_begin(b, "k", 1) == ok && ops->scale(b, y, 0.875f, SIZE) == ok && ops->pages_write(b, &pages, gk_f32(y), rows, T, p->pages) == ok && ops->graph_end(b) == ok);
      break;
  }
}

static void multiply_something(pool *p) {
  gk_backend *b = p->b;
  const gk_status ok = GK_OK;
  const int i = near(p), j = pick(BUFFERS), o = near(p);
  const int64_t m = pick(6) ? T : T - 2, ld = pick(6) ? W : W / 2, k = ld;   /* the same memory in another shape */
  if (o == i || o == j) return;
  if (pick(3)) p->last = i;
  gk_product product = {{GK_F32, p->at[j], W / 2, k}, gk_f32(p->at[o]), W / 2, 4.0f / W, 0};
  switch (pick(3)) {
    case 0: CHECK(ops->matmul_fwd(b, 1, &product, gk_f32(p->at[i]), ld, m, k) == ok); break;
    case 1:
      product.y = gk_f32(p->at[i]);
      CHECK(ops->matmul_dx(b, 1, &product, gk_f32(p->at[o]), ld, m, k, 0) == ok);
      break;
    default: CHECK(ops->matmul_dw(b, gk_f32(p->at[i]), W, gk_f32(p->at[j]), ld, m, W / 2, k, 4.0f / W, p->at[o]) == ok); break;
  }
}

static void random_work(gk_backend *b, float *result) {
  random_state = 23;
  float *one = guarded_f32(W), *normal = guarded_normal(SIZE);
  for (int i = 0; i < W; i++) one[i] = 1;
  const float *ones = on_device(b, one, W);
  pool p = {.b = b, .weight = on_device(b, guarded_normal(W), W), .rstd = ops->alloc(b, SIZE * 4), .pages = ops->alloc(b, SIZE * 4)};
  CHECK(ops->import_weight(b, guarded_weight(GK_Q8_0, W * W), gk_type_bytes(GK_Q8_0, W * W), &p.quantized) == GK_OK);
  for (int i = 0; i < BUFFERS; i++) p.at[i] = on_device(b, guarded_normal(SIZE), SIZE);
  float *sum = ops->alloc(b, SIZE * 4);
  for (int step = 0; step < STEPS; step++) {
    if (step % 10 == 0) {   /* what was made so far counts; numbers stay of order 1 */
      const int i = pick(BUFFERS), fresh = pick(BUFFERS);
      CHECK(ops->add_scaled(b, sum, p.at[i], 1, SIZE) == GK_OK && ops->upload(b, p.at[fresh], normal, SIZE * 4) == GK_OK);
      for (int n = 0; n < BUFFERS; n++) CHECK(ops->rmsnorm_fwd(b, gk_f32(p.at[n]), ones, 1e-20f, T, W, 1, W, gk_f32(p.at[n]), p.rstd) == GK_OK);
    }
    if (pick(4) == 0) write_something(&p, p.at[near(&p)], p.at[pick(BUFFERS)]);
    else multiply_something(&p);
  }
  p.at[0] = sum;
  for (int i = 0; i < BUFFERS; i++) memcpy(result + i * SIZE, on_host(b, p.at[i], SIZE), SIZE * 4);
  double squares = 0;
  for (int i = 0; i < RESULTS; i++) CHECK(isfinite(result[i]));
  for (int i = 0; i < SIZE; i++) squares += (double)result[i] * result[i];
  CHECK(squares > SIZE);
}

static void nothing_kept(void) {
  gk_backend *b = open_it();
  random_work(b, known);
  ops->close(b);
}
static void kept(void) {
  gk_backend *b = open_it();
  float *result = guarded_f32(RESULTS);
  random_work(b, result);
  for (int i = 0; i < RESULTS; i++)
    if (memcmp(&result[i], &known[i], 4)) FAIL("number %d is %.9g, %.9g where nothing is kept", i, result[i], known[i]);
  ops->close(b);
}

/* Kernels that a gradient's three products launch: with one conversion less each but for the first. */
static int64_t launched(int in_between) {
  gk_backend *b = open_it();
  int64_t (*launches)(void) = (int64_t (*)(void))dlsym(cuda_library, "emulator_launches");
  float *dy = on_device(b, guarded_normal(SIZE), SIZE), *x = on_device(b, guarded_normal(SIZE), SIZE), *dx = ops->alloc(b, SIZE * 4), *dw = ops->alloc(b, W * W * 4), back;
  const gk_product down = {{GK_F32, on_device(b, guarded_normal(W * W), W * W), W, W}, gk_f32(dy), W, 1, 0};
  int64_t before = 0;
  for (int round = 0; round < 3; round++) {   /* the first makes room */
    CHECK(ops->scale(b, dy, 1, SIZE) == GK_OK && ops->download(b, &back, dy, 4) == GK_OK);
    before = launches();
    CHECK(ops->matmul_dw(b, gk_f32(dy), W, gk_f32(x), W, T, W, W, 1, dw) == GK_OK);
    if (in_between) CHECK(ops->zero(b, dx, 4) == GK_OK);
    CHECK(ops->matmul_dx(b, 1, &down, gk_f32(dx), W, T, W, 0) == GK_OK && ops->matmul_dx(b, 1, &down, gk_f32(dx), W, T, W, 1) == GK_OK && ops->matmul_dw(b, gk_f32(dy), W, gk_f32(x), W, T, W, W, 1, dw) == GK_OK);
    CHECK(ops->download(b, &back, dx, 4) == GK_OK);
  }
  const int64_t count = launches() - before;
  ops->close(b);
  return count;
}
static void conversions(void) {
  const int64_t kept = launched(0), again = launched(1);
  /* dy, x; the weight twice; four products */
  if (kept != 8 || again != 10) FAIL("%lld launches, and %lld with a write in between", (long long)kept, (long long)again);
}

int main(void) {
  if (no_plugin()) return 0;
  known = mmap(NULL, RESULTS * sizeof(float), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(known != MAP_FAILED);
  EACH(nothing_kept, "GRAFT_CUBLAS=off", "GRAFT_CUDA_SYNC=1");
  EACH(kept, "GRAFT_CUBLAS=off", "GRAFT_EMULATOR_DELAY=1");
  EACH(kept, "GRAFT_CUBLAS=off", "GRAFT_EMULATOR_DELAY=2", "GRAFT_EMULATOR_STRICT=1");
  if (is_emulated()) EACH(conversions, "GRAFT_CUBLAS=off");
  puts("ok");
  return 0;
}
