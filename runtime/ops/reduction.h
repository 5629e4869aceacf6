// Reductions. Sums accumulate in double in a fixed order, so they are at least as exact as PyTorch's and do not depend
// on strides or threads.
#pragma once

#include "runtime/ops/convert.h"
#include "runtime/ops/rows.h"

namespace tsc::ops {

using OptionalDims = Optional<List<i64>>;
using OptionalDType = Optional<i64>;

// What sums of C accumulate in.
template <class C>
struct WideOf {
  using Type = double;
};
template <>
struct WideOf<i64> {
  using Type = uint64_t;  // wraps
};
template <class T>
struct WideOf<Complex<T>> {
  using Type = Complex<double>;
};
template <class C>
using Wide = typename WideOf<C>::Type;

template <class C>
Wide<C> widened(C x) {
  if constexpr (kIsComplex<C>) {
    return convert_element<Complex<double>>(x);
  } else {
    return static_cast<Wide<C>>(x);
  }
}
template <class C>
C narrowed(Wide<C> x) {
  if constexpr (kIsComplex<C>) {
    return convert_element<C>(x);
  } else {
    return static_cast<C>(x);
  }
}

// The sum of f(x) over a row, in eight interleaved partial sums.
template <class C, class F>
inline auto sum_of(const C* row, i64 n, F f) -> decltype(f(*row)) {
  using Sum = decltype(f(*row));
  constexpr int kParts = 8;
  Sum parts[kParts] = {};
  i64 i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (int k = 0; k < kParts; ++k) parts[k] = parts[k] + f(row[i + k]);
  }
  for (int k = 0; i < n; ++i, ++k) parts[k] = parts[k] + f(row[i]);
  for (int width = kParts / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) parts[k] = parts[k] + parts[k + width];
  }
  return parts[0];
}
template <class C>
Wide<C> row_sum(const C* row, i64 n) {
  return sum_of(row, n, [](C x) { return widened(x); });
}

// One result per row: f(row, length) of type R, a compute type or bool. `f` is generic over the row's type.
template <class R, class C, class F>
void reduce_rows(const Rows& rows, const Tensor& result, F f) {
  const C* data = rows.data.template data<C>();
  R* to = result.data<R>();
  for (i64 r = 0; r < rows.count; ++r) to[r] = f(data + r * rows.length, rows.length);
}
// Results of the type that `f` has, converted to `dtype`. kTypes tells which compute types make sense.
enum : unsigned {
  kRealRows = 1,
  kFloatRows = 2,
  kAllRows = 4,
  kComplexRows = 8,
  kInexactRows = kFloatRows | kComplexRows
};
template <unsigned kTypes, class F>
Tensor reduced(Context& ctx, const char* name, const Tensor& self, DimMask mask, bool keepdim, DType compute,
               DType dtype, F f) {
  if (!ctx.ok() || !self.defined()) return {};
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute_of(compute)));
  if (!ctx.ok()) return {};
  Tensor result;
  bool taken = false;
  with_compute(compute_of(compute), [&]<class C>() {
    constexpr bool kIsFloat = !kIsComplex<C> && !__is_same(C, i64);
    if constexpr ((kTypes & kAllRows) != 0 || ((kTypes & kRealRows) != 0 && !kIsComplex<C>) ||
                  ((kTypes & kFloatRows) != 0 && kIsFloat) || ((kTypes & kComplexRows) != 0 && kIsComplex<C>)) {
      using R = decltype(f(static_cast<const C*>(nullptr), i64{}));
      taken = true;
      result = Tensor::empty(ctx, dtype_of<R>, rows.shape(keepdim));
      if (ctx.ok()) reduce_rows<R, C>(rows, result, f);
    }
  });
  if (!taken) return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", name, scalar_type_name(compute));
  return converted(ctx, result, dtype);
}

// Sums and means.

