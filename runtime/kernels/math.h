// The pointwise ops of compiler/ir/ops.def on values V (a Vec or a scalar; see vec.h), with PyTorch's results for NaN,
// infinities, signed zeros, integers and bool. Fused groups are written with these functions.
//
// Operands that are tensors in the schema have the same V: the caller converts them to the op's dtype first with
// convert<T>(v). Comparisons, logical ops and isnan, isinf, isfinite return Mask<V>. Operands that are Scalars in the
// schema are numbers or a V; use like<T>(v, x) where a tensor operand is a number.
//
// Integer division by zero gives 0 here, while PyTorch raises: the compiler leaves such ops to the generic runtime
// unless the divisor is a constant.
#pragma once

#include "runtime/kernels/elementary.h"

namespace tsc::math {

// A value of T with as many lanes as v, all equal to x.
template <class T, class V>
TSC_INLINE Rebind<V, T> like(V, T x) {
  return splat<Rebind<V, T>>(x);
}

// A Scalar operand as a V.
template <class V, class S>
TSC_INLINE V spread(S x) {
  if constexpr (kSame<S, V>) {
    return x;
  } else {
    return splat<V>(static_cast<Element<V>>(x));
  }
}

// Integer arithmetic wraps, as it does in PyTorch: operators are applied to unsigned values.
namespace detail {

template <class V>
struct WrappingOf {
  using Type = uint64_t;
};
template <class V>
  requires kIsVector<V>
struct WrappingOf<V> {
  using Type = Rebind<V, typename tsc::detail::UnsignedOf<sizeof(Element<V>)>::Type>;
};

}  // namespace detail
template <IntegerValue V>
TSC_INLINE typename detail::WrappingOf<V>::Type wrapping(V x) {
  return (typename detail::WrappingOf<V>::Type)x;
}

// One operand, dtype kept.

template <class V>
TSC_INLINE V clone(V x) {
  return x;
}
template <class V>
TSC_INLINE V contiguous(V x) {
  return x;
}

template <class V>
TSC_INLINE V neg(V x) {
  if constexpr (FloatValue<V>) {
    return -x;
  } else {
    return (V)-wrapping(x);
  }
}

template <class V>
TSC_INLINE V abs(V x) {
  if constexpr (FloatValue<V>) {
    return tsc::abs(x);
  } else {
    return select(less(x, splat<V>(0)), neg(x), x);
  }
}

#define TSC_ROUNDING(name, function) \
  template <class V>                 \
  TSC_INLINE V name(V x) {           \
    if constexpr (FloatValue<V>) {   \
      return function(x);            \
    } else {                         \
      return x;                      \
    }                                \
  }
TSC_ROUNDING(ceil, tsc::ceil)
TSC_ROUNDING(floor, tsc::floor)
TSC_ROUNDING(trunc, tsc::trunc)
TSC_ROUNDING(round, tsc::round_even)
#undef TSC_ROUNDING

template <FloatValue V>
TSC_INLINE V frac(V x) {
  return x - tsc::trunc(x);
}

template <class V>
TSC_INLINE V sign(V x) {
  if constexpr (BoolValue<V>) {
    return x;
  } else {
    const V zero = splat<V>(0), one = splat<V>(1);
    return select(less(zero, x), one, zero) - select(less(x, zero), one, zero);
  }
}

template <class V>
TSC_INLINE V bitwise_not(V x) {
  if constexpr (BoolValue<V>) {
    return mask_not(x);
  } else {
    return ~x;
  }
}

template <FloatValue V>
TSC_INLINE V sqrt(V x) {
  return tsc::sqrt(x);
}
template <FloatValue V>
TSC_INLINE V rsqrt(V x) {
  return splat<V>(1) / tsc::sqrt(x);
}
template <FloatValue V>
TSC_INLINE V reciprocal(V x) {
  return splat<V>(1) / x;
}

// Classification.

template <class V>
TSC_INLINE Mask<V> isnan(V x) {
  if constexpr (FloatValue<V>) {
    return not_equal(x, x);
  } else {
    return splat<Mask<V>>(false);
  }
}

// Of a NaN and of a zero, too.
template <class V>
TSC_INLINE Mask<V> signbit(V x) {
  if constexpr (FloatValue<V>) {
    return less(copy_sign(splat<V>(1), x), splat<V>(0));
  } else if constexpr (BoolValue<V>) {
    return splat<Mask<V>>(false);
  } else {
    return less(x, splat<V>(0));
  }
}

template <class V>
TSC_INLINE Mask<V> isinf(V x) {
  if constexpr (FloatValue<V>) {
    return equal(tsc::abs(x), splat<V>(kInfinity<V>));
  } else {
    return splat<Mask<V>>(false);
  }
}

template <class V>
TSC_INLINE Mask<V> isfinite(V x) {
  if constexpr (FloatValue<V>) {
    return less(tsc::abs(x), splat<V>(kInfinity<V>));
  } else {
    return splat<Mask<V>>(true);
  }
}

// Arithmetic of two operands. On bool, add is `or` and mul is `and`.

template <class V>
TSC_INLINE V add(V a, V b) {
  if constexpr (BoolValue<V>) {
    return mask_or(a, b);
  } else if constexpr (FloatValue<V>) {
    return a + b;
  } else {
    return (V)(wrapping(a) + wrapping(b));
  }
}

template <class V>
TSC_INLINE V mul(V a, V b) {
  if constexpr (BoolValue<V>) {
    return mask_and(a, b);
  } else if constexpr (FloatValue<V>) {
    return a * b;
  } else {
    return (V)(wrapping(a) * wrapping(b));
  }
}

template <class V>
TSC_INLINE V sub(V a, V b) {
  if constexpr (FloatValue<V>) {
    return a - b;
  } else {
    return (V)(wrapping(a) - wrapping(b));
  }
}
template <class V>
TSC_INLINE V rsub(V a, V b) {
  return sub(b, a);
}
template <class V>
TSC_INLINE V square(V x) {
  return mul(x, x);
}

// a + alpha * b and its kin.
template <class V, class S>
TSC_INLINE V add(V a, V b, S alpha) {
  if constexpr (FloatValue<V>) {
    return fma(b, spread<V>(alpha), a);
  } else {
    return add(a, mul(b, spread<V>(alpha)));
  }
}
template <class V, class S>
TSC_INLINE V sub(V a, V b, S alpha) {
  return add(a, b, neg(spread<V>(alpha)));
}
template <class V, class S>
TSC_INLINE V rsub(V a, V b, S alpha) {
  return sub(b, a, alpha);
}

template <FloatValue V>
TSC_INLINE V div(V a, V b) {
  return a / b;
}

namespace detail {

// a / b toward zero without the traps of b == 0 and b == -1.
template <IntegerValue V>
TSC_INLINE V divide_integers(V a, V b) {
  const V zero = splat<V>(0), one = splat<V>(1);
  Mask<V> special = equal(b, zero);
  V exact = zero;
  if constexpr (static_cast<Element<V>>(-1) < 0) {
    const Mask<V> minus = equal(b, splat<V>(-1));
    exact = select(minus, neg(a), zero);
    special = mask_or(special, minus);
  }
  return select(special, exact, V(a / select(special, one, b)));
}

}  // namespace detail

template <IntegerValue V>
TSC_INLINE V fmod(V a, V b) {
  return sub(a, mul(detail::divide_integers(a, b), b));
}

// Python's %: the result has the sign of b.
template <class V>
TSC_INLINE V remainder(V a, V b) {
  const V zero = splat<V>(0);
  const V rest = fmod(a, b);
  const Mask<V> across = mask_and(not_equal(rest, zero), not_equal(less(b, zero), less(rest, zero)));
  return select(across, add(rest, b), rest);
}

// div(rounding_mode="trunc").
template <class V>
TSC_INLINE V div_trunc(V a, V b) {
  if constexpr (FloatValue<V>) {
    return tsc::trunc(a / b);
  } else {
    return detail::divide_integers(a, b);
  }
}

// div(rounding_mode="floor"), Python's //.
template <class V>
TSC_INLINE V floor_divide(V a, V b) {
  const V zero = splat<V>(0), one = splat<V>(1);
  const V rest = fmod(a, b);
  const Mask<V> across = mask_and(not_equal(rest, zero), not_equal(less(b, zero), less(rest, zero)));
  if constexpr (FloatValue<V>) {
    // (a - rest) / b is an integer up to rounding, and a zero takes the sign of the quotient.
    const V quotient = (a - rest) / b - select(across, one, zero);
    const V floored = tsc::floor(quotient);
    const V nearest = floored + select(less(splat<V>(0.5), quotient - floored), one, zero);
    const V result = select(equal(quotient, zero), copy_sign(zero, a / b), nearest);
    return select(equal(b, zero), a / b, result);
  } else {
    return sub(detail::divide_integers(a, b), select(across, one, zero));
  }
}

// Integer powers wrap; a negative exponent gives 0 unless the base is 1 or -1.
template <IntegerValue V>
TSC_INLINE V pow(V base, V exponent) {
  using T = Element<V>;
  return map_lanes<T>(
      [](T b, T e) -> T {
        if (e < T(0)) {
          return b == T(1) ? T(1) : b == T(-1) ? ((e & 1) ? T(-1) : T(1)) : T(0);
        }
        uint64_t result = 1;
        for (uint64_t factor = static_cast<uint64_t>(b); e != 0; e = static_cast<T>(e >> 1), factor *= factor) {
          if (e & 1) result *= factor;
        }
        return static_cast<T>(result);
      },
      base, exponent);
}

// pow of a float by one number; PyTorch computes these exponents directly.
template <FloatValue V>
TSC_INLINE V pow_scalar(V x, double exponent) {
  if (exponent == 2.0) return x * x;
  if (exponent == 3.0) return x * x * x;
  if (exponent == 0.5) return tsc::sqrt(x);
  if (exponent == -0.5) return rsqrt(x);
  if (exponent == -1.0) return reciprocal(x);
  if (exponent == -2.0) return square(reciprocal(x));  // whose square is a number where that of x may not be
  return pow(x, splat<V>(static_cast<Element<V>>(exponent)));
}

// The larger or smaller; NaN when either is.
template <class V>
TSC_INLINE V maximum(V a, V b) {
  if constexpr (FloatValue<V>) {
    return select(isnan(b), b, tsc::max(a, b));
  } else if constexpr (BoolValue<V>) {
    return mask_or(a, b);
  } else {
    return tsc::max(a, b);
  }
}
template <class V>
TSC_INLINE V minimum(V a, V b) {
  if constexpr (FloatValue<V>) {
    return select(isnan(b), b, tsc::min(a, b));
  } else if constexpr (BoolValue<V>) {
    return mask_and(a, b);
  } else {
    return tsc::min(a, b);
  }
}

template <class V>
TSC_INLINE V bitwise_and(V a, V b) {
  return a & b;
}
template <class V>
TSC_INLINE V bitwise_or(V a, V b) {
  return a | b;
}
template <class V>
TSC_INLINE V bitwise_xor(V a, V b) {
  return a ^ b;
}

// Shifts by what is no number of places give what the last of the bits leave: 0, or the sign.

template <IntegerValue V>
TSC_INLINE V bitwise_left_shift(V a, V b) {
  const V zero = splat<V>(0), bits = splat<V>(8 * sizeof(Element<V>));
  const Mask<V> inside = mask_and(less_equal(zero, b), less(b, bits));
  return select(inside, V(a << select(inside, b, zero)), zero);
}
template <IntegerValue V>
TSC_INLINE V bitwise_right_shift(V a, V b) {
  constexpr bool kSigned = static_cast<Element<V>>(-1) < 0;
  const V zero = splat<V>(0), last = splat<V>(8 * sizeof(Element<V>) - 1);
  const Mask<V> inside = mask_and(less_equal(zero, b), less_equal(b, last));
  const V shifted = V(a >> select(inside, b, last));
  return kSigned ? shifted : select(inside, shifted, zero);
}

// Comparisons and logic.

template <class V>
TSC_INLINE Mask<V> eq(V a, V b) {
  return equal(a, b);
}
template <class V>
TSC_INLINE Mask<V> ne(V a, V b) {
  return not_equal(a, b);
}
template <class V>
TSC_INLINE Mask<V> lt(V a, V b) {
  return less(a, b);
}
template <class V>
TSC_INLINE Mask<V> le(V a, V b) {
  return less_equal(a, b);
}
template <class V>
TSC_INLINE Mask<V> gt(V a, V b) {
  return greater(a, b);
}
template <class V>
TSC_INLINE Mask<V> ge(V a, V b) {
  return greater_equal(a, b);
}
template <class V>
TSC_INLINE Mask<V> logical_not(V x) {
  return bitwise_not(convert<bool>(x));
}
template <class A, class B>
TSC_INLINE Mask<A> logical_and(A a, B b) {
  return mask_and(convert<bool>(a), convert<bool>(b));
}
template <class A, class B>
TSC_INLINE Mask<A> logical_or(A a, B b) {
  return mask_or(convert<bool>(a), convert<bool>(b));
}
template <class A, class B>
TSC_INLINE Mask<A> logical_xor(A a, B b) {
  return not_equal(convert<bool>(a), convert<bool>(b));
}

template <class V>
TSC_INLINE V where(Mask<V> condition, V a, V b) {
  return select(condition, a, b);
}
template <class V, class S>
TSC_INLINE V masked_fill(V x, Mask<V> mask, S value) {
  return select(mask, spread<V>(value), x);
}

// Three operands.

template <class V, class S = int>
TSC_INLINE V addcmul(V x, V a, V b, S value = 1) {
  if constexpr (FloatValue<V>) {
    return fma(spread<V>(value) * a, b, x);
  } else {
    return add(x, mul(spread<V>(value), mul(a, b)));
  }
}
template <FloatValue V>
TSC_INLINE V fma(V a, V b, V c) {
  return tsc::fma(a, b, c);
}
template <FloatValue V, class S = int>
TSC_INLINE V addcdiv(V x, V a, V b, S value = 1) {
  return x + spread<V>(value) * a / b;
}

// a + weight (b - a), from the nearer end.
template <FloatValue V, class S>
TSC_INLINE V lerp(V a, V b, S scalar_weight) {
  const V weight = spread<V>(scalar_weight);
  const V difference = b - a;
  const V from_end = fma(weight - splat<V>(1), difference, b);
  return select(less(tsc::abs(weight), splat<V>(0.5)), fma(weight, difference, a), from_end);
}

// Activations. A NaN stays NaN.

template <class V>
TSC_INLINE V relu(V x) {
  return tsc::max(x, splat<V>(0));
}
template <class V, class S>
TSC_INLINE V clamp_min(V x, S low) {
  return maximum(x, spread<V>(low));
}
template <class V, class S>
TSC_INLINE V clamp_max(V x, S high) {
  return minimum(x, spread<V>(high));
}
template <class V, class S>
TSC_INLINE V clamp(V x, S low, S high) {
  return clamp_max(clamp_min(x, low), high);
}
template <class V>
TSC_INLINE V clamp_tensor(V x, V low, V high) {
  return minimum(maximum(x, low), high);
}
template <class V, class S = int>
TSC_INLINE V hardtanh(V x, S low = -1, S high = 1) {
  return tsc::min(tsc::max(x, spread<V>(low)), spread<V>(high));
}
template <class V>
TSC_INLINE V relu6(V x) {
  return hardtanh(x, 0, 6);
}
template <class V, class S>
TSC_INLINE V threshold(V x, S limit, S value) {
  return select(less_equal(x, spread<V>(limit)), spread<V>(value), x);
}
template <FloatValue V, class S = double>
TSC_INLINE V leaky_relu(V x, S slope = 0.01) {
  return select(greater(x, splat<V>(0)), x, x * spread<V>(slope));
}
template <FloatValue V, class S = double>
TSC_INLINE V elu(V x, S alpha = 1, S scale = 1, S input_scale = 1) {
  const V negative = expm1(x * spread<V>(input_scale)) * spread<V>(alpha * scale);
  return select(less(x, splat<V>(0)), negative, x * spread<V>(scale));
}
template <FloatValue V>
TSC_INLINE V selu(V x) {
  return elu(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0);
}
template <FloatValue V>
TSC_INLINE V silu(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::over_one_plus(x, detail::exp_of_minus(x));
  } else {
    return times_sigmoid(x, x, splat<V>(0));
  }
}
template <FloatValue V>
TSC_INLINE V hardsigmoid(V x) {
  return hardtanh(x + splat<V>(3), 0, 6) / splat<V>(6);
}
template <FloatValue V>
TSC_INLINE V hardswish(V x) {
  return x * hardsigmoid(x);
}
template <FloatValue V, class S = double>
TSC_INLINE V hardshrink(V x, S lambd = 0.5) {
  return select(less_equal(tsc::abs(x), spread<V>(lambd)), splat<V>(0), x);
}
template <FloatValue V, class S = double>
TSC_INLINE V softshrink(V x, S lambd = 0.5) {
  const V limit = spread<V>(lambd);
  return select(greater(x, limit), x - limit, select(less(x, -limit), x + limit, x * splat<V>(0)));
}

