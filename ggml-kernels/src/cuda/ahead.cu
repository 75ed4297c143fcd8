/* See ahead.h. */
#include "ahead.h"

#include <new>

#include "backend.h"

gk_status gk_cuda_ahead::open() {
  GK_TRY(gk_cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a second stream"));
  GK_TRY(gk_cuda_check(cudaEventCreateWithFlags(&main_, cudaEventDisableTiming), "making an event"));
  for (Slot &slot : slots_) {
    GK_TRY(gk_cuda_check(cudaEventCreateWithFlags(&slot.ready, cudaEventDisableTiming), "making an event"));
    GK_TRY(gk_cuda_check(cudaEventCreateWithFlags(&slot.read, cudaEventDisableTiming), "making an event"));
  }
  return GK_OK;
}

gk_cuda_ahead::~gk_cuda_ahead() {
  for (Slot &slot : slots_) {
    if (slot.ready) cudaEventDestroy(slot.ready);
    if (slot.read) cudaEventDestroy(slot.read);
  }
  if (main_) cudaEventDestroy(main_);
  if (stream_) cudaStreamDestroy(stream_);
}

static gk_status record(cudaEvent_t event, cudaStream_t stream) { return gk_cuda_check(cudaEventRecord(event, stream), "ordering two streams"); }
static gk_status wait(cudaStream_t stream, cudaEvent_t event) { return gk_cuda_check(cudaStreamWaitEvent(stream, event, 0), "ordering two streams"); }

gk_status gk_cuda_ahead::after_main() {
  GK_TRY(record(main_, b_->stream));
  return wait(stream_, main_);
}

gk_status gk_cuda_ahead::imported(const void *data, int64_t bytes) {
  try { staying_[(const char *)data] = bytes; } catch (const std::bad_alloc &) { return GK_OK; }
  return after_main();   /* its upload */
}

void gk_cuda_ahead::changed(const void *data, int64_t bytes) {
  const char *begin = (const char *)data, *end = begin + (bytes > 0 ? bytes : 1);
  auto at = staying_.lower_bound(end);
  while (at != staying_.begin() && (--at, at->first + at->second > begin)) at = staying_.erase(at);
}

void gk_cuda_ahead::released(const void *data) {
  changed(data, 1);
  only_ = -1;
}

bool gk_cuda_ahead::stays(const void *data) const {
  auto after = staying_.upper_bound((const char *)data);
  return after != staying_.begin() && (--after, (const char *)data < after->first + after->second);
}

gk_status gk_cuda_ahead::enlarge(int at, int64_t bytes) {
  Slot &slot = slots_[at];
  if (slot.buffer && slot.bytes >= bytes) return GK_OK;
  b_->pool->give(slot.buffer);
  slot.buffer = nullptr, slot.bytes = 0, slot.unknown = true;
  growing_ = at;
  slot.buffer = gk_cuda_take(b_, bytes, "scratch memory");
  growing_ = -1;
  slot.bytes = slot.buffer ? bytes : 0;
  return slot.buffer ? GK_OK : GK_OUT_OF_MEMORY;
}

bool gk_cuda_ahead::drop() {
  const int victim = taken_ == 1 || growing_ == 1 ? 0 : 1;
  Slot &slot = slots_[victim];
  if (only_ >= 0 || !slot.buffer) return false;
  only_ = 1 - victim;
  b_->pool->give(slot.buffer);
  slot.buffer = nullptr, slot.bytes = 0;
  return true;
}

gk_status gk_cuda_ahead::begin(int64_t bytes, void **room) {
  if (taken_ >= 0) slots_[taken_].unknown = true;   /* its product failed */
  taken_ = -1;
  const bool aside = !gk_cuda_in_region(b_);
  const int at = only_ >= 0 ? only_ : aside ? next_ : 0;
  GK_TRY(enlarge(at, bytes));
  Slot &slot = slots_[at];
  taken_ = at, aside_ = aside;
  *room = slot.buffer;
  if (!aside) {
    slot.unknown = true;
    return GK_OK;
  }
  if (slot.unknown) GK_TRY(record(slot.read, b_->stream));
  slot.unknown = false;
  GK_TRY(wait(stream_, slot.read));
  b_->queue = stream_;
  return GK_OK;
}

gk_status gk_cuda_ahead::ready(gk_status status) {
  b_->queue = b_->stream;
  if (status != GK_OK || !aside_) return status;
  GK_TRY(record(slots_[taken_].ready, stream_));
  return wait(b_->stream, slots_[taken_].ready);
}

gk_status gk_cuda_ahead::used() {
  if (taken_ < 0) return GK_OK;
  const int at = taken_;
  taken_ = -1;
  if (!aside_) return GK_OK;
  next_ = 1 - at;
  slots_[at].unknown = true;   /* unless the event is recorded */
  GK_TRY(record(slots_[at].read, b_->stream));
  slots_[at].unknown = false;
  return GK_OK;
}
