/* Steps whose launches repeat (gk_ops.graph_begin): what was queued under a key is kept; when it comes again, it is compared call by call and
 * not queued, and if all of it was the same, one CUDA graph runs it at graph_end. */
#ifndef GRAFT_CUDA_GRAPH_H
#define GRAFT_CUDA_GRAPH_H
#include <cstdint>
#include <functional>
#include <vector>

#include "device.cuh"
#include "graft/ops.h"

/* A kernel and its arguments; or a copy or a fill of device memory; or a host array for those that follow. */
struct gk_cuda_call {
  enum Kind { kKernel, kCopy, kFill, kStage } kind = kKernel;
  const char *name = "";
  const void *kernel = nullptr;
  dim3 grid = dim3(1);
  unsigned block = 1;
  size_t shared_bytes = 0;
  std::vector<char> arguments;      /* one after the other, each at a multiple of 16 */
  std::vector<size_t> places;
  void *to = nullptr;               /* copy, fill, stage */
  const void *from = nullptr;       /* copy */
  int64_t bytes = 0;
  size_t chunk = 0;                 /* stage: where the array lies */
  int64_t offset = 0;
#ifdef GRAFT_CUDA_EMULATED
  std::function<void()> run;
#endif

  void add(const void *argument, size_t size) {
    places.push_back((arguments.size() + 15) / 16 * 16);
    arguments.resize(places.back() + size);
    memcpy(arguments.data() + places.back(), argument, size);
  }
  bool same(const gk_cuda_call &other) const;
};

class gk_cuda_graphs;

/* nullptr when graphs are switched off. */
gk_cuda_graphs *gk_cuda_graphs_open(gk_backend *b);
void gk_cuda_graphs_close(gk_cuda_graphs *);   /* after the stream's end; nullptr is fine */

/* Between graph_begin and graph_end? */
bool gk_cuda_in_region(const gk_backend *b);
/* There: takes the call. */
gk_status gk_cuda_region_call(gk_backend *b, gk_cuda_call &&call);
/* Are so many bytes to be staged there? Else the region is to be left. */
bool gk_cuda_region_takes(int64_t bytes);
/* There: the array at an address that is the same each time. */
gk_status gk_cuda_region_stage(gk_backend *b, const void *host, int64_t bytes, const void **device);
/* Queues what was only compared so far; the region goes on. For whoever changes which memory is in use. */
gk_status gk_cuda_region_settle(gk_backend *b);
/* The same, and the region ends, for now and for its key: something is about to happen on the stream that cannot be taken down. Whoever gives work
 * to the stream by other ways than LAUNCH calls this first. Outside of a region it does nothing. */
gk_status gk_cuda_region_leave(gk_backend *b);
#endif
