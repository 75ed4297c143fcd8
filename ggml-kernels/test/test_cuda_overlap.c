/* Weights that are dequantized on a second stream (src/cuda/ahead.h): the bits are those of one stream, whichever of the two is late, whatever happens between two products.
 *
 * The emulated GPU's DELAY=1 does what is queued as late as it may, so that a product that does not wait for its operand finds another there; DELAY=2 does the second stream's
 * work as soon as it may, so that an operand that does not wait for its room, or for the weight itself, is written or read too early. See cuda_cases.h.
 */
#include "cuda_cases.h"
#include "weights.h"

enum { K = 1024, N1 = 520, N2 = 96, N3 = 300, R = 8, MOST = 1 << 22 };   /* emulated slices have 1 MiB: 512 rows of K in bf16, 256 in f32 */
/* Shared by the processes: what one stream gives with own products, and with cuBLAS; the most memory it had. */
static struct { float own[MOST], cublas[MOST]; int64_t count, peak; } *known;

typedef struct work {
  gk_backend *b;
  int64_t m;
  float *x, *y1, *y2, *y3, *h, *dx, *a, *trained;
  gk_product base[3], third;
  float *kept;      /* on the device: what is to be compared */
  int64_t count;
} work;

static const void *import(gk_backend *b, gk_type type, int64_t n) {
  const void *data = NULL;
  CHECK(ops->import_weight(b, guarded_weight(type, n * K), gk_type_bytes(type, n * K), &data) == GK_OK);
  return data;
}

static void keep(work *w, const float *p, int64_t n) {
  CHECK(w->count + n <= MOST && ops->copy(w->b, w->kept + w->count, p, n * 4) == GK_OK);
  w->count += n;
}

static void open_work(work *w, gk_backend *b, int64_t m) {
  random_state = 11;
  *w = (work){.b = b, .m = m, .x = on_device(b, guarded_normal(m * K), m * K), .y1 = ops->alloc(b, m * N1 * 4), .y2 = ops->alloc(b, m * N2 * 4), .y3 = ops->alloc(b, m * N3 * 4),
              .h = ops->alloc(b, m * R * 4), .dx = ops->alloc(b, m * K * 4), .a = on_device(b, guarded_normal(R * K), R * K), .trained = on_device(b, guarded_normal(N3 * K), N3 * K),
              .kept = ops->alloc(b, MOST * 4)};
  CHECK(w->y1 && w->y2 && w->y3 && w->h && w->dx && w->kept);
  w->base[0] = (gk_product){{GK_Q4_K, import(b, GK_Q4_K, N1), N1, K}, gk_f32(w->y1), N1, 1, 0};
  w->base[1] = (gk_product){{GK_Q6_K, import(b, GK_Q6_K, N2), N2, K}, gk_f32(w->y2), N2, 0.5f, 0};
  w->base[2] = (gk_product){{GK_F32, w->a, R, K}, gk_f32(w->h), R, 2, 0};
  w->third = (gk_product){{GK_F32, w->trained, N3, K}, gk_f32(w->y3), N3, 1, 0};
}

/* Forward and backward of the group, and of a weight that other ops write; small numbers, so that they stay so. */
static void products(work *w) {
  const gk_status ok = GK_OK;
  const int64_t m = w->m;
  CHECK(ops->matmul_fwd(w->b, 3, w->base, gk_f32(w->x), K, m, K) == ok);
  CHECK(ops->scale(w->b, w->y1, 1.0f / K, m * N1) == ok && ops->scale(w->b, w->y2, 1.0f / K, m * N2) == ok && ops->scale(w->b, w->h, 1.0f / K, m * R) == ok);
  CHECK(ops->matmul_dx(w->b, 3, w->base, gk_f32(w->dx), K, m, K, 0) == ok && ops->add_scaled(w->b, w->x, w->dx, 0.01f, m * K) == ok);
  CHECK(ops->add_scaled(w->b, w->trained, w->x, 0.5f, N3 * K < m * K ? N3 * K : m * K) == ok && ops->scale(w->b, w->a, 0.75f, R * K) == ok);
  CHECK(ops->matmul_fwd(w->b, 1, &w->third, gk_f32(w->x), K, m, K) == ok && ops->scale(w->b, w->trained, 0.75f, N3 * K) == ok);
}
static void keep_all(work *w) {
  keep(w, w->y1, w->m * N1), keep(w, w->y2, w->m * N2), keep(w, w->y3, w->m * N3), keep(w, w->h, w->m * R), keep(w, w->dx, w->m * K);
}

