// Special functions of each element: the engine of pointwise ops over runtime/kernels/special.h.
#pragma once

#include "runtime/kernels/special_single.h"
#include "runtime/ops/pointwise_loop.h"

namespace tsc::ops {

namespace special_ops {

// call() of an op by its expression of the elements a and b, which have type T.
#define TSC_SPECIAL_1(op, types, ...)                                               \
  struct op {                                                                       \
    static constexpr const char* kName = #op;                                       \
    static constexpr int kInputs = 1;                                               \
    static constexpr unsigned kTypes = types;                                       \
    template <class V>                                                              \
    static auto call(const Element<V>*, V x) {                                      \
      using T = Element<V>;                                                         \
      return map_lanes<T>([](T a) -> T { return static_cast<T>(__VA_ARGS__); }, x); \
    }                                                                               \
  };
#define TSC_SPECIAL_2(op, types, ...)                                                       \
  struct op {                                                                               \
    static constexpr const char* kName = #op;                                               \
    static constexpr int kInputs = 2;                                                       \
    static constexpr unsigned kTypes = types;                                               \
    template <class V>                                                                      \
    static auto call(const Element<V>*, V x, V y) {                                         \
      using T = Element<V>;                                                                 \
      return map_lanes<T>([](T a, T b) -> T { return static_cast<T>(__VA_ARGS__); }, x, y); \
    }                                                                                       \
  };

TSC_SPECIAL_1(i0, kFloats, special::i0(a))
TSC_SPECIAL_1(special_i0e, kFloats, special::i0e(a))
TSC_SPECIAL_1(special_i1, kFloats, special::i1(a))
TSC_SPECIAL_1(special_i1e, kFloats, special::i1e(a))
TSC_SPECIAL_1(special_ndtri, kFloats, special::ndtri(a))
TSC_SPECIAL_1(special_erfcx, kFloats, special::erfcx(a))
TSC_SPECIAL_1(special_airy_ai, kFloats, special::airy_ai(a))
TSC_SPECIAL_1(special_bessel_j0, kFloats, special::bessel_j0(a))
TSC_SPECIAL_1(special_bessel_j1, kFloats, special::bessel_j1(a))
TSC_SPECIAL_1(special_bessel_y0, kFloats, special::bessel_y0(a))
TSC_SPECIAL_1(special_bessel_y1, kFloats, special::bessel_y1(a))
TSC_SPECIAL_1(special_modified_bessel_k0, kFloats, special::modified_bessel_k0(a))
TSC_SPECIAL_1(special_modified_bessel_k1, kFloats, special::modified_bessel_k1(a))
TSC_SPECIAL_1(special_scaled_modified_bessel_k0, kFloats, special::scaled_modified_bessel_k0(a))
TSC_SPECIAL_1(special_scaled_modified_bessel_k1, kFloats, special::scaled_modified_bessel_k1(a))
TSC_SPECIAL_1(special_modified_bessel_i0, kFloats, special::i0(a))
TSC_SPECIAL_1(special_modified_bessel_i1, kFloats, special::i1(a))
TSC_SPECIAL_1(frexp_mantissa, kFloats, special::frexp(a).mantissa)
TSC_SPECIAL_1(frexp_exponent, kFloats, special::frexp(a).exponent)
TSC_SPECIAL_2(igamma, kFloats, special::gammainc(a, b))
TSC_SPECIAL_2(igammac, kFloats, special::gammaincc(a, b))
TSC_SPECIAL_2(special_zeta, kFloats, special::zeta(a, b))
TSC_SPECIAL_2(special_chebyshev_polynomial_t, kFloats, special::chebyshev_polynomial_t(a, b))
TSC_SPECIAL_2(special_chebyshev_polynomial_u, kFloats, special::chebyshev_polynomial_u(a, b))
TSC_SPECIAL_2(special_chebyshev_polynomial_v, kFloats, special::chebyshev_polynomial_v(a, b))
TSC_SPECIAL_2(special_chebyshev_polynomial_w, kFloats, special::chebyshev_polynomial_w(a, b))
TSC_SPECIAL_2(special_shifted_chebyshev_polynomial_t, kFloats, special::shifted_chebyshev_polynomial_t(a, b))
TSC_SPECIAL_2(special_shifted_chebyshev_polynomial_u, kFloats, special::shifted_chebyshev_polynomial_u(a, b))
TSC_SPECIAL_2(special_shifted_chebyshev_polynomial_v, kFloats, special::shifted_chebyshev_polynomial_v(a, b))
TSC_SPECIAL_2(special_shifted_chebyshev_polynomial_w, kFloats, special::shifted_chebyshev_polynomial_w(a, b))
TSC_SPECIAL_2(special_hermite_polynomial_h, kFloats, special::hermite_polynomial_h(a, b))
TSC_SPECIAL_2(special_hermite_polynomial_he, kFloats, special::hermite_polynomial_he(a, b))
TSC_SPECIAL_2(special_laguerre_polynomial_l, kFloats, special::laguerre_polynomial_l(a, b))
TSC_SPECIAL_2(special_legendre_polynomial_p, kFloats, special::legendre_polynomial_p(a, b))
TSC_SPECIAL_2(nextafter, kFloats, special::nextafter(a, b))
TSC_SPECIAL_2(nextafter_float16, kFloats, special::nextafter_half<Float16>(a, b))
TSC_SPECIAL_2(nextafter_bfloat16, kFloats, special::nextafter_half<BFloat16>(a, b))
TSC_SPECIAL_2(gcd, kInts, special::gcd(a, b))
TSC_SPECIAL_2(lcm, kInts, special::lcm(a, b))
#undef TSC_SPECIAL_1
#undef TSC_SPECIAL_2

// call() of an op that has a function of whole vectors.
#define TSC_SPECIAL_OF_VECTORS(op, count, parameters, ...)    \
  struct op {                                                 \
    static constexpr const char* kName = #op;                 \
    static constexpr int kInputs = count;                     \
    static constexpr unsigned kTypes = kFloats;               \
    template <class V>                                        \
    static TSC_INLINE auto call parameters { __VA_ARGS__; }   \
  };
TSC_SPECIAL_OF_VECTORS(lgamma, 1, (const Element<V>*, V x), return special::lgamma(x))
TSC_SPECIAL_OF_VECTORS(digamma, 1, (const Element<V>*, V x), return special::digamma(x))
TSC_SPECIAL_OF_VECTORS(erfinv, 1, (const Element<V>*, V x), return special::erfinv(x))
TSC_SPECIAL_OF_VECTORS(hypot, 2, (const Element<V>*, V x, V y), return math::hypot(x, y))
#undef TSC_SPECIAL_OF_VECTORS

}  // namespace special_ops

// In float where integers come, in `common` else; half precision only where PyTorch has it.
enum class Halves : uint8_t { kTaken, kRefused };

template <class Op, Halves kHalves, class... T>
Tensor special_function(Context& ctx, DType common, const Tensor* destination, const T&... operands) {
  const bool half = common == DType::kFloat16 || common == DType::kBFloat16;
  if (ctx.ok() && half && kHalves == Halves::kRefused) {
    return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", Op::kName, scalar_type_name(common));
  }
  return pointwise<Op>(ctx, common, common, destination, {}, operands...);
}

#define TSC_SPECIAL_UNARY(op, halves)                                                                              \
  inline Tensor op(Context& ctx, const Tensor& self) {                                                             \
    return special_function<special_ops::op, halves>(ctx, float_or_default(self.dtype()), nullptr, Operand(self)); \
  }                                                                                                                \
  inline Tensor op##_(Context& ctx, const Tensor& self) {                                                          \
    return special_function<special_ops::op, halves>(ctx, float_or_default(self.dtype()), &self, Operand(self));   \
  }
