/* Device memory that is kept for the next who asks, and pinned memory through which host arrays pass. */
#ifndef GRAFT_CUDA_MEMORY_H
#define GRAFT_CUDA_MEMORY_H
#include <cstdint>
#include <map>
#include <unordered_map>

#include "device.cuh"

/* Blocks that are given back are kept, since cudaMalloc and cudaFree wait for the device; work is queued on one stream, which waits at once for what a
 * second one does (ahead.h), so a block may be used again at once. When the device has no more, all kept blocks are returned to it and it is asked again. */
class gk_cuda_pool {
 public:
  ~gk_cuda_pool();
  /* nullptr and *error when there is none. */
  void *take(int64_t bytes, cudaError_t *error);
  void give(void *block);
  void trim();                          /* returns what is kept to the device */
  int64_t used() const { return used_; }
  int64_t peak() const { return peak_; }
  int64_t kept() const { return kept_; }
  static int64_t rounded(int64_t bytes);

 private:
  std::multimap<int64_t, void *> free_;
  std::unordered_map<void *, int64_t> taken_;
  int64_t used_ = 0, peak_ = 0, kept_ = 0;
};

/* Until the event has happened, which is asked for and not waited for, so that a device that hangs is an answer: cudaErrorNotReady after so long. */
cudaError_t gk_cuda_await(cudaEvent_t event, double timeout_seconds);

/* A ring of pinned memory in two halves; a half is written again only after the copies out of it are done. */
class gk_cuda_staging {
 public:
  static constexpr int64_t kHalfBytes = 16 << 20;
  cudaError_t open(double timeout_seconds);
  ~gk_cuda_staging();
  /* Queues a copy of any size to device memory; host may be changed on return. */
  cudaError_t upload(void *device, const void *host, int64_t bytes, cudaStream_t stream);
  /* The same into the ring's own device memory: *device stays as it is until half the ring has gone by. bytes <= kHalfBytes.
   * The same bytes again (positions, for every layer) are not copied again while they are there. Kernels only read them. */
  cudaError_t stage(const void *host, int64_t bytes, cudaStream_t stream, void **device);

 private:
  cudaError_t place(int64_t bytes, cudaStream_t stream, int64_t *offset);
  char *host_ = nullptr, *device_ = nullptr;
  cudaEvent_t done_[2] = {};
  bool recorded_[2] = {};
  int half_ = 0;                        /* the one that is written now */
  int64_t at_ = 0;                      /* its next free byte */
  struct Known { int64_t offset, bytes; };
  static constexpr int kKnown = 16;
  Known known_[kKnown] = {};            /* what was staged last in this half */
  int newest_ = 0;
  double timeout_seconds_ = 600;
};
#endif
