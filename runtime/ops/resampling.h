// Images at other places than their pixels: by a factor or a size, with the weights of any filter, at the places of a
// grid.
#pragma once

#include "runtime/ops/byte_resampling.h"

namespace tsc::ops {

// Resampling of images [n][c][h][w].

struct Resampling {
  i64 height = 0, width = 0;
  double scale_h = 0, scale_w = 0;  // input steps per output step; 0: from the sizes
};
inline bool resampling_of(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                          const Optional<List<double>>& scale_factors, Resampling& r) {
  if (!ctx.ok()) return false;
  if (input.dim() != 4) {
    ctx.fail(ErrorKind::kRuntime, "It is expected input_size equals to 4, but got size %lld",
             static_cast<long long>(input.dim()));
    return false;
  }
  if (output_size.has_value() == scale_factors.has_value()) {
    ctx.fail(ErrorKind::kRuntime, "Must specify exactly one of output_size and scale_factors");
    return false;
  }
  if (output_size.has_value() ? output_size->size() != 2 : scale_factors->size() != 2) {
    ctx.fail(ErrorKind::kRuntime, "It is expected output_size equals to 2");
    return false;
  }
  if (output_size.has_value()) {
    r.height = (*output_size)[0];
    r.width = (*output_size)[1];
  } else {
    r.scale_h = 1 / (*scale_factors)[0];
    r.scale_w = 1 / (*scale_factors)[1];
    r.height = truncate_to_int(static_cast<double>(input.size(2)) * (*scale_factors)[0]);
    r.width = truncate_to_int(static_cast<double>(input.size(3)) * (*scale_factors)[1]);
  }
  if (r.height > 0 && r.width > 0 && input.size(2) > 0 && input.size(3) > 0) return true;
  ctx.fail(
      ErrorKind::kRuntime,
      "Input and output sizes should be greater than 0, but got input (H: %lld, W: %lld) output (H: %lld, W: %lld)",
      static_cast<long long>(input.size(2)), static_cast<long long>(input.size(3)), static_cast<long long>(r.height),
      static_cast<long long>(r.width));
  return false;
}
// Positions are computed in float, as PyTorch does.
inline i64 nearest_source(i64 output, float scale, i64 size) {
  return tsc::min(static_cast<i64>(__builtin_floorf(static_cast<float>(output) * scale)), size - 1);
}
inline Tensor upsample_nearest2d(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                                 const Optional<List<double>>& scale_factors) {
  Resampling r;
  if (!resampling_of(ctx, input, output_size, scale_factors, r)) return {};
  if (!is_floating(input.dtype()) && input.dtype() != DType::kUInt8) {
    return ctx.fail(ErrorKind::kType, "\"upsample_nearest2d\" not implemented for '%s'",
                    scalar_type_name(input.dtype()));
  }
  // PyTorch's kernel for small images and for channels that lie side by side doesn't look at the factor where the size
  // is the same or twice as large.
  const bool is_plain = r.height + r.width <= 128 || (is_in_format(input, kChannelsLast) && input.size(1) > 3);
  const auto sources = [&](i64 count, i64 size, double given) {
    if (is_plain && (count == size || count == 2 * size)) given = 0;
    const float scale = given > 0 ? static_cast<float>(given) : static_cast<float>(size) / static_cast<float>(count);
    const Tensor result = Tensor::empty(ctx, DType::kInt64, dims(count));
    for (i64 i = 0; ctx.ok() && i < count; ++i) result.data<i64>()[i] = nearest_source(i, scale, size);
    return result;
  };
  const i64 height = input.size(2), width = input.size(3);
  const Tensor from = dense(ctx, input), rows = sources(r.height, height, r.scale_h),
               columns = sources(r.width, width, r.scale_w);
  const Tensor result = Tensor::empty(ctx, input.dtype(), dims(input.size(0), input.size(1), r.height, r.width));
  if (!ctx.ok()) return {};
  const i64 *row_of = rows.data<i64>(), *column_of = columns.data<i64>();
  const i64 element = input.element_size(), in_bytes = width * element, out_bytes = r.width * element;
  bool is_same_row = width == r.width;  // each pixel is its own source
  for (i64 x = 0; is_same_row && x < width; ++x) is_same_row = column_of[x] == x;
  with_bytes(element, [&]<class T>() {
    ctx.parallel_for(input.size(0) * input.size(1) * r.height, kGrain / r.width + 1, [&](i64 begin, i64 end) {
      for (i64 n = begin; n < end; ++n) {
        const i64 y = n % r.height;
        char* to = result.bytes() + n * out_bytes;
        const char* row = from.bytes() + (n / r.height * height + row_of[y]) * in_bytes;
        if (n > begin && y > 0 && row_of[y] == row_of[y - 1]) {
          copy_bytes(to, to - out_bytes, out_bytes);
        } else if (is_same_row) {
          copy_bytes(to, row, out_bytes);
        } else {
          take_elements<T>(to, row, column_of, r.width);
        }
      }
    });
  });
  return in_format_of(ctx, input, result);
}

// Along a dimension, output o is the sum over k of weights[o][k] input[places[o][k]]. There are `kTaps`, or where that
// is 0, `taps` or as many as come before a place of -1: what a filter doesn't reach isn't read, since it may be
// infinite.
template <int kTaps, class C>
struct Resampler {
  const i64* places;
  const C* weights;
  i64 count, taps;

