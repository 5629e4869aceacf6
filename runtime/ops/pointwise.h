// Pointwise ops with PyTorch's promotion and broadcasting, their in-place twins, and conversions. The arithmetic itself
// is tsc::math, which fused groups use too.
#pragma once

#include "runtime/ops/convert.h"
#include "runtime/ops/pointwise_loop.h"

namespace tsc::ops {

namespace pointwise_ops {

// call() of an op whose function in tsc::math has the same name and only tensor operands.
#define TSC_POINTWISE_1(op, types)                        \
  struct op {                                             \
    static constexpr const char* kName = #op;             \
    static constexpr int kInputs = 1;                     \
    static constexpr unsigned kTypes = types;             \
    template <class V>                                    \
    static TSC_INLINE auto call(const Element<V>*, V x) { \
      return math::op(x);                                 \
    }                                                     \
  };
#define TSC_POINTWISE_2(op, types)                             \
  struct op {                                                  \
    static constexpr const char* kName = #op;                  \
    static constexpr int kInputs = 2;                          \
    static constexpr unsigned kTypes = types;                  \
    template <class V>                                         \
    static TSC_INLINE auto call(const Element<V>*, V a, V b) { \
      return math::op(a, b);                                   \
    }                                                          \
  };

TSC_POINTWISE_1(exp, kFloats | kComplexes)
TSC_POINTWISE_1(exp2, kFloats | kComplexes)
TSC_POINTWISE_1(expm1, kFloats | kComplexes)
TSC_POINTWISE_1(log, kFloats | kComplexes)
TSC_POINTWISE_1(log2, kFloats | kComplexes)
TSC_POINTWISE_1(log10, kFloats | kComplexes)
TSC_POINTWISE_1(log1p, kFloats | kComplexes)
TSC_POINTWISE_1(sqrt, kFloats | kComplexes)
TSC_POINTWISE_1(rsqrt, kFloats | kComplexes)
TSC_POINTWISE_1(sin, kFloats | kComplexes)
TSC_POINTWISE_1(cos, kFloats | kComplexes)
TSC_POINTWISE_1(tan, kFloats | kComplexes)
TSC_POINTWISE_1(asin, kFloats | kComplexes)
TSC_POINTWISE_1(acos, kFloats | kComplexes)
TSC_POINTWISE_1(atan, kFloats | kComplexes)
TSC_POINTWISE_1(sinh, kFloats | kComplexes)
TSC_POINTWISE_1(cosh, kFloats | kComplexes)
TSC_POINTWISE_1(tanh, kFloats | kComplexes)
TSC_POINTWISE_1(asinh, kFloats | kComplexes)
TSC_POINTWISE_1(acosh, kFloats | kComplexes)
TSC_POINTWISE_1(atanh, kFloats | kComplexes)
TSC_POINTWISE_1(erf, kFloats)
TSC_POINTWISE_1(erfc, kFloats)
TSC_POINTWISE_1(sigmoid, kFloats | kComplexes)
TSC_POINTWISE_1(relu, kInts | kFloats | kLight)
TSC_POINTWISE_1(abs, kInts | kFloats | kComplexes | kLight)
TSC_POINTWISE_1(ceil, kInts | kFloats | kLight)
TSC_POINTWISE_1(floor, kInts | kFloats | kLight)
TSC_POINTWISE_1(trunc, kInts | kFloats | kLight)
TSC_POINTWISE_1(round, kInts | kFloats | kLight)
TSC_POINTWISE_1(sign, kBools | kInts | kFloats | kLight)
TSC_POINTWISE_1(bitwise_not, kInts | kLight)
TSC_POINTWISE_1(silu, kFloats | kComplexes)
TSC_POINTWISE_1(hardsigmoid, kFloats | kLight)
TSC_POINTWISE_1(hardswish, kFloats | kLight)
TSC_POINTWISE_1(mish, kFloats)
TSC_POINTWISE_1(log_sigmoid, kFloats)
TSC_POINTWISE_1(selu, kFloats)
TSC_POINTWISE_1(frac, kFloats | kLight)
TSC_POINTWISE_1(logical_not, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_1(isnan, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_1(signbit, kBools | kInts | kFloats)
TSC_POINTWISE_1(isinf, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_1(isfinite, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_2(fmod, kInts | kFloats)
TSC_POINTWISE_2(remainder, kInts | kFloats)
TSC_POINTWISE_2(floor_divide, kInts | kFloats)
TSC_POINTWISE_2(div_trunc, kInts | kFloats)
TSC_POINTWISE_2(pow, kInts | kFloats | kComplexes)
TSC_POINTWISE_2(maximum, kBools | kInts | kFloats | kLight)
TSC_POINTWISE_2(minimum, kBools | kInts | kFloats | kLight)
TSC_POINTWISE_2(atan2, kFloats)
TSC_POINTWISE_2(copysign, kFloats | kLight)
TSC_POINTWISE_2(lt, kBools | kInts | kFloats)
TSC_POINTWISE_2(le, kBools | kInts | kFloats)
TSC_POINTWISE_2(gt, kBools | kInts | kFloats)
TSC_POINTWISE_2(ge, kBools | kInts | kFloats)
TSC_POINTWISE_2(logical_and, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_2(logical_or, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_2(logical_xor, kBools | kInts | kFloats | kComplexes)
TSC_POINTWISE_2(bitwise_and, kBools | kInts | kLight)
TSC_POINTWISE_2(bitwise_or, kBools | kInts | kLight)
TSC_POINTWISE_2(bitwise_xor, kBools | kInts | kLight)
TSC_POINTWISE_2(bitwise_left_shift, kInts)
TSC_POINTWISE_2(bitwise_right_shift, kInts)
#undef TSC_POINTWISE_1
#undef TSC_POINTWISE_2

// Ops with Scalar operands (`n`), or that take complex numbers.
#define TSC_POINTWISE(op, inputs, types, parameters, result)         \
  struct op {                                                        \
    static constexpr const char* kName = #op;                        \
    static constexpr int kInputs = inputs;                           \
    static constexpr unsigned kTypes = types;                        \
    template <class V>                                               \
    static TSC_INLINE auto call parameters {                         \
      using E = Element<V>;                                          \
      [[maybe_unused]] constexpr bool kComplexValue = kIsComplex<E>; \
      result                                                         \
    }                                                                \
  };
#define TSC_BY_VALUE(complex_case, real_case) \
  if constexpr (kComplexValue) {              \
    return complex_case;                      \
  } else {                                    \
    return real_case;                         \
  }

TSC_POINTWISE(neg, 1, kInts | kFloats | kComplexes | kLight, (const Element<V>*, V x), TSC_BY_VALUE(-x, math::neg(x)))
TSC_POINTWISE(square, 1, kInts | kFloats | kComplexes | kLight, (const Element<V>*, V x),
              TSC_BY_VALUE(x* x, math::square(x)))
TSC_POINTWISE(reciprocal, 1, kFloats | kComplexes | kLight, (const Element<V>*, V x),
              TSC_BY_VALUE(E(1) / x, math::reciprocal(x)))
TSC_POINTWISE(add, 2, kBools | kInts | kFloats | kComplexes | kWideNumbers | kLight, (const Element<V>* n, V a, V b),
              TSC_BY_VALUE(a + n[0] * b, math::add(a, b, n[0])))
TSC_POINTWISE(sub, 2, kInts | kFloats | kComplexes | kWideNumbers | kLight, (const Element<V>* n, V a, V b),
              TSC_BY_VALUE(a - n[0] * b, math::sub(a, b, n[0])))
TSC_POINTWISE(mul, 2, kBools | kInts | kFloats | kComplexes | kWideNumbers | kLight, (const Element<V>*, V a, V b),
              TSC_BY_VALUE(a* b, math::mul(a, b)))
TSC_POINTWISE(div, 2, kFloats | kComplexes | kWideNumbers | kLight, (const Element<V>*, V a, V b),
              TSC_BY_VALUE(a / b, math::div(a, b)))
TSC_POINTWISE(eq, 2, kBools | kInts | kFloats | kComplexes, (const Element<V>*, V a, V b),
              TSC_BY_VALUE(a == b, math::eq(a, b)))
TSC_POINTWISE(ne, 2, kBools | kInts | kFloats | kComplexes, (const Element<V>*, V a, V b),
              TSC_BY_VALUE(!(a == b), math::ne(a, b)))
TSC_POINTWISE(where, 3, kBools | kInts | kFloats | kComplexes, (const Element<V>*, V condition, V a, V b),
              TSC_BY_VALUE(condition == E(0) ? b : a, tsc::select(tsc::convert<bool>(condition), a, b)))
TSC_POINTWISE(addcmul, 3, kInts | kFloats | kComplexes | kLight, (const Element<V>* n, V x, V a, V b),
              TSC_BY_VALUE(x + n[0] * a * b, math::addcmul(x, a, b, n[0])))
TSC_POINTWISE(fma, 3, kFloats | kLight, (const Element<V>*, V a, V b, V c), { return math::fma(a, b, c); })
TSC_POINTWISE(addcdiv, 3, kFloats | kComplexes | kLight, (const Element<V>* n, V x, V a, V b),
              TSC_BY_VALUE(x + n[0] * a / b, math::addcdiv(x, a, b, n[0])))
TSC_POINTWISE(lerp, 3, kFloats | kComplexes | kWideNumbers | kLight, (const Element<V>*, V a, V b, V weight),
              { return math::lerp(a, b, weight); })
TSC_POINTWISE(clamp_tensor, 3, kInts | kFloats | kLight, (const Element<V>*, V x, V low, V high),
              { return math::clamp_tensor(x, low, high); })
TSC_POINTWISE(clamp, 1, kInts | kFloats | kLight, (const Element<V>* n, V x),
              { return math::clamp_tensor(x, splat<V>(n[0]), splat<V>(n[1])); })
TSC_POINTWISE(hardtanh, 1, kInts | kFloats | kLight, (const Element<V>* n, V x),
              { return math::hardtanh(x, n[0], n[1]); })
TSC_POINTWISE(threshold, 1, kInts | kFloats | kLight, (const Element<V>* n, V x),
              { return math::threshold(x, n[0], n[1]); })
TSC_POINTWISE(leaky_relu, 1, kFloats | kLight, (const Element<V>* n, V x), { return math::leaky_relu(x, n[0]); })
TSC_POINTWISE(elu, 1, kFloats, (const Element<V>* n, V x), { return math::elu(x, n[0], n[1], n[2]); })
TSC_POINTWISE(gelu, 1, kFloats, (const Element<V>*, V x), { return math::gelu(x); })
TSC_POINTWISE(gelu_tanh, 1, kFloats, (const Element<V>*, V x), { return math::gelu_tanh(x); })
TSC_POINTWISE(softplus, 1, kFloats, (const Element<V>* n, V x), { return math::softplus(x, n[0], n[1]); })
TSC_POINTWISE(hardshrink, 1, kFloats | kLight, (const Element<V>* n, V x), { return math::hardshrink(x, n[0]); })
TSC_POINTWISE(softshrink, 1, kFloats | kLight, (const Element<V>* n, V x), { return math::softshrink(x, n[0]); })
TSC_POINTWISE(pow_scalar, 1, kFloats, (const Element<V>* n, V x),
              { return math::pow_scalar(x, static_cast<double>(n[0])); })
#undef TSC_BY_VALUE
#undef TSC_POINTWISE

}  // namespace pointwise_ops

// One operand.

#define TSC_FLOAT_UNARY(op)                                                             \
  inline Tensor op(Context& ctx, const Tensor& self) {                                  \
    const DType dtype = float_or_default(self.dtype());                                 \
    return pointwise<pointwise_ops::op>(ctx, dtype, dtype, nullptr, {}, Operand(self)); \
  }                                                                                     \
  inline Tensor op##_(Context& ctx, const Tensor& self) {                               \
    const DType dtype = float_or_default(self.dtype());                                 \
    return pointwise<pointwise_ops::op>(ctx, dtype, dtype, &self, {}, Operand(self));   \
  }
TSC_FLOAT_UNARY(exp)
TSC_FLOAT_UNARY(exp2)
TSC_FLOAT_UNARY(expm1)
TSC_FLOAT_UNARY(log)
TSC_FLOAT_UNARY(log2)
TSC_FLOAT_UNARY(log10)
TSC_FLOAT_UNARY(log1p)
TSC_FLOAT_UNARY(sqrt)
TSC_FLOAT_UNARY(rsqrt)
TSC_FLOAT_UNARY(sin)
TSC_FLOAT_UNARY(cos)
TSC_FLOAT_UNARY(tan)
TSC_FLOAT_UNARY(asin)
TSC_FLOAT_UNARY(acos)
TSC_FLOAT_UNARY(atan)
TSC_FLOAT_UNARY(sinh)
TSC_FLOAT_UNARY(cosh)
TSC_FLOAT_UNARY(tanh)
TSC_FLOAT_UNARY(asinh)
TSC_FLOAT_UNARY(acosh)
TSC_FLOAT_UNARY(atanh)
TSC_FLOAT_UNARY(erf)
TSC_FLOAT_UNARY(erfc)
TSC_FLOAT_UNARY(sigmoid)
TSC_FLOAT_UNARY(reciprocal)
#undef TSC_FLOAT_UNARY

#define TSC_SAME_UNARY(op, ...)                                                                       \
  inline Tensor op(Context& ctx, const Tensor& self) {                                                \
    __VA_ARGS__                                                                                       \
    return pointwise<pointwise_ops::op>(ctx, self.dtype(), self.dtype(), nullptr, {}, Operand(self)); \
  }                                                                                                   \
  inline Tensor op##_(Context& ctx, const Tensor& self) {                                             \
    __VA_ARGS__                                                                                       \
    return pointwise<pointwise_ops::op>(ctx, self.dtype(), self.dtype(), &self, {}, Operand(self));   \
  }
#define TSC_REFUSE_BOOL(message) \
  if (self.dtype() == DType::kBool) return ctx.fail(ErrorKind::kRuntime, message);
TSC_SAME_UNARY(relu, TSC_REFUSE_BOOL("Boolean inputs not supported for relu"))
TSC_SAME_UNARY(neg, TSC_REFUSE_BOOL("Negation, the `-` operator, on a bool tensor is not supported. If you are trying "
                                    "to invert a mask, use the `~` or `logical_not()` operator instead."))
TSC_SAME_UNARY(ceil)
TSC_SAME_UNARY(floor)
TSC_SAME_UNARY(trunc)
TSC_SAME_UNARY(round)
TSC_SAME_UNARY(sign)
TSC_SAME_UNARY(silu)
TSC_SAME_UNARY(hardsigmoid)
TSC_SAME_UNARY(hardswish)
TSC_SAME_UNARY(mish)
TSC_SAME_UNARY(log_sigmoid)
TSC_SAME_UNARY(selu)
TSC_SAME_UNARY(frac)
#undef TSC_REFUSE_BOOL
#undef TSC_SAME_UNARY

// The size of a complex number is real.
inline Tensor abs(Context& ctx, const Tensor& self) {
  return pointwise<pointwise_ops::abs>(ctx, self.dtype(), real_dtype(self.dtype()), nullptr, {}, Operand(self));
}
inline Tensor abs_(Context& ctx, const Tensor& self) {
  if (ctx.ok() && tsc::is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "In-place abs is not supported for complex tensors.");
  }
  return pointwise<pointwise_ops::abs>(ctx, self.dtype(), self.dtype(), &self, {}, Operand(self));
}

#define TSC_PREDICATE(op)                                                                             \
  inline Tensor op(Context& ctx, const Tensor& self) {                                                \
    return pointwise<pointwise_ops::op>(ctx, self.dtype(), DType::kBool, nullptr, {}, Operand(self)); \
  }
TSC_PREDICATE(logical_not)
TSC_PREDICATE(isnan)
TSC_PREDICATE(signbit)
TSC_PREDICATE(isinf)
TSC_PREDICATE(isfinite)
#undef TSC_PREDICATE
inline Tensor logical_not_(Context& ctx, const Tensor& self) {
  return pointwise<pointwise_ops::logical_not>(ctx, self.dtype(), self.dtype(), &self, {}, Operand(self));
}

// ~ of a bool is its negation.
inline Tensor bitwise_not_to(Context& ctx, const Tensor& self, const Tensor* destination) {
  if (self.dtype() == DType::kBool) {
    return pointwise<pointwise_ops::logical_not>(ctx, DType::kBool, DType::kBool, destination, {}, Operand(self));
  }
  return pointwise<pointwise_ops::bitwise_not>(ctx, self.dtype(), self.dtype(), destination, {}, Operand(self));
}
inline Tensor bitwise_not(Context& ctx, const Tensor& self) { return bitwise_not_to(ctx, self, nullptr); }
inline Tensor bitwise_not_(Context& ctx, const Tensor& self) { return bitwise_not_to(ctx, self, &self); }

// The square of a bool is an integer, as any power by a number is.
inline Tensor square_to(Context& ctx, const Tensor& self, const Tensor* destination) {
  const DType dtype = self.dtype() == DType::kBool ? DType::kInt64 : self.dtype();
  return pointwise<pointwise_ops::square>(ctx, dtype, dtype, destination, {}, Operand(self));
}
inline Tensor square(Context& ctx, const Tensor& self) { return square_to(ctx, self, nullptr); }
inline Tensor square_(Context& ctx, const Tensor& self) { return square_to(ctx, self, &self); }

// One operand and Scalars that do not promote.

#define TSC_UNARY_WITH(op, parameters, ...)                                                                      \
  inline Tensor op parameters {                                                                                  \
    return pointwise<pointwise_ops::op>(ctx, self.dtype(), self.dtype(), nullptr, {__VA_ARGS__}, Operand(self)); \
  }                                                                                                              \
  inline Tensor op##_ parameters {                                                                               \
    return pointwise<pointwise_ops::op>(ctx, self.dtype(), self.dtype(), &self, {__VA_ARGS__}, Operand(self));   \
  }
TSC_UNARY_WITH(leaky_relu, (Context & ctx, const Tensor& self, const Scalar& negative_slope), negative_slope)
TSC_UNARY_WITH(elu,
               (Context & ctx, const Tensor& self, const Scalar& alpha, const Scalar& scale, const Scalar& input_scale),
               alpha, scale, input_scale)

// The same with Scalars that must be numbers of self's dtype.
inline Tensor threshold_to(Context& ctx, const Tensor& self, const Scalar& threshold, const Scalar& value,
                           const Tensor* destination) {
  const DType dtype = self.dtype();
  if (!number_fits(ctx, threshold, dtype) || !number_fits(ctx, value, dtype)) return {};
  return pointwise<pointwise_ops::threshold>(ctx, dtype, dtype, destination, {threshold, value}, Operand(self));
}
inline Tensor threshold(Context& ctx, const Tensor& self, const Scalar& threshold, const Scalar& value) {
  return threshold_to(ctx, self, threshold, value, nullptr);
}
inline Tensor threshold_(Context& ctx, const Tensor& self, const Scalar& threshold, const Scalar& value) {
  return threshold_to(ctx, self, threshold, value, &self);
}
// Of integers, the limits' fractions are cut off.
inline Tensor hardtanh_to(Context& ctx, const Tensor& self, const Scalar& min_val, const Scalar& max_val,
                          const Tensor* destination) {
  const DType dtype = self.dtype();
  const auto limit = [&](const Scalar& s) { return is_integral(dtype) ? Scalar(scalar_as<i64>(s)) : s; };
  const Scalar low = limit(min_val), high = limit(max_val);
  if (ctx.ok() && dtype == DType::kUInt8 && (low.to_int() < 0 || high.to_int() < 0)) {
    return ctx.fail(ErrorKind::kRuntime, "cannot do hardtanh on an unsigned type with negative limits");
  }
  if (!number_fits(ctx, low, dtype) || !number_fits(ctx, high, dtype)) return {};
  return pointwise<pointwise_ops::hardtanh>(ctx, dtype, dtype, destination, {low, high}, Operand(self));
}
inline Tensor hardtanh(Context& ctx, const Tensor& self, const Scalar& min_val, const Scalar& max_val) {
  return hardtanh_to(ctx, self, min_val, max_val, nullptr);
}
inline Tensor hardtanh_(Context& ctx, const Tensor& self, const Scalar& min_val, const Scalar& max_val) {
  return hardtanh_to(ctx, self, min_val, max_val, &self);
}
#undef TSC_UNARY_WITH
inline Tensor softplus(Context& ctx, const Tensor& self, const Scalar& beta, const Scalar& threshold) {
  return pointwise<pointwise_ops::softplus>(ctx, self.dtype(), self.dtype(), nullptr, {beta, threshold}, Operand(self));
}
inline Tensor hardshrink(Context& ctx, const Tensor& self, const Scalar& lambd) {
  return pointwise<pointwise_ops::hardshrink>(ctx, self.dtype(), self.dtype(), nullptr, {lambd}, Operand(self));
}
inline Tensor softshrink(Context& ctx, const Tensor& self, const Scalar& lambd) {
  if (ctx.ok() && !(lambd.to_double() >= 0)) {
    return ctx.fail(ErrorKind::kRuntime, "lambda must be greater or equal to 0, but found to be %g.",
                    lambd.to_double());
  }
  return pointwise<pointwise_ops::softshrink>(ctx, self.dtype(), self.dtype(), nullptr, {lambd}, Operand(self));
}
inline Tensor relu6(Context& ctx, const Tensor& self) { return hardtanh(ctx, self, 0, 6); }
inline Tensor relu6_(Context& ctx, const Tensor& self) { return hardtanh_(ctx, self, 0, 6); }

inline Tensor gelu_to(Context& ctx, const Tensor& self, const Str& approximate, const Tensor* destination) {
  if (approximate == Str("tanh")) {
    return pointwise<pointwise_ops::gelu_tanh>(ctx, self.dtype(), self.dtype(), destination, {}, Operand(self));
  }
  if (approximate == Str("none")) {
    return pointwise<pointwise_ops::gelu>(ctx, self.dtype(), self.dtype(), destination, {}, Operand(self));
  }
  return ctx.fail(ErrorKind::kRuntime, "approximate argument must be either none or tanh.");
}
inline Tensor gelu(Context& ctx, const Tensor& self, const Str& approximate) {
  return gelu_to(ctx, self, approximate, nullptr);
}
inline Tensor gelu_(Context& ctx, const Tensor& self, const Str& approximate) {
  return gelu_to(ctx, self, approximate, &self);
}

// Two operands.

// The checks of add and sub: no bool in a difference, and no fraction as alpha of integers.
inline bool alpha_ok(Context& ctx, DType common, const Scalar& alpha) {
  if (alpha.is_bool() && common != DType::kBool) {
    ctx.fail(ErrorKind::kRuntime, "Boolean alpha only supported for Boolean results.");
  } else if (is_integer_or_bool(common) && (alpha.is_float() || alpha.is_complex())) {
    ctx.fail(ErrorKind::kRuntime, "For integral input tensors, argument alpha must not be a floating point number.");
  }
  return ctx.ok();
}
inline bool difference_ok(Context& ctx, const Operand& a, const Operand& b) {
  const bool a_bool = a.dtype() == DType::kBool, b_bool = b.dtype() == DType::kBool;
  if (a_bool && b_bool) {
    ctx.fail(ErrorKind::kRuntime,
             "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
             "operator instead.");
  } else if (a_bool || b_bool) {
    ctx.fail(ErrorKind::kRuntime,
             "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
             "use the `~` or `logical_not()` operator instead.");
  }
  return ctx.ok();
}

inline Tensor add_to(Context& ctx, const Operand& self, const Operand& other, const Scalar& alpha,
                     const Tensor* destination) {
  const DType dtype = result_type(self, other);
  if (!alpha_ok(ctx, dtype, alpha)) return {};
  return pointwise<pointwise_ops::add>(ctx, dtype, dtype, destination, {alpha}, self, other);
}
inline Tensor sub_to(Context& ctx, const Operand& self, const Operand& other, const Scalar& alpha,
                     const Tensor* destination) {
  const DType dtype = result_type(self, other);
  if (!difference_ok(ctx, self, other) || !alpha_ok(ctx, dtype, alpha)) return {};
  return pointwise<pointwise_ops::sub>(ctx, dtype, dtype, destination, {alpha}, self, other);
}
inline Tensor add(Context& ctx, const Operand& self, const Operand& other, const Scalar& alpha = 1) {
  return add_to(ctx, self, other, alpha, nullptr);
}
inline Tensor add_(Context& ctx, const Tensor& self, const Operand& other, const Scalar& alpha = 1) {
  return add_to(ctx, self, other, alpha, &self);
}
inline Tensor sub(Context& ctx, const Operand& self, const Operand& other, const Scalar& alpha = 1) {
  return sub_to(ctx, self, other, alpha, nullptr);
}
inline Tensor sub_(Context& ctx, const Tensor& self, const Operand& other, const Scalar& alpha = 1) {
  return sub_to(ctx, self, other, alpha, &self);
}
inline Tensor rsub(Context& ctx, const Operand& self, const Operand& other, const Scalar& alpha = 1) {
  return sub_to(ctx, other, self, alpha, nullptr);
}

#define TSC_BINARY(op, dtype_of_result)                                                                       \
  inline Tensor op##_to(Context& ctx, const Operand& self, const Operand& other, const Tensor* destination) { \
    const DType dtype = dtype_of_result(result_type(self, other));                                            \
    return pointwise<pointwise_ops::op>(ctx, dtype, dtype, destination, {}, self, other);                     \
  }                                                                                                           \
  inline Tensor op(Context& ctx, const Operand& self, const Operand& other) {                                 \
    return op##_to(ctx, self, other, nullptr);                                                                \
  }                                                                                                           \
  inline Tensor op##_(Context& ctx, const Tensor& self, const Operand& other) {                               \
    return op##_to(ctx, self, other, &self);                                                                  \
  }
TSC_BINARY(mul, )
TSC_BINARY(div, float_or_default)
TSC_BINARY(maximum, )
TSC_BINARY(minimum, )
TSC_BINARY(atan2, float_or_default)
TSC_BINARY(copysign, float_or_default)
TSC_BINARY(bitwise_and, )
TSC_BINARY(bitwise_or, )
TSC_BINARY(bitwise_xor, )
TSC_BINARY(bitwise_left_shift, )
TSC_BINARY(bitwise_right_shift, )
#undef TSC_BINARY

// Comparisons write 0 and 1 into whatever dtype their in-place destination has.
#define TSC_COMPARISON(op)                                                                                             \
  inline Tensor op(Context& ctx, const Operand& self, const Operand& other) {                                          \
    return pointwise<pointwise_ops::op>(ctx, result_type(self, other), DType::kBool, nullptr, {}, self, other);        \
  }                                                                                                                    \
  inline Tensor op##_(Context& ctx, const Tensor& self, const Operand& other) {                                        \
    return pointwise<pointwise_ops::op>(ctx, result_type(self, other), self.dtype(), &self, {}, Operand(self), other); \
  }
