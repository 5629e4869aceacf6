// Depthwise 2-D convolution of blocked images: output channel i is the convolution of input channel i alone.
//
//   conv2d_depthwise<TH, TW, K, S>   K x K kernel, stride S both ways, no dilation; K = 0: any kernel, stride, dilation
//
// A vector is kLanes channels. A tile of TH x TW output pixels loads each input vector once and adds it to every pixel
// whose window holds it: (TH * TW) accumulators and K * K weights in registers (or as memory operands where registers
// are few). The weight is Packing::kDepthwise, [ceil(C / c)][kh][kw][c]; the bias is padded to whole blocks and may be
// null. The input's halo is at least the padding. Work items are tiles of rows of one block of channels.
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

// A strip of tiles side by side; strides in elements.
struct DepthwiseStrip {
  const float* input = nullptr;  // of the first pixel's first tap
  i64 input_row = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;  // may be null
  float* output = nullptr;
  i64 output_row = 0;
  float low = -kInfinity, high = kInfinity;
  // Read by the tile of any kernel only.
  i64 kernel_height = 0, kernel_width = 0;
  i64 tap_row = 0, tap_column = 0;
  i64 pixel_row = 0, pixel_column = 0;
};

// Computes `tiles` tiles from left to right.
template <int kHeight, int kWidth, int K, int S>
[[gnu::noinline]] void depthwise_strip(const DepthwiseStrip& t, i64 tiles) {
  constexpr int kTaps = K * K;
  constexpr int kRows = (kHeight - 1) * S + K;
  constexpr int kColumns = (kWidth - 1) * S + K;
  VecF weight[kTaps];
#pragma clang loop unroll(full)
  for (int i = 0; i < kTaps; ++i) {
    weight[i] = load<VecF>(t.weight + i * kLanes);
  }
  const VecF bias = t.bias != nullptr ? load<VecF>(t.bias) : splat<VecF>(0);
  const float* input = t.input;
  float* output = t.output;
#pragma clang loop unroll(disable)
  for (; tiles > 0; --tiles, input += kWidth * S * kLanes, output += kWidth * kLanes) {
    VecF acc[kHeight][kWidth];
#pragma clang loop unroll(full)
    for (int y = 0; y < kHeight; ++y) {
#pragma clang loop unroll(full)
      for (int x = 0; x < kWidth; ++x) {
        acc[y][x] = bias;
      }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < kRows; ++r) {
#pragma clang loop unroll(full)
      for (int c = 0; c < kColumns; ++c) {
        const VecF value = load<VecF>(input + r * t.input_row + c * kLanes);
#pragma clang loop unroll(full)
        for (int y = 0; y < kHeight; ++y) {
#pragma clang loop unroll(full)
          for (int x = 0; x < kWidth; ++x) {
            const int tap_row = r - y * S;
            const int tap_column = c - x * S;
            if (tap_row >= 0 && tap_row < K && tap_column >= 0 && tap_column < K) {
              acc[y][x] = fma(value, weight[tap_row * K + tap_column], acc[y][x]);
            }
          }
        }
      }
    }
#pragma clang loop unroll(full)
    for (int y = 0; y < kHeight; ++y) {
#pragma clang loop unroll(full)
      for (int x = 0; x < kWidth; ++x) {
        store(output + y * t.output_row + x * kLanes, min(max(acc[y][x], splat<VecF>(t.low)), splat<VecF>(t.high)));
      }
    }
  }
}