  i64 number_of_taps() const { return kTaps > 0 ? kTaps : taps; }
  i64 reached(i64 o) const {
    if constexpr (kTaps > 0) return kTaps;
    i64 n = taps;
    while (n > 1 && places[o * taps + n - 1] < 0) --n;
    return n;
  }
  // Neighbours in a row.
  void along_row(const C* row, C* to) const {
    const i64 n = number_of_taps();
    for (i64 o = 0; o < count; ++o) {
      const i64 last = reached(o);
      C sum = weights[o * n] * row[places[o * n]];
      for (i64 k = 1; k < last; ++k) sum += weights[o * n + k] * row[places[o * n + k]];
      to[o] = sum;
    }
  }
  // Whole rows of `length`.
  void of_rows(const C* rows, i64 length, i64 o, C* to) const {
    constexpr int kWidth = kLanes == 1 ? 1 : kLanes * 4 / static_cast<int>(sizeof(C));
    using V = Vec<C, kWidth>;
    const i64 n = number_of_taps(), last = reached(o);
    for (i64 j = 0; j < length; j += kWidth) {
      const i64 width = tsc::min<i64>(kWidth, length - j);
      const auto load_tap = [&](i64 k) __attribute__((always_inline)) {
        const C* row = rows + places[o * n + k] * length + j;
        if constexpr (kWidth > 1) {
          return load_partial<V>(row, width);
        } else {
          return *row;
        }
      };
      V sum = splat<V>(weights[o * n]) * load_tap(0);
      for (i64 k = 1; k < last; ++k) sum = sum + splat<V>(weights[o * n + k]) * load_tap(k);
      if constexpr (kWidth > 1) {
        store_partial(to + j, sum, width);
      } else {
        to[j] = sum;
      }
    }
  }
  void run(Context& ctx, const Tensor& from, const Tensor& result, i64 dim) const {
    i64 outer = 1, inner = 1;
    for (i64 d = 0; d < from.dim(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : from.size(d);
    const i64 size = from.size(dim), work = number_of_taps() * inner;
    const C* input = from.data<C>();
    C* output = result.data<C>();
    if (inner == 1) {
      ctx.parallel_for(outer, kGrain / (count * work) + 1, [&](i64 begin, i64 end) {
        for (i64 r = begin; r < end; ++r) along_row(input + r * size, output + r * count);
      });
    } else {
      ctx.parallel_for(outer * count, kGrain / work + 1, [&](i64 begin, i64 end) {
        for (i64 r = begin; r < end; ++r)
          of_rows(input + r / count * size * inner, inner, r % count, output + r * inner);
      });
    }
  }
};
inline DType dtype_of_weights(DType input) { return input == DType::kUInt8 ? DType::kFloat64 : input; }

// Each output along `dim` as a sum of weighted elements: places (int64) and weights (the input's dtype, a float; of
// bytes double) are [outputs][taps]. Places of -1 may follow the first of an output's.
inline Tensor resample(Context& ctx, const Tensor& input, i64 dim, const Tensor& places, const Tensor& weights) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, input.dim());
  if (!ctx.ok()) return {};
  const DType dtype = dtype_of_weights(input.dtype());
  const bool fits = input.dim() > 0 && places.dim() == 2 && same_sizes(places.sizes(), weights.sizes()) &&
                    places.size(1) > 0 && weights.dtype() == dtype;
  const bool floats = dtype == DType::kFloat32 || dtype == DType::kFloat64;
  if (!fits || !floats) return ctx.fail(ErrorKind::kRuntime, "resample(): operands that don't fit");
  const Tensor at = dense(ctx, places);
  bool in_range = ctx.ok() && at.dtype() == DType::kInt64, all_reached = true;
  for (i64 i = 0; in_range && i < at.numel(); ++i) {
    const i64 place = at.data<i64>()[i];
    in_range = place < input.size(dim) && place >= (i % places.size(1) == 0 ? 0 : -1);
    all_reached = all_reached && place >= 0;
  }
  if (ctx.ok() && !in_range) return ctx.fail(ErrorKind::kIndex, "resample(): a place outside of the input");
  const Tensor from = dense(ctx, input), factors = dense(ctx, weights);
  if (!ctx.ok()) return {};
  if (input.dtype() == DType::kUInt8) return resample_bytes(ctx, from, dim, at, factors);
  Shape sizes(input.sizes());
  sizes[dim] = places.size(0);
  const Tensor result = Tensor::empty(ctx, input.dtype(), sizes);
  if (!ctx.ok() || result.numel() == 0) return result;
  const auto run = [&]<class C>(const C* values) {
    const i64 count = sizes[dim], taps = places.size(1);
    if (taps == 2 && all_reached)
      return Resampler<2, C>{at.data<i64>(), values, count, taps}.run(ctx, from, result, dim);
    if (taps == 4 && all_reached)
      return Resampler<4, C>{at.data<i64>(), values, count, taps}.run(ctx, from, result, dim);
    Resampler<0, C>{at.data<i64>(), values, count, taps}.run(ctx, from, result, dim);
  };
  if (input.dtype() == DType::kFloat32) {
    run(factors.data<float>());
  } else {
    run(factors.data<double>());
  }
  return result;
}

// Each output between two neighbours of a dimension.
inline Tensor resample_linear(Context& ctx, const Tensor& input, i64 dim, i64 outputs, double given,
                              bool align_corners) {
  const i64 size = input.size(dim);
  if (!ctx.ok() || size == outputs) return input;  // also where the given step is not one
  const Tensor places = Tensor::empty(ctx, DType::kInt64, dims(outputs, 2));
  const Tensor weights = Tensor::empty(ctx, dtype_of_weights(input.dtype()), dims(outputs, 2));
  if (!ctx.ok()) return {};
  const auto fill = [&]<class C>(C* weight) {
    C step = given > 0 ? static_cast<C>(given) : static_cast<C>(size) / static_cast<C>(outputs);
    if (align_corners) step = outputs > 1 ? static_cast<C>(size - 1) / static_cast<C>(outputs - 1) : C(0);
    for (i64 o = 0; o < outputs; ++o) {
      const C output = static_cast<C>(o);
      const C at = align_corners ? step * output : tsc::max(step * (output + C(0.5)) - C(0.5), C(0));
      const i64 low = tsc::min(static_cast<i64>(at), size - 1);
      places.data<i64>()[2 * o] = low;
      places.data<i64>()[2 * o + 1] = tsc::min(low + 1, size - 1);
      weight[2 * o + 1] = tsc::min(tsc::max(at - static_cast<C>(low), C(0)), C(1));
      weight[2 * o] = 1 - weight[2 * o + 1];
      if (input.dtype() == DType::kUInt8) weight[2 * o + 1] = 1 - weight[2 * o];  // as PyTorch rounds it
    }
  };
  if (weights.dtype() == DType::kFloat32) {
    fill(weights.data<float>());
  } else {
    fill(weights.data<double>());
  }
  return resample(ctx, input, dim, places, weights);
}
inline Tensor upsample_bilinear2d(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                                  bool align_corners, const Optional<List<double>>& scale_factors) {
  Resampling r;
  if (!resampling_of(ctx, input, output_size, scale_factors, r)) return {};
  if (!is_floating(input.dtype()) && input.dtype() != DType::kUInt8) {
    return ctx.fail(ErrorKind::kType, "\"compute_indices_weights_linear\" not implemented for '%s'",
                    scalar_type_name(input.dtype()));
  }
  const bool bytes = input.dtype() == DType::kUInt8;
  const Tensor from = contiguous_as(ctx, input, bytes ? input.dtype() : dtype_of_compute(compute_of(input.dtype())));
  const auto along = [&](const Tensor& image, i64 dim) {
    return resample_linear(ctx, image, dim, dim == 2 ? r.height : r.width, dim == 2 ? r.scale_h : r.scale_w,
                           align_corners);
  };
  // What there is less of is made first; bytes are rounded between, after the rows.
  const bool height_first = !bytes && r.height < input.size(2);
  const Tensor result = height_first ? along(along(from, 2), 3) : along(along(from, 3), 2);
  if (!ctx.ok()) return {};
  const bool is_copy = r.height == input.size(2) && r.width == input.size(3);
  return in_format_of(ctx, input, convert_to(ctx, result, input.dtype(), is_copy, None()));
}

// Images [n][c][places] at the places of a grid [n][points][dims], whose coordinates go from -1 to 1, the last
// dimension's first. Modes: 0 linear, 1 nearest, 2 cubic (two dimensions only); paddings: 0 zeros, 1 border, 2
// reflection. The formulae, and where NaN reads, are PyTorch's.
template <class C>
struct GridSampler {
  static constexpr int kDims = 3, kPoints = 64, kTaps = 16;
  i64 dims;
  i64 sizes[kDims];
  i64 mode, padding;
  bool align_corners;

