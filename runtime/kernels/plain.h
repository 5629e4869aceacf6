// Ops without a kernel of vectors, on dense tensors of any element, one line of elements after the other: for programs
// that have no host layer to do them. A line runs along one dim: [outer, count, inner], its elements `inner` apart.
//
// The order of numbers is PyTorch's: among equal ones the first is taken, NaN is the greatest where lines are sorted,
// and is what is found where the greatest or the least is looked for.
#pragma once

#include "runtime/core/compiler.h"
#include "runtime/core/error_kind.h"
#include "runtime/core/types.h"

namespace tsc::kernels {

struct Lines {
  i64 outer, count, inner;
};

template <class T>
TSC_INLINE bool is_nan(T x) {
  return x != x;
}
template <bool kGreatest, class T>
TSC_INLINE bool is_before(T a, T b) {
  if (is_nan(a) || is_nan(b)) return kGreatest ? !is_nan(b) : !is_nan(a);
  return kGreatest ? a > b : a < b;
}
template <bool kGreatest, class T>
TSC_INLINE bool is_beyond(T a, T b) {
  if (is_nan(a) || is_nan(b)) return !is_nan(b);
  return kGreatest ? a > b : a < b;
}

// Where the greatest or least element of each line is, and, where `values` is not null, the element.
template <bool kGreatest, class T>
void arg_extreme(const Lines& p, const T* input, T* values, i64* indices) {
  for (i64 outer = 0; outer < p.outer; ++outer) {
    for (i64 inner = 0; inner < p.inner; ++inner) {
      const T* line = input + outer * p.count * p.inner + inner;
      i64 best = 0;
      for (i64 i = 1; i < p.count; ++i) {
        if (is_beyond<kGreatest>(line[i * p.inner], line[best * p.inner])) best = i;
      }
      if (values != nullptr) values[outer * p.inner + inner] = line[best * p.inner];
      if (indices != nullptr) indices[outer * p.inner + inner] = best;
    }
  }
}

// The first `leading` elements of each line in order, with the indices that they had: leading * count steps, and no
// memory beside.
template <bool kGreatest, class T>
void in_order(const Lines& p, i64 leading, const T* input, T* values, i64* indices) {
  for (i64 outer = 0; outer < p.outer; ++outer) {
    for (i64 inner = 0; inner < p.inner; ++inner) {
      const T* line = input + outer * p.count * p.inner + inner;
      const auto precedes = [&](i64 a, i64 b) {  // in the result
        if (is_before<kGreatest>(line[a * p.inner], line[b * p.inner])) return true;
        return a < b && !is_before<kGreatest>(line[b * p.inner], line[a * p.inner]);
      };
      i64 previous = -1;
      for (i64 place = 0; place < leading; ++place) {
        i64 next = -1;
        for (i64 i = 0; i < p.count; ++i) {
          if (previous >= 0 && !precedes(previous, i)) continue;
          if (next < 0 || precedes(i, next)) next = i;
        }
        const i64 at = (outer * leading + place) * p.inner + inner;
        if (values != nullptr) values[at] = line[next * p.inner];
        if (indices != nullptr) indices[at] = next;
        previous = next;
      }
    }
  }
}

// The same in count * log2(count) steps: runs of indices are merged from one half of `places`, which has 2 * count, to
// the other. Of equal elements the left run's come first.
template <bool kGreatest, class T>
void in_order(const Lines& p, i64 leading, const T* input, T* values, i64* indices, int32_t* places) {
  for (i64 outer = 0; outer < p.outer; ++outer) {
    for (i64 inner = 0; inner < p.inner; ++inner) {
      const T* line = input + outer * p.count * p.inner + inner;
      int32_t *from = places, *to = places + p.count;
      for (i64 i = 0; i < p.count; ++i) from[i] = static_cast<int32_t>(i);
      for (i64 width = 1; width < p.count; width *= 2) {
        for (i64 begin = 0; begin < p.count; begin += 2 * width) {
          const i64 middle = begin + width < p.count ? begin + width : p.count;
          const i64 end = middle + width < p.count ? middle + width : p.count;
          i64 left = begin, right = middle;
          for (i64 i = begin; i < end; ++i) {
            const bool takes_right =
                left == middle ||
                (right < end && is_before<kGreatest>(line[from[right] * p.inner], line[from[left] * p.inner]));
            to[i] = takes_right ? from[right++] : from[left++];
          }
        }
        int32_t* const merged = to;
        to = from;
        from = merged;
      }
      for (i64 place = 0; place < leading; ++place) {
        const i64 at = (outer * leading + place) * p.inner + inner;
        if (values != nullptr) values[at] = line[from[place] * p.inner];
        if (indices != nullptr) indices[at] = from[place];
      }
    }
  }
}

// What a fold begins with, and how it takes an element.
struct FoldSum {
  template <class To, class From>
  TSC_INLINE static void take(To& sum, From x) {
    sum = static_cast<To>(sum + static_cast<To>(x));
  }
  static constexpr int kFirst = 0;
};
struct FoldProduct {
  template <class To, class From>
  TSC_INLINE static void take(To& product, From x) {
    product = static_cast<To>(product * static_cast<To>(x));
  }
  static constexpr int kFirst = 1;
};
struct FoldAny {
  template <class From>
  TSC_INLINE static void take(bool& any, From x) {
    any = any || x != From{};
  }
  static constexpr int kFirst = 0;
};
struct FoldAll {
  template <class From>
  TSC_INLINE static void take(bool& all, From x) {
    all = all && x != From{};
  }
  static constexpr int kFirst = 1;
};

template <class Fold, class From, class To>
void fold(const Lines& p, const From* input, To* output) {
  for (i64 outer = 0; outer < p.outer; ++outer) {
    for (i64 inner = 0; inner < p.inner; ++inner) {
      const From* line = input + outer * p.count * p.inner + inner;
      To result = static_cast<To>(Fold::kFirst);
      for (i64 i = 0; i < p.count; ++i) Fold::take(result, line[i * p.inner]);
      output[outer * p.inner + inner] = result;
    }
  }
}

// Each element with all before it.
template <class Fold, class From, class To>
void scan(const Lines& p, const From* input, To* output) {
  for (i64 outer = 0; outer < p.outer; ++outer) {
    for (i64 inner = 0; inner < p.inner; ++inner) {
      const i64 first = outer * p.count * p.inner + inner;
      To result = static_cast<To>(Fold::kFirst);
      for (i64 i = 0; i < p.count; ++i) {
        Fold::take(result, input[first + i * p.inner]);
        output[first + i * p.inner] = result;
      }
    }
  }
}

template <class T, class Number>
void fill(i64 count, T* output, Number value) {
  for (i64 i = 0; i < count; ++i) output[i] = static_cast<T>(value);
}

// A part of a tensor: sizes, and how far its elements lie apart in memory.
template <int kRank>
struct Part {
  i64 sizes[kRank], strides[kRank];
};

// Calls `fn(i, offset)` for the i-th element and where it is.
template <int kRank, class Fn>
TSC_INLINE void for_each_of(const Part<kRank>& part, const Fn& fn) {
  i64 place[kRank] = {}, count = 1, offset = 0;
  for (int d = 0; d < kRank; ++d) count *= part.sizes[d];
  for (i64 i = 0; i < count; ++i) {
    fn(i, offset);
    for (int d = kRank - 1; d >= 0; --d) {
      offset += part.strides[d];
      if (++place[d] < part.sizes[d]) break;
      offset -= part.sizes[d] * part.strides[d];
      place[d] = 0;
    }
  }
}
template <class T, int kRank>
void gather(const Part<kRank>& part, const T* from, T* to) {
  for_each_of(part, [&](i64 i, i64 offset) { to[i] = from[offset]; });
}
template <class T, int kRank>
void scatter(const Part<kRank>& part, const T* from, T* to) {
  for_each_of(part, [&](i64 i, i64 offset) { to[offset] = from[i]; });
}

// Products of quantised numbers, with sums in 32 bits: output [rows][columns] = input [rows][depth] * weight^T, weight
// [columns][depth].
inline void linear_integer(i64 rows, i64 columns, i64 depth, const uint8_t* input, const int8_t* weight,
                           int32_t* output) {
  for (i64 row = 0; row < rows; ++row, input += depth) {
    for (i64 column = 0; column < columns; ++column) {
      const int8_t* const line = weight + column * depth;
      int32_t sum = 0;
      for (i64 i = 0; i < depth; ++i) sum += input[i] * line[i];
      *output++ = sum;
    }
  }
}

// Sizes of a convolution of images [batch][groups * channels][height][width] with weights
// [groups * outputs][channels][kernel_height][kernel_width]; outside the image is `padding_value`. Of a pooling, each
// channel is a group.
struct ImageWindows {
  i64 batch, groups, channels, height, width, outputs, out_height, out_width;
  i64 kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
  i64 dilation_height, dilation_width;
  int32_t padding_value;
};
inline void conv2d_integer(const ImageWindows& p, const uint8_t* input, const int8_t* weight, int32_t* output) {
  const i64 plane = p.height * p.width, taps = p.kernel_height * p.kernel_width;
  for (i64 image = 0; image < p.batch * p.groups; ++image) {  // of a group of channels
    const int8_t* line = weight + image % p.groups * p.outputs * p.channels * taps;
    for (i64 channel = 0; channel < p.outputs; ++channel, line += p.channels * taps) {
      for (i64 y = 0; y < p.out_height; ++y) {
        for (i64 x = 0; x < p.out_width; ++x) {
          int32_t sum = 0;
          for (i64 c = 0; c < p.channels; ++c) {
            for (i64 tap = 0; tap < taps; ++tap) {
              const i64 row = y * p.stride_height - p.padding_height + tap / p.kernel_width * p.dilation_height;
              const i64 column = x * p.stride_width - p.padding_width + tap % p.kernel_width * p.dilation_width;
              const bool is_inside = row >= 0 && row < p.height && column >= 0 && column < p.width;
              const int32_t value = is_inside ? input[c * plane + row * p.width + column] : p.padding_value;
              sum += value * line[c * taps + tap];
            }
          }
          *output++ = sum;
        }
      }
    }
    input += p.channels * plane;
  }
}

// The greatest number of each window, as far as it lies inside the image.
template <class T>
void max_pool2d(const ImageWindows& p, const T* input, T* output) {
  for (i64 image = 0; image < p.batch * p.groups; ++image, input += p.height * p.width) {
    for (i64 y = 0; y < p.out_height; ++y) {
      for (i64 x = 0; x < p.out_width; ++x) {
        bool is_first = true;
        T most = 0;
        for (i64 tap = 0; tap < p.kernel_height * p.kernel_width; ++tap) {
          const i64 row = y * p.stride_height - p.padding_height + tap / p.kernel_width * p.dilation_height;
          const i64 column = x * p.stride_width - p.padding_width + tap % p.kernel_width * p.dilation_width;
          if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
          const T value = input[row * p.width + column];
          if (is_first || is_beyond<true>(value, most)) most = value;
          is_first = false;
        }
        *output++ = most;
      }
    }
  }
}

// An index as Python takes it, of `size` elements: from the end where it is negative.
template <class AnyContext>
TSC_INLINE i64 index_in(AnyContext& ctx, i64 index, i64 size) {
  if (index >= -size && index < size) return index < 0 ? index + size : index;
  ctx.fail(ErrorKind::kIndex, "select(): index out of range");
  return 0;
}
// Where `length` of them begin.
template <class AnyContext>
TSC_INLINE i64 start_in(AnyContext& ctx, i64 start, i64 length, i64 size) {
  if (start < -size || start > size) {
    ctx.fail(ErrorKind::kIndex, "narrow(): start out of range");
    return 0;
  }
  if (start < 0) start += size;
  if (start + length <= size) return start;
  ctx.fail(ErrorKind::kRuntime, "narrow(): start and length exceed the size");
  return 0;
}

}  // namespace tsc::kernels