// The same for a kernel, stride and dilation told at run time.
template <int kHeight, int kWidth>
[[gnu::noinline]] void depthwise_strip_any(const DepthwiseStrip& t, i64 tiles) {
  const VecF bias = t.bias != nullptr ? load<VecF>(t.bias) : splat<VecF>(0);
  const float* input = t.input;
  float* output = t.output;
#pragma clang loop unroll(disable)
  for (; tiles > 0; --tiles, input += kWidth * t.pixel_column, output += kWidth * kLanes) {
    VecF acc[kHeight][kWidth];
#pragma clang loop unroll(full)
    for (int i = 0; i < kHeight * kWidth; ++i) {
      acc[i / kWidth][i % kWidth] = bias;
    }
    const float* weight = t.weight;
#pragma clang loop unroll(disable)
    for (i64 r = 0; r < t.kernel_height; ++r) {
#pragma clang loop unroll(disable)
      for (i64 s = 0; s < t.kernel_width; ++s, weight += kLanes) {
        const VecF w = load<VecF>(weight);
        const float* tap = input + r * t.tap_row + s * t.tap_column;
#pragma clang loop unroll(full)
        for (int i = 0; i < kHeight * kWidth; ++i) {
          VecF& sum = acc[i / kWidth][i % kWidth];
          sum = fma(load<VecF>(tap + i / kWidth * t.pixel_row + i % kWidth * t.pixel_column), w, sum);
        }
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < kHeight * kWidth; ++i) {
      const VecF sum = min(max(acc[i / kWidth][i % kWidth], splat<VecF>(t.low)), splat<VecF>(t.high));
      store(output + i / kWidth * t.output_row + i % kWidth * kLanes, sum);
    }
  }
}

namespace detail {

template <int TH, int TW, int K, int S>
TSC_INLINE void depthwise_tiles(const DepthwiseStrip& strip, i64 height, i64 width, i64 tiles) {
  dispatch<TH>(height, [&]<int kHeight>() {
    dispatch<TW>(width, [&]<int kWidth>() {
      if constexpr (K == 0) {
        depthwise_strip_any<kHeight, kWidth>(strip, tiles);
      } else {
        depthwise_strip<kHeight, kWidth, K, S>(strip, tiles);
      }
    });
  });
}

}  // namespace detail

template <int TH, int TW, int K, int S>
constexpr i64 conv2d_depthwise_work_items(const Conv2d& p) {
  return p.batch * ceil_div(p.out_channels, kLanes) * ceil_div(p.out_height, TH);
}

template <int TH, int TW, int K, int S, class Epilogue = Identity>
void conv2d_depthwise(Conv2d p, const float* input, const float* weight, const float* bias, float* output,
                      const Epilogue& epilogue, i64 begin, i64 end) {
  const BlockedImage in = blocked_input(p);
  const BlockedImage out = blocked_output(p);
  const i64 row_tiles = ceil_div(p.out_height, TH);
#pragma clang loop unroll(disable)
  for (i64 item = begin; item < end; ++item) {
    const i64 plane = item / row_tiles;  // counted over all images
    const i64 block = plane % out.blocks;
    const Piece rows = piece_of(p.out_height, row_tiles, item % row_tiles);
    detail::zero_halo(output + plane * out.plane, p.out_height, p.out_width, p.out_halo, rows.begin, rows.end);
    DepthwiseStrip strip;
    strip.input = input + plane * in.plane + (rows.begin * p.stride_height - p.pad_height + p.in_halo) * in.row +
                  (p.in_halo - p.pad_width) * kLanes;
    strip.input_row = in.row;
    strip.weight = weight + block * p.kernel_height * p.kernel_width * kLanes;
    strip.bias = bias != nullptr ? bias + block * kLanes : nullptr;
    strip.kernel_height = p.kernel_height;
    strip.kernel_width = p.kernel_width;
    strip.tap_row = p.dilation_height * in.row;
    strip.tap_column = p.dilation_width * kLanes;
    strip.pixel_row = p.stride_height * in.row;
    strip.pixel_column = p.stride_width * kLanes;
    const i64 offset = plane * out.plane + (rows.begin + p.out_halo) * out.row + p.out_halo * kLanes;
    const i64 whole_tiles = p.out_width / TW;
    const i64 rest = p.out_width % TW;
    const i64 channel = block * kLanes;
    if constexpr (kIsClamp<Epilogue>) {
      if (channel + kLanes <= p.out_channels) {
        strip.low = epilogue.low;
        strip.high = epilogue.high;
        strip.output = output + offset;
        strip.output_row = out.row;
        detail::depthwise_tiles<TH, TW, K, S>(strip, rows.size(), TW, whole_tiles);
        strip.input += whole_tiles * TW * strip.pixel_column;
        strip.output += whole_tiles * TW * kLanes;
        detail::depthwise_tiles<TH, TW, K, S>(strip, rows.size(), rest, 1);
        continue;
      }
    }
    alignas(64) float sums[TH * TW * kLanes];
    strip.output = sums;
#pragma clang loop unroll(disable)
    for (i64 x = 0; x < p.out_width; x += TW, strip.input += TW * strip.pixel_column) {
      const i64 width = smaller(TW, p.out_width - x);
      strip.output_row = width * kLanes;
      detail::depthwise_tiles<TH, TW, K, S>(strip, rows.size(), width, 1);
      detail::store_pixels<1>(sums, rows.size(), width,
                              {output, offset + x * kLanes, out.row, out.plane, channel, p.out_channels}, epilogue);
    }
  }
}

}  // namespace tsc::kernels
