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
  isize batch = 1, channels = 0;
  isize in_height = 0, in_width = 0, in_halo = 0;
  isize out_height = 0, out_width = 0, out_halo = 0;
  isize kernel_height = 1, kernel_width = 1;
  isize stride_height = 1, stride_width = 1;
  isize pad_height = 0, pad_width = 0;
  isize dilation_height = 1, dilation_width = 1;  // of maxima only
  PadCount pad_count = PadCount::kIncluded;     // of averages only
  isize divisor = 0;                              // of averages only: replaces the window's count unless 0
};

constexpr isize pool2d_blocked_work_items(const Pool2d& p) {
  return p.batch * ceil_div(p.channels, kLanes) * p.out_height;
}
constexpr isize pool2d_plain_work_items(const Pool2d& p) { return p.batch * p.channels * p.out_height; }

namespace detail {

// The taps of a window that lie inside the image: positions first, first + dilation, ... below `end`.
TSC_INLINE constexpr Piece window(isize output, isize stride, isize pad, isize kernel, isize dilation, isize size) {
  const isize start = output * stride - pad;
  const isize skipped = start < 0 ? ceil_div(-start, dilation) : 0;
  return {start + skipped * dilation, smaller(start + (kernel - 1) * dilation + 1, size)};
}

// How a window's elements are brought together.
struct Maximum {
  template <class V>
  static TSC_INLINE V start() {
    return splat<V>(-kInfinity);
  }
  template <class V>
  static TSC_INLINE V add(V best, V value) {
    return select(not_equal(best, best), best, max(value, best));  // max gives a NaN `value`, and loses a NaN `best`
  }
};
struct Total {
  template <class V>
  static TSC_INLINE V start() {
    return splat<V>(0);
  }
  template <class V>
  static TSC_INLINE V add(V sum, V value) {
    return sum + value;
  }
};

// Strides of the elements that a window runs over: adjacent lanes of V are neighbours in memory.
struct WindowStrides {
  isize row, column;
};
// The distance between a window's taps.
struct Dilation {
  isize height = 1, width = 1;
};

// The windows of kCount adjacent outputs, `step` elements apart, that cover equal rows and columns of the image.
template <class Combine, class V, int kCount>
TSC_INLINE void combine_windows(const float* plane, Piece rows, Piece columns, Dilation dilation, WindowStrides s,
                                isize step, V (&result)[kCount]) {
  TSC_UNROLL
  for (int i = 0; i < kCount; ++i) {
    result[i] = Combine::template start<V>();
  }
  TSC_NO_UNROLL
  for (isize y = rows.begin; y < rows.end; y += dilation.height) {
    TSC_NO_UNROLL
    for (isize x = columns.begin; x < columns.end; x += dilation.width) {
      const float* const tap = plane + y * s.row + x * s.column;
      TSC_UNROLL
      for (int i = 0; i < kCount; ++i) {
        result[i] = Combine::add(result[i], load<V>(tap + i * step));
      }
    }
  }
}

TSC_INLINE Piece window_rows(const Pool2d& p, isize y) {
  return window(y, p.stride_height, p.pad_height, p.kernel_height, p.dilation_height, p.in_height);
}
TSC_INLINE Piece window_columns(const Pool2d& p, isize x) {
  return window(x, p.stride_width, p.pad_width, p.kernel_width, p.dilation_width, p.in_width);
}

// What a window becomes: `Combine` of its elements, then `finish`. PyTorch's average counts padding up to pad beyond
// the image's end, and no further (in ceil mode a window may start inside and end beyond that).
struct MaxWindow {
  using Combine = Maximum;
  static TSC_INLINE Dilation dilation(const Pool2d& p) { return {p.dilation_height, p.dilation_width}; }
  template <class V>
  static TSC_INLINE V finish(const Pool2d&, isize, isize, V best) {
    return best;
  }
};
struct AverageWindow {
  using Combine = Total;
  static TSC_INLINE Dilation dilation(const Pool2d&) { return {}; }
  static constexpr isize padded_size(isize output, isize stride, isize pad, isize kernel, isize size) {
    const isize start = output * stride - pad;
    return smaller(start + kernel, size + pad) - start;
  }
  template <class V>
  static TSC_INLINE V finish(const Pool2d& p, isize y, isize x, V sum) {
    isize count = p.divisor;
    if (count == 0 && p.pad_count == PadCount::kExcluded) {
      count = larger(1, larger(window_rows(p, y).size(), 0) * larger(window_columns(p, x).size(), 0));
    } else if (count == 0) {
      count = padded_size(y, p.stride_height, p.pad_height, p.kernel_height, p.in_height) *
              padded_size(x, p.stride_width, p.pad_width, p.kernel_width, p.in_width);
    }
    return sum / splat<V>(static_cast<float>(count));
  }
};

template <class Window>
inline void pool2d_blocked(const Pool2d& p, const float* input, float* output, isize begin, isize end) {
  constexpr int kTogether = 7;  // outputs whose chains of operations overlap
  const BlockedImage in = blocked_image(p.channels, p.in_height, p.in_width, p.in_halo);
  const BlockedImage out = blocked_image(p.channels, p.out_height, p.out_width, p.out_halo);
  const Dilation dilation = Window::dilation(p);
  const WindowStrides strides = {in.row, kLanes};
  for (isize item = begin; item < end; ++item) {
    const isize block = item / p.out_height;  // counted over all images
    const isize y = item % p.out_height;
    const isize channel = block % in.blocks * kLanes;
    const float* const plane = input + block * in.plane + p.in_halo * (in.row + kLanes);
    zero_halo(output + block * out.plane, p.out_height, p.out_width, p.out_halo, y, y + 1);
    float* const row = output + block * out.plane + (y + p.out_halo) * out.row + p.out_halo * kLanes;
    const Piece rows = window_rows(p, y);
    const auto finish = [&](isize x, VecF result) {
      store(row + x * kLanes, keep_channels(Window::finish(p, y, x, result), channel, p.channels));
    };
    isize x = 0;
    TSC_NO_UNROLL
    while (x < p.out_width) {
      const Piece columns = window_columns(p, x);
      const isize first = x * p.stride_width - p.pad_width;
      const isize last_end = first + (kTogether - 1) * p.stride_width + (p.kernel_width - 1) * dilation.width + 1;
      if (x + kTogether <= p.out_width && first >= 0 && last_end <= p.in_width) {
        VecF results[kTogether];
        combine_windows<typename Window::Combine>(plane, rows, columns, dilation, strides, p.stride_width * kLanes,
                                                  results);
        TSC_UNROLL
        for (int i = 0; i < kTogether; ++i) {
          finish(x + i, results[i]);
        }
        x += kTogether;
        continue;
      }
      VecF result[1];
      combine_windows<typename Window::Combine>(plane, rows, columns, dilation, strides, 0, result);
      finish(x, result[0]);
      ++x;
    }
  }
}

template <class Window>
inline void pool2d_plain(const Pool2d& p, const float* input, float* output, isize begin, isize end) {
  for (isize item = begin; item < end; ++item) {
    const isize channel = item / p.out_height;  // counted over all images
    const isize y = item % p.out_height;
    const float* const plane = input + channel * p.in_height * p.in_width;
    for (isize x = 0; x < p.out_width; ++x) {
      float result[1];
      combine_windows<typename Window::Combine>(plane, window_rows(p, y), window_columns(p, x), Window::dilation(p),
                                                {p.in_width, 1}, 0, result);
      output[item * p.out_width + x] = Window::finish(p, y, x, result[0]);
    }
  }
}

// The window of adaptive pooling: from floor(o * size / outputs) to ceil((o + 1) * size / outputs).
TSC_INLINE constexpr Piece adaptive_window(isize output, isize outputs, isize size) {
  return {output * size / outputs, ceil_div((output + 1) * size, outputs)};
}

template <class V>
TSC_INLINE V adaptive_average(const Pool2d& p, const float* plane, WindowStrides s, isize y, isize x) {
  const Piece rows = adaptive_window(y, p.out_height, p.in_height);
  const Piece columns = adaptive_window(x, p.out_width, p.in_width);
  V sum[1];
  combine_windows<Total>(plane, rows, columns, {}, s, 0, sum);
  return sum[0] / splat<V>(static_cast<float>(rows.size() * columns.size()));
}

}  // namespace detail

