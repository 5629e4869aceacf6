// Depthwise 2-D convolution of blocked images: output channel i is the convolution of input channel i alone.
//
//   conv2d_depthwise<TW, K, S>   K x K kernel, stride S both ways, no dilation; K = 0: any kernel, stride, dilation
//
// A vector is kLanes channels. A tile of TW output pixels of a row loads each input vector once and adds it to every
// pixel whose window holds it: TW accumulators and K * K weights in registers (memory operands where registers are
// few). The weight is Packing::kDepthwise, [ceil(C / c)][kh][kw][c]; the bias is padded to whole blocks and may be
// null. The input's halo is at least the padding. Work items are rows of one block of channels.
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

// Rows of tiles side by side; strides in elements.
struct DepthwiseStrip {
  isize rows = 0, tiles = 0;
  const float* input = nullptr;  // of the first pixel's first tap
  isize input_row = 0;
  isize pixel_row = 0, pixel_column = 0;  // from one output pixel's input to the next's
  const float* weight = nullptr;
  const float* bias = nullptr;  // may be null
  float* output = nullptr;
  isize output_row = 0;
  float low = -kInfinity, high = kInfinity;
  // Read where the kernel is told at run time.
  isize kernel_height = 0, kernel_width = 0;
  isize tap_row = 0, tap_column = 0;
};

namespace detail {

// One tile of a K x K kernel.
template <int kWidth, int K, int S>
TSC_INLINE void depthwise_tile(const DepthwiseStrip& t, const VecF (&weight)[K * K], const float* input,
                               VecF (&acc)[kWidth]) {
  TSC_UNROLL
  for (int r = 0; r < K; ++r) {
    TSC_UNROLL
    for (int c = 0; c < (kWidth - 1) * S + K; ++c) {
      const VecF value = load<VecF>(input + r * t.input_row + c * kLanes);
      TSC_UNROLL
      for (int x = 0; x < kWidth; ++x) {
        if (c >= x * S && c < x * S + K) {
          acc[x] = fma(value, weight[r * K + c - x * S], acc[x]);
        }
      }
    }
  }
}

// One tile of a kernel told at run time.
template <int kWidth>
TSC_INLINE void depthwise_tile(const DepthwiseStrip& t, const float* input, VecF (&acc)[kWidth]) {
  const float* weight = t.weight;
  TSC_NO_UNROLL
  for (isize r = 0; r < t.kernel_height; ++r) {
    TSC_NO_UNROLL
    for (isize s = 0; s < t.kernel_width; ++s, weight += kLanes) {
      const VecF w = load<VecF>(weight);
      const float* const tap = input + r * t.tap_row + s * t.tap_column;
      TSC_UNROLL
      for (int x = 0; x < kWidth; ++x) {
        acc[x] = fma(load<VecF>(tap + x * t.pixel_column), w, acc[x]);
      }
    }
  }
}

}  // namespace detail

template <int kWidth, int K, int S>
[[gnu::noinline]] void depthwise_strip(const DepthwiseStrip& t) {
  VecF weight[K > 0 ? K * K : 1];
  if constexpr (K > 0) {
    TSC_UNROLL
    for (int i = 0; i < K * K; ++i) {
      weight[i] = load<VecF>(t.weight + i * kLanes);
    }
  }
  const VecF bias = t.bias != nullptr ? load<VecF>(t.bias) : splat<VecF>(0);
  const isize pixel_column = S > 0 ? S * kLanes : t.pixel_column;
  TSC_NO_UNROLL
  for (isize y = 0; y < t.rows; ++y) {
    const float* input = t.input + y * t.pixel_row;
    float* output = t.output + y * t.output_row;
    TSC_NO_UNROLL
    for (isize i = 0; i < t.tiles; ++i, input += kWidth * pixel_column, output += kWidth * kLanes) {
      VecF acc[kWidth];
      TSC_UNROLL
      for (int x = 0; x < kWidth; ++x) {
        acc[x] = bias;
      }
      if constexpr (K > 0) {
        detail::depthwise_tile<kWidth, K, S>(t, weight, input, acc);
      } else {
        detail::depthwise_tile<kWidth>(t, input, acc);
      }
      TSC_UNROLL
      for (int x = 0; x < kWidth; ++x) {
        store(output + x * kLanes, min(max(acc[x], splat<VecF>(t.low)), splat<VecF>(t.high)));
      }
    }
  }
}

