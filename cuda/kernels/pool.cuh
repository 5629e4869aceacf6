// Pooling of plain images, with the windows of runtime/kernels/pool.h. A thread takes an output element.
#pragma once

#include "cuda/core/half.cuh"
#include "cuda/core/launch.cuh"
#include "runtime/kernels/pool.h"

namespace tsc::cuda {

using kernels::PadCount;
using kernels::Pool2d;

// `Window` is one of the kinds below; `item` counts over images, channels, rows and columns of the output.
template <class Window, class T>
__global__ void __launch_bounds__(256) pool2d_kernel(Pool2d p, const T* input, T* output) {
  const i64 item = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 pixels = p.out_height * p.out_width;
  if (item >= p.batch * p.channels * pixels) return;
  const T* const plane = input + item / pixels * p.in_height * p.in_width;
  output[item] = static_cast<T>(Window::of(p, plane, item % pixels / p.out_width, item % p.out_width));
}

// A window's elements, brought together in float.
template <class Combine, class T>
__device__ __forceinline__ float combine_window(const T* plane, i64 width, kernels::Piece rows,
                                                kernels::Piece columns, kernels::detail::Dilation dilation) {
  float result = Combine::template start<float>();
  for (i64 y = rows.begin; y < rows.end; y += dilation.height) {
    for (i64 x = columns.begin; x < columns.end; x += dilation.width) {
      result = Combine::add(result, static_cast<float>(plane[y * width + x]));
    }
  }
  return result;
}

template <class Kind>
struct FixedWindow {
  template <class T>
  static __device__ __forceinline__ float of(const Pool2d& p, const T* plane, i64 y, i64 x) {
    const float result = combine_window<typename Kind::Combine>(plane, p.in_width, kernels::detail::window_rows(p, y),
                                                                kernels::detail::window_columns(p, x), Kind::dilation(p));
    return Kind::finish(p, y, x, result);
  }
};
struct AdaptiveWindow {
  template <class T>
  static __device__ __forceinline__ float of(const Pool2d& p, const T* plane, i64 y, i64 x) {
    const auto rows = kernels::detail::adaptive_window(y, p.out_height, p.in_height);
    const auto columns = kernels::detail::adaptive_window(x, p.out_width, p.in_width);
    return combine_window<kernels::detail::Total>(plane, p.in_width, rows, columns, {}) /
           static_cast<float>(rows.size() * columns.size());
  }
};

namespace detail {

template <class Window, class T>
void pool2d(Launch& launch, const Pool2d& p, const T* input, T* output) {
  launch.run(pool2d_kernel<Window, T>, blocks_for(p.batch * p.channels * p.out_height * p.out_width, 256), 256, p, input,
             output);
}

}  // namespace detail

template <class T>
void max_pool2d(Launch& launch, const Pool2d& p, const T* input, T* output) {
  detail::pool2d<FixedWindow<kernels::detail::MaxWindow>>(launch, p, input, output);
}
template <class T>
void avg_pool2d(Launch& launch, const Pool2d& p, const T* input, T* output) {
  detail::pool2d<FixedWindow<kernels::detail::AverageWindow>>(launch, p, input, output);
}
template <class T>
void adaptive_avg_pool2d(Launch& launch, const Pool2d& p, const T* input, T* output) {
  detail::pool2d<AdaptiveWindow>(launch, p, input, output);
}

}  // namespace tsc::cuda
