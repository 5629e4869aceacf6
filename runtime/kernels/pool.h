// Pooling of images in float, with PyTorch's rules for padding, ceil mode, dilation and NaN.
//
//   max_pool2d_blocked, avg_pool2d_blocked         blocked to blocked (layouts as in conv2d.h)
//   max_pool2d_plain, avg_pool2d_plain             plain to plain
//   adaptive_avg_pool2d_blocked                    blocked to plain [N][C][OH][OW]
//   adaptive_avg_pool2d_plain                      plain to plain
//
// Output sizes are the caller's (they say whether ceil mode was used). Windows are cut to the image, so the halo and
// the padding are never read; a maximum takes a NaN where there is one. One-dimensional pooling has height 1.
// Work items are output rows of one block of channels, or of one channel.
#pragma once

#include "runtime/kernels/conv2d.h"

namespace tsc::kernels {

// Whether an average over a window that reaches into the padding counts the padding's zeros.
enum class PadCount : int8_t { kExcluded, kIncluded };

struct Pool2d {
  i64 batch = 1, channels = 0;
  i64 in_height = 0, in_width = 0, in_halo = 0;
  i64 out_height = 0, out_width = 0, out_halo = 0;
  i64 kernel_height = 1, kernel_width = 1;
  i64 stride_height = 1, stride_width = 1;
  i64 pad_height = 0, pad_width = 0;
  i64 dilation_height = 1, dilation_width = 1;  // of maxima only
  PadCount pad_count = PadCount::kIncluded;     // of averages only
  i64 divisor = 0;                              // of averages only: replaces the window's count unless 0
};

constexpr i64 pool2d_blocked_work_items(const Pool2d& p) {
  return p.batch * ceil_div(p.channels, kLanes) * p.out_height;
}
constexpr i64 pool2d_plain_work_items(const Pool2d& p) { return p.batch * p.channels * p.out_height; }

namespace detail {

// The taps of a window that lie inside the image: positions first, first + dilation, ... below `end`.
TSC_INLINE constexpr Piece window(i64 output, i64 stride, i64 pad, i64 kernel, i64 dilation, i64 size) {
  const i64 start = output * stride - pad;
  const i64 skipped = start < 0 ? ceil_div(-start, dilation) : 0;
  return {start + skipped * dilation, smaller(start + (kernel - 1) * dilation + 1, size)};
}

template <class V>
TSC_INLINE V max_or_nan(V best, V value) {
  return select(not_equal(best, best), best, max(value, best));  // max gives a NaN `value`, and loses a NaN `best`
}

// Strides of the elements that a window runs over: adjacent lanes of V are neighbours in memory.
struct WindowStrides {
  i64 row, column;
};

template <class V>
TSC_INLINE V max_of(const float* plane, Piece rows, Piece columns, const Pool2d& p, WindowStrides s) {
  V best = splat<V>(-kInfinity);
#pragma clang loop unroll(disable)
  for (i64 y = rows.begin; y < rows.end; y += p.dilation_height) {
#pragma clang loop unroll(disable)
    for (i64 x = columns.begin; x < columns.end; x += p.dilation_width) {
      best = max_or_nan(best, load<V>(plane + y * s.row + x * s.column));
    }
  }
  return best;
}

template <class V>
TSC_INLINE V sum_of(const float* plane, Piece rows, Piece columns, WindowStrides s) {
  V sum = splat<V>(0);
#pragma clang loop unroll(disable)
  for (i64 y = rows.begin; y < rows.end; ++y) {
#pragma clang loop unroll(disable)
    for (i64 x = columns.begin; x < columns.end; ++x) {
      sum += load<V>(plane + y * s.row + x * s.column);
    }
  }
  return sum;
}

TSC_INLINE Piece window_rows(const Pool2d& p, i64 y) {
  return window(y, p.stride_height, p.pad_height, p.kernel_height, p.dilation_height, p.in_height);
}
TSC_INLINE Piece window_columns(const Pool2d& p, i64 x) {
  return window(x, p.stride_width, p.pad_width, p.kernel_width, p.dilation_width, p.in_width);
}

// What one window becomes. PyTorch's average counts padding up to pad beyond the image's end, and no further (in ceil
// mode a window may start inside and end beyond that).
struct MaxWindow {
  template <class V>
  TSC_INLINE V operator()(const Pool2d& p, const float* plane, WindowStrides s, i64 y, i64 x) const {
    return max_of<V>(plane, window_rows(p, y), window_columns(p, x), p, s);
  }
};
struct AverageWindow {
  static constexpr i64 padded_size(i64 output, i64 stride, i64 pad, i64 kernel, i64 size) {
    const i64 start = output * stride - pad;
    return smaller(start + kernel, size + pad) - start;
  }
  template <class V>
  TSC_INLINE V operator()(const Pool2d& p, const float* plane, WindowStrides s, i64 y, i64 x) const {
    const Piece rows = window_rows(p, y);
    const Piece columns = window_columns(p, x);
    const i64 inside = larger(rows.size(), 0) * larger(columns.size(), 0);
    if (inside == 0) {
      return splat<V>(0);
    }
    i64 count = p.divisor;
    if (count == 0 && p.pad_count == PadCount::kExcluded) {
      count = inside;
    } else if (count == 0) {
      count = padded_size(y, p.stride_height, p.pad_height, p.kernel_height, p.in_height) *
              padded_size(x, p.stride_width, p.pad_width, p.kernel_width, p.in_width);
    }
    return sum_of<V>(plane, rows, columns, s) / splat<V>(static_cast<float>(count));
  }
};

template <class Window>
inline void pool2d_blocked(const Pool2d& p, const float* input, float* output, i64 begin, i64 end, Window window_of) {
  const BlockedImage in = blocked_image(p.channels, p.in_height, p.in_width, p.in_halo);
  const BlockedImage out = blocked_image(p.channels, p.out_height, p.out_width, p.out_halo);
  for (i64 item = begin; item < end; ++item) {
    const i64 block = item / p.out_height;  // counted over all images
    const i64 y = item % p.out_height;
    const i64 channel = block % in.blocks * kLanes;
    const float* const plane = input + block * in.plane + p.in_halo * (in.row + kLanes);
    zero_halo(output + block * out.plane, p.out_height, p.out_width, p.out_halo, y, y + 1);
    float* const row = output + block * out.plane + (y + p.out_halo) * out.row + p.out_halo * kLanes;
    for (i64 x = 0; x < p.out_width; ++x) {
      const VecF result = window_of.template operator()<VecF>(p, plane, {in.row, kLanes}, y, x);
      store(row + x * kLanes, keep_channels(result, channel, p.channels));
    }
  }
}

template <class Window>
inline void pool2d_plain(const Pool2d& p, const float* input, float* output, i64 begin, i64 end, Window window_of) {
  for (i64 item = begin; item < end; ++item) {
    const i64 channel = item / p.out_height;  // counted over all images
    const float* const plane = input + channel * p.in_height * p.in_width;
    for (i64 x = 0; x < p.out_width; ++x) {
      output[item * p.out_width + x] =
          window_of.template operator()<float>(p, plane, {p.in_width, 1}, item % p.out_height, x);
    }
  }
}

// The window of adaptive pooling: from floor(o * size / outputs) to ceil((o + 1) * size / outputs).
TSC_INLINE constexpr Piece adaptive_window(i64 output, i64 outputs, i64 size) {
  return {output * size / outputs, ceil_div((output + 1) * size, outputs)};
}

template <class V>
TSC_INLINE V adaptive_average(const Pool2d& p, const float* plane, WindowStrides s, i64 y, i64 x) {
  const Piece rows = adaptive_window(y, p.out_height, p.in_height);
  const Piece columns = adaptive_window(x, p.out_width, p.in_width);
  return sum_of<V>(plane, rows, columns, s) / splat<V>(static_cast<float>(rows.size() * columns.size()));
}

}  // namespace detail

inline void max_pool2d_blocked(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  detail::pool2d_blocked(p, input, output, begin, end, detail::MaxWindow{});
}
inline void avg_pool2d_blocked(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  detail::pool2d_blocked(p, input, output, begin, end, detail::AverageWindow{});
}
inline void max_pool2d_plain(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  detail::pool2d_plain(p, input, output, begin, end, detail::MaxWindow{});
}
inline void avg_pool2d_plain(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  detail::pool2d_plain(p, input, output, begin, end, detail::AverageWindow{});
}

// Of a Pool2d the adaptive kernels read sizes and halos only.

inline void adaptive_avg_pool2d_blocked(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  const BlockedImage in = blocked_image(p.channels, p.in_height, p.in_width, p.in_halo);
  for (i64 item = begin; item < end; ++item) {
    const i64 block = item / p.out_height;  // counted over all images
    const i64 y = item % p.out_height;
    const i64 channel = block % in.blocks * kLanes;
    const float* const plane = input + block * in.plane + p.in_halo * (in.row + kLanes);
    float* const first = output + ((block / in.blocks * p.channels + channel) * p.out_height + y) * p.out_width;
    for (i64 x = 0; x < p.out_width; ++x) {
      float lanes[kLanes];
      store(lanes, detail::adaptive_average<VecF>(p, plane, {in.row, kLanes}, y, x));
      for (i64 c = 0; c < smaller(kLanes, p.channels - channel); ++c) {
        first[c * p.out_height * p.out_width + x] = lanes[c];
      }
    }
  }
}

inline void adaptive_avg_pool2d_plain(Pool2d p, const float* input, float* output, i64 begin, i64 end) {
  for (i64 item = begin; item < end; ++item) {
    const float* const plane = input + item / p.out_height * p.in_height * p.in_width;
    for (i64 x = 0; x < p.out_width; ++x) {
      output[item * p.out_width + x] =
          detail::adaptive_average<float>(p, plane, {p.in_width, 1}, item % p.out_height, x);
    }
  }
}

}  // namespace tsc::kernels