namespace detail {

// t Q(t), Q the upper tail of the normal distribution, near i kGeluStep: a polynomial of what t is beyond it, whose
// coefficients of one power are a row. Each is of least squares of the relative error, below 2^-24 (the rounding of the
// first).
inline constexpr float kGeluStep = 0.1875f;
inline constexpr float kGeluReach = 5.9f;  // nearest to the last piece; from here on 1 - Q is 1
inline constexpr int kGeluDegree = 6;

TSC_INLINE const float (&gelu_coefficients(int power))[kTableSize] {
  // clang-format off
  static constexpr float kCoefficients[kGeluDegree + 1][kTableSize] = {
      {0.0f, 0x1.46e31cp-4f, 0x1.0fbddap-3f, 0x1.4a7eap-3f, 0x1.5c198p-3f, 0x1.4e8fb6p-3f, 0x1.2c32d6p-3f, 0x1.fcfa1p-4f,
       0x1.9a76a4p-4f, 0x1.3c3fc2p-4f, 0x1.d2e35cp-5f, 0x1.4ad334p-5f, 0x1.c2a49ap-6f, 0x1.274fap-6f, 0x1.74a8eep-7f, 0x1.c50a54p-8f,
       0x1.096698p-8f, 0x1.2bc88ep-9f, 0x1.468978p-10f, 0x1.570de8p-11f, 0x1.5babcp-12f, 0x1.53f11cp-13f, 0x1.40b6a4p-14f, 0x1.23f934p-15f,
       0x1.008406p-16f, 0x1.b2fedap-18f, 0x1.63f91cp-19f, 0x1.1929e6p-20f, 0x1.acb3dep-22f, 0x1.3b78ep-23f, 0x1.c02c1ap-25f, 0x1.334be2p-26f},
      {0x1p-1f, 0x1.689658p-2f, 0x1.b70f42p-3f, 0x1.866c9ep-4f, 0x1.95f1e6p-11f, -0x1.116ed2p-4f, -0x1.baa428p-4f, -0x1.034856p-3f,
       -0x1.050e92p-3f, -0x1.dc91fcp-4f, -0x1.93c66ep-4f, -0x1.418908p-4f, -0x1.e4e1e4p-5f, -0x1.5bd286p-5f, -0x1.dc423ep-6f, -0x1.37e6aap-6f,
       -0x1.876f5ap-7f, -0x1.d74936p-8f, -0x1.107234p-8f, -0x1.2eb7bcp-9f, -0x1.437006p-10f, -0x1.4c788ap-11f, -0x1.48ee38p-12f, -0x1.395244p-13f,
       -0x1.1f6eap-14f, -0x1.fc03aap-16f, -0x1.b08e62p-17f, -0x1.62ee36p-18f, -0x1.18b3e2p-19f, -0x1.abff7ep-21f, -0x1.3a92b4p-22f, -0x1.bdda86p-24f},
      {-0x1.988454p-2f, -0x1.8a5778p-2f, -0x1.620038p-2f, -0x1.25915p-2f, -0x1.bb4552p-3f, -0x1.271fep-3f, -0x1.3eae6ep-4f, -0x1.7f167ap-6f,
       0x1.0944e4p-6f, 0x1.4d875ep-5f, 0x1.ab052p-5f, 0x1.b7043ap-5f, 0x1.8e22aep-5f, 0x1.4a2f76p-5f, 0x1.fdc7b6p-6f, 0x1.720648p-6f,
       0x1.fc471cp-7f, 0x1.4bba56p-7f, 0x1.9cae1ep-8f, 0x1.ea5e86p-9f, 0x1.16bdp-9f, 0x1.2f901ap-10f, 0x1.3d073cp-11f, 0x1.3dc1e8p-12f,
       0x1.31dfe8p-13f, 0x1.1aed4cp-14f, 0x1.f7303p-16f, 0x1.ae5a9ap-17f, 0x1.621d34p-18f, 0x1.186af2p-19f, 0x1.ab8686p-21f, 0x1.39cc32p-22f},
      {0x1.00d2b4p-20f, 0x1.8de0c8p-5f, 0x1.6f655cp-4f, 0x1.e1bbccp-4f, 0x1.090024p-3f, 0x1.00c0c8p-3f, 0x1.bcf04cp-4f, 0x1.580476p-4f,
       0x1.d0349ep-5f, 0x1.fe1854p-6f, 0x1.553a14p-7f, -0x1.0ff61p-8f, -0x1.9e637p-7f, -0x1.084c36p-6f, -0x1.07a614p-6f, -0x1.cb0268p-7f,
       -0x1.6b0ec4p-7f, -0x1.0a1336p-7f, -0x1.6d633ap-8f, -0x1.d9611p-9f, -0x1.22a734p-9f, -0x1.536b32p-10f, -0x1.79da1ap-11f, -0x1.91bc58p-12f,
       -0x1.98876cp-13f, -0x1.8dcd34p-14f, -0x1.734476p-15f, -0x1.4c5f3p-16f, -0x1.1d99b4p-17f, -0x1.d75ed4p-19f, -0x1.75bf74p-20f, -0x1.1cd9f4p-21f},
      {0x1.103cp-4f, 0x1.f466f2p-5f, 0x1.77e05ap-5f, 0x1.b056c6p-6f, 0x1.1e0124p-8f, -0x1.d6fe6ep-7f, -0x1.c600a6p-6f, -0x1.1ff7dp-5f,
       -0x1.299882p-5f, -0x1.014baap-5f, -0x1.811288p-6f, -0x1.f1d9b4p-7f, -0x1.eb4134p-8f, -0x1.ec9e4ep-10f, 0x1.c8ae3ep-10f, 0x1.d328bcp-9f,
       0x1.0b2ac2p-8f, 0x1.e6f5fep-9f, 0x1.8ace8ep-9f, 0x1.22cbdp-9f, 0x1.8d38b4p-10f, 0x1.fd0b2p-11f, 0x1.32c9fcp-11f, 0x1.5eb3fcp-12f,
       0x1.7bfdfp-13f, 0x1.89100cp-14f, 0x1.83c2bp-15f, 0x1.6d87b4p-16f, 0x1.49617cp-17f, 0x1.1c93dap-18f, 0x1.d7112ep-20f, 0x1.75ffdap-21f},
      {0x1.43bc06p-12f, -0x1.636776p-7f, -0x1.3a2ab6p-6f, -0x1.7e17cep-6f, -0x1.754f2cp-6f, -0x1.2ba0c8p-6f, -0x1.701816p-7f, -0x1.f0bb3ap-9f,
       0x1.5155b4p-9f, 0x1.c9db38p-8f, 0x1.2075ep-7f, 0x1.1c470ep-7f, 0x1.d54ed4p-8f, 0x1.4aedf2p-8f, 0x1.7b2846p-9f, 0x1.2bdf02p-10f,
       0x1.5c16bep-18f, -0x1.430146p-11f, -0x1.b97904p-11f, -0x1.adbd7p-11f, -0x1.603126p-11f, -0x1.02fe82p-11f, -0x1.5dadep-12f, -0x1.b71014p-13f,
       -0x1.0285c4p-13f, -0x1.1fab68p-14f, -0x1.2f2286p-15f, -0x1.2f5618p-16f, -0x1.21224ep-17f, -0x1.06eae4p-18f, -0x1.c8ef06p-20f, -0x1.7bb6b8p-21f},
      {-0x1.6f59b8p-7f, 0x1.bec1e6p-8f, 0x1.189154p-4f, 0x1.69f7d2p-6f, 0x1.c6e518p-6f, -0x1.586302p-6f, -0x1.f6b296p-5f, -0x1.1023ap-5f,
       0x1.4e423ap-6f, 0x1.1a8abcp-7f, -0x1.148a46p-7f, -0x1.589358p-9f, -0x1.c45934p-7f, -0x1.b644bap-8f, -0x1.99a58ap-9f, -0x1.2549b8p-10f,
       -0x1.b9ff04p-10f, 0x1.9be27p-11f, 0x1.51e5d6p-12f, 0x1.8a538cp-12f, 0x1.505408p-12f, 0x1.2d1154p-13f, 0x1.243ef2p-13f, 0x1.4e22ep-14f,
       0x1.2bc2f2p-14f, 0x1.3c91cp-15f, 0x1.5a5fa2p-16f, 0x1.6aa36cp-17f, 0x1.8f272cp-18f, 0x1.6e86c8p-19f, 0x1.532494p-20f, 0x1.278dc8p-21f}};
  // clang-format on
  return kCoefficients[power];
}

// x Phi(x) for x >= -kGeluReach.
template <class V>
TSC_INLINE V gelu_near(V x) {
  const V t = tsc::min(tsc::abs(x), splat<V>(kGeluReach));
  // Added to this, a number below 2^22 is rounded, and stands in the low bits.
  const V whole = splat<V>(0x1.8p23f), shifted = fma(t, splat<V>(1 / kGeluStep), whole);
  const Bits<V> piece = bit_cast<Bits<V>>(shifted);
  const V beyond = fma(shifted - whole, splat<V>(-kGeluStep), t);
  V tail = lookup<V>(gelu_coefficients(kGeluDegree), piece);
  TSC_UNROLL
  for (int power = kGeluDegree; power-- > 0;) tail = fma(tail, beyond, lookup<V>(gelu_coefficients(power), piece));
  return tsc::max(x, splat<V>(0)) - tail;
}

}  // namespace detail

