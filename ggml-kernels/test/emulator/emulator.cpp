/* The threads of the emulated GPU, and what a thread may ask of its warp. The runtime is in runtime.cpp. */
#include "emulator.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "fiber.h"
#include "emulator_internal.h"

namespace emulator {

Thread *self;

namespace {

constexpr int kMostThreads = 1024;
constexpr size_t kStackBytes = 128 << 10, kSlotBytes = 64;

struct Copy { void *to; const void *from; int valid; };

struct Lane : Thread {
  Fiber fiber;
  bool done = false, waits_block = false, waits_warp = false;
  int parity = 0;
  std::vector<std::vector<Copy>> groups;   // not yet arrived, oldest first; the last is open
};

struct Warp {
  int size = 0, waiting = 0, done = 0;
  alignas(64) unsigned char slots[2][32 * kSlotBytes];
};

struct Block {
  std::vector<Lane> lanes{kMostThreads};
  Warp warps[kMostThreads / 32];
  unsigned char *stacks = nullptr;
  std::vector<unsigned char> dynamic;
  int threads = 0, waiting = 0, done = 0;
  Fiber scheduler;
  const std::function<void()> *run = nullptr;
  const char *kernel = "";
};

Block *block;

Lane &current() { return *static_cast<Lane *>(self); }
Warp &warp_of(const Lane &lane) { return block->warps[lane.thread.x / 32]; }

[[noreturn]] void die(const char *what) {
  fprintf(stderr, "emulator: thread %u of block %u: %s\n", self ? self->thread.x : 0, self ? self->block.x : 0, what);
  abort();
}

void yield() { switch_fiber(&current().fiber, &block->scheduler); }

void arrive(Lane &lane, const Copy &copy) {
  (void)lane;
  if (copy.valid) memcpy(copy.to, copy.from, 16);
  else memset(copy.to, 0, 16);
}

void entry() {
  FiberStack::entered(&block->scheduler);
  Lane &lane = current();
  (*block->run)();
  lane.done = true;
  block->done++;
  warp_of(lane).done++;
  yield();
  die("a finished thread went on");
}

void release_block() {
  if (block->waiting == 0 || block->waiting + block->done < block->threads) return;
  for (int i = 0; i < block->threads; i++) block->lanes[size_t(i)].waits_block = false;
  block->waiting = 0;
}

}  // namespace

unsigned char *dynamic_shared() {
  auto at = reinterpret_cast<uintptr_t>(block->dynamic.data());
  return reinterpret_cast<unsigned char *>((at + 127) / 128 * 128);
}

void block_barrier() {
  Lane &lane = current();
  lane.waits_block = true;
  block->waiting++;
  release_block();
  while (lane.waits_block) yield();
}

const unsigned char *exchange(const void *mine, size_t bytes, void (*finish)(unsigned char *slots)) {
  Lane &lane = current();
  Warp &warp = warp_of(lane);
  if (warp.done) die("a warp function after some of the warp's threads had ended");
  unsigned char *slots = warp.slots[lane.parity];
  lane.parity ^= 1;
  memcpy(slots + size_t(lane.lane) * kSlotBytes, mine, bytes);
  if (++warp.waiting == warp.size) {
    if (finish) finish(slots);
    warp.waiting = 0;
    for (int i = 0; i < warp.size; i++) block->lanes[size_t(lane.thread.x / 32 * 32) + size_t(i)].waits_warp = false;
  } else {
    lane.waits_warp = true;
    while (lane.waits_warp) yield();
  }
  return slots;
}

void copy_async(void *shared, const void *global, int valid) {
  if (reinterpret_cast<uintptr_t>(shared) % 16 || (valid && reinterpret_cast<uintptr_t>(global) % 16)) die("copy_async_16 of an address that is not a multiple of 16");
  if (valid != 0 && valid != 16) die("copy_async_16 of neither 0 nor 16 bytes");
  memset(shared, 0xff, 16);
  Lane &lane = current();
  if (lane.groups.empty()) lane.groups.emplace_back();
  lane.groups.back().push_back({shared, global, valid});
}

void copy_async_commit() { current().groups.emplace_back(); if (current().groups.size() == 1) current().groups.emplace_back(); }

void copy_async_wait(int left) {
  Lane &lane = current();
  while (int(lane.groups.size()) - 1 > left) {
    for (const Copy &copy : lane.groups.front()) arrive(lane, copy);
    lane.groups.erase(lane.groups.begin());
  }
}

/* One block after another; within one, warps and lanes upwards in even blocks and downwards in odd ones. */
bool run_grid(dim3 grid, dim3 size, size_t shared_bytes, const std::function<void()> &run) {
  static Block the_block;
  block = &the_block;
  block->threads = int(size.x);
  block->run = &run;
  if (!block->stacks) {   /* pages that no thread has touched cost nothing */
    void *all = mmap(nullptr, size_t(kMostThreads) * kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) die("no memory for the stacks of a block");
    block->stacks = static_cast<unsigned char *>(all);
  }
  block->dynamic.assign(shared_bytes + 128, 0xff);
  int64_t number = 0;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++, number++) {
        memset(block->dynamic.data(), 0xff, block->dynamic.size());
        block->waiting = block->done = 0;
        for (int i = 0; i < block->threads; i++) {
          Lane &lane = block->lanes[size_t(i)];
          lane.thread = dim3(unsigned(i), 0, 0), lane.block = dim3(x, y, z), lane.block_size = size, lane.grid = grid;
          lane.lane = i % 32, lane.parity = 0;
          lane.done = lane.waits_block = lane.waits_warp = false;
          lane.groups.clear();
          start_fiber(&lane.fiber, block->stacks + size_t(i) * kStackBytes, kStackBytes, entry);
        }
        for (int w = 0; w < (block->threads + 31) / 32; w++) {
          Warp &warp = block->warps[w];
          warp.size = block->threads - w * 32 < 32 ? block->threads - w * 32 : 32;
          warp.waiting = warp.done = 0;
        }
        while (block->done < block->threads) {
          bool moved = false;
          for (int i = 0; i < block->threads; i++) {
            Lane &lane = block->lanes[size_t(number % 2 ? block->threads - 1 - i : i)];
            if (lane.done || lane.waits_block || lane.waits_warp) continue;
            moved = true;
            self = &lane;
            switch_fiber(&block->scheduler, &lane.fiber);
          }
          release_block();
          if (!moved && block->done < block->threads) {
            bool released = false;
            for (int i = 0; i < block->threads; i++) released = released || (!block->lanes[size_t(i)].done && !block->lanes[size_t(i)].waits_block && !block->lanes[size_t(i)].waits_warp);
            if (!released) die("threads wait for others that never come: a barrier or warp function that not all of them reach");
          }
        }
      }
  self = nullptr;
  return true;
}

}  // namespace emulator