/* Nothing is waited for from the first op to the last, but where a graph's tables or the ring need it. */
static int64_t all_of_it(gk_backend *b, int64_t m, float *result) {
  work w;
  open_work(&w, b, m);
  for (int i = 0; i < 2; i++) CHECK(ops->matmul_fwd(b, 1, &w.base[1], gk_f32(w.x), K, m, K) == GK_OK);   /* operands that are small at first */
  /* memory that another op still reads when a larger operand gets it */
  enum { ROOM = 1 << 20 };
  float *ones = guarded_f32(ROOM / 4), *other = ops->alloc(b, ROOM);
  for (int i = 0; i < ROOM / 4; i++) ones[i] = (float)(i % 7);
  CHECK(other && ops->upload(b, other, ones, ROOM) == GK_OK);
  keep(&w, other, ROOM / 4);
  ops->release(b, other);
  products(&w), keep_all(&w);
  /* others in the place of weights that were just read */
  ops->release_weight(b, w.base[0].w.data);
  ops->release_weight(b, w.base[1].w.data);
  w.base[0].w.data = import(b, GK_Q4_K, N1);
  w.base[1].w.data = import(b, GK_Q6_K, N2);
  products(&w), keep_all(&w);
  /* weights that are written to, though nobody should; and memory of a weight that becomes another tensor */
  const int64_t row = gk_type_bytes(GK_Q4_K, K), bytes = N1 * row;
  unsigned char *blocks = guarded_weight(GK_Q4_K, N1 * K);
  for (int kind = 0; kind < 4; kind++) {
    ops->release_weight(b, w.base[0].w.data);
    w.base[0].w.data = import(b, GK_Q4_K, N1);
    CHECK(ops->matmul_fwd(b, 1, w.base, gk_f32(w.x), K, m, K) == GK_OK);
    keep(&w, w.y1, m * N1);
    char *data = (char *)(uintptr_t)w.base[0].w.data;
    gk_product p = w.base[0];
    if (kind == 0) CHECK(ops->upload(b, data + 7 * row, blocks, 64 * row) == GK_OK);
    if (kind == 1) CHECK(ops->copy(b, data, data + 300 * row, 200 * row) == GK_OK);
    if (kind == 2) CHECK(ops->zero(b, data + 3 * row, 200 * row) == GK_OK);
    if (kind == 3) {
      ops->release_weight(b, data);
      float *floats = ops->alloc(b, bytes);
      CHECK(floats && ops->add_scaled(b, floats, w.x, 1, bytes / 4 < m * K ? bytes / 4 : m * K) == GK_OK);
      p.w = (gk_weight){GK_F32, floats, bytes / 4 / K, K}, p.ldy = p.w.n;
    }
    CHECK(ops->matmul_fwd(b, 1, &p, gk_f32(w.x), K, m, K) == GK_OK);
    keep(&w, w.y1, m * p.w.n);
  }
  /* a graph's region, met three times, and products on both sides of it */
  w.base[0].w.data = import(b, GK_Q4_K, N1);
  for (int pass = 0; pass < 3; pass++) {
    CHECK(ops->graph_begin(b, "o", 1) == GK_OK);
    products(&w);
    CHECK(ops->graph_end(b) == GK_OK);
    products(&w), keep(&w, w.y1, m * N1), keep(&w, w.dx, m * K);
  }
  /* f32, whose operands are larger */
  ops->set_precision(b, GK_PRECISE);
  products(&w), keep_all(&w);
  ops->set_precision(b, GK_FAST);
  products(&w), keep_all(&w);
  CHECK(ops->download(b, result, w.kept, w.count * 4) == GK_OK);
  for (int64_t i = 0; i < w.count; i++) CHECK(isfinite(result[i]));
  return w.count;
}

static int64_t counted(const char *name) {
  int64_t (*count)(void) = (int64_t (*)(void))dlsym(cuda_library, name);   /* NULL on a real GPU */
  return count ? count() : -1;
}
static int with_cublas(void) { return getenv("GRAFT_CUBLAS") && strcmp(getenv("GRAFT_CUBLAS"), "off") != 0; }
/* cuBLAS is for 128 and more; for own products fewer show as much. */
static int64_t rows(void) { return with_cublas() ? 128 : 33; }

