// Poolings over planes [height][width].
#pragma once

#include "runtime/ops/movement.h"

namespace tsc::ops {

struct PoolAxis {
  i64 input = 1, output = 1, kernel = 1, stride = 1, padding = 0, dilation = 1;
};
struct Pool {
  PoolAxis h, w;
};

// The output's size of one dimension; 0 after an error.
inline bool pool_axis(Context& ctx, PoolAxis& a, bool ceil_mode) {
  const char* wrong = a.kernel <= 0     ? "kernel size should be greater than zero"
                      : a.stride <= 0   ? "stride should be greater than zero"
                      : a.dilation <= 0 ? "dilation should be greater than zero"
                      : a.padding<0 ? "pad must be non-negative" : a.padding>(a.dilation * (a.kernel - 1) + 1) / 2
                          ? "pad should be at most half of effective kernel size"
                          : nullptr;
  if (wrong != nullptr) {
    ctx.fail(ErrorKind::kRuntime, "%s, but got kernel_size=%lld, stride=%lld, pad=%lld and dilation=%lld", wrong,
             static_cast<long long>(a.kernel), static_cast<long long>(a.stride), static_cast<long long>(a.padding),
             static_cast<long long>(a.dilation));
    return false;
  }
  const i64 room = a.input + 2 * a.padding - a.dilation * (a.kernel - 1) - 1;
  const i64 rounded = room + (ceil_mode ? a.stride - 1 : 0);
  a.output = (rounded >= 0 ? rounded / a.stride : -((-rounded + a.stride - 1) / a.stride)) + 1;
  // With ceil_mode the last window begins inside the image or its left padding.
  if (ceil_mode && (a.output - 1) * a.stride >= a.input + a.padding) --a.output;
  if (a.output >= 1) return true;
  ctx.fail(ErrorKind::kShape, "Given input size %lld, calculated output size %lld. Output size is too small",
           static_cast<long long>(a.input), static_cast<long long>(a.output));
  return false;
}
inline i64 pair_item(const List<i64>& list, i64 i) { return list[list.size() == 1 ? 0 : i]; }
// The geometry of a pooling of `dims` spatial dimensions, 1 or 2.
inline bool pool_of(Context& ctx, const char* name, const Tensor& self, i64 dims, const List<i64>& kernel,
                    const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation, bool ceil_mode,
                    Pool& pool) {
  if (!ctx.ok()) return false;
  const auto counts = [&](const List<i64>& list) { return list.size() == 1 || list.size() == dims; };
  if (!counts(kernel) || !(stride.empty() || counts(stride)) || !counts(padding) || !counts(dilation)) {
    ctx.fail(ErrorKind::kRuntime,
             "%s: kernel_size, stride, padding and dilation must be single ints or lists of %lld ints", name,
             static_cast<long long>(dims));
    return false;
  }
  bool valid = self.dim() == dims + 1 || self.dim() == dims + 2;
  for (i64 d = self.dim() - dims - 1; valid && d < self.dim(); ++d) valid = self.size(d) > 0;
  if (!valid) {
    ctx.fail(ErrorKind::kRuntime,
             "%s: Expected %lldD or %lldD (batch mode) tensor with optional 0 dim batch size for input, but got: %s",
             name, static_cast<long long>(dims + 1), static_cast<long long>(dims + 2), SizesText(self.sizes()).text);
    return false;
  }
  PoolAxis* axes[] = {&pool.h, &pool.w};
  for (i64 i = 0; i < dims; ++i) {
    PoolAxis& a = *axes[2 - dims + i];
    a.input = self.size(self.dim() - dims + i);
    a.kernel = pair_item(kernel, i);
    a.stride = stride.empty() ? a.kernel : pair_item(stride, i);
    a.padding = pair_item(padding, i);
    a.dilation = pair_item(dilation, i);
    if (!pool_axis(ctx, a, ceil_mode)) return false;
  }
  return true;
}
inline Shape pooled_sizes(const Tensor& self, i64 dims, const Pool& pool) {
  Shape sizes(self.sizes());
  sizes[sizes.rank - 1] = pool.w.output;
  if (dims == 2) sizes[sizes.rank - 2] = pool.h.output;
  return sizes;
}

// The dtypes that a pooling is defined for.
enum class PoolTypes { kFloats, kFloatsAndLong, kNumbers };
inline bool pools_dtype(PoolTypes types, DType dtype) {
  if (!is_integral(dtype)) return is_floating(dtype);
  return types == PoolTypes::kNumbers || (types == PoolTypes::kFloatsAndLong && dtype == DType::kInt64);
}
// Calls `plane(input, output index of the plane's first element)` for each plane in the compute type.
template <class F>
Tensor pool_planes(Context& ctx, const char* name, const Tensor& self, const Shape& sizes, PoolTypes types, F f) {
  const Compute compute = compute_of(self.dtype());
  if (ctx.ok() && !pools_dtype(types, self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", name, scalar_type_name(self.dtype()));
  }
  const Tensor from = contiguous_as(ctx, self, dtype_of_compute(compute));
  const Tensor result = Tensor::empty(ctx, dtype_of_compute(compute), sizes);
  if (!ctx.ok() || result.numel() == 0) return converted(ctx, result, self.dtype());
  const i64 rank = self.dim();
  i64 planes = 1, out_plane = 1;
  for (i64 d = 0; d < rank; ++d) (d < rank - 2 ? planes : out_plane) *= result.size(d);
  const i64 in_plane = from.numel() / planes;
  with_compute(compute, [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      for (i64 p = 0; p < planes; ++p) {
        f(from.data<C>() + p * in_plane, result.data<C>() + p * out_plane, p * out_plane);
      }
    }
  });
  return converted(ctx, result, self.dtype());
}

// The largest element of each window and, where `indices` is defined, its place in the plane.
inline Tensor max_pool(Context& ctx, const char* name, const Tensor& self, i64 dims, const Pool& pool, PoolTypes types,
                       const Tensor& indices) {
  const Tensor image = dims == 1 ? unsqueeze(ctx, self, self.dim() - 1) : self;
  Shape sizes(image.sizes());
  sizes[sizes.rank - 2] = pool.h.output;
  sizes[sizes.rank - 1] = pool.w.output;
  const auto windows = [&]<class C>(const C* plane, C* to, i64 first) {
    for (i64 y = 0; y < pool.h.output; ++y) {
      for (i64 x = 0; x < pool.w.output; ++x) {
        i64 best = -1;
        for (i64 ky = 0; ky < pool.h.kernel; ++ky) {
          const i64 h = y * pool.h.stride - pool.h.padding + ky * pool.h.dilation;
          if (h < 0 || h >= pool.h.input) continue;
          for (i64 kx = 0; kx < pool.w.kernel; ++kx) {
            const i64 w = x * pool.w.stride - pool.w.padding + kx * pool.w.dilation;
            if (w < 0 || w >= pool.w.input) continue;
            const i64 at = h * pool.w.input + w;
            if (best < 0 || plane[at] > plane[best] || plane[at] != plane[at]) best = at;
          }
        }
        const i64 n = y * pool.w.output + x;
        to[n] = plane[best];
        if (indices.defined()) indices.data<i64>()[first + n] = best;
      }
    }
  };
  const Tensor result = pool_planes(ctx, name, image, sizes, types, windows);
  return dims == 1 ? squeeze_dim(ctx, result, -2) : in_format_of(ctx, image, result);
}
inline Tensor max_pool1d(Context& ctx, const Tensor& self, const List<i64>& kernel_size, const List<i64>& stride,
                         const List<i64>& padding, const List<i64>& dilation, bool ceil_mode = false) {
  Pool pool;
  if (!pool_of(ctx, "max_pool1d", self, 1, kernel_size, stride, padding, dilation, ceil_mode, pool)) return {};
  return max_pool(ctx, "max_pool1d", self, 1, pool, PoolTypes::kFloats, Tensor());
}
inline Tensor max_pool2d(Context& ctx, const Tensor& self, const List<i64>& kernel_size, const List<i64>& stride,
                         const List<i64>& padding, const List<i64>& dilation, bool ceil_mode = false) {
  Pool pool;
  if (!pool_of(ctx, "max_pool2d", self, 2, kernel_size, stride, padding, dilation, ceil_mode, pool)) return {};
  return max_pool(ctx, "max_pool2d", self, 2, pool, PoolTypes::kNumbers, Tensor());
}
inline Tuple<Tensor, Tensor> max_pool2d_with_indices(Context& ctx, const Tensor& self, const List<i64>& kernel_size,
                                                     const List<i64>& stride, const List<i64>& padding,
                                                     const List<i64>& dilation, bool ceil_mode = false) {
  Pool pool;
  if (!pool_of(ctx, "max_pool2d", self, 2, kernel_size, stride, padding, dilation, ceil_mode, pool)) return {};
  const Tensor indices = Tensor::empty(ctx, DType::kInt64, pooled_sizes(self, 2, pool));
  const Tensor values = max_pool(ctx, "max_pool2d", self, 2, pool, PoolTypes::kNumbers, indices);
  return {values, in_format_of(ctx, self, indices)};
}

// The mean of each window. Padding counts as elements where `count_include_pad`.
inline Tensor avg_pool(Context& ctx, const char* name, const Tensor& self, i64 dims, const Pool& pool,
                       bool count_include_pad, const Optional<i64>& divisor) {
  if (ctx.ok() && divisor.has_value() && *divisor == 0)
    return ctx.fail(ErrorKind::kRuntime, "divisor must be not zero");
  const Tensor image = dims == 1 ? unsqueeze(ctx, self, self.dim() - 1) : self;
  Shape sizes(image.sizes());
  sizes[sizes.rank - 2] = pool.h.output;
  sizes[sizes.rank - 1] = pool.w.output;
  const auto windows = [&]<class C>(const C* plane, C* to, i64) {
    for (i64 y = 0; y < pool.h.output; ++y) {
      for (i64 x = 0; x < pool.w.output; ++x) {
        const i64 top = y * pool.h.stride - pool.h.padding, left = x * pool.w.stride - pool.w.padding;
        const i64 bottom = tsc::min(top + pool.h.kernel, pool.h.input + pool.h.padding);
        const i64 right = tsc::min(left + pool.w.kernel, pool.w.input + pool.w.padding);
        const i64 padded_area = (bottom - top) * (right - left);
        const i64 y0 = tsc::max<i64>(top, 0), x0 = tsc::max<i64>(left, 0);
        const i64 y1 = tsc::min(bottom, pool.h.input), x1 = tsc::min(right, pool.w.input);
        Wide<C> sum{};
        for (i64 h = y0; h < y1; ++h) {
          for (i64 w = x0; w < x1; ++w) sum += widened(plane[h * pool.w.input + w]);
        }
        const i64 area = divisor.value_or(count_include_pad ? padded_area : (y1 - y0) * (x1 - x0));
        if constexpr (__is_same(C, i64)) {
          to[y * pool.w.output + x] = static_cast<i64>(sum) / area;
        } else {
          to[y * pool.w.output + x] = y0 < y1 && x0 < x1 ? static_cast<C>(sum / static_cast<double>(area)) : C(0);
        }
      }
    }
  };
  const Tensor result =
      in_format_of(ctx, image, pool_planes(ctx, name, image, sizes, PoolTypes::kFloatsAndLong, windows));
  return dims == 1 ? squeeze_dim(ctx, result, -2) : result;
}
inline Tensor avg_pool1d(Context& ctx, const Tensor& self, const List<i64>& kernel_size, const List<i64>& stride,
                         const List<i64>& padding, bool ceil_mode = false, bool count_include_pad = true) {
  Pool pool;
  const List<i64> one = List<i64>::of(ctx, i64{1});
  if (!pool_of(ctx, "avg_pool1d", self, 1, kernel_size, stride, padding, one, ceil_mode, pool)) return {};
  return avg_pool(ctx, "avg_pool1d", self, 1, pool, count_include_pad, None());
}
inline Tensor avg_pool2d(Context& ctx, const Tensor& self, const List<i64>& kernel_size, const List<i64>& stride,
                         const List<i64>& padding, bool ceil_mode = false, bool count_include_pad = true,
                         const Optional<i64>& divisor_override = None()) {
  Pool pool;
  const List<i64> one = List<i64>::of(ctx, i64{1});
  if (!pool_of(ctx, "avg_pool2d", self, 2, kernel_size, stride, padding, one, ceil_mode, pool)) return {};
  return avg_pool(ctx, "avg_pool2d", self, 2, pool, count_include_pad, divisor_override);
}

// Adaptive poolings: window i of n over a size s is [floor(i s / n), ceil((i + 1) s / n)).
inline bool adaptive_sizes(Context& ctx, const char* name, const Tensor& self, i64 dims, const List<i64>& output_size,
                           Pool& pool) {
  if (!ctx.ok()) return false;
  bool valid = output_size.size() == dims && (self.dim() == dims + 1 || self.dim() == dims + 2);
  for (i64 d = self.dim() - dims; valid && d < self.dim(); ++d) valid = self.size(d) > 0;
  for (const i64 size : output_size) valid = valid && size >= 0;
  if (!valid) {
    ctx.fail(
        ErrorKind::kRuntime,
        "%s(): Expected an input of %lld or %lld dimensions that aren't empty, and %lld output sizes, got %s and %s",
        name, static_cast<long long>(dims + 1), static_cast<long long>(dims + 2), static_cast<long long>(dims),
        SizesText(self.sizes()).text, SizesText(output_size.span()).text);
    return false;
  }
  pool.w.input = self.size(self.dim() - 1);
  pool.w.output = output_size[dims - 1];
  if (dims == 2) {
    pool.h.input = self.size(self.dim() - 2);
    pool.h.output = output_size[0];
  }
  return true;
}
inline i64 adaptive_begin(i64 i, const PoolAxis& a) { return i * a.input / a.output; }
inline i64 adaptive_end(i64 i, const PoolAxis& a) { return ((i + 1) * a.input + a.output - 1) / a.output; }
// All windows along an axis: where each begins, and at [output + i] where it ends. Empty where the context has failed.
inline Tensor adaptive_windows(Context& ctx, const PoolAxis& a) {
  const Tensor table = Tensor::empty(ctx, DType::kInt64, dims(2 * a.output));
  if (!ctx.ok()) return {};
  i64* const bounds = table.data<i64>();
  for (i64 i = 0; i < a.output; ++i) {
    bounds[i] = adaptive_begin(i, a);
    bounds[a.output + i] = adaptive_end(i, a);
  }
  return table;
}
inline Tensor adaptive_avg_pool(Context& ctx, const char* name, const Tensor& self, i64 dims,
                                const List<i64>& output_size) {
  Pool pool;
  if (!adaptive_sizes(ctx, name, self, dims, output_size, pool)) return {};
  const Tensor image = dims == 1 ? unsqueeze(ctx, self, self.dim() - 1) : self;
  Shape sizes(image.sizes());
  sizes[sizes.rank - 2] = pool.h.output;
  sizes[sizes.rank - 1] = pool.w.output;
  const Tensor columns = adaptive_windows(ctx, pool.w);
  if (!ctx.ok()) return {};
  const i64 *const begins = columns.data<i64>(), *const ends = begins + pool.w.output;
  const auto windows = [&]<class C>(const C* plane, C* to, i64) {
    for (i64 y = 0; y < pool.h.output; ++y) {
      const i64 y0 = adaptive_begin(y, pool.h), y1 = adaptive_end(y, pool.h);
      for (i64 x = 0; x < pool.w.output; ++x) {
        const i64 x0 = begins[x], x1 = ends[x];
        Wide<C> sum{};
        for (i64 h = y0; h < y1; ++h) {
          const C* row = plane + h * pool.w.input;
          if (x1 - x0 > 8) {
            sum += row_sum(row + x0, x1 - x0);
            continue;
          }
          TSC_NO_VECTORIZE
          for (i64 w = x0; w < x1; ++w) sum += widened(row[w]);
        }
        *to++ = static_cast<C>(sum / static_cast<Wide<C>>((y1 - y0) * (x1 - x0)));
      }
    }
  };
  // Of an empty batch PyTorch takes every dtype.
  if (ctx.ok() && image.numel() == 0) return Tensor::empty(ctx, self.dtype(), pooled_sizes(self, dims, pool));
  const Tensor result = in_format_of(ctx, image, pool_planes(ctx, name, image, sizes, PoolTypes::kFloats, windows));
  return dims == 1 ? squeeze_dim(ctx, result, -2) : result;
}
inline Tensor adaptive_avg_pool1d(Context& ctx, const Tensor& self, const List<i64>& output_size) {
  return adaptive_avg_pool(ctx, "adaptive_avg_pool1d", self, 1, output_size);
}
inline Tensor adaptive_avg_pool2d(Context& ctx, const Tensor& self, const List<i64>& output_size) {
  return adaptive_avg_pool(ctx, "adaptive_avg_pool2d", self, 2, output_size);
}
inline Tuple<Tensor, Tensor> adaptive_max_pool2d(Context& ctx, const Tensor& self, const List<i64>& output_size) {
  Pool pool;
  if (!adaptive_sizes(ctx, "adaptive_max_pool2d", self, 2, output_size, pool)) return {};
  const Shape sizes = pooled_sizes(self, 2, pool);
  const Tensor indices = Tensor::empty(ctx, DType::kInt64, sizes);
  const Tensor columns = adaptive_windows(ctx, pool.w);
  if (!ctx.ok()) return {};
  const i64 *const begins = columns.data<i64>(), *const ends = begins + pool.w.output;
  const auto windows = [&]<class C>(const C* plane, C* to, i64 first) {
    for (i64 y = 0; y < pool.h.output; ++y) {
      const i64 y0 = adaptive_begin(y, pool.h), y1 = adaptive_end(y, pool.h);
      for (i64 x = 0; x < pool.w.output; ++x) {
        i64 best = y0 * pool.w.input + begins[x];
        for (i64 h = y0; h < y1; ++h) {
          for (i64 w = begins[x]; w < ends[x]; ++w) {
            const i64 at = h * pool.w.input + w;
            if (plane[at] > plane[best] || plane[at] != plane[at]) best = at;
          }
        }
        const i64 n = y * pool.w.output + x;
        to[n] = plane[best];
        indices.data<i64>()[first + n] = best;
      }
    }
  };
  const Tensor values = pool_planes(ctx, "adaptive_max_pool2d", self, sizes, PoolTypes::kFloats, windows);
  return {in_format_of(ctx, self, values), in_format_of(ctx, self, indices)};
}

}  // namespace tsc::ops