inline DType sum_dtype(Context& ctx, const Tensor& self, const OptionalDType& dtype) {
  if (dtype.has_value()) return checked_dtype(ctx, *dtype);
  return is_integer_or_bool(self.dtype()) ? DType::kInt64 : self.dtype();
}
// Elements become the result's dtype before they are added up or multiplied, which rounds them where it is narrower
// than what is computed in. Integers needn't: what a narrow one drops has no part in the digits that it keeps.
inline Tensor rounded_to(Context& ctx, const Tensor& self, DType type) {
  const bool is_narrow = !is_integer_or_bool(type) && dtype_of_compute(compute_of(type)) != type;
  return is_narrow || type == DType::kBool ? converted(ctx, self, type) : self;
}
inline Tensor sum_over(Context& ctx, const Tensor& self, DimMask mask, bool keepdim, const OptionalDType& dtype) {
  const DType type = sum_dtype(ctx, self, dtype);
  return reduced<kAllRows>(ctx, "sum", rounded_to(ctx, self, type), mask, keepdim, type, type,
                           []<class C>(const C* row, i64 n) { return narrowed<C>(row_sum(row, n)); });
}
inline Tensor sum(Context& ctx, const Tensor& self, const OptionalDims& dim, bool keepdim = false,
                  const OptionalDType& dtype = None()) {
  return sum_over(ctx, self, dims_or_all(ctx, dim, self.dim()), keepdim, dtype);
}
inline Tensor sum_all(Context& ctx, const Tensor& self, const OptionalDType& dtype = None()) {
  return sum_over(ctx, self, all_dims(self.dim()), false, dtype);
}

inline Tensor mean_over(Context& ctx, const Tensor& self, DimMask mask, bool keepdim, const OptionalDType& dtype) {
  const DType type = dtype.has_value() ? checked_dtype(ctx, *dtype) : self.dtype();
  if (ctx.ok() && is_integer_or_bool(type)) {
    return ctx.fail(ErrorKind::kRuntime,
                    "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
                    "dtype. Got: %s",
                    scalar_type_name(type));
  }
  return reduced<kAllRows>(ctx, "mean", rounded_to(ctx, self, type), mask, keepdim, type, type,
                           []<class C>(const C* row, i64 n) {
                             if constexpr (__is_same(C, i64)) {
                               return C{0};
                             } else {
                               return narrowed<C>(row_sum(row, n) / Wide<C>(static_cast<double>(n)));
                             }
                           });
}
inline Tensor mean(Context& ctx, const Tensor& self, const OptionalDims& dim, bool keepdim = false,
                   const OptionalDType& dtype = None()) {
  return mean_over(ctx, self, dims_or_all(ctx, dim, self.dim()), keepdim, dtype);
}
inline Tensor mean_all(Context& ctx, const Tensor& self, const OptionalDType& dtype = None()) {
  return mean_over(ctx, self, all_dims(self.dim()), false, dtype);
}

inline Tensor prod_over(Context& ctx, const Tensor& self, DimMask mask, bool keepdim, const OptionalDType& dtype) {
  const DType type = sum_dtype(ctx, self, dtype);
  return reduced<kAllRows>(ctx, "prod", rounded_to(ctx, self, type), mask, keepdim, type, type,
                           []<class C>(const C* row, i64 n) {
                             Wide<C> product = widened(C(1));
                             for (i64 i = 0; i < n; ++i) product = product * widened(row[i]);
                             return narrowed<C>(product);
                           });
}
inline Tensor prod(Context& ctx, const Tensor& self, i64 dim, bool keepdim = false,
                   const OptionalDType& dtype = None()) {
  return prod_over(ctx, self, one_dim(ctx, dim, self.dim()), keepdim, dtype);
}
inline Tensor prod_all(Context& ctx, const Tensor& self, const OptionalDType& dtype = None()) {
  return prod_over(ctx, self, all_dims(self.dim()), false, dtype);
}

// Extremes. A NaN is larger than everything, and smaller.

struct Largest {
  template <class C>
  static bool better(C a, C b) {
    return a > b || a != a;
  }
};
struct Smallest {
  template <class C>
  static bool better(C a, C b) {
    return a < b || a != a;
  }
};
template <class Order, class C>
i64 best_index(const C* row, i64 n) {
  i64 best = 0;
  for (i64 i = 1; i < n && row[best] == row[best]; ++i) {
    if (Order::better(row[i], row[best])) best = i;
  }
  return best;
}

