// Pooling of plain images, with the windows of runtime/kernels/pool.h. A thread takes an output element.
#pragma once

#include "cuda/core/launch.cuh"
#include "runtime/kernels/pool.h"

namespace tsc::cuda {

using kernels::PadCount;
using kernels::Pool2d;

// `Window` is one of the kinds below; `item` counts over images, channels, rows and columns of the output.
template <class Window>
__global__ void __launch_bounds__(256) pool2d_kernel(Pool2d p, const float* input, float* output) {
  const i64 item = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 pixels = p.out_height * p.out_width;
  if (item >= p.batch * p.channels * pixels) return;
  const float* const plane = input + item / pixels * p.in_height * p.in_width;
  output[item] = Window::of(p, plane, item % pixels / p.out_width, item % p.out_width);
}

template <class Kind>
struct FixedWindow {
  static __device__ __forceinline__ float of(const Pool2d& p, const float* plane, i64 y, i64 x) {
    float result[1];
    kernels::detail::combine_windows<typename Kind::Combine>(plane, kernels::detail::window_rows(p, y),
                                                             kernels::detail::window_columns(p, x), Kind::dilation(p),
                                                             {p.in_width, 1}, 0, result);
    return Kind::finish(p, y, x, result[0]);
  }
};
struct AdaptiveWindow {
  static __device__ __forceinline__ float of(const Pool2d& p, const float* plane, i64 y, i64 x) {
    return kernels::detail::adaptive_average<float>(p, plane, {p.in_width, 1}, y, x);
  }
};

namespace detail {

template <class Window>
void pool2d(Launch& launch, const Pool2d& p, const float* input, float* output) {
  launch.run(pool2d_kernel<Window>, blocks_for(p.batch * p.channels * p.out_height * p.out_width, 256), 256, p, input,
             output);
}

}  // namespace detail

inline void max_pool2d(Launch& launch, const Pool2d& p, const float* input, float* output) {
  detail::pool2d<FixedWindow<kernels::detail::MaxWindow>>(launch, p, input, output);
}
inline void avg_pool2d(Launch& launch, const Pool2d& p, const float* input, float* output) {
  detail::pool2d<FixedWindow<kernels::detail::AverageWindow>>(launch, p, input, output);
}
inline void adaptive_avg_pool2d(Launch& launch, const Pool2d& p, const float* input, float* output) {
  detail::pool2d<AdaptiveWindow>(launch, p, input, output);
}

}  // namespace tsc::cuda