TSC_COMPARISON(eq)
TSC_COMPARISON(ne)
TSC_COMPARISON(lt)
TSC_COMPARISON(le)
TSC_COMPARISON(gt)
TSC_COMPARISON(ge)
TSC_COMPARISON(logical_and)
TSC_COMPARISON(logical_or)
TSC_COMPARISON(logical_xor)
#undef TSC_COMPARISON

// Whether the divisor has an integer zero, which PyTorch refuses.
inline bool divisor_ok(Context& ctx, const Operand& divisor, DType common) {
  if (!ctx.ok() || !is_integral(common)) return ctx.ok();
  bool zero = divisor.is_number() && !divisor.number().to_bool();
  if (!divisor.is_number()) {
    const Tensor t = contiguous_as(ctx, divisor.tensor(), DType::kInt64);
    for (i64 i = 0; i < t.numel() && ctx.ok(); ++i) zero |= t.data<i64>()[i] == 0;
  }
  if (zero) ctx.fail(ErrorKind::kRuntime, "ZeroDivisionError");
  return ctx.ok();
}
#define TSC_DIVISION(op)                                                                                      \
  inline Tensor op##_to(Context& ctx, const Operand& self, const Operand& other, const Tensor* destination) { \
    const DType dtype = result_type(self, other);                                                             \
    if (!divisor_ok(ctx, other, dtype)) return {};                                                            \
    return pointwise<pointwise_ops::op>(ctx, dtype, dtype, destination, {}, self, other);                     \
  }
