// Fourier transforms over any dimensions of a tensor, one dimension after the other. Lines along a dimension are
// transformed as many at a time as a vector has lanes.
#pragma once

#include "runtime/kernels/fft.h"
#include "runtime/ops/movement.h"

namespace tsc::ops {

// What the sums are multiplied by, as PyTorch numbers it.
inline double fft_scale(i64 normalization, i64 elements) {
  const auto n = static_cast<double>(elements);
  return normalization == 0 ? 1.0 : normalization == 1 ? 1.0 / __builtin_sqrt(n) : 1.0 / n;
}

// The first element of a line along `dim`, in elements from the tensor's.
inline i64 line_offset(const Tensor& t, i64 dim, i64 line) {
  i64 offset = 0;
  for (i64 d = t.dim() - 1; d >= 0; --d) {
    if (d == dim) continue;
    offset += line % t.size(d) * t.stride(d);
    line /= t.size(d);
  }
  return offset;
}

// Lines of `from` along `dim`, transformed, are those of `to`.
template <class T>
class FftLines {
 public:
  FftLines(Context& ctx, const Tensor& from, const Tensor& to, i64 dim, double scale)
      : ctx_(ctx), from_(from), to_(to), dim_(dim), scale_(static_cast<T>(scale)) {}

  // Of complex numbers to as many.
  void complex(bool forward) {
    const i64 n = to_.size(dim_);
    run(n, 0, [&]<class V>(const Plan& plan, i64 first, i64 lanes, Pair<V>* x, Pair<V>* y) {
      gather(x, first, lanes, n, [&](const T* line, i64 j) { return exchanged(pair_at(line, j), !forward); });
      const Pair<V>* result = plan.template run<V>(x, y);
      scatter(result, first, lanes, n, [&](T* line, i64 j, Pair<T> z) { put_pair(line, j, exchanged(z, !forward)); });
    });
  }

  // Of real numbers: `to` has the first half of the result, or all of it.
  void from_real() {
    const i64 n = from_.size(dim_), half = n / 2, size = to_.size(dim_);
    const bool paired = n % 2 == 0;
    run(paired ? half : n, paired ? n : 0,
        [&]<class V>(const Plan& plan, i64 first, i64 lanes, Pair<V>* x, Pair<V>* y) {
          const i64 stride = from_.stride(dim_);
          const Pair<V>* result;
          if (paired) {
            gather(x, first, lanes, half,
                   [&](const T* line, i64 j) { return Pair<T>{line[2 * j * stride], line[(2 * j + 1) * stride]}; });
            Pair<V>* const z = plan.template run<V>(x, y);
            result = z == x ? y : x;
            kernels::real_from_pairs(z, z == x ? y : x, n, real_roots_);
          } else {
            gather(x, first, lanes, n, [&](const T* line, i64 j) { return Pair<T>{line[j * stride], T(0)}; });
            result = plan.template run<V>(x, y);
          }
          scatter(result, first, lanes, half + 1, [&](T* line, i64 j, Pair<T> z) {
            put_pair(line, j, z);
            if (j > 0 && n - j > half && n - j < size) put_pair(line, n - j, z.conjugate());
          });
        });
  }

  // Backward, of the first half of a transform of real numbers.
  void to_real() {
    const i64 n = to_.size(dim_), half = n / 2;
    const bool paired = n % 2 == 0;
    run(paired ? half : n, paired ? n : 0,
        [&]<class V>(const Plan& plan, i64 first, i64 lanes, Pair<V>* x, Pair<V>* y) {
          const i64 stride = to_.stride(dim_);
          if (paired) {
            gather(y, first, lanes, half + 1, [&](const T* line, i64 j) { return pair_at(line, j); });
            kernels::pairs_from_real(y, x, n, real_roots_);
            for (i64 j = 0; j < half; ++j) x[j] = x[j].exchanged();
            const Pair<V>* result = plan.template run<V>(x, y);
            scatter(result, first, lanes, half, [&](T* line, i64 j, Pair<T> z) {
              line[2 * j * stride] = z.imag;
              line[(2 * j + 1) * stride] = z.real;
            });
          } else {
            gather(x, first, lanes, n, [&](const T* line, i64 j) {
              const Pair<T> z = pair_at(line, j <= half ? j : n - j);
              return Pair<T>{j == 0 ? T(0) : j <= half ? z.imag : -z.imag, z.real};
            });
            const Pair<V>* result = plan.template run<V>(x, y);
            scatter(result, first, lanes, n, [&](T* line, i64 j, Pair<T> z) { line[j * stride] = z.imag; });
          }
        });
  }