// x Phi(x), far from 0 through erfc, which keeps what is small.
template <FloatValue V>
TSC_INLINE V gelu(V x) {
  if constexpr (kIsSingle<V>) {
    const V near = detail::gelu_near(x);
    const Mask<V> is_near = less(splat<V>(-detail::kGeluReach), x);
    if (all(is_near)) return near;
    const auto wide = convert<double>(x);
    const auto far = like(x, 0.5) * wide * detail::erfc_wide(like(x, -0.70710678118654752440) * wide);
    return select(is_near, near, convert<float>(far));  // a lane's result is the same in any company
  } else {
    // erfc(y + low) with what rounding took from y.
    constexpr double kRoot = 0.70710678118654752440, kRootLow = -4.8336466567264567e-17;
    const V y = x * splat<V>(-kRoot);
    const V low = fma(x, splat<V>(-kRoot), -y) - x * splat<V>(kRootLow);
    const V change = select(isfinite(y), low * splat<V>(1.12837916709551257390) * exp(-y * y), splat<V>(0));
    return x * splat<V>(0.5) * (erfc(y) - change);
  }
}
// The tanh approximation: 0.5 x (1 + tanh(u)) = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). What rounding
// takes from 2 u counts where the exponential is small: u = x p is computed as a sum of two, and so are p and x^2.
template <FloatValue V>
TSC_INLINE V gelu_tanh(V x) {
  using T = Element<V>;
  constexpr double kLinear = 0x1.9884533d43651p+0,
                   kCubic = 0x1.2444f2a4d8b4bp-4;  // 2 sqrt(2 / pi), and 0.044715 times that
  constexpr bool kSingle = kSame<T, float>;
  constexpr T kLinearLow =
      static_cast<T>(kSingle ? kLinear - static_cast<double>(static_cast<T>(kLinear)) : -0x1.cbc0d30ebfd15p-54);
  constexpr T kCubicLow =
      static_cast<T>(kSingle ? kCubic - static_cast<double>(static_cast<T>(kCubic)) : -0x1.6c843a29d1c70p-61);
  const V linear = splat<V>(static_cast<T>(kLinear)), cubic = splat<V>(static_cast<T>(kCubic));
  const V square = x * x, product = square * cubic, p = product + linear;
  const V part = p - product;
  V p_low = fma(square, cubic, -product) + ((product - (p - part)) + (linear - part));
  p_low = p_low + fma(fma(x, x, -square), cubic, fma(square, splat<V>(kCubicLow), splat<V>(kLinearLow)));
  const V u = x * p, low = fma(x, p, -u) + x * p_low;
  return times_sigmoid(x, u, select(less(tsc::abs(u), splat<V>(1000)), low, splat<V>(0)));
}

