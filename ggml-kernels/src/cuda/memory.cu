#include "memory.h"

#include <chrono>
#include <cstring>
#include <thread>

int64_t gk_cuda_pool::rounded(int64_t bytes) {
  const int64_t unit = bytes >= (1 << 20) ? 1 << 21 : 512;
  return bytes <= 0 ? 512 : (bytes + unit - 1) / unit * unit;
}

void *gk_cuda_pool::take(int64_t bytes, cudaError_t *error) {
  *error = cudaSuccess;
  if (bytes > INT64_MAX / 4) {
    *error = cudaErrorMemoryAllocation;
    return nullptr;
  }
  const int64_t size = rounded(bytes);
  void *block = nullptr;
  const auto found = free_.lower_bound(size);
  if (found != free_.end() && found->first - size <= size / 8) {
    block = found->second;
    taken_[block] = found->first;
    kept_ -= found->first;
    free_.erase(found);
  } else {
    *error = cudaMalloc(&block, (size_t)size);
    if (*error == cudaErrorMemoryAllocation && kept_ > 0) {
      cudaGetLastError();
      trim();
      *error = cudaMalloc(&block, (size_t)size);
    }
    if (*error != cudaSuccess) {
      cudaGetLastError();
      return nullptr;
    }
    taken_[block] = size;
  }
  used_ += taken_[block];
  if (used_ > peak_) peak_ = used_;
  return block;
}

void gk_cuda_pool::give(void *block) {
  const auto found = taken_.find(block);
  if (found == taken_.end()) return;
  used_ -= found->second;
  kept_ += found->second;
  free_.emplace(found->second, block);
  taken_.erase(found);
}

void gk_cuda_pool::trim() {
  for (const auto &[bytes, block] : free_) cudaFree(block);
  free_.clear();
  kept_ = 0;
}

gk_cuda_pool::~gk_cuda_pool() {
  trim();
  for (const auto &[block, bytes] : taken_) cudaFree(block);
}

cudaError_t gk_cuda_await(cudaEvent_t event, double timeout_seconds) {
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t asked = 0;; asked++) {
    const cudaError_t error = cudaEventQuery(event);
    if (error != cudaErrorNotReady) return error;
    cudaGetLastError();
    if (asked < 20000) continue;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > timeout_seconds) return cudaErrorNotReady;
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

cudaError_t gk_cuda_staging::open(double timeout_seconds) {
  timeout_seconds_ = timeout_seconds;
  void *host = nullptr, *device = nullptr;
  cudaError_t error = cudaHostAlloc(&host, (size_t)(2 * kHalfBytes), cudaHostAllocDefault);
  if (error == cudaSuccess) error = cudaMalloc(&device, (size_t)(2 * kHalfBytes));
  for (int i = 0; i < 2 && error == cudaSuccess; i++) error = cudaEventCreateWithFlags(&done_[i], cudaEventDisableTiming);
  host_ = (char *)host, device_ = (char *)device;
  return error;
}

gk_cuda_staging::~gk_cuda_staging() {
  if (host_) cudaFreeHost(host_);
  if (device_) cudaFree(device_);
  for (cudaEvent_t event : done_)
    if (event) cudaEventDestroy(event);
}

/* Room for bytes that do not cross a half's end. Entering a half, the copies that were queued when it was last left have to be done; the
 * kernels that read its device memory come before, on the same stream, what is copied there next. */
cudaError_t gk_cuda_staging::place(int64_t bytes, cudaStream_t stream, int64_t *offset) {
  const int64_t size = (bytes + 255) / 256 * 256;
  if (at_ + size > kHalfBytes) {
    const int next = 1 - half_;
    cudaError_t error = cudaEventRecord(done_[half_], stream);
    recorded_[half_] = true;
    if (error == cudaSuccess && recorded_[next]) error = gk_cuda_await(done_[next], timeout_seconds_);
    if (error != cudaSuccess) return error;
    half_ = next;
    at_ = 0;
    for (Known &known : known_) known = {};   /* those of the half that was left may be gone while an op still needs them */
  }
  *offset = half_ * kHalfBytes + at_;
  at_ += size;
  return cudaSuccess;
}

cudaError_t gk_cuda_staging::upload(void *device, const void *host, int64_t bytes, cudaStream_t stream) {
  for (int64_t done = 0; done < bytes;) {
    int64_t offset = 0, n = bytes - done < kHalfBytes ? bytes - done : kHalfBytes;
    cudaError_t error = place(n, stream, &offset);
    if (error != cudaSuccess) return error;
    memcpy(host_ + offset, (const char *)host + done, (size_t)n);
    error = cudaMemcpyAsync((char *)device + done, host_ + offset, (size_t)n, cudaMemcpyHostToDevice, stream);
    if (error != cudaSuccess) return error;
    done += n;
  }
  return cudaSuccess;
}

cudaError_t gk_cuda_staging::stage(const void *host, int64_t bytes, cudaStream_t stream, void **device) {
  for (const Known &known : known_)
    if (known.bytes == bytes && memcmp(host_ + known.offset, host, (size_t)bytes) == 0) {
      *device = device_ + known.offset;
      return cudaSuccess;
    }
  int64_t offset = 0;
  cudaError_t error = place(bytes, stream, &offset);
  if (error != cudaSuccess) return error;
  memcpy(host_ + offset, host, (size_t)bytes);
  *device = device_ + offset;
  error = cudaMemcpyAsync(device_ + offset, host_ + offset, (size_t)bytes, cudaMemcpyHostToDevice, stream);
  if (error == cudaSuccess) known_[newest_++ % kKnown] = {offset, bytes};
  return error;
}