 private:
  template <class V>
  using Pair = kernels::Pair<V>;
  using Plan = kernels::FftPlan<T>;
  static constexpr int kWidth = kLanes == 1 ? 1 : kLanes * 4 / static_cast<int>(sizeof(T));

  static Pair<T> exchanged(Pair<T> z, bool exchange) { return exchange ? z.exchanged() : z; }
  Pair<T> pair_at(const T* line, i64 j) const {
    const T* at = line + 2 * j * from_.stride(dim_);
    return {at[0], at[1]};
  }
  void put_pair(T* line, i64 j, Pair<T> z) const {
    T* at = line + 2 * j * to_.stride(dim_);
    at[0] = z.real;
    at[1] = z.imag;
  }
  // What an element of the tensor has of T.
  static i64 parts_of(const Tensor& t) { return tsc::is_complex(t.dtype()) ? 2 : 1; }

  // Calls body<V>(plan, first line, lines, x, y) for the lines in groups; `real_length` is that of the real numbers
  // whose pairs are transformed, or 0.
  template <class Body>
  void run(i64 n, i64 real_length, const Body& body) {
    if (!ctx_.ok() || to_.numel() == 0) return;
    Plan plan = Plan::of(n);
    const i64 table = plan.table_size() + (real_length > 0 ? n + 1 : 0);
    const Tensor tables = Tensor::empty(ctx_, dtype_of<Complex<T>>, Sizes(&table, 1));
    if (!ctx_.ok()) return;
    plan.make_tables(tables.data<Pair<T>>());
    if (real_length > 0) {
      Pair<T>* const roots = tables.data<Pair<T>>() + plan.table_size();
      kernels::unit_roots(roots, real_length, n + 1);
      real_roots_ = roots;
    }
    const i64 lines = to_.numel() / to_.size(dim_), groups = (lines + kWidth - 1) / kWidth;
    const i64 buffer = plan.buffer_size() + 1;  // of the half of a real line's transform there is one more
    constexpr i64 kGrainElements = 4096;
    ctx_.parallel_for_scratch(groups, kGrainElements / (n * kWidth) + 1,
                              2 * buffer * static_cast<i64>(sizeof(Pair<Vec<T, kWidth>>)),
                              [&](i64 begin, i64 end, char* scratch) {
                                for (i64 group = begin; group < end; ++group) {
                                  const i64 first = group * kWidth, count = tsc::min<i64>(kWidth, lines - first);
                                  if (count == 1) {
                                    auto* x = reinterpret_cast<Pair<T>*>(scratch);
                                    body.template operator()<T>(plan, first, count, x, x + buffer);
                                  } else {
                                    auto* x = reinterpret_cast<Pair<Vec<T, kWidth>>*>(scratch);
                                    body.template operator()<Vec<T, kWidth>>(plan, first, count, x, x + buffer);
                                  }
                                }
                              });
  }