// Refuses rows without elements.
inline bool rows_not_empty(Context& ctx, const char* name, const Tensor& self, DimMask mask) {
  if (!ctx.ok()) return false;
  for (i64 d = 0; d < self.dim(); ++d) {
    if ((mask >> d & 1) == 0 || self.size(d) != 0) continue;
    ctx.fail(ErrorKind::kIndex, "%s(): Expected reduction dim %lld to have non-zero size.", name,
             static_cast<long long>(d));
    return false;
  }
  return true;
}
inline bool not_empty(Context& ctx, const char* name, const Tensor& self) {
  if (!ctx.ok() || self.numel() > 0) return ctx.ok();
  ctx.fail(ErrorKind::kRuntime,
           "%s(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
           "'dim' argument.",
           name);
  return false;
}
template <class Order>
Tensor extreme(Context& ctx, const char* name, const Tensor& self, DimMask mask, bool keepdim) {
  return reduced<kRealRows>(ctx, name, self, mask, keepdim, self.dtype(), self.dtype(),
                            []<class C>(const C* row, i64 n) { return row[best_index<Order>(row, n)]; });
}
inline Tensor amax(Context& ctx, const Tensor& self, const List<i64>& dim, bool keepdim = false) {
  const DimMask mask = dims_or_all(ctx, dim, self.dim());
  if (!rows_not_empty(ctx, "amax", self, mask)) return {};
  return extreme<Largest>(ctx, "amax", self, mask, keepdim);
}
inline Tensor amin(Context& ctx, const Tensor& self, const List<i64>& dim, bool keepdim = false) {
  const DimMask mask = dims_or_all(ctx, dim, self.dim());
  if (!rows_not_empty(ctx, "amin", self, mask)) return {};
  return extreme<Smallest>(ctx, "amin", self, mask, keepdim);
}
inline Tensor max(Context& ctx, const Tensor& self) {
  if (!not_empty(ctx, "max", self)) return {};
  return extreme<Largest>(ctx, "max", self, all_dims(self.dim()), false);
}
inline Tensor min(Context& ctx, const Tensor& self) {
  if (!not_empty(ctx, "min", self)) return {};
  return extreme<Smallest>(ctx, "min", self, all_dims(self.dim()), false);
}

template <class Order>
Tensor best_indices(Context& ctx, const char* name, const Tensor& self, DimMask mask, bool keepdim) {
  const Compute compute = compute_of(self.dtype());
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute));
  const Tensor result = Tensor::empty(ctx, DType::kInt64, rows.shape(keepdim));
  if (!ctx.ok()) return {};
  with_compute(compute, [&]<class C>() {
    if constexpr (kIsComplex<C>) {
      ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", name, scalar_type_name(self.dtype()));
    } else {
      reduce_rows<i64, C>(rows, result, [](const C* row, i64 n) { return best_index<Order>(row, n); });
    }
  });
  return result;
}
template <class Order>
Tensor arg_extreme(Context& ctx, const char* name, const Tensor& self, const Optional<i64>& dim, bool keepdim) {
  if (!ctx.ok()) return {};
  if (self.dtype() == DType::kBool) return ctx.fail(ErrorKind::kType, "%s(): does not support bool input", name);
  if (!dim.has_value()) {
    if (!not_empty(ctx, name, self)) return {};
    return best_indices<Order>(ctx, name, self, all_dims(self.dim()), keepdim);
  }
  const DimMask mask = one_dim(ctx, *dim, self.dim());
  if (!rows_not_empty(ctx, name, self, mask)) return {};
  return best_indices<Order>(ctx, name, self, mask, keepdim);
}
inline Tensor argmax(Context& ctx, const Tensor& self, const Optional<i64>& dim = None(), bool keepdim = false) {
  return arg_extreme<Largest>(ctx, "argmax", self, dim, keepdim);
}
inline Tensor argmin(Context& ctx, const Tensor& self, const Optional<i64>& dim = None(), bool keepdim = false) {
  return arg_extreme<Smallest>(ctx, "argmin", self, dim, keepdim);
}
template <class Order>
Tuple<Tensor, Tensor> extreme_with_index(Context& ctx, const char* name, const Tensor& self, i64 dim, bool keepdim) {
  const DimMask mask = one_dim(ctx, dim, self.dim());
  if (!rows_not_empty(ctx, name, self, mask)) return {};
  return {extreme<Order>(ctx, name, self, mask, keepdim), best_indices<Order>(ctx, name, self, mask, keepdim)};
}
inline Tuple<Tensor, Tensor> max_dim(Context& ctx, const Tensor& self, i64 dim, bool keepdim = false) {
  return extreme_with_index<Largest>(ctx, "max", self, dim, keepdim);
}
inline Tuple<Tensor, Tensor> min_dim(Context& ctx, const Tensor& self, i64 dim, bool keepdim = false) {
  return extreme_with_index<Smallest>(ctx, "min", self, dim, keepdim);
}

