// One pass over tensors for a fused group of pointwise ops, with the operands of runtime/kernels/pointwise.h:
//
//   pointwise(launch, {64, 3136}, out(y, {3136, 1}), ScaleShift{}, in(x, {3136, 1}), in(scale, {1, 0}));
//
// An element per thread and step, in row-major order of the sizes; the functor is called with scalars.
#pragma once

#include "cuda/core/launch.cuh"
#include "runtime/kernels/pointwise.h"

namespace tsc::cuda {

using kernels::In;
using kernels::Out;

template <class Index, int kRank>
struct Extents {
  Index sizes[kRank];
};

// An operand's strides as Index.
template <class Index, class T, int kRank>
struct Strided {
  T* data;
  Index strides[kRank];

  __device__ __forceinline__ T& at(const Index (&index)[kRank]) const {
    Index offset = 0;
    TSC_UNROLL
    for (int d = 0; d < kRank; ++d) offset += index[d] * strides[d];
    return data[offset];
  }
};

template <class Index, int kRank, class TOut, class F, class... T>
__global__ void __launch_bounds__(256) pointwise_kernel(Extents<Index, kRank> extents, Index count,
                                                        Strided<Index, TOut, kRank> output, F f,
                                                        Strided<Index, const T, kRank>... inputs) {
  const Index step = static_cast<Index>(gridDim.x) * static_cast<Index>(blockDim.x);
  for (Index i = static_cast<Index>(blockIdx.x) * static_cast<Index>(blockDim.x) + static_cast<Index>(threadIdx.x);
       i < count; i += step) {
    Index index[kRank];
    Index rest = i;
    TSC_UNROLL
    for (int d = kRank - 1; d > 0; --d) {
      const Index above = rest / extents.sizes[d];
      index[d] = rest - above * extents.sizes[d];
      rest = above;
    }
    index[0] = rest;
    output.at(index) = static_cast<TOut>(f(inputs.at(index)...));
  }
}

namespace detail {

// The largest distance of an element from the first, so that 32 bits are known to hold it.
template <int kRank, class Operand>
i64 reach(const i64 (&sizes)[kRank], const Operand& operand) {
  i64 sum = 0;
  for (int d = 0; d < kRank; ++d) {
    const i64 stride = operand.strides[d] < 0 ? -operand.strides[d] : operand.strides[d];
    sum += (sizes[d] - 1) * stride;
  }
  return sum;
}

template <class Index, class T, int kRank, class Operand>
Strided<Index, T, kRank> strided(const Operand& operand) {
  Strided<Index, T, kRank> result{operand.data, {}};
  for (int d = 0; d < kRank; ++d) result.strides[d] = static_cast<Index>(operand.strides[d]);
  return result;
}

template <class Index, int kRank, class TOut, class F, class... T>
void launch_pointwise(Launch& launch, const i64 (&sizes)[kRank], i64 count, const Out<TOut, kRank>& output, const F& f,
                      const In<T, kRank>&... inputs) {
  constexpr int kThreads = 256;
  constexpr i64 kMostBlocks = 1 << 16;  // beyond, threads take several elements
  Extents<Index, kRank> extents;
  for (int d = 0; d < kRank; ++d) extents.sizes[d] = static_cast<Index>(sizes[d]);
  launch.run(pointwise_kernel<Index, kRank, TOut, F, T...>, blocks_for(min<i64>(count, kMostBlocks * kThreads), kThreads),
             kThreads, extents, static_cast<Index>(count), strided<Index, TOut, kRank>(output), f,
             strided<Index, const T, kRank>(inputs)...);
}

}  // namespace detail

template <int kRank, class TOut, class F, class... T>
void pointwise(Launch& launch, const i64 (&sizes)[kRank], const Out<TOut, kRank>& output, const F& f,
               const In<T, kRank>&... inputs) {
  i64 count = 1;
  for (const i64 size : sizes) count *= size;
  if (count <= 0) return;
  constexpr i64 kNarrow = i64{1} << 30;  // twice that, with a grid's step added, is within 32 bits
  const bool narrow = count < kNarrow && detail::reach(sizes, output) < kNarrow &&
                      (... && (detail::reach(sizes, inputs) < kNarrow));
  if (narrow) {
    detail::launch_pointwise<int32_t>(launch, sizes, count, output, f, inputs...);
  } else {
    detail::launch_pointwise<i64>(launch, sizes, count, output, f, inputs...);
  }
}

}  // namespace tsc::cuda