template <int TW, int K, int S>
constexpr isize conv2d_depthwise_work_items(const Conv2d& p) {
  return p.batch * ceil_div(p.out_channels, kLanes) * p.out_height;
}

template <int TW, int K, int S, class Epilogue = Identity>
void conv2d_depthwise(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                      const Epilogue& epilogue, isize begin, isize end) {
  const BlockedImage in = blocked_input(p);
  const BlockedImage out = blocked_output(p);
  TSC_NO_UNROLL
  for (isize item = begin; item < end;) {
    // All rows of the range that lie in one plane go together.
    const isize plane = item / p.out_height;  // counted over all images
    const isize block = plane % out.blocks;
    const Piece rows = {item - plane * p.out_height, smaller(end - plane * p.out_height, p.out_height)};
    item += rows.size();
    detail::zero_halo(output + plane * out.plane, p.out_height, p.out_width, p.out_halo, rows.begin, rows.end);
    DepthwiseStrip strip;
    strip.input = input + plane * in.plane + (rows.begin * p.stride_height - p.pad_height + p.in_halo) * in.row +
                  (p.in_halo - p.pad_width) * kLanes;
    strip.input_row = in.row;
    strip.pixel_row = p.stride_height * in.row;
    strip.pixel_column = p.stride_width * kLanes;
    strip.weight = weight + block * p.kernel_height * p.kernel_width * kLanes;
    strip.bias = bias != nullptr ? bias + block * kLanes : nullptr;
    strip.kernel_height = p.kernel_height;
    strip.kernel_width = p.kernel_width;
    strip.tap_row = p.dilation_height * in.row;
    strip.tap_column = p.dilation_width * kLanes;
    const isize offset = plane * out.plane + (rows.begin + p.out_halo) * out.row + p.out_halo * kLanes;
    const isize channel = block * kLanes;
    if constexpr (kIsClamp<Epilogue>) {
      if (channel + kLanes <= p.out_channels) {
        strip.low = epilogue.low;
        strip.high = epilogue.high;
        strip.output = output + offset;
        strip.output_row = out.row;
        strip.rows = rows.size();
        strip.tiles = p.out_width / TW;
        if (strip.tiles > 0) {
          depthwise_strip<TW, K, S>(strip);
        }
        strip.input += strip.tiles * TW * strip.pixel_column;
        strip.output += strip.tiles * TW * kLanes;
        strip.tiles = 1;
        dispatch<TW - 1>(p.out_width % TW, [&]<int kWidth>() { depthwise_strip<kWidth, K, S>(strip); });
        continue;
      }
    }
    alignas(64) float sums[TW * kLanes];
    strip.output = sums;
    strip.rows = strip.tiles = 1;
    const float* const first = strip.input;
    TSC_NO_UNROLL
    for (isize y = 0; y < rows.size(); ++y) {
      TSC_NO_UNROLL
      for (isize x = 0; x < p.out_width; x += TW) {
        const isize width = smaller(TW, p.out_width - x);
        strip.input = first + y * strip.pixel_row + x * strip.pixel_column;
        dispatch<TW>(width, [&]<int kWidth>() { depthwise_strip<kWidth, K, S>(strip); });
        detail::store_pixels<1>(
            sums, 1, width, {output, offset + y * out.row + x * kLanes, out.row, out.plane, channel, p.out_channels},
            epilogue);
      }
    }
  }
}

}  // namespace tsc::kernels