// Quantifiers. The result is bool, except that uint8 gives uint8.

template <bool kAll>
Tensor quantified(Context& ctx, const Tensor& self, DimMask mask, bool keepdim) {
  const Rows rows = rows_of(ctx, self, mask, DType::kBool);
  const Tensor result = Tensor::empty(ctx, DType::kBool, rows.shape(keepdim));
  if (!ctx.ok()) return {};
  reduce_rows<bool, bool>(rows, result, [](const bool* row, i64 n) {
    for (i64 i = 0; i < n; ++i) {
      if (row[i] != kAll) return !kAll;
    }
    return kAll;
  });
  return converted(ctx, result, self.dtype() == DType::kUInt8 ? DType::kUInt8 : DType::kBool);
}
inline Tensor all(Context& ctx, const Tensor& self) { return quantified<true>(ctx, self, all_dims(self.dim()), false); }
inline Tensor any(Context& ctx, const Tensor& self) {
  return quantified<false>(ctx, self, all_dims(self.dim()), false);
}
inline Tensor all_dim(Context& ctx, const Tensor& self, i64 dim, bool keepdim = false) {
  return quantified<true>(ctx, self, one_dim(ctx, dim, self.dim()), keepdim);
}
inline Tensor any_dim(Context& ctx, const Tensor& self, i64 dim, bool keepdim = false) {
  return quantified<false>(ctx, self, one_dim(ctx, dim, self.dim()), keepdim);
}

// Variances, in two passes.

inline double squared_size(double x) { return x * x; }
inline double squared_size(Complex<double> z) { return z.real * z.real + z.imag * z.imag; }

template <class C>
double row_variance(const C* row, i64 n, double correction) {
  const Wide<C> mean = row_sum(row, n) / Wide<C>(static_cast<double>(n));
  const double sum = sum_of(row, n, [mean](C x) { return squared_size(widened(x) - mean); });
  return sum / tsc::max(0.0, static_cast<double>(n) - correction);
}
inline bool variance_dtype_ok(Context& ctx, const char* name, const Tensor& self) {
  if (ctx.ok() && is_integer_or_bool(self.dtype())) {
    ctx.fail(ErrorKind::kRuntime, "%s only support floating point and complex dtypes", name);
  }
  return ctx.ok();
}
inline Tensor var_over(Context& ctx, const Tensor& self, DimMask mask, double correction, bool keepdim) {
  if (!variance_dtype_ok(ctx, "std and var", self)) return {};
  return reduced<kInexactRows>(
      ctx, "var", self, mask, keepdim, self.dtype(), real_dtype(self.dtype()),
      [correction]<class C>(const C* row, i64 n) { return static_cast<RealOf<C>>(row_variance(row, n, correction)); });
}
inline Tensor std_over(Context& ctx, const Tensor& self, DimMask mask, double correction, bool keepdim) {
  if (!variance_dtype_ok(ctx, "std and var", self)) return {};
  return reduced<kInexactRows>(ctx, "std", self, mask, keepdim, self.dtype(), real_dtype(self.dtype()),
                               [correction]<class C>(const C* row, i64 n) {
                                 return static_cast<RealOf<C>>(__builtin_sqrt(row_variance(row, n, correction)));
                               });
}
#define TSC_VARIANCE(name)                                                                                  \
  inline Tensor name(Context& ctx, const Tensor& self, const OptionalDims& dim = None(),                    \
                     const Optional<Scalar>& correction = None(), bool keepdim = false) {                   \
    return name##_over(ctx, self, dims_or_all(ctx, dim, self.dim()),                                        \
                       correction.has_value() ? correction->to_double() : 1.0, keepdim);                    \
  }                                                                                                         \
  inline Tensor name##_dim(Context& ctx, const Tensor& self, const OptionalDims& dim, bool unbiased = true, \
                           bool keepdim = false) {                                                          \
    return name##_over(ctx, self, dims_or_all(ctx, dim, self.dim()), unbiased ? 1.0 : 0.0, keepdim);        \
  }                                                                                                         \
  inline Tensor name##_all(Context& ctx, const Tensor& self, bool unbiased = true) {                        \
    return name##_over(ctx, self, all_dims(self.dim()), unbiased ? 1.0 : 0.0, false);                       \
  }