TSC_DIVISION(floor_divide)
TSC_DIVISION(remainder)
TSC_DIVISION(fmod)
TSC_DIVISION(div_trunc)
#undef TSC_DIVISION
inline Tensor floor_divide(Context& ctx, const Operand& self, const Operand& other) {
  return floor_divide_to(ctx, self, other, nullptr);
}
inline Tensor floor_divide_(Context& ctx, const Tensor& self, const Operand& other) {
  return floor_divide_to(ctx, self, other, &self);
}
inline Tensor remainder(Context& ctx, const Operand& self, const Operand& other) {
  return remainder_to(ctx, self, other, nullptr);
}
inline Tensor remainder_(Context& ctx, const Tensor& self, const Operand& other) {
  return remainder_to(ctx, self, other, &self);
}
inline Tensor fmod(Context& ctx, const Operand& self, const Operand& other) {
  return fmod_to(ctx, self, other, nullptr);
}
inline Tensor fmod_(Context& ctx, const Tensor& self, const Operand& other) { return fmod_to(ctx, self, other, &self); }

inline Tensor div_mode_to(Context& ctx, const Operand& self, const Operand& other, const Optional<Str>& rounding_mode,
                          const Tensor* destination) {
  if (!rounding_mode.has_value()) return div_to(ctx, self, other, destination);
  if (*rounding_mode == Str("floor")) return floor_divide_to(ctx, self, other, destination);
  if (*rounding_mode == Str("trunc")) return div_trunc_to(ctx, self, other, destination);
  return ctx.fail(ErrorKind::kRuntime,
                  "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '%.*s'",
                  static_cast<int>(rounding_mode->size()), rounding_mode->data());
}
inline Tensor div_mode(Context& ctx, const Operand& self, const Operand& other, const Optional<Str>& rounding_mode) {
  return div_mode_to(ctx, self, other, rounding_mode, nullptr);
}
inline Tensor div_mode_(Context& ctx, const Tensor& self, const Operand& other, const Optional<Str>& rounding_mode) {
  return div_mode_to(ctx, self, other, rounding_mode, &self);
}