inline void max_pool2d_blocked(Pool2d p, const float* input, float* output, isize begin, isize end) {
  detail::pool2d_blocked<detail::MaxWindow>(p, input, output, begin, end);
}
inline void avg_pool2d_blocked(Pool2d p, const float* input, float* output, isize begin, isize end) {
  detail::pool2d_blocked<detail::AverageWindow>(p, input, output, begin, end);
}
inline void max_pool2d_plain(Pool2d p, const float* input, float* output, isize begin, isize end) {
  detail::pool2d_plain<detail::MaxWindow>(p, input, output, begin, end);
}
inline void avg_pool2d_plain(Pool2d p, const float* input, float* output, isize begin, isize end) {
  detail::pool2d_plain<detail::AverageWindow>(p, input, output, begin, end);
}

// Of a Pool2d the adaptive kernels read sizes and halos only.

inline void adaptive_avg_pool2d_blocked(Pool2d p, const float* input, float* output, isize begin, isize end) {
  const BlockedImage in = blocked_image(p.channels, p.in_height, p.in_width, p.in_halo);
  for (isize item = begin; item < end; ++item) {
    const isize block = item / p.out_height;  // counted over all images
    const isize y = item % p.out_height;
    const isize channel = block % in.blocks * kLanes;
    const float* const plane = input + block * in.plane + p.in_halo * (in.row + kLanes);
    float* const first = output + ((block / in.blocks * p.channels + channel) * p.out_height + y) * p.out_width;
    for (isize x = 0; x < p.out_width; ++x) {
      float lanes[kLanes];
      store(lanes, detail::adaptive_average<VecF>(p, plane, {in.row, kLanes}, y, x));
      for (isize c = 0; c < smaller(kLanes, p.channels - channel); ++c) {
        first[c * p.out_height * p.out_width + x] = lanes[c];
      }
    }
  }
}

inline void adaptive_avg_pool2d_plain(Pool2d p, const float* input, float* output, isize begin, isize end) {
  for (isize item = begin; item < end; ++item) {
    const float* const plane = input + item / p.out_height * p.in_height * p.in_width;
    for (isize x = 0; x < p.out_width; ++x) {
      output[item * p.out_width + x] =
          detail::adaptive_average<float>(p, plane, {p.in_width, 1}, item % p.out_height, x);
    }
  }
}

}  // namespace tsc::kernels
