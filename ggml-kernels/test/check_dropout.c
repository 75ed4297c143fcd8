/* dropout against Philox written out here, after Philox itself is held against its published vectors. */
#include "acts.h"

static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4], k[2] = {key[0], key[1]};
  memcpy(c, counter, sizeof c);
  for (int round = 0; round < 10; round++) {
    uint64_t p = 0xD2511F53ull * c[0], r = 0xCD9E8D57ull * c[2];
    uint32_t n[4] = {(uint32_t)(r >> 32) ^ c[1] ^ k[0], (uint32_t)r, (uint32_t)(p >> 32) ^ c[3] ^ k[1], (uint32_t)p};
    memcpy(c, n, sizeof c);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  memcpy(out, c, sizeof c);
}

/* The known answers of Random123's kat_vectors. */
static void known_answers(void) {
  static const struct { uint32_t counter[4], key[2], out[4]; } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint32_t out[4];
    philox(known[i].counter, known[i].key, out);
    CHECK(memcmp(out, known[i].out, sizeof out) == 0);
  }
}

void check_dropout(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  known_answers();
  static const int64_t sizes[] = {1, 3, 4, 17, 31, 63, 65, 257, 50001};
  static const float rates[] = {0, 0.05f, 0.5f, 0.9f, 1};
  for (size_t c = 0; c < 5 * sizeof sizes / sizeof sizes[0]; c++) {
    int64_t n = sizes[c / 5], kept = 0;
    float p = rates[c % 5];
    uint64_t seed = c % 2 ? 0x299f31d0a4093822ull : 42, stream = c % 2 ? 0x0370734413198a2eull : c;
    int accumulate = c & 1, alias = !accumulate && c % 4 == 0;
    AT("%s n %d p %g accumulate %d", isa, (int)n, (double)p, accumulate);
    float *x = guarded_normal(n), *y = guarded_normal(n), *old = guarded_f32(n);
    if (p == 1) x[n - 1] = INFINITY;   /* dropped is 0, not 0 * inf */
    const gk_act x_act = act_of(b, x, n);
    if (alias) memcpy(y, x, (size_t)n * sizeof(float));
    const gk_act y_act = act_of(b, y, n);
    memcpy(old, y, (size_t)n * sizeof(float));
    CHECK(ops->dropout(b, alias ? y_act : x_act, p, seed, stream, n, y_act, accumulate) == GK_OK);
    y = act_floats(y_act, n);
    for (int64_t i = 0; i < n; i++) {
      uint32_t counter[4] = {(uint32_t)(i / 4), 0, (uint32_t)stream, (uint32_t)(stream >> 32)}, out[4];
      uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
      philox(counter, key, out);
      int keep = (double)out[i % 4] >= floor((double)p * 4294967296.0);
      kept += keep;
      double d = keep ? x[i] / (1 - (double)p) : 0, before = accumulate ? old[i] : 0;
      NEAR("y", i, y[i], before + d, FLT_EPSILON * (fabs(before) + 2 * fabs(d)) + act_rounding(b) * fabs(before + d));
      if (!keep) CHECK(y[i] == before);
    }
    /* five standard deviations of a binomial */
    NEAR("kept", 0, (double)kept, (double)n * (1 - p), 5 * sqrt((double)n * p * (1 - p)) + 1e-4 * (double)n * (p > 0 && p < 1));
    guarded_free_all();
  }
}
