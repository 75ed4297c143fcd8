/* Weights are dequantized on a second stream into one of two buffers, while the product before still reads the other. docs/matmul.md, "CUDA"
 *
 * Nobody says which weight comes next: the host queues work long before the GPU comes to it, and memory from import_weight is never written again, so
 * that its dequantization may begin as soon as the product before last has left its buffer, whatever the main stream is at. What is queued is
 *
 *   second stream   wait(slot's read)   dequantize -> slot   record(slot's ready)
 *   main stream                                              wait(slot's ready)   product   record(slot's read)
 *
 * Since the main stream waits for every dequantization before the host queues anything else, memory that is given back may be used again at once, as
 * ever. Within a graph's region all is done on the main stream.
 */
#ifndef GRAFT_CUDA_AHEAD_H
#define GRAFT_CUDA_AHEAD_H
#include <cstdint>
#include <map>

#include "device.cuh"
#include "graft/ops.h"

class gk_cuda_ahead {
 public:
  explicit gk_cuda_ahead(gk_backend *b) : b_(b) {}
  gk_status open();
  ~gk_cuda_ahead();                     /* after both streams' end */
  cudaStream_t stream() const { return stream_; }

  /* Memory whose content stays from here on. May forget some, which costs time only. */
  gk_status imported(const void *data, int64_t bytes);
  void changed(const void *data, int64_t bytes);   /* it does not after all; any memory */
  void released(const void *data);                 /* nor does this, and there is more room now */
  bool stays(const void *data) const;

  /* What is dequantized from now on is read after all that the main stream has been given so far. For weights that do not stay. */
  gk_status after_main();

  /* Room for an operand; up to ready, LAUNCH queues where it may be written. */
  gk_status begin(int64_t bytes, void **room);
  /* Written, or failed with this status: LAUNCH queues on the main stream again, which goes on when the operand is there. */
  gk_status ready(gk_status status);
  /* What reads it is queued. */
  gk_status used();

  /* Memory is out: one buffer less, that nobody is about to use. False when there is none to give. */
  bool drop();

 private:
  struct Slot {
    void *buffer = nullptr;
    int64_t bytes = 0;
    cudaEvent_t ready = nullptr, read = nullptr;
    bool unknown = true;                /* `read` may be older than what the main stream did with the buffer last */
  };
  gk_status enlarge(int at, int64_t bytes);
  gk_backend *b_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t main_ = nullptr;
  Slot slots_[2];
  int next_ = 0, only_ = -1;            /* only_: the one that is left when memory was out */
  int taken_ = -1;                      /* between begin and used */
  int growing_ = -1;
  bool aside_ = false;                  /* the one that is taken is written on the second stream */
  std::map<const char *, int64_t> staying_;
};
#endif