// log(1 + exp(beta x)) / beta, or x itself where beta x is above the threshold.
template <FloatValue V, class S = double>
TSC_INLINE V softplus(V x, S beta = 1, S limit = 20) {
  const V scaled = x * spread<V>(beta);
  const V soft = log1p(exp(tsc::min(scaled, splat<V>(80)))) / spread<V>(beta);
  return select(greater(scaled, spread<V>(limit)), x, soft);
}
template <FloatValue V>
TSC_INLINE V log_sigmoid(V x) {
  return tsc::min(x, splat<V>(0)) - log1p(exp(-tsc::abs(x)));
}
// x tanh(log(1 + e)) with e = exp(x): the tanh is n / (n + 2) with n = e (e + 2), and 1 from x = 20 on.
template <FloatValue V>
TSC_INLINE V mish(V x) {
  const auto in_double = [](auto wide) __attribute__((always_inline)) {
    using D = decltype(wide);
    const D two = splat<D>(2.0), bounded = tsc::min(wide, splat<D>(20.0));
    D e;
    if constexpr (kIsSingle<V>) {
      e = select(less(wide, splat<D>(-200.0)), splat<D>(0.0), detail::exp_wide(bounded));
    } else {
      e = exp(bounded);
    }
    const D n = e * (e + two);
    return wide * (n / (n + two));
  };
  return convert<Element<V>>(in_double(convert<double>(x)));
}

}  // namespace tsc::math