TSC_VARIANCE(var)
TSC_VARIANCE(std)
#undef TSC_VARIANCE

inline Tensor logsumexp(Context& ctx, const Tensor& self, const List<i64>& dim, bool keepdim = false) {
  if (ctx.ok() && dim.empty() && self.dim() > 0 && !keepdim) {
    return ctx.fail(ErrorKind::kRuntime, "logsumexp: an empty list of dimensions needs keepdim=True");
  }
  const DType type = float_or_default(self.dtype());
  return reduced<kInexactRows>(
      ctx, "logsumexp", self, dims_or_all(ctx, dim, self.dim()), keepdim, type, type, []<class C>(const C* row, i64 n) {
        if (n == 0) return C(static_cast<RealOf<C>>(-__builtin_inf()));
        if constexpr (kIsComplex<C>) {
          // The largest real part tells the largest term.
          double shift = row[0].real;
          for (i64 i = 1; i < n; ++i) shift = tsc::max<double>(shift, row[i].real);
          if (shift - shift != 0) shift = 0;
          const Complex<double> sum = sum_of(row, n, [shift](C x) { return math::exp(widened(x) - Wide<C>(shift)); });
          return narrowed<C>(math::log(sum) + Wide<C>(shift));
        } else {
          const C largest = row[best_index<Largest>(row, n)];
          // An infinite maximum would make the differences NaN.
          const double shift = largest - largest == 0 ? static_cast<double>(largest) : 0.0;
          const double sum = sum_of(row, n, [shift](C x) { return __builtin_exp(static_cast<double>(x) - shift); });
          return static_cast<C>(__builtin_log(sum) + shift);
        }
      });
}

// Vector norms of any order.

template <class C>
double row_norm(const C* row, i64 n, double p) {
  const auto size = [](C x) {
    if constexpr (kIsComplex<C>) {
      return math::size_of(widened(x));
    } else {
      return __builtin_fabs(static_cast<double>(x));
    }
  };
  if (p == 0) return sum_of(row, n, [](C x) { return x == C(0) ? 0.0 : 1.0; });
  if (p == 1) return sum_of(row, n, size);
  if (p == 2) return __builtin_sqrt(sum_of(row, n, [](C x) { return squared_size(widened(x)); }));
  if (__builtin_isinf(p)) {
    double best = n == 0 ? 0.0 : size(row[0]);
    for (i64 i = 1; i < n && best == best; ++i) {
      const double x = size(row[i]);
      if (x != x || (p > 0 ? x > best : x < best)) best = x;
    }
    return best;
  }
  return __builtin_pow(sum_of(row, n, [&](C x) { return __builtin_pow(size(x), p); }), 1 / p);
}
inline Tensor norm_over(Context& ctx, const Tensor& self, double p, DimMask mask, bool keepdim,
                        const OptionalDType& dtype) {
  if (!ctx.ok()) return {};
  const DType type = dtype.has_value() ? checked_dtype(ctx, *dtype) : self.dtype();
  const bool takes_self = !is_integer_or_bool(self.dtype());
  if (ctx.ok() && (!takes_self || is_integer_or_bool(type) || tsc::is_complex(self.dtype()) != tsc::is_complex(type))) {
    return ctx.fail(ErrorKind::kRuntime,
                    "linalg.vector_norm: Expected a floating point or complex tensor as input. Got %s",
                    scalar_type_name(takes_self ? type : self.dtype()));
  }
  if (ctx.ok() && promote(self.dtype(), type) != type) {
    return ctx.fail(ErrorKind::kRuntime,
                    "linalg.vector_norm: the dtype of the input (%s) should be convertible without narrowing to the "
                    "specified dtype (%s)",
                    scalar_type_name(self.dtype()), scalar_type_name(type));
  }
  if ((p < 0 || __builtin_isinf(p)) && !rows_not_empty(ctx, "linalg.vector_norm", self, mask)) return {};
  return reduced<kInexactRows>(
      ctx, "linalg_vector_norm", self, mask, keepdim, type, real_dtype(type),
      [p]<class C>(const C* row, i64 n) { return static_cast<RealOf<C>>(row_norm(row, n, p)); });
}
inline Tensor norm(Context& ctx, const Tensor& self, const Optional<Scalar>& p, const List<i64>& dim,
                   bool keepdim = false) {
  return norm_over(ctx, self, p.has_value() ? p->to_double() : 2.0, dims_or_all(ctx, dim, self.dim()), keepdim, None());
}
inline Tensor norm_all(Context& ctx, const Tensor& self, const Scalar& p = 2) {
  return norm_over(ctx, self, p.to_double(), all_dims(self.dim()), false, None());
}
inline Tensor linalg_vector_norm(Context& ctx, const Tensor& self, const Scalar& ord = 2,
                                 const OptionalDims& dim = None(), bool keepdim = false,
                                 const OptionalDType& dtype = None()) {
  return norm_over(ctx, self, ord.to_double(), dims_or_all(ctx, dim, self.dim()), keepdim, dtype);
}

