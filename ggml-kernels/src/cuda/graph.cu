/* See graph.h. A key is met three times: its calls are queued and taken down; compared, captured and launched; compared and launched. A wrong replay
 * cannot happen: the graph is launched only when kernel, grid, block, shared memory and every argument of every call are those that it was made
 * of; else what was held back is queued as it was asked for, and the rest is taken down anew. */
#include "graph.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>

#include "backend.h"

namespace {

constexpr int64_t kChunkBytes = 256 << 10, kMostStaged = 4 << 20;
constexpr size_t kMostKeys = 64;

struct Chunk {
  char *device = nullptr;
  int64_t bytes = 0, used = 0;
  std::vector<char> image;          /* what the device gets before the graph runs */
};

struct Recorded {
  std::vector<gk_cuda_call> calls;
  std::vector<Chunk> chunks;
  size_t open = 0;                  /* the chunk that takes the next array */
  cudaGraphExec_t graph = nullptr;
  bool complete = false, unsuited = false;
  int64_t used_at = 0;

  void forget_graph() {
    if (graph) cudaGraphExecDestroy(graph);
    graph = nullptr;
  }
};

}  // namespace

bool gk_cuda_call::same(const gk_cuda_call &o) const {
  return kind == o.kind && kernel == o.kernel && grid.x == o.grid.x && grid.y == o.grid.y && grid.z == o.grid.z && block == o.block && shared_bytes == o.shared_bytes && to == o.to &&
         from == o.from && bytes == o.bytes && places == o.places && arguments == o.arguments;
}

class gk_cuda_graphs {
 public:
  explicit gk_cuda_graphs(gk_backend *b) : b_(b) {}
  ~gk_cuda_graphs() {
    for (auto &[key, recorded] : keys_) recorded->forget_graph();
  }

  bool in_region() const { return now_ != nullptr; }

  gk_status begin(const std::string &key) {
    GK_TRY(leave_unfinished());
    auto found = keys_.find(key);
    if (found == keys_.end()) {
      if (keys_.size() >= kMostKeys) drop_oldest();
      found = keys_.emplace(key, std::make_unique<Recorded>()).first;
    }
    Recorded *r = found->second.get();
    r->used_at = ++clock_;
    if (r->unsuited) return GK_OK;
    now_ = r;
    at_ = 0;
    comparing_ = r->complete;
    r->complete = false;
    if (!comparing_) {
      r->forget_graph();
      r->calls.clear();
    }
    for (Chunk &chunk : r->chunks) chunk.used = 0;
    r->open = 0;
    return GK_OK;
  }

  gk_status end() {
    if (!now_) return GK_OK;
    Recorded *r = now_;
    gk_status status = GK_OK;
    if (comparing_ && at_ == r->calls.size() && (r->graph || capture(r))) {
      for (Chunk &chunk : r->chunks)
        if (status == GK_OK && chunk.used > 0) status = gk_cuda_send(b_, chunk.device, chunk.image.data(), chunk.used);
      if (status == GK_OK) status = gk_cuda_check(cudaGraphLaunch(r->graph, b_->stream), "a graph of kernels");
    } else {
      status = settle();
    }
    r->complete = status == GK_OK;
    now_ = nullptr;
    return status;
  }

  gk_status call(gk_cuda_call &&call) {
    if (comparing_) {
      if (at_ < now_->calls.size() && now_->calls[at_].same(call)) {
        at_++;
        return GK_OK;
      }
      GK_TRY(settle());
    }
    now_->calls.push_back(std::move(call));
    return issue(now_->calls.back());
  }