inline Tensor pow_to(Context& ctx, const Operand& self, const Operand& exponent, const Tensor* destination) {
  DType dtype = result_type(self, exponent);
  if (exponent.is_number() && !self.is_number()) {
    if (is_integer_or_bool(dtype) && exponent.number().to_int() < 0) {
      return ctx.fail(ErrorKind::kRuntime, "Integers to negative integer powers are not allowed.");
    }
    if (dtype == DType::kBool) dtype = DType::kInt64;
    // Beside halves PyTorch rounds the exponent to their dtype, and takes roots of float16 by pow, where those of
    // -infinity and -0 are others.
    const double n = exponent.number().to_double();
    const bool is_product = n == 2 || n == 3 || n == -1 || n == -2, is_root = n == 0.5 || n == -0.5;
    const bool by_scalar = dtype == DType::kFloat16 ? is_product : dtype != DType::kBFloat16 || is_product || is_root;
    if (is_floating(dtype) && by_scalar) {
      return pointwise<pointwise_ops::pow_scalar>(ctx, dtype, dtype, destination, {exponent.number()}, self);
    }
  }
  return pointwise<pointwise_ops::pow>(ctx, dtype, dtype, destination, {}, self, exponent);
}
inline Tensor pow(Context& ctx, const Operand& self, const Operand& exponent) {
  return pow_to(ctx, self, exponent, nullptr);
}
inline Tensor pow_(Context& ctx, const Tensor& self, const Operand& exponent) {
  return pow_to(ctx, self, exponent, &self);
}

