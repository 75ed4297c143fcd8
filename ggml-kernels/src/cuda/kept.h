/* f32 activations in bf16, remembered from one product to the next: a gradient is read by the base weight's product and by two of its adapter's. docs/matmul.md, "CUDA"
 *
 * What is remembered holds as long as products alone are queued, but for what those write themselves: everything else that may write device memory counts up
 * gk_backend.writes (LAUNCH, upload, copy, zero, alloc), and then nothing is known any more. Nobody has to say what he writes, so nobody can forget to. With GRAFT_CUDA_SYNC
 * and within a graph's region nothing is remembered.
 */
#ifndef GRAFT_CUDA_KEPT_H
#define GRAFT_CUDA_KEPT_H
#include <cstdint>

#include "device.cuh"
#include "graft/ops.h"

struct gk_cuda_operand;   /* matmul.h */
/* [rows,columns] of row stride ld. */
struct gk_cuda_matrix {
  gk_act act;
  int64_t ld, rows, columns;
  bool operator==(const gk_cuda_matrix &o) const { return act.data == o.act.data && act.type == o.act.type && ld == o.ld && rows == o.rows && columns == o.columns; }
  bool overlaps(const gk_cuda_matrix &o) const { return begin() < o.end() && o.begin() < end(); }
  const char *begin() const { return (const char *)act.data; }
  const char *end() const { return (const char *)gk_act_at(act, (rows - 1) * ld + columns).data; }
};

class gk_cuda_kept {
 public:
  explicit gk_cuda_kept(gk_backend *b) : b_(b) {}
  /* Around a product: whatever it queues; and what of it was written. An end that does not come, since the product failed, makes all be forgotten. */
  void begin();
  void wrote(const gk_cuda_matrix &m);
  void end();
  /* Within a product: `count` matrices (at most 2) in bf16, rows padded with zeros to a multiple of 8, all there until the next call. One that is so already stays where it is. */
  gk_status get(const gk_cuda_matrix *m, int count, gk_cuda_operand *operands);

 private:
  struct Entry { gk_cuda_matrix source; int64_t offset; };
  static constexpr int kMost = 32;
  const Entry *find(const gk_cuda_matrix &m) const;
  void forget() { count_ = 0, at_ = 0; }
  gk_backend *b_;
  Entry entries_[kMost];
  int count_ = 0;
  int64_t at_ = 0;                      /* bytes of the scratch slot that are taken */
  int64_t largest_ = 0;                 /* bytes of the largest call so far */
  uint64_t writes_ = 0;
};
#endif