  // Of some points, the pixels that each is made of: their offsets in a plane, or -1 outside, and weights.
  struct Taps {
    int count;
    int32_t offsets[kTaps][kPoints];
    C weights[kTaps][kPoints];
  };

  static C floor(C x) {
    if constexpr (kSame<C, float>) return __builtin_floorf(x);
    return static_cast<C>(__builtin_floor(static_cast<double>(x)));
  }
  // Back and forth between the first and the last pixel, or between their outer edges.
  C reflected(C x, i64 size) const {
    if (align_corners && size == 1) return C(0);
    const C low = align_corners ? C(0) : C(-0.5), span = static_cast<C>(align_corners ? size - 1 : size);
    const C distance = static_cast<C>(__builtin_fabs(x - low));
    const C turns = floor(distance / span), rest = static_cast<C>(__builtin_fmod(distance, span));
    return static_cast<C>(__builtin_fmod(turns, 2)) == 0 ? rest + low : span - rest + low;
  }
  C inside(C x, i64 size) const {
    if (padding == 0) return x;
    if (padding == 2) x = reflected(x, size);
    if (x != x) return static_cast<C>(dims == 2 ? 0 : size - 1);
    return x < 0 ? C(0) : x > static_cast<C>(size - 1) ? static_cast<C>(size - 1) : x;
  }
  C pixel_of(C x, i64 size) const {
    return align_corners ? (x + 1) / 2 * static_cast<C>(size - 1) : ((x + 1) * static_cast<C>(size) - 1) / 2;
  }
  // Keys' cubic convolution with a = -0.75 at the four pixels around; t is the distance from the second.
  static void cubic_weights(C t, C* weights) {
    const C a = C(-0.75), far = t + 1, near = 1 - t;
    weights[0] = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;
    weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weights[2] = ((a + 2) * near - (a + 3)) * near * near + 1;
    weights[3] = ((a * (near + 1) - 5 * a) * (near + 1) + 8 * a) * (near + 1) - 4 * a;
  }
  // One coordinate of each point.
  using Line = C[kPoints];
  // A tap's offsets, of whole coordinates; loops over points become vectors.
  void set_offsets(const Line* at, i64 count, int32_t* offsets) const {
    for (i64 d = 0; d < dims; ++d) {
      const C last = static_cast<C>(sizes[d] - 1);
      const int32_t size = static_cast<int32_t>(sizes[d]);
      for (i64 p = 0; p < count; ++p) {
        const bool is_inside = (at[d][p] >= 0) & (at[d][p] <= last);
        const int32_t place = static_cast<int32_t>(is_inside ? at[d][p] : C(0));
        const int32_t before = d == 0 ? 0 : offsets[p];
        offsets[p] = (is_inside & (before >= 0)) ? before * size + place : -1;
      }
    }
  }
  // The taps of `count` points, whose coordinates begin at `grid`.
  void find_taps(const C* grid, i64 count, Taps& taps) const {
    Line at[kDims], low[kDims], places[kDims];
    for (i64 d = 0; d < dims; ++d) {
      for (i64 p = 0; p < count; ++p) at[d][p] = pixel_of(grid[p * dims + dims - 1 - d], sizes[d]);
      if (mode != 2 && padding != 0) {
        for (i64 p = 0; p < count; ++p) at[d][p] = inside(at[d][p], sizes[d]);
      }
      for (i64 p = 0; p < count; ++p) low[d][p] = floor(at[d][p]);
    }
    if (mode == 1) {
      for (i64 d = 0; d < dims; ++d) {
        for (i64 p = 0; p < count; ++p) places[d][p] = static_cast<C>(__builtin_roundeven(at[d][p]));
      }
      set_offsets(places, count, taps.offsets[0]);
      for (i64 p = 0; p < count; ++p) taps.weights[0][p] = C(1);
    } else if (mode == 0) {
      for (int corner = 0; corner < taps.count; ++corner) {
        C* weights = taps.weights[corner];
        for (i64 p = 0; p < count; ++p) weights[p] = C(1);
        for (i64 d = dims - 1; d >= 0; --d) {
          const bool is_high = corner >> (dims - 1 - d) & 1;
          for (i64 p = 0; p < count; ++p) {
            places[d][p] = is_high ? low[d][p] + 1 : low[d][p];
            weights[p] *= is_high ? at[d][p] - low[d][p] : low[d][p] + 1 - at[d][p];
          }
        }
        set_offsets(places, count, taps.offsets[corner]);
        if (dims == 2) continue;
        for (i64 p = 0; p < count; ++p) weights[p] = taps.offsets[corner][p] < 0 ? C(0) : weights[p];
      }
    } else {
      C vertical[kPoints][4], horizontal[kPoints][4];
      for (i64 p = 0; p < count; ++p) {
        cubic_weights(at[0][p] - low[0][p], vertical[p]);
        cubic_weights(at[1][p] - low[1][p], horizontal[p]);
      }
      for (int tap = 0; tap < taps.count; ++tap) {
        for (i64 p = 0; p < count; ++p) {
          places[0][p] = inside(low[0][p] + static_cast<C>(tap / 4 - 1), sizes[0]);
          places[1][p] = inside(low[1][p] + static_cast<C>(tap % 4 - 1), sizes[1]);
          taps.weights[tap][p] = horizontal[p][tap % 4] * vertical[p][tap / 4];
        }
        set_offsets(places, count, taps.offsets[tap]);
      }
    }
  }
  // Points between four pixels: the offset of the first, or -1 where a pixel is outside, and the weights side by side,
  // so that two pixels are one load and four weights another.
  struct Squares {
    int32_t offsets[kPoints];
    C weights[kPoints][4];
  };
  static void find_squares(const Taps& taps, i64 count, Squares& squares) {
    for (i64 p = 0; p < count; ++p) {
      int32_t sign = 0;
      for (int tap = 0; tap < 4; ++tap) {
        sign |= taps.offsets[tap][p];
        squares.weights[p][tap] = taps.weights[tap][p];
      }
      squares.offsets[p] = sign < 0 ? -1 : taps.offsets[0][p];
    }
  }
  void add_squares(const C* image, const Taps& taps, const Squares& squares, i64 count, C* sums) const {
    const i64 width = sizes[1];
    TSC_NO_VECTORIZE
    for (i64 p = 0; p < count; ++p) {
      const int32_t offset = squares.offsets[p];
      const C* weights = squares.weights[p];
      C sum = C(0);
      if (offset >= 0) {
        const C *upper = image + offset, *lower = upper + width;
        sum = (upper[0] * weights[0] + lower[0] * weights[2]) + (upper[1] * weights[1] + lower[1] * weights[3]);
      } else {
        for (int tap = 0; tap < 4; ++tap) {
          const int32_t place = taps.offsets[tap][p];
          sum += (place < 0 ? C(0) : image[place]) * weights[tap];
        }
      }
      sums[p] = sum;
    }
  }
  template <int kCount>
  static void add_taps(const C* image, const Taps& taps, int first, i64 count, C* sums) {
    TSC_ONE_VECTOR
    for (i64 p = 0; p < count; ++p) {
      C sum = sums[p];
      TSC_UNROLL
      for (int tap = first; tap < first + kCount; ++tap) {
        const int32_t offset = taps.offsets[tap][p];
        sum += (offset < 0 ? C(0) : image[offset]) * taps.weights[tap][p];
      }
      sums[p] = sum;
    }
  }
  void run(Context& ctx, const C* images, const C* grid, i64 batch, i64 channels, i64 points, C* output) const {
    const i64 plane = sizes[0] * sizes[1] * (dims == 3 ? sizes[2] : 1), chunks = (points + kPoints - 1) / kPoints;
    ctx.parallel_for(batch * chunks, kGrain / (kPoints * 8 * tsc::max<i64>(channels, 1)) + 1, [&](i64 begin, i64 end) {
      Taps taps;
      Squares squares;
      const bool is_square = mode == 0 && dims == 2;
      taps.count = mode == 1 ? 1 : mode == 2 ? 16 : 1 << dims;
      for (i64 part = begin; part < end; ++part) {
        const i64 n = part / chunks, first = part % chunks * kPoints, count = tsc::min<i64>(kPoints, points - first);
        find_taps(grid + (n * points + first) * dims, count, taps);
        if (is_square) find_squares(taps, count, squares);
        for (i64 c = n * channels; c < (n + 1) * channels; ++c) {
          const C* image = images + c * plane;
          if (is_square) {
            add_squares(image, taps, squares, count, output + c * points + first);
            continue;
          }
          C sums[kPoints] = {};
          for (int tap = 0; tap < taps.count;) {
            if (taps.count - tap >= 4) {
              add_taps<4>(image, taps, tap, count, sums);
              tap += 4;
            } else {
              add_taps<1>(image, taps, tap++, count, sums);
            }
          }
          libc::memcpy(output + c * points + first, sums, static_cast<size_t>(count) * sizeof(C));
        }
      }
    });
  }
};
// The decomposition of grid_sampler has checked the operands, but for what no program can make of them.
inline Tensor sample_grid(Context& ctx, const Tensor& input, const Tensor& grid, i64 interpolation_mode,
                          i64 padding_mode, bool align_corners) {
  if (!ctx.ok()) return {};
  const i64 dims = input.dim() - 2;
  const bool floats = input.dtype() == DType::kFloat32 || input.dtype() == DType::kFloat64;
  const bool fits = floats && grid.dtype() == input.dtype() && (dims == 2 || dims == 3) && grid.dim() == input.dim() &&
                    grid.size(0) == input.size(0) && grid.size(dims + 1) == dims && interpolation_mode >= 0 &&
                    interpolation_mode <= (dims == 2 ? 2 : 1) && padding_mode >= 0 && padding_mode <= 2;
  if (!fits) return ctx.fail(ErrorKind::kRuntime, "sample_grid(): operands that don't fit");
  Shape sizes(grid.sizes());
  for (i64 d = dims + 1; d > 1; --d) sizes[d] = sizes[d - 1];
  sizes[1] = input.size(1);
  const Tensor from = dense(ctx, input), places = dense(ctx, grid);
  const Tensor result = Tensor::empty(ctx, input.dtype(), sizes);
  if (!ctx.ok() || result.numel() == 0) return result;
  const i64 plane = input.numel() / (input.size(0) * input.size(1));
  if (plane == 0) return ctx.fail(ErrorKind::kRuntime, "sample_grid(): an image without pixels");
  if (plane > INT32_MAX)
    return ctx.fail(ErrorKind::kUnsupported, "sample_grid(): an image of more than 2^31 - 1 pixels");
  const auto run = [&]<class C>(C* output) {
    const GridSampler<C> sampler = {dims,
                                    {input.size(2), input.size(3), dims == 3 ? input.size(4) : 1},
                                    interpolation_mode,
                                    padding_mode,
                                    align_corners};
    sampler.run(ctx, from.data<C>(), places.data<C>(), input.size(0), input.size(1),
                result.numel() / (input.size(0) * input.size(1)), output);
  };
  if (input.dtype() == DType::kFloat32) {
    run(result.data<float>());
  } else {
    run(result.data<double>());
  }
  return result;
}

}  // namespace tsc::ops