  // x[j] of each lane is what `element` reads of its line. Lanes without a line are zero.
  template <class V, class F>
  void gather(Pair<V>* x, i64 first, i64 lanes, i64 n, const F& element) const {
    if (lanes < kLanesOf<V>) {
      for (i64 j = 0; j < n; ++j) x[j] = {splat<V>(0), splat<V>(0)};
    }
    for (i64 lane = 0; lane < lanes; ++lane) {
      const T* line = from_.data<T>() + parts_of(from_) * line_offset(from_, dim_, first + lane);
      char* to = reinterpret_cast<char*>(x) + lane * static_cast<i64>(sizeof(T));
      for (i64 j = 0; j < n; ++j, to += sizeof(Pair<V>)) {
        const Pair<T> z = element(line, j);
        __builtin_memcpy(to, &z.real, sizeof(T));
        __builtin_memcpy(to + sizeof(V), &z.imag, sizeof(T));
      }
    }
  }
  template <class V, class F>
  void scatter(const Pair<V>* x, i64 first, i64 lanes, i64 n, const F& put) const {
    for (i64 lane = 0; lane < lanes; ++lane) {
      T* line = to_.data<T>() + parts_of(to_) * line_offset(to_, dim_, first + lane);
      const char* from = reinterpret_cast<const char*>(x) + lane * static_cast<i64>(sizeof(T));
      for (i64 j = 0; j < n; ++j, from += sizeof(Pair<V>)) {
        Pair<T> z;
        __builtin_memcpy(&z.real, from, sizeof(T));
        __builtin_memcpy(&z.imag, from + sizeof(V), sizeof(T));
        put(line, j, z.times(scale_));
      }
    }
  }