TSC_SPECIAL_UNARY(lgamma, Halves::kTaken)
TSC_SPECIAL_UNARY(digamma, Halves::kTaken)
TSC_SPECIAL_UNARY(erfinv, Halves::kTaken)
TSC_SPECIAL_UNARY(i0, Halves::kTaken)
TSC_SPECIAL_UNARY(special_i0e, Halves::kTaken)
TSC_SPECIAL_UNARY(special_i1, Halves::kTaken)
TSC_SPECIAL_UNARY(special_i1e, Halves::kTaken)
TSC_SPECIAL_UNARY(special_ndtri, Halves::kRefused)
TSC_SPECIAL_UNARY(special_erfcx, Halves::kRefused)
TSC_SPECIAL_UNARY(special_airy_ai, Halves::kRefused)
TSC_SPECIAL_UNARY(special_bessel_j0, Halves::kRefused)
TSC_SPECIAL_UNARY(special_bessel_j1, Halves::kRefused)
TSC_SPECIAL_UNARY(special_bessel_y0, Halves::kRefused)
TSC_SPECIAL_UNARY(special_bessel_y1, Halves::kRefused)
TSC_SPECIAL_UNARY(special_modified_bessel_k0, Halves::kRefused)
TSC_SPECIAL_UNARY(special_modified_bessel_k1, Halves::kRefused)
TSC_SPECIAL_UNARY(special_scaled_modified_bessel_k0, Halves::kRefused)
TSC_SPECIAL_UNARY(special_scaled_modified_bessel_k1, Halves::kRefused)
TSC_SPECIAL_UNARY(special_modified_bessel_i0, Halves::kRefused)
TSC_SPECIAL_UNARY(special_modified_bessel_i1, Halves::kRefused)
#undef TSC_SPECIAL_UNARY

