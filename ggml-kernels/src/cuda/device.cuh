/* The dialect that every kernel here is written in: what a thread may ask of its warp, its block and the tensor cores.
 *
 * nvcc gives it PTX. With GRAFT_CUDA_EMULATED it is plain C++ that runs the same kernels on the host
 * (test/emulator), so that each has an oracle on a machine without a GPU. A kernel therefore uses nothing of CUDA but
 * threadIdx, blockIdx, blockDim, gridDim (x, y, z), C's math functions and what is declared here.
 *
 * All warp functions are called by the whole warp; blocks are a whole number of warps, of one dimension.
 */
#ifndef GRAFT_CUDA_DEVICE_CUH
#define GRAFT_CUDA_DEVICE_CUH
#include <cstdint>
#include <cstring>

#ifdef GRAFT_CUDA_EMULATED
#include "emulator.h"
#else
#include <cuda_runtime.h>

#define GK_KERNEL(threads) static __global__ void __launch_bounds__(threads)
#define GK_DEVICE static __device__ __forceinline__
#define GK_HOST_DEVICE static __host__ __device__ __forceinline__
#define GK_CONSTANT static __device__ __constant__ const
#define GK_SHARED __shared__
/* The launch's dynamic shared memory, as bytes aligned to 128. */
#define GK_DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]

GK_DEVICE void block_barrier() { __syncthreads(); }
GK_DEVICE void warp_barrier() { __syncwarp(); }
template <typename T> GK_DEVICE T shuffle_xor(T v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
template <typename T> GK_DEVICE T shuffle_at(T v, int lane) { return __shfl_sync(0xffffffffu, v, lane); }

/* Two floats rounded to nearest even; lo is element 0. */
GK_DEVICE uint32_t bf16_pair(float lo, float hi) {
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
  return r;
}
GK_DEVICE float f16_to_f32(uint16_t h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}
GK_DEVICE uint16_t f32_to_f16(float f) {
  uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
/* a * b, rounded by itself: never a part of a fused multiply-add. */
GK_DEVICE float product(float a, float b) { return __fmul_rn(a, b); }
/* 2^x within 2 ulp; results below 2^-126 are 0. */
GK_DEVICE float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/* Rounded each, whatever stands around: never fused with another operation. */
GK_DEVICE float mul_rn(float a, float b) { return __fmul_rn(a, b); }
GK_DEVICE float add_rn(float a, float b) { return __fadd_rn(a, b); }
/* Byte i of the result is byte (selector >> 4 i) & 7 of the eight in a (0 to 3) and b (4 to 7). */
GK_DEVICE uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) { return __byte_perm(a, b, selector); }
/* c + a[0]*b[0] + .. + a[3]*b[3], signed bytes. */
GK_DEVICE int32_t dot4(uint32_t a, uint32_t b, int32_t c) { return __dp4a((int)a, (int)b, c); }

GK_DEVICE uint32_t shared_address(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }

/* Starts to copy 16 bytes to shared memory: `valid` (0 or 16) of them from global memory, zeros for the rest; with 0 nothing is read.
 * Both aligned to 16. Seen by this thread after copy_async_wait, by the block after a barrier as well. */
GK_DEVICE void copy_async_16(void *shared, const void *global, int valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(valid) : "memory");
}
GK_DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/* Until all but the newest `left` groups have arrived. */
template <int left> GK_DEVICE void copy_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory"); }

/* Four 8x8 matrices of 16-bit elements from shared memory: lane l gives the address (aligned to 16) of row l % 8 of matrix l / 8.
 * r[i] of lane l gets elements 2 (l % 4) and the next of row l / 4 of matrix i; transposed: of column l / 4. */
GK_DEVICE void load_matrices(uint32_t r[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}
GK_DEVICE void load_matrices_transposed(uint32_t r[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

/* c [16,8] += a [16,16] b [16,8], bf16 products summed in f32. With g = lane / 4, t = lane % 4:
 * a[0] row g, a[1] row g + 8, both columns 2t, 2t+1; a[2], a[3] the same 8 columns on. b[0] rows 2t, 2t+1 of column g; b[1] 8 rows on.
 * c[0], c[1] row g, columns 2t, 2t+1; c[2], c[3] row g + 8. */
GK_DEVICE void mma_bf16(float c[4], const uint32_t a[4], const uint32_t b[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

GK_DEVICE float bits_to_f32(uint32_t bits) {
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
GK_DEVICE float bf16_to_f32(uint16_t h) { return bits_to_f32((uint32_t)h << 16); }

/* The same value in every lane; the order of the sum is fixed. */
template <typename T> GK_DEVICE T warp_sum(T v) {
  for (int mask = 16; mask > 0; mask >>= 1) v += shuffle_xor(v, mask);
  return v;
}
/* NaN is passed on. */
GK_DEVICE float max_nan(float a, float b) { return a != a || a > b ? a : b; }
GK_DEVICE float warp_max(float v) {
  for (int mask = 16; mask > 0; mask >>= 1) v = max_nan(v, shuffle_xor(v, mask));
  return v;
}
/* Over the whole block, of at most 32 warps; `room` is 32 shared Ts that nothing else uses between barriers. Every thread gets the sum. */
template <typename T> GK_DEVICE T block_sum(T v, T *room) {
  const int warps = (int)(blockDim.x / 32), lane = (int)(threadIdx.x % 32);
  v = warp_sum(v);
  block_barrier();
  if (lane == 0) room[threadIdx.x / 32] = v;
  block_barrier();
  return warp_sum(lane < warps ? room[lane] : T(0));
}
GK_DEVICE float block_max(float v, float *room) {
  const int warps = (int)(blockDim.x / 32), lane = (int)(threadIdx.x % 32);
  v = warp_max(v);
  block_barrier();
  if (lane == 0) room[threadIdx.x / 32] = v;
  block_barrier();
  return warp_max(lane < warps ? room[lane] : room[0]);
}
#endif
