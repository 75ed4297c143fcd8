/* See kept.h. */
#include "kept.h"

#include "backend.h"
#include "graft/cuda.h"
#include "matmul.h"

/* Is it an operand as it lies? */
static bool as_it_is(const gk_cuda_matrix &m) { return m.act.type == GK_BF16 && m.columns % 8 == 0 && m.ld % 8 == 0 && gk_aligned(m.act.data, 16); }
static int64_t bytes_of(const gk_cuda_matrix &m) { return (m.rows * gk_round_8(m.columns) * 2 + 255) / 256 * 256; }

void gk_cuda_kept::begin() {
  if (b_->writes != writes_ || b_->synchronous || gk_cuda_in_region(b_)) forget();
}

void gk_cuda_kept::wrote(const gk_cuda_matrix &m) {
  int left = 0;
  for (int i = 0; i < count_; i++)
    if (!entries_[i].source.overlaps(m)) entries_[left++] = entries_[i];
  if ((count_ = left) == 0) at_ = 0;
}

void gk_cuda_kept::end() { writes_ = b_->writes; }

const gk_cuda_kept::Entry *gk_cuda_kept::find(const gk_cuda_matrix &m) const {
  for (int i = 0; i < count_; i++)
    if (entries_[i].source == m) return &entries_[i];
  return nullptr;
}

gk_status gk_cuda_kept::get(const gk_cuda_matrix *m, int count, gk_cuda_operand *operands) {
  if (b_->synchronous || gk_cuda_in_region(b_)) forget();
  int64_t missing = 0, all = 0;
  for (int i = 0; i < count; i++) {
    if (as_it_is(m[i])) continue;
    all += bytes_of(m[i]);
    if (!find(m[i])) missing += bytes_of(m[i]);
  }
  if (all > largest_) largest_ = all;
  const gk_cuda_scratch slot = GK_CUDA_SCRATCH_X;
  if (missing > 0 && (at_ + missing > b_->scratch_bytes[slot] || count_ + count > kMost)) {
    /* As much as would have held this too, so that it does the next time, in bounds: what nobody reads again is not worth memory. */
    const int64_t wanted = at_ + missing < 3 * largest_ ? at_ + missing : 3 * largest_;
    forget();
    if (!gk_cuda_scratch_get(b_, slot, wanted > all ? wanted : all)) {
      if (!gk_cuda_scratch_get(b_, slot, all)) return GK_OUT_OF_MEMORY;
      (void)gk_cuda_last_error();   /* which it was not */
    }
  }
  for (int i = 0; i < count; i++) {
    if (as_it_is(m[i])) {
      operands[i] = {m[i].act.data, m[i].ld, false};
      continue;
    }
    const Entry *known = find(m[i]);
    const int64_t offset = known ? known->offset : at_;
    uint16_t *room = (uint16_t *)((char *)b_->scratch[slot] + offset);
    operands[i] = {room, gk_round_8(m[i].columns), false};
    if (known) continue;
    GK_TRY(gk_cuda_to_bf16(b_, m[i].act, m[i].ld, m[i].rows, m[i].columns, room));
    entries_[count_++] = {m[i], offset};
    at_ += bytes_of(m[i]);
  }
  return GK_OK;
}