#define TSC_SPECIAL_BINARY(op, halves)                                                                               \
  inline Tensor op(Context& ctx, const Operand& self, const Operand& other) {                                        \
    return special_function<special_ops::op, halves>(ctx, float_or_default(result_type(self, other)), nullptr, self, \
                                                     other);                                                         \
  }
TSC_SPECIAL_BINARY(special_zeta, Halves::kRefused)
TSC_SPECIAL_BINARY(special_chebyshev_polynomial_t, Halves::kRefused)
TSC_SPECIAL_BINARY(special_chebyshev_polynomial_u, Halves::kRefused)
TSC_SPECIAL_BINARY(special_chebyshev_polynomial_v, Halves::kRefused)
TSC_SPECIAL_BINARY(special_chebyshev_polynomial_w, Halves::kRefused)
TSC_SPECIAL_BINARY(special_shifted_chebyshev_polynomial_t, Halves::kRefused)
TSC_SPECIAL_BINARY(special_shifted_chebyshev_polynomial_u, Halves::kRefused)
TSC_SPECIAL_BINARY(special_shifted_chebyshev_polynomial_v, Halves::kRefused)
TSC_SPECIAL_BINARY(special_shifted_chebyshev_polynomial_w, Halves::kRefused)
TSC_SPECIAL_BINARY(special_hermite_polynomial_h, Halves::kRefused)
TSC_SPECIAL_BINARY(special_hermite_polynomial_he, Halves::kRefused)
TSC_SPECIAL_BINARY(special_laguerre_polynomial_l, Halves::kRefused)
TSC_SPECIAL_BINARY(special_legendre_polynomial_p, Halves::kRefused)
#undef TSC_SPECIAL_BINARY

// Of operands that keep their dtype.
#define TSC_SAME_BINARY(op, halves)                                                                         \
  inline Tensor op(Context& ctx, const Tensor& self, const Tensor& other) {                                 \
    return special_function<special_ops::op, halves>(ctx, result_type(self, other), nullptr, Operand(self), \
                                                     Operand(other));                                       \
  }                                                                                                         \
  inline Tensor op##_(Context& ctx, const Tensor& self, const Tensor& other) {                              \
    return special_function<special_ops::op, halves>(ctx, result_type(self, other), &self, Operand(self),   \
                                                     Operand(other));                                       \
  }
TSC_SAME_BINARY(igamma, Halves::kTaken)
TSC_SAME_BINARY(igammac, Halves::kTaken)
TSC_SAME_BINARY(hypot, Halves::kTaken)
TSC_SAME_BINARY(gcd, Halves::kTaken)
TSC_SAME_BINARY(lcm, Halves::kTaken)
#undef TSC_SAME_BINARY

inline Tensor nextafter_to(Context& ctx, const Tensor& self, const Tensor& other, const Tensor* destination) {
  const DType dtype = result_type(self, other);
  const Operand a(self), b(other);
  if (dtype == DType::kFloat16)
    return pointwise<special_ops::nextafter_float16>(ctx, dtype, dtype, destination, {}, a, b);
  if (dtype == DType::kBFloat16)
    return pointwise<special_ops::nextafter_bfloat16>(ctx, dtype, dtype, destination, {}, a, b);
  return pointwise<special_ops::nextafter>(ctx, dtype, dtype, destination, {}, a, b);
}
inline Tensor nextafter(Context& ctx, const Tensor& self, const Tensor& other) {
  return nextafter_to(ctx, self, other, nullptr);
}
inline Tensor nextafter_(Context& ctx, const Tensor& self, const Tensor& other) {
  return nextafter_to(ctx, self, other, &self);
}

inline Tuple<Tensor, Tensor> frexp(Context& ctx, const Tensor& self) {
  const Operand operand(self);
  return {pointwise<special_ops::frexp_mantissa>(ctx, self.dtype(), self.dtype(), nullptr, {}, operand),
          pointwise<special_ops::frexp_exponent>(ctx, self.dtype(), DType::kInt32, nullptr, {}, operand)};
}

}  // namespace tsc::ops
