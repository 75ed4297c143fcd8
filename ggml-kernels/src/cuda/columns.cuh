/* Sums over rows, a column at a time, in an order that depends on the shape only. */
#ifndef GRAFT_CUDA_COLUMNS_CUH
#define GRAFT_CUDA_COLUMNS_CUH
#include "backend.h"

enum { GK_COLUMN_ROWS = 128, GK_COLUMN_THREADS = 128 };

/* partial[chunk, column] = sum of f(row, column) over the chunk's rows; blocks of a chunk's columns after each other (there may be more than 65535 chunks). */
template <typename F> GK_DEVICE void column_partials(int64_t rows, int64_t width, float *partial, F f) {
  const unsigned across = (unsigned)((width + GK_COLUMN_THREADS - 1) / GK_COLUMN_THREADS);
  const int64_t column = (int64_t)(blockIdx.x % across) * GK_COLUMN_THREADS + threadIdx.x, chunk = blockIdx.x / across;
  if (column >= width) return;
  const int64_t end = (chunk + 1) * GK_COLUMN_ROWS < rows ? (chunk + 1) * GK_COLUMN_ROWS : rows;
  float sum = 0;
#pragma unroll 8
  for (int64_t r = chunk * GK_COLUMN_ROWS; r < end; r++) sum += f(r, column);
  partial[chunk * width + column] = sum;
}

/* total[column] += partial[0, column] + partial[1, column] + ... */
GK_KERNEL(GK_COLUMN_THREADS) column_totals(const float *partial, int64_t chunks, int64_t width, float *total) {
  const int64_t column = (int64_t)blockIdx.x * GK_COLUMN_THREADS + threadIdx.x;
  if (column >= width) return;
  float sum = 0;
#pragma unroll 16   /* chunks of q's and k's heads are thousands, and there is one block: their loads have to overlap */
  for (int64_t c = 0; c < chunks; c++) sum += partial[c * width + column];
  total[column] += sum;
}
#endif