// Three operands.

inline Tensor where(Context& ctx, const Tensor& condition, const Operand& self, const Operand& other) {
  if (ctx.ok() && condition.dtype() != DType::kBool && condition.dtype() != DType::kUInt8) {
    return ctx.fail(ErrorKind::kRuntime,
                    "where expected condition to be a boolean tensor, but got a tensor with dtype %s",
                    scalar_type_name(condition.dtype()));
  }
  const DType dtype = result_type(self, other);
  // The condition is read as the common dtype; a 0-d one must not be narrowed to it first, which bool cannot suffer.
  return pointwise<pointwise_ops::where>(ctx, dtype, dtype, nullptr, {}, Operand(condition), self, other);
}

// `value` is a number or a 0-d tensor, which is converted to self's dtype.
inline Tensor masked_fill_to(Context& ctx, const Tensor& self, const Tensor& mask, const Operand& value,
                             const Tensor* destination) {
  if (!ctx.ok()) return {};
  if (mask.dtype() != DType::kBool) {
    return ctx.fail(ErrorKind::kRuntime, "masked_fill_ only supports boolean masks, but got mask with dtype %s",
                    dtype_name(mask.dtype()));
  }
  if (value.dim() > 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with %lld dimension(s).",
                    static_cast<long long>(value.dim()));
  }
  const DType dtype = self.dtype();
  const Scalar number = value.is_number() ? value.number() : load_scalar(value.tensor().bytes(), value.dtype());
  if (!number_fits(ctx, number, dtype)) return {};
  return pointwise<pointwise_ops::where>(ctx, dtype, dtype, destination, {}, Operand(mask), value, Operand(self));
}
inline Tensor masked_fill(Context& ctx, const Tensor& self, const Tensor& mask, const Operand& value) {
  return contiguous_as(ctx, masked_fill_to(ctx, self, mask, value, nullptr), self.dtype());
}
inline Tensor masked_fill_(Context& ctx, const Tensor& self, const Tensor& mask, const Operand& value) {
  return masked_fill_to(ctx, self, mask, value, &self);
}