static void one_stream(void) {
  gk_backend *b = open_it();
  known->count = all_of_it(b, rows(), with_cublas() ? known->cublas : known->own);
  memory(b, NULL, &known->peak, NULL, NULL);
  CHECK(counted("emulator_aside_launches") <= 0);
  ops->close(b);
}

static void compare(gk_backend *b) {
  float *result = guarded_f32(MOST);
  const float *want = with_cublas() ? known->cublas : known->own;
  CHECK(all_of_it(b, rows(), result) == known->count);
  for (int64_t i = 0; i < known->count; i++)
    if (memcmp(&result[i], &want[i], 4)) FAIL("number %lld of %lld is %.9g, with one stream %.9g", (long long)i, (long long)known->count, result[i], want[i]);
}

static void two_streams(void) {
  gk_backend *b = open_it();
  compare(b);
  const int64_t aside = counted("emulator_aside_launches"), early = counted("emulator_early_launches");
  const char *delay = getenv("GRAFT_EMULATOR_DELAY");
  CHECK(aside != 0);
  if (delay && *delay == '2' && 4 * early < 3 * aside) FAIL("of %lld operands only %lld could be made before the stream came to them", (long long)aside, (long long)early);
  ops->close(b);
}
/* The switch, and a wait after each kernel: nothing is on a second stream. */
static void still_one(void) {
  gk_backend *b = open_it();
  compare(b);
  CHECK(counted("emulator_aside_launches") <= 0);
  ops->close(b);
}

/* So little memory that one stream has just enough, and somewhat more: the second buffer is what is done without. With enough for it, it is there. */
static void little_memory(void) {
  const int64_t most = 6 << 20;
  for (int64_t spare = 256 << 10; spare <= most; spare = spare < 1 << 20 ? 1 << 20 : spare * 6) {
    AT("little memory, %lld KiB to spare", (long long)spare >> 10);
    gk_backend *b = open_it();
    int64_t used, free_now, peak;
    memory(b, &used, NULL, &free_now, NULL);
    const int64_t piece = 512 << 10, too_much = free_now - (known->peak - used) - spare, large = too_much & ~(int64_t)((2 << 20) - 1);
    CHECK(large > 0 && ops->alloc(b, large));
    for (int64_t eaten = large; eaten + piece <= too_much; eaten += piece) CHECK(ops->alloc(b, piece));
    const int64_t aside = counted("emulator_aside_launches"), early = counted("emulator_early_launches");
    compare(b);
    memory(b, NULL, &peak, NULL, NULL);
    const double share = (double)(counted("emulator_early_launches") - early) / (double)(counted("emulator_aside_launches") - aside);
    printf("  %lld KiB to spare: %.0f%% of the operands early\n", (long long)spare >> 10, 100 * share);
    CHECK(peak - used <= free_now && (spare < most ? share < 0.6 : share > 0.75));
    ops->close(b);
    guarded_free_all();
  }
}

int main(void) {
  if (no_plugin()) return 0;
  known = mmap(NULL, sizeof *known, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(known != MAP_FAILED);
  EACH(one_stream, "GRAFT_CUBLAS=off", "GRAFT_CUDA_OVERLAP=0");
  EACH(two_streams, "GRAFT_CUBLAS=off");
  EACH(two_streams, "GRAFT_CUBLAS=off", "GRAFT_EMULATOR_DELAY=1", "GRAFT_EMULATOR_STRICT=1");
  EACH(two_streams, "GRAFT_CUBLAS=off", "GRAFT_EMULATOR_DELAY=2", "GRAFT_EMULATOR_STRICT=1");
  EACH(still_one, "GRAFT_CUBLAS=off", "GRAFT_CUDA_SYNC=1");
  if (is_emulated()) {
    EACH(still_one, "GRAFT_CUBLAS=off", "GRAFT_CUDA_OVERLAP=0", "GRAFT_EMULATOR_DELAY=2");
    EACH(little_memory, "GRAFT_CUBLAS=off", "GRAFT_EMULATOR_MEMORY=134217728", "GRAFT_EMULATOR_DELAY=2");
    if (plain_cublas()) {
      EACH(one_stream, plain_cublas(), "GRAFT_CUDA_OVERLAP=0");
      EACH(two_streams, plain_cublas(), "GRAFT_EMULATOR_DELAY=1");
      EACH(two_streams, plain_cublas(), "GRAFT_EMULATOR_DELAY=2");
    }
  }
  puts("ok");
  return 0;
}