// Scale and zero point with which bytes 0 ... 255 (0 ... 127 where the range is reduced) stand for the elements.

struct Range {
  float low = 0, high = 0;  // 0 is always within
};
inline Range range_of(const float* x, i64 n) {
  using V = Vec<float, kLanes>;
  V low = {}, high = {};  // NaN is no extreme
  i64 i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V v = load<V>(x + i);
    low = tsc::min(low, v);
    high = tsc::max(high, v);
  }
  if (i < n) {
    const V v = load_partial<V>(x + i, n - i);
    low = tsc::min(low, v);
    high = tsc::max(high, v);
  }
  return {horizontal_min(low), horizontal_max(high)};
}

// In double, and rounded to float at the end, as PyTorch does it.
inline Tuple<Tensor, Tensor> choose_qparams(Context& ctx, const Tensor& self, bool reduce_range) {
  if (ctx.ok() && self.dtype() != DType::kFloat32) {
    ctx.fail(ErrorKind::kRuntime, "expected scalar type Float but found %s", scalar_type_name(self.dtype()));
  }
  const Tensor x = dense(ctx, self);
  if (!ctx.ok()) return {};
  auto [low, high] = range_of(x.data<const float>(), x.numel());
  const double last = reduce_range ? 127 : 255;
  double scale = (static_cast<double>(high) - low) / last;
  const auto as_float = static_cast<float>(scale);
  if (as_float == 0.0f || __builtin_isinf(1.0f / as_float)) scale = 0.1;
  constexpr float kSmallestScale = 6.1e-5f;
  if (scale < kSmallestScale) {
    const float factor = kSmallestScale / static_cast<float>(scale);
    const auto widest = static_cast<float>(kSmallestScale * static_cast<float>(last));
    scale = kSmallestScale;
    if (low == 0.0f) {
      high = widest;
    } else if (high == 0.0f) {
      low = -widest;
    } else {
      low *= factor;
      high *= factor;
    }
  }
  // From the end whose own number is smaller, which is the more exact.
  const double from_low = -low / scale, from_high = last - high / scale;
  const bool low_is_exact = -__builtin_fabs(low / scale) < last - __builtin_fabs(high / scale);
  const double zero = low_is_exact ? from_low : from_high;
  const Tensor scale_tensor = Tensor::empty(ctx, DType::kFloat32, Sizes());
  const Tensor zero_tensor = Tensor::empty(ctx, DType::kInt32, Sizes());
  if (!ctx.ok()) return {};
  *scale_tensor.data<float>() = static_cast<float>(scale);
  // Not a number where an element is infinite.
  *zero_tensor.data<int32_t>() = zero > 0 ? static_cast<int32_t>(tsc::round_even(zero < last ? zero : last)) : 0;
  return {scale_tensor, zero_tensor};
}

}  // namespace tsc::ops