inline Tensor addcmul_to(Context& ctx, const Operand& self, const Operand& tensor1, const Operand& tensor2,
                         const Scalar& value, const Tensor* destination) {
  const DType dtype = result_type(self, tensor1, tensor2);
  return pointwise<pointwise_ops::addcmul>(ctx, dtype, dtype, destination, {value}, self, tensor1, tensor2);
}
inline Tensor addcdiv_to(Context& ctx, const Operand& self, const Operand& tensor1, const Operand& tensor2,
                         const Scalar& value, const Tensor* destination) {
  if (is_integer_or_bool(tensor1.dtype()) && is_integer_or_bool(tensor2.dtype())) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
                    "perform a true division of tensor1 and tensor2.");
  }
  const DType dtype = result_type(self, tensor1, tensor2);
  return pointwise<pointwise_ops::addcdiv>(ctx, dtype, dtype, destination, {value}, self, tensor1, tensor2);
}
inline Tensor fma(Context& ctx, const Operand& self, const Operand& factor, const Operand& addend) {
  const DType dtype = result_type(self, factor, addend);
  return pointwise<pointwise_ops::fma>(ctx, dtype, dtype, nullptr, {}, self, factor, addend);
}
inline Tensor addcmul(Context& ctx, const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                      const Scalar& value = 1) {
  return addcmul_to(ctx, self, tensor1, tensor2, value, nullptr);
}
inline Tensor addcmul_(Context& ctx, const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       const Scalar& value = 1) {
  return addcmul_to(ctx, self, tensor1, tensor2, value, &self);
}
inline Tensor addcdiv(Context& ctx, const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                      const Scalar& value = 1) {
  return addcdiv_to(ctx, self, tensor1, tensor2, value, nullptr);
}
inline Tensor addcdiv_(Context& ctx, const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       const Scalar& value = 1) {
  return addcdiv_to(ctx, self, tensor1, tensor2, value, &self);
}