  gk_status stage(const void *host, int64_t bytes, const void **device) {
    gk_cuda_call call;
    call.kind = gk_cuda_call::kStage;
    call.bytes = bytes;
    if (comparing_) {
      if (at_ < now_->calls.size() && now_->calls[at_].kind == gk_cuda_call::kStage && now_->calls[at_].bytes == bytes) {
        const gk_cuda_call &was = now_->calls[at_++];
        put(now_->chunks[was.chunk], was.offset, host, bytes);
        *device = was.to;
        return GK_OK;
      }
      GK_TRY(settle());
    }
    GK_TRY(place(&call));
    Chunk &chunk = now_->chunks[call.chunk];
    put(chunk, call.offset, host, bytes);
    *device = call.to;
    now_->calls.push_back(std::move(call));
    return issue(now_->calls.back());
  }

  /* From comparing to taking down, with what has been asked for so far. */
  gk_status settle() {
    if (!now_ || !comparing_) return GK_OK;
    Recorded *r = now_;
    comparing_ = false;
    r->forget_graph();
    r->calls.resize(at_);
    for (const gk_cuda_call &c : r->calls) {
      if (c.kind == gk_cuda_call::kStage) r->open = c.chunk;
      GK_TRY(issue(c));
    }
    return GK_OK;
  }

  gk_status leave() {
    if (!now_) return GK_OK;
    const gk_status status = settle();
    now_->unsuited = true;
    now_->forget_graph();
    now_->calls.clear();
    give_chunks(now_);
    now_ = nullptr;
    return status;
  }

 private:
  /* A region that nobody ended: an op in it failed. */
  gk_status leave_unfinished() {
    if (!now_) return GK_OK;
    const gk_status status = settle();
    now_ = nullptr;
    return status;
  }

  static void put(Chunk &chunk, int64_t offset, const void *host, int64_t bytes) {
    memcpy(chunk.image.data() + offset, host, (size_t)bytes);
    if (offset + bytes > chunk.used) chunk.used = offset + bytes;
  }

  /* Every array of a region has a place of its own, so that all of them may be sent before any kernel runs. */
  gk_status place(gk_cuda_call *call) {
    Recorded *r = now_;
    for (;; r->open++) {
      if (r->open == r->chunks.size()) {
        Chunk chunk;
        chunk.bytes = call->bytes > kChunkBytes ? call->bytes : kChunkBytes;
        chunk.device = (char *)gk_cuda_take(b_, chunk.bytes, "memory for the tables of a graph");
        if (!chunk.device) return GK_OUT_OF_MEMORY;
        chunk.image.resize((size_t)chunk.bytes);
        r->chunks.push_back(std::move(chunk));
      }
      const Chunk &chunk = r->chunks[r->open];
      const int64_t offset = (chunk.used + 255) / 256 * 256;
      if (offset + call->bytes > chunk.bytes) continue;
      call->chunk = r->open, call->offset = offset, call->to = chunk.device + offset;
      return GK_OK;
    }
  }

  cudaError_t queue(const gk_cuda_call &c) {
    switch (c.kind) {
      case gk_cuda_call::kCopy: return cudaMemcpyAsync(c.to, c.from, (size_t)c.bytes, cudaMemcpyDefault, b_->stream);
      case gk_cuda_call::kFill: return cudaMemsetAsync(c.to, 0, (size_t)c.bytes, b_->stream);
      case gk_cuda_call::kStage: return cudaSuccess;
      default: break;
    }
#ifdef GRAFT_CUDA_EMULATED
    return emulator_launch(c.kernel, c.grid, dim3(c.block), c.shared_bytes, b_->stream, c.run);
#else
    std::vector<void *> list;
    for (size_t place : c.places) list.push_back((void *)(c.arguments.data() + place));
    list.push_back(nullptr);
    return cudaLaunchKernel(c.kernel, c.grid, dim3(c.block), list.data(), c.shared_bytes, b_->stream);
#endif
  }

  gk_status issue(const gk_cuda_call &c) {
    if (c.kind == gk_cuda_call::kStage) return gk_cuda_send(b_, c.to, now_->chunks[c.chunk].image.data() + c.offset, c.bytes);
    const cudaError_t error = queue(c);
    return c.kind == gk_cuda_call::kKernel ? gk_cuda_after_launch(b_, c.name, error) : gk_cuda_check(error, c.kind == gk_cuda_call::kCopy ? "copy" : "zero");
  }