/* ---- warp functions ---- */

uint16_t emulated_bf16(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  if (f != f) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float f16_to_f32(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
  uint32_t bits;
  if (exponent == 31) bits = sign | 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0);
  else if (exponent) bits = sign | (exponent + 112) << 23 | fraction << 13;
  else {
    const float f = std::ldexp(float(fraction), -24);
    return sign ? -f : f;
  }
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

uint16_t f32_to_f16(float f) {
  _Float16 h = _Float16(f);
  uint16_t bits;
  memcpy(&bits, &h, 2);
  return bits;
}

static void load(uint32_t r[4], const void *row, bool transposed) {
  if (reinterpret_cast<uintptr_t>(row) % 16) {
    fprintf(stderr, "emulator: load_matrices of a row that is not aligned to 16\n");
    abort();
  }
  unsigned char content[16];
  memcpy(content, row, 16);
  const unsigned char *all = emulator::exchange(content, 16);
  const int lane = emulator::self->lane;
  for (int i = 0; i < 4; i++)
    for (int half = 0; half < 2; half++) {
      const int row_number = transposed ? 2 * (lane % 4) + half : lane / 4, column = transposed ? lane / 4 : 2 * (lane % 4) + half;
      uint16_t v;
      memcpy(&v, all + (i * 8 + row_number) * 64 + column * 2, 2);
      r[i] = half ? r[i] | uint32_t(v) << 16 : v;
    }
}

void load_matrices(uint32_t r[4], const void *row) { load(r, row, false); }
void load_matrices_transposed(uint32_t r[4], const void *row) { load(r, row, true); }

static float element(uint32_t pair, int i) {
  const uint32_t bits = i ? pair & 0xffff0000u : pair << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

/* The whole warp's product, into bytes 32 to 47 of each lane's slot. */
static void multiply(unsigned char *slots) {
  float a[16][16], b[16][8], c[16][8] = {};
  for (int lane = 0; lane < 32; lane++) {
    const int g = lane / 4, t = lane % 4;
    uint32_t r[6];
    memcpy(r, slots + lane * 64, sizeof r);
    for (int n = 0; n < 4; n++)
      for (int e = 0; e < 2; e++) a[g + n % 2 * 8][2 * t + e + n / 2 * 8] = element(r[n], e);
    for (int n = 0; n < 2; n++)
      for (int e = 0; e < 2; e++) b[2 * t + e + n * 8][g] = element(r[4 + n], e);
  }
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < 16; k++)
      for (int j = 0; j < 8; j++) c[i][j] += a[i][k] * b[k][j];
  for (int lane = 0; lane < 32; lane++)
    for (int o = 0; o < 4; o++) memcpy(slots + lane * 64 + 32 + 4 * o, &c[lane / 4 + o / 2 * 8][lane % 4 * 2 + o % 2], 4);
}

void mma_bf16(float c[4], const uint32_t a[4], const uint32_t b[2]) {
  const uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const unsigned char *all = emulator::exchange(mine, sizeof mine, multiply);
  for (int o = 0; o < 4; o++) {
    float sum;
    memcpy(&sum, all + emulator::self->lane * 64 + 32 + 4 * o, 4);
    c[o] += sum;
  }
}