inline Tensor lerp_to(Context& ctx, const Tensor& self, const Tensor& end, const Operand& weight,
                      const Tensor* destination) {
  if (ctx.ok() && self.dtype() != end.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "expected dtype %s for `end` but got dtype %s", dtype_name(self.dtype()),
                    dtype_name(end.dtype()));
  }
  return pointwise<pointwise_ops::lerp>(ctx, self.dtype(), self.dtype(), destination, {}, Operand(self), Operand(end),
                                        weight);
}
inline Tensor lerp(Context& ctx, const Tensor& self, const Tensor& end, const Operand& weight) {
  return lerp_to(ctx, self, end, weight, nullptr);
}
inline Tensor lerp_(Context& ctx, const Tensor& self, const Tensor& end, const Operand& weight) {
  return lerp_to(ctx, self, end, weight, &self);
}

// Clamps. Limits take part in promotion; a NaN limit, like a NaN element, gives NaN.

inline Tensor clamp_to(Context& ctx, const Tensor& self, const Operand* low, const Operand* high,
                       const Tensor* destination) {
  if (low == nullptr && high == nullptr) {
    return ctx.fail(ErrorKind::kRuntime, "torch.clamp: At least one of 'min' or 'max' must not be None");
  }
  ResultType type;
  type.add(self);
  if (low != nullptr) type.add(*low);
  if (high != nullptr) type.add(*high);
  const DType dtype = type.get();
  const auto fits = [&](const Operand* limit) {
    return limit == nullptr || !limit->is_number() || number_fits(ctx, limit->number(), dtype);
  };
  if (!fits(low) || !fits(high)) return {};
  if (high == nullptr) {
    return pointwise<pointwise_ops::maximum>(ctx, dtype, dtype, destination, {}, Operand(self), *low);
  }
  if (low == nullptr) {
    return pointwise<pointwise_ops::minimum>(ctx, dtype, dtype, destination, {}, Operand(self), *high);
  }
  const bool half = dtype == DType::kFloat16 || dtype == DType::kBFloat16;  // the limits are rounded to these
  if (low->is_number() && high->is_number() && !half) {
    const Scalar limits[] = {low->number(), high->number(), Scalar()};
    return pointwise<pointwise_ops::clamp>(ctx, dtype, dtype, destination, limits, Operand(self));
  }
  return pointwise<pointwise_ops::clamp_tensor>(ctx, dtype, dtype, destination, {}, Operand(self), *low, *high);
}
template <class T>
Tensor clamp_optional(Context& ctx, const Tensor& self, const Optional<T>& low, const Optional<T>& high,
                      const Tensor* destination) {
  const Operand low_operand(*low), high_operand(*high);
  return clamp_to(ctx, self, low.has_value() ? &low_operand : nullptr, high.has_value() ? &high_operand : nullptr,
                  destination);
}
inline Tensor clamp(Context& ctx, const Tensor& self, const Optional<Scalar>& min, const Optional<Scalar>& max) {
  return clamp_optional(ctx, self, min, max, nullptr);
}
inline Tensor clamp_(Context& ctx, const Tensor& self, const Optional<Scalar>& min, const Optional<Scalar>& max) {
  return clamp_optional(ctx, self, min, max, &self);
}
inline Tensor clamp_tensor(Context& ctx, const Tensor& self, const Optional<Tensor>& min, const Optional<Tensor>& max) {
  return clamp_optional(ctx, self, min, max, nullptr);
}
inline Tensor clamp_tensor_(Context& ctx, const Tensor& self, const Optional<Tensor>& min,
                            const Optional<Tensor>& max) {
  return clamp_optional(ctx, self, min, max, &self);
}
inline Tensor clamp_min(Context& ctx, const Tensor& self, const Operand& min) {
  return clamp_to(ctx, self, &min, nullptr, nullptr);
}
inline Tensor clamp_min_(Context& ctx, const Tensor& self, const Operand& min) {
  return clamp_to(ctx, self, &min, nullptr, &self);
}
inline Tensor clamp_max(Context& ctx, const Tensor& self, const Operand& max) {
  return clamp_to(ctx, self, nullptr, &max, nullptr);
}
inline Tensor clamp_max_(Context& ctx, const Tensor& self, const Operand& max) {
  return clamp_to(ctx, self, nullptr, &max, &self);
}

}  // namespace tsc::ops
