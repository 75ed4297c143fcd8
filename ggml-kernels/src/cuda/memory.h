/* Device memory that is kept for the next who asks, and pinned memory through which host arrays pass. */
#ifndef GRAFT_CUDA_MEMORY_H
#define GRAFT_CUDA_MEMORY_H
#include <cstdint>
#include <map>
#include <unordered_map>

#include "device.cuh"

/* Blocks that are given back are kept, since cudaMalloc and cudaFree wait for the device; work is queued on one stream, so a block may be
 * used again at once. When the device has no more, all kept blocks are returned to it and it is asked again. */
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

/* A ring of pinned memory in two halves; a half is written again only after the copies out of it are done. */
class gk_cuda_staging {
 public:
  static constexpr int64_t kHalfBytes = 16 << 20;
  cudaError_t open();
  ~gk_cuda_staging();
  /* Queues a copy of any size to device memory; host may be changed on return. */
  cudaError_t upload(void *device, const void *host, int64_t bytes, cudaStream_t stream);
  /* The same into the ring's own device memory: *device stays as it is until half the ring has gone by. bytes <= kHalfBytes. */
  cudaError_t stage(const void *host, int64_t bytes, cudaStream_t stream, void **device);

 private:
  cudaError_t place(int64_t bytes, cudaStream_t stream, int64_t *offset);
  char *host_ = nullptr, *device_ = nullptr;
  cudaEvent_t done_[2] = {};
  bool recorded_[2] = {};
  int64_t at_ = 0;                      /* next free byte, in [0, 2 * kHalfBytes] */
};
#endif