  Context& ctx_;
  const Tensor &from_, &to_;
  const i64 dim_;
  const T scale_;
  const Pair<T>* real_roots_ = nullptr;
};

// Calls `f(lines)` with the lines of float or double.
template <class F>
void with_fft_lines(Context& ctx, const Tensor& from, const Tensor& to, i64 dim, double scale, F f) {
  if (!ctx.ok()) return;
  if (real_dtype(from.dtype()) == DType::kFloat32) {
    f(FftLines<float>(ctx, from, to, dim, scale));
  } else {
    f(FftLines<double>(ctx, from, to, dim, scale));
  }
}

// The dims, counted from the front; false after an error. `dtype` is that of the transform's operand.
inline bool fft_dims_ok(Context& ctx, const Tensor& self, const List<i64>& dim, bool is_complex, i64* dims) {
  if (!ctx.ok()) return false;
  const DType part = real_dtype(self.dtype());
  if (tsc::is_complex(self.dtype()) != is_complex || (part != DType::kFloat32 && part != DType::kFloat64)) {
    ctx.fail(ErrorKind::kRuntime, "Unsupported dtype %s", scalar_type_name(self.dtype()));
    return false;
  }
  if ((self.dim() == 0 || self.numel() == 0) && !dim.empty()) {
    ctx.fail(ErrorKind::kRuntime, "a Fourier transform of a tensor of size %s", SizesText(self.sizes()).text);
    return false;
  }
  for (i64 i = 0; i < dim.size(); ++i) dims[i] = wrap_dim(ctx, dim[i], self.dim());
  return ctx.ok();
}
// Lengths of floats that are convolutions need double's precision: there the whole op is one of doubles.
inline bool needs_double(const Tensor& t, const i64* dims, i64 count) {
  if (real_dtype(t.dtype()) != DType::kFloat32) return false;
  for (i64 i = 0; i < count; ++i) {
    kernels::Radices radices;
    if (t.size(dims[i]) > 0 && !kernels::split_length(t.size(dims[i]), radices)) return true;
  }
  return false;
}
inline Tensor fft_in_double(Context& ctx, const Tensor& t) {
  return converted(ctx, t, tsc::is_complex(t.dtype()) ? DType::kComplex128 : DType::kFloat64);
}
inline i64 signal_elements(const Tensor& t, const i64* dims, i64 count) {
  i64 elements = 1;
  for (i64 i = 0; i < count; ++i) elements *= t.size(dims[i]);
  return elements;
}

inline Tensor fft_c2c(Context& ctx, const Tensor& self, const List<i64>& dim, i64 normalization, bool forward) {
  i64 dims[kMaxRank];
  if (!rank_ok(ctx, dim.size()) || !fft_dims_ok(ctx, self, dim, true, dims)) return {};
  if (dim.empty()) return contiguous_copy(ctx, self, self.dtype());
  if (needs_double(self, dims, dim.size())) {
    return converted(ctx, fft_c2c(ctx, fft_in_double(ctx, self), dim, normalization, forward), self.dtype());
  }
  const Tensor result = Tensor::empty(ctx, self.dtype(), self.sizes());
  double scale = fft_scale(normalization, signal_elements(self, dims, dim.size()));
  for (i64 i = dim.size() - 1; i >= 0; --i) {
    const bool is_first = i == dim.size() - 1;
    with_fft_lines(ctx, is_first ? self : result, result, dims[i], is_first ? scale : 1.0,
                   [&](auto lines) { lines.complex(forward); });
  }
  return result;
}

inline Tensor fft_r2c(Context& ctx, const Tensor& self, const List<i64>& dim, i64 normalization, bool onesided) {
  i64 dims[kMaxRank];
  if (!rank_ok(ctx, dim.size()) || !fft_dims_ok(ctx, self, dim, false, dims)) return {};
  if (dim.empty()) return ctx.fail(ErrorKind::kRuntime, "a Fourier transform of real numbers over no dimension");
  const DType dtype = complex_dtype(self.dtype());
  if (needs_double(self, dims, dim.size())) {
    return converted(ctx, fft_r2c(ctx, fft_in_double(ctx, self), dim, normalization, onesided), dtype);
  }
  const i64 last = dims[dim.size() - 1];
  Shape shape(self.sizes());
  if (onesided) shape[last] = shape[last] / 2 + 1;
  const Tensor result = Tensor::empty(ctx, dtype, shape);
  const double scale = fft_scale(normalization, signal_elements(self, dims, dim.size()));
  with_fft_lines(ctx, self, result, last, scale, [](auto lines) { lines.from_real(); });
  for (i64 i = dim.size() - 2; i >= 0; --i) {
    with_fft_lines(ctx, result, result, dims[i], 1.0, [](auto lines) { lines.complex(true); });
  }
  return result;
}

inline Tensor fft_c2r(Context& ctx, const Tensor& self, const List<i64>& dim, i64 normalization, i64 last_dim_size) {
  i64 dims[kMaxRank];
  if (!rank_ok(ctx, dim.size()) || !fft_dims_ok(ctx, self, dim, true, dims)) return {};
  const DType dtype = real_dtype(self.dtype());
  const i64 last = dim.empty() ? -1 : dims[dim.size() - 1];
  if (last < 0 || last_dim_size < 1 || self.size(last) != last_dim_size / 2 + 1) {
    return ctx.fail(ErrorKind::kRuntime, "Invalid number of data points (%lld) specified",
                    static_cast<long long>(last_dim_size));
  }
  Shape shape(self.sizes());
  shape[last] = last_dim_size;
  const Tensor result = Tensor::empty(ctx, dtype, shape);
  if (!ctx.ok()) return {};
  if (needs_double(result, dims, dim.size())) {
    return converted(ctx, fft_c2r(ctx, fft_in_double(ctx, self), dim, normalization, last_dim_size), dtype);
  }
  Tensor transformed = self;
  if (dim.size() > 1) {
    transformed = Tensor::empty(ctx, self.dtype(), self.sizes());
    for (i64 i = 0; i + 1 < dim.size(); ++i) {
      with_fft_lines(ctx, i == 0 ? self : transformed, transformed, dims[i], 1.0,
                     [](auto lines) { lines.complex(false); });
    }
  }
  const double scale = fft_scale(normalization, signal_elements(result, dims, dim.size()));
  with_fft_lines(ctx, transformed, result, last, scale, [](auto lines) { lines.to_real(); });
  return result;
}

}  // namespace tsc::ops
