// Products of one row with a matrix whose columns are contiguous, in place: dot products.
// (One row times packed panels is gemm.h's tile of one row.)
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

namespace detail {

// Several dot products at a time hide the latency of the sums and read x once.
template <int kColumns>
[[gnu::noinline]] inline void dot_tile(const float* x, const float* columns, isize column_stride, isize depth,
                                       float* sums) {
  constexpr int kSums = 2;
  VecF acc[kSums][kColumns] = {};
  isize k = 0;
  TSC_NO_UNROLL
  for (; k + kSums * kLanes <= depth; k += kSums * kLanes) {
    TSC_UNROLL
    for (int s = 0; s < kSums; ++s) {
      const VecF x_k = load<VecF>(x + k + s * kLanes);
      TSC_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        acc[s][j] = fma(x_k, load<VecF>(columns + j * column_stride + k + s * kLanes), acc[s][j]);
      }
    }
  }
  TSC_NO_UNROLL
  for (; k < depth; k += kLanes) {
    const isize lanes = depth - k < kLanes ? depth - k : kLanes;
    const VecF x_k = load_partial<VecF>(x + k, lanes);
    TSC_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      acc[0][j] = fma(x_k, load_partial<VecF>(columns + j * column_stride + k, lanes), acc[0][j]);
    }
  }
  TSC_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    sums[j] = horizontal_sum(acc[0][j] + acc[1][j]);
  }
}

}  // namespace detail

// sums[j] = sum over k of x[k] * columns[j * column_stride + k].
inline void dot_columns(const float* x, const float* columns, isize column_stride, isize depth, isize count, float* sums) {
  isize j = 0;
  for (; j + 4 <= count; j += 4) {
    detail::dot_tile<4>(x, columns + j * column_stride, column_stride, depth, sums + j);
  }
  for (; j < count; ++j) {
    detail::dot_tile<1>(x, columns + j * column_stride, column_stride, depth, sums + j);
  }
}

}  // namespace tsc::kernels