  bool capture(Recorded *r) {
    cudaGraph_t graph = nullptr;
    cudaError_t error = cudaStreamBeginCapture(b_->stream, cudaStreamCaptureModeRelaxed);
    if (error == cudaSuccess) {
      for (const gk_cuda_call &c : r->calls)
        if (error == cudaSuccess) error = queue(c);
      const cudaError_t ended = cudaStreamEndCapture(b_->stream, &graph);
      if (error == cudaSuccess) error = ended;
    }
    if (error == cudaSuccess) error = cudaGraphInstantiate(&r->graph, graph, 0);
    if (graph) cudaGraphDestroy(graph);
    if (error == cudaSuccess) return true;
    cudaGetLastError();
    r->graph = nullptr;
    return false;
  }

  void give_chunks(Recorded *r) {
    for (Chunk &chunk : r->chunks) b_->pool->give(chunk.device);
    r->chunks.clear();
  }

  void drop_oldest() {
    auto oldest = keys_.begin();
    for (auto i = keys_.begin(); i != keys_.end(); ++i)
      if (i->second->used_at < oldest->second->used_at) oldest = i;
    oldest->second->forget_graph();
    give_chunks(oldest->second.get());
    keys_.erase(oldest);
  }

  gk_backend *b_;
  std::map<std::string, std::unique_ptr<Recorded>> keys_;
  Recorded *now_ = nullptr;   /* of the region that is open */
  bool comparing_ = false;
  size_t at_ = 0;             /* calls that were the same so far */
  int64_t clock_ = 0;
};

gk_cuda_graphs *gk_cuda_graphs_open(gk_backend *b) {
  const char *wanted = getenv("GRAFT_CUDA_GRAPHS");
  return (wanted && *wanted == '0') || b->synchronous ? nullptr : new (std::nothrow) gk_cuda_graphs(b);
}
void gk_cuda_graphs_close(gk_cuda_graphs *graphs) { delete graphs; }

static gk_status no_host_memory() { return gk_cuda_fail(GK_OUT_OF_MEMORY, "cuda: no host memory for a graph of kernels"); }

bool gk_cuda_in_region(const gk_backend *b) { return b->graphs && b->graphs->in_region(); }
gk_status gk_cuda_region_call(gk_backend *b, gk_cuda_call &&call) {
  try { return b->graphs->call(std::move(call)); } catch (const std::bad_alloc &) { return no_host_memory(); }
}
gk_status gk_cuda_region_stage(gk_backend *b, const void *host, int64_t bytes, const void **device) {
  try { return b->graphs->stage(host, bytes, device); } catch (const std::bad_alloc &) { return no_host_memory(); }
}
gk_status gk_cuda_region_settle(gk_backend *b) {
  try { return b->graphs ? b->graphs->settle() : GK_OK; } catch (const std::bad_alloc &) { return no_host_memory(); }
}
gk_status gk_cuda_region_leave(gk_backend *b) {
  try { return b->graphs ? b->graphs->leave() : GK_OK; } catch (const std::bad_alloc &) { return no_host_memory(); }
}
bool gk_cuda_region_takes(int64_t bytes) { return bytes <= kMostStaged; }

gk_status gk_graph_begin_cuda(gk_backend *b, const void *key, int64_t key_bytes) {
  GK_TRY(gk_cuda_here(b));
  b->writes++;
  try { return b->graphs ? b->graphs->begin(std::string(key ? (const char *)key : "", key ? (size_t)key_bytes : 0)) : GK_OK; } catch (const std::bad_alloc &) { return no_host_memory(); }
}
gk_status gk_graph_end_cuda(gk_backend *b) {
  GK_TRY(gk_cuda_here(b));
  b->writes++;
  try { return b->graphs ? b->graphs->end() : GK_OK; } catch (const std::bad_alloc &) { return no_host_memory(); }
}
