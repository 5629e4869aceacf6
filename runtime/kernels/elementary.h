// Elementary functions for float and double values V (a Vec or a scalar; see vec.h), correct on all inputs including
// NaN, infinities, signed zeros and subnormals.
//
// Float versions are computed by the formulas here, at every width alike, to 2 units in the last place; those through
// double (`_wide`) to little more than half of one. Double versions call libm lane by lane. docs/precision.md has what
// tests/ops/ulp.py measures. Polynomial coefficients are interpolations at Chebyshev nodes of the interval that the
// comment names.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::math {

// c[0] + c[1] x + c[2] x^2 + ...
template <class V, int kCount>
TSC_INLINE V polynomial(V x, const Element<V> (&c)[kCount]) {
  V sum = splat<V>(c[kCount - 1]);
  TSC_UNROLL
  for (int i = kCount - 2; i >= 0; --i) {
    sum = fma(sum, x, splat<V>(c[i]));
  }
  return sum;
}

template <FloatValue V>
TSC_INLINE V copy_sign(V magnitude, V sign) {
  const Bits<V> sign_bit = splat<Bits<V>>(static_cast<Element<Bits<V>>>(1ull << (8 * sizeof(Element<V>) - 1)));
  return bit_cast<V>((bit_cast<Bits<V>>(magnitude) & ~sign_bit) | (bit_cast<Bits<V>>(sign) & sign_bit));
}

template <FloatValue V>
inline constexpr bool kIsSingle = kSame<Element<V>, float>;
template <class V>
inline constexpr Element<V> kInfinity = static_cast<Element<V>>(__builtin_inf());
template <class V>
inline constexpr Element<V> kNan = static_cast<Element<V>>(__builtin_nan(""));

// libm_<name>(x): calls libm for each lane.
#define TSC_LIBM_UNARY(name)               \
  template <FloatValue V>                  \
  TSC_INLINE V libm_##name(V x) {          \
    return map_lanes<Element<V>>(          \
        [](Element<V> e) -> Element<V> {   \
          if constexpr (kIsSingle<V>) {    \
            return __builtin_##name##f(e); \
          } else {                         \
            return __builtin_##name(e);    \
          }                                \
        },                                 \
        x);                                \
  }
#define TSC_LIBM_BINARY(name)                          \
  template <FloatValue V>                              \
  TSC_INLINE V libm_##name(V x, V y) {                 \
    return map_lanes<Element<V>>(                      \
        [](Element<V> a, Element<V> b) -> Element<V> { \
          if constexpr (kIsSingle<V>) {                \
            return __builtin_##name##f(a, b);          \
          } else {                                     \
            return __builtin_##name(a, b);             \
          }                                            \
        },                                             \
        x, y);                                         \
  }
TSC_LIBM_UNARY(exp)
TSC_LIBM_UNARY(exp2)
TSC_LIBM_UNARY(expm1)
TSC_LIBM_UNARY(log)
TSC_LIBM_UNARY(log2)
TSC_LIBM_UNARY(log10)
TSC_LIBM_UNARY(log1p)
TSC_LIBM_UNARY(sin)
TSC_LIBM_UNARY(cos)
TSC_LIBM_UNARY(tan)
TSC_LIBM_UNARY(asin)
TSC_LIBM_UNARY(acos)
TSC_LIBM_UNARY(atan)
TSC_LIBM_UNARY(sinh)
TSC_LIBM_UNARY(cosh)
TSC_LIBM_UNARY(tanh)
TSC_LIBM_UNARY(asinh)
TSC_LIBM_UNARY(acosh)
TSC_LIBM_UNARY(atanh)
TSC_LIBM_UNARY(erf)
TSC_LIBM_UNARY(erfc)
TSC_LIBM_BINARY(pow)
TSC_LIBM_BINARY(fmod)
TSC_LIBM_BINARY(atan2)
TSC_LIBM_BINARY(hypot)
#undef TSC_LIBM_UNARY
#undef TSC_LIBM_BINARY

template <FloatValue V>
TSC_INLINE V copysign(V magnitude, V sign) {
  return copy_sign(magnitude, sign);
}

namespace detail {

// exp(x) = 2^n (1 + y) with |y| < 0.42, for |x| < 2^21. n is taken from the low bits of a sum with 1.5 * 2^23, which
// rounds to an integer; so a NaN gives some n and a NaN y.
template <class V>
struct ExpParts {
  Bits<V> n;
  V y;
};

template <class V>
TSC_INLINE ExpParts<V> exp_parts(V x) {
  constexpr float kRounder = 0x1.8p23f;
  // ln 2 = kLn2High + kLn2Low, the first with few bits, so that n * kLn2High is exact.
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  // (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2.
  constexpr float kTail[] = {0.5f,           0.1666666716337204f,    0.041666459292173386f,
                             0.00833331048f, 0.0013934089802205563f, 0.0001989148004213348f};
  const V rounded = fma(x, splat<V>(1.44269504f), splat<V>(kRounder));
  const V n = rounded - splat<V>(kRounder);
  V r = fma(n, splat<V>(-kLn2High), x);
  r = fma(n, splat<V>(-kLn2Low), r);
  const V y = fma(polynomial(r, kTail), r * r, r);
  return {bit_cast<Bits<V>>(rounded) - splat<Bits<V>>(0x4b400000), y};
}

// 2^n as a float for -127 <= n <= 128, the ends giving 0 and infinity.
template <class V>
TSC_INLINE V power_of_two(Bits<V> n) {
  return bit_cast<V>((n + splat<Bits<V>>(127)) << 23);
}

// exp(x) for x <= 88; results below 2^-126 become 0.
template <class V>
TSC_INLINE V exp_flushed(V x) {
  const ExpParts<V> e = exp_parts(max(x, splat<V>(-88.0f)));
  return (splat<V>(1.0f) + e.y) * power_of_two<V>(e.n);
}

// log2(x) for x >= 0 and 2^x, in double with 45 bits or more: between the two, a float power loses nothing.
template <class D>
TSC_INLINE D log2_wide(D x) {
  // log2(m) / s with s = (m - 1) / (m + 1), as a polynomial in s^2, for sqrt(1/2) <= m <= sqrt(2).
  constexpr double kLog2[] = {0x1.71547652b82ffp+1, 0x1.ec709dc39c6a4p-1, 0x1.2776c517064f9p-1, 0x1.a61755ffdf33fp-2,
                              0x1.484fce2a939aep-2, 0x1.0bb350c2bca5fp-2, 0x1.f1f23bbbcc05fp-3};
  constexpr double kRounder = 0x1.8p52;
  constexpr i64 kSqrtHalfBits = 0x3fe6a09e667f3bcd;
  const Bits<D> bits = bit_cast<Bits<D>>(abs(x));
  const Bits<D> e = (bits - splat<Bits<D>>(kSqrtHalfBits)) >> 52;
  const D exponent = bit_cast<D>(e + splat<Bits<D>>(__builtin_bit_cast(i64, kRounder))) - splat<D>(kRounder);
  const D m = bit_cast<D>(bits - (e << 52));
  const D s = (m - splat<D>(1.0)) / (m + splat<D>(1.0));
  D result = fma(s, polynomial(s * s, kLog2), exponent);
  result = select(less(x, splat<D>(kInfinity<D>)), result, x);
  return select(equal(x, splat<D>(0.0)), splat<D>(-kInfinity<D>), result);
}

// 2^x by a polynomial for 2^r, |r| <= 1/2. Arguments beyond the float range are cut where their float result is 0 or
// infinite anyway.
template <class D, int kCount>
TSC_INLINE D exp2_by(D x, const double (&power)[kCount]) {
  constexpr double kRounder = 0x1.8p52;
  x = max(min(x, splat<D>(300.0)), splat<D>(-300.0));
  const D rounded = x + splat<D>(kRounder);
  const D r = x - (rounded - splat<D>(kRounder));
  const D scale = bit_cast<D>((bit_cast<Bits<D>>(rounded) << 52) + splat<Bits<D>>(1023ll << 52));
  return polynomial(r, power) * scale;
}
template <class D>
TSC_INLINE D exp2_wide(D x) {
  constexpr double kExp2[] = {0x1.000000000003dp+0,  0x1.62e42fefa39f7p-1,  0x1.ebfbdff8149f2p-3,
                              0x1.c6b08d7044119p-5,  0x1.3b2ab72b175eep-7,  0x1.5d87fe908f88ap-10,
                              0x1.43088e257f341p-13, 0x1.ffcb76789860fp-17, 0x1.63ef969a64d3cp-20,
                              0x1.b6571de2f2351p-24};
  return exp2_by(x, kExp2);
}

// 2^x for |x| < 2^21 in float, rounded to an integer and the rest; results below 2^-149 become 0, above 2^128 infinite.
template <class V>
TSC_INLINE V exp2_single(V x) {
  // (2^r - 1) / r for |r| <= 1/2.
  constexpr float kTail[] = {0x1.62e430p-1f, 0x1.ebfbe0p-3f,  0x1.c6af6cp-5f,
                             0x1.3b2a52p-7f, 0x1.5f08b8p-10f, 0x1.4413a4p-13f};
  constexpr float kRounder = 0x1.8p23f;
  x = max(min(x, splat<V>(129.0f)), splat<V>(-151.0f));
  const V rounded = x + splat<V>(kRounder);
  const V r = x - (rounded - splat<V>(kRounder));
  const Bits<V> n = bit_cast<Bits<V>>(rounded) - splat<Bits<V>>(0x4b400000), half = n >> 1;
  return fma(polynomial(r, kTail), r, splat<V>(1.0f)) * power_of_two<V>(half) * power_of_two<V>(n - half);
}

// Functions of floats in double.

template <class D>
TSC_INLINE D log_wide(D x) {
  return log2_wide(x) * splat<D>(0x1.62e42fefa39efp-1);
}
template <class D>
TSC_INLINE D exp_wide(D x) {
  return exp2_wide(x * splat<D>(0x1.71547652b82fep+0));
}
// The angle of a point in the first quadrant.
template <class D>
TSC_INLINE D angle_wide(D y, D x) {
  // atan(z) / z as a polynomial in z^2 for 0 <= z <= 1.
  constexpr double kAtan[] = {0x1.ffffffff64898p-1,  -0x1.555553f671b9ap-2, 0x1.999914dc909cdp-3,
                              -0x1.2488519fa5a4ep-3, 0x1.c6533dfc9a693p-4,  -0x1.6f95036b2cf51p-4,
                              0x1.2811fdeff669cp-4,  -0x1.ba035c4e8b66ep-5, 0x1.151ab904c6f2cp-5,
                              -0x1.0354cc23b5530p-6, 0x1.3625e8d6ea1b9p-8,  -0x1.5bcf6e573a47ap-11};
  const Mask<D> steep = less(x, y);
  const D one = splat<D>(1.0), low = min(y, x), high = max(y, x);
  // Of two zeros the angle is 0, of two infinities that of two ones.
  const D ratio = select(equal(low, high), select(equal(high, splat<D>(0.0)), low, one), low / high);
  const D angle = polynomial(ratio * ratio, kAtan) * ratio;
  return select(steep, splat<D>(0x1.921fb54442d18p+0) - angle, angle);
}
// asin(sqrt(u)) / sqrt(u) for 0 <= u <= 1/4.
template <class D>
TSC_INLINE D asin_ratio_wide(D u) {
  constexpr double kAsin[] = {0x1.0000000000e83p+0, 0x1.55555542fd475p-3,  0x1.33334261d9e87p-4,
                              0x1.6db20cadb1f2fp-5, 0x1.f288c804353f1p-6,  0x1.6615a0ec8c3e6p-6,
                              0x1.52d7c5f5cbbcdp-6, 0x1.f62a80479166ap-10, 0x1.0dfd15eca858bp-5};
  return polynomial(u, kAsin);
}
// exp(x^2) erfc(x) for x >= 0, times (x + k), is a polynomial in (x - k) / (x + k). All to 28 bits, of which a float
// keeps 24.
template <class D>
TSC_INLINE D erfc_wide(D x) {
  constexpr double k = 3.25;
  constexpr double kErfc[] = {0x1.14c83271e133ap+0,  -0x1.d3741456da332p-1, 0x1.4a9d9f57786a4p-1,
                              -0x1.802b2a5585426p-2, 0x1.60443b6ead1d9p-3,  -0x1.d04f3098e35bap-5,
                              0x1.386d454548d8ap-7,  0x1.de184674c3fefp-10, -0x1.893a85b355de6p-10,
                              0x1.edef06749e4c2p-14, 0x1.3b432f10d196dp-13};
  constexpr double kExp2[] = {0x1.fffffffffffffp-1, 0x1.62e430d0346fdp-1,  0x1.ebfbe045f4d0ep-3, 0x1.c6aecc669c16cp-5,
                              0x1.3b2a1b715b16fp-7, 0x1.5f48c04eff5cbp-10, 0x1.443fffc02786dp-13};
  const D t = abs(x);
  const D w = splat<D>(1.0) / (t + splat<D>(k));
  const D power = exp2_by(t * t * splat<D>(-0x1.71547652b82fep+0), kExp2);
  D tail = polynomial(fma(w, splat<D>(-2 * k), splat<D>(1.0)), kErfc) * w * power;
  tail = select(less(splat<D>(10.25), t), splat<D>(0.0), tail);  // where it is no float
  return select(less(x, splat<D>(0.0)), splat<D>(2.0) - tail, tail);
}

// log of a float for x >= 0 through log2_wide, times `base`.
template <class V>
TSC_INLINE V scaled_log2(V x, double base) {
  const V result = convert<float>(log2_wide(convert<double>(x)) * splat<Rebind<V, double>>(base));
  return select(less(x, splat<V>(0.0f)), splat<V>(kNan<V>), result);
}

// The octant's quarter turn and the rest r in [-pi/4, pi/4] of a float |x| <= kReducible. In double, since n * pi/2
// cancels most of x. The high part of pi/2 has 29 bits: its product with n is exact.
template <class V>
struct QuarterTurns {
  Bits<V> n;
  V r;
};
inline constexpr float kReducible = 1e6f;

template <class D>
TSC_INLINE QuarterTurns<D> quarter_turns_wide(D x) {
  constexpr double kRounder = 0x1.8p52;
  const D rounded = fma(x, splat<D>(0x1.45f306dc9c883p-1), splat<D>(kRounder));
  const D n = rounded - splat<D>(kRounder);
  D r = fma(n, splat<D>(-0x1.921fb54000000p+0), x);
  r = fma(n, splat<D>(-0x1.10b4611a62633p-30), r);
  return {bit_cast<Bits<D>>(rounded), r};
}
template <class V>
TSC_INLINE QuarterTurns<V> quarter_turns(V x) {
  const auto turns = quarter_turns_wide(convert<double>(x));
  return {convert<int32_t>(turns.n), convert<float>(turns.r)};
}

// sin(r + n pi/2) for |r| <= pi/4.
template <class V>
TSC_INLINE V sin_of_turns(Bits<V> n, V r) {
  // (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 as polynomials in r^2.
  constexpr float kSin[] = {-0.1666666716337204f, 0.008333331905305386f, -0.00019840087043121457f,
                            2.7249925551586784e-06f};
  constexpr float kCos[] = {0.0416666679084301f, -0.00138888880610466f, 2.480059993104078e-05f,
                            -2.730095900460583e-07f};
  const V z = r * r;
  const V sine = fma(polynomial(z, kSin), z * r, r);
  const V cosine = fma(z * z, polynomial(z, kCos), fma(z, splat<V>(-0.5f), splat<V>(1.0f)));
  const V value = select(equal(n & splat<Bits<V>>(1), splat<Bits<V>>(0)), sine, cosine);
  return bit_cast<V>(bit_cast<Bits<V>>(value) ^ ((n & splat<Bits<V>>(2)) << 30));
}

}  // namespace detail

template <FloatValue V>
TSC_INLINE V exp(V x) {
  if constexpr (kIsSingle<V>) {
    // Scaling in two steps lets the last product round into the subnormals or overflow.
    const auto e = detail::exp_parts(max(min(x, splat<V>(89.0f)), splat<V>(-104.0f)));
    const Bits<V> half = e.n >> 1;
    return (splat<V>(1.0f) + e.y) * detail::power_of_two<V>(half) * detail::power_of_two<V>(e.n - half);
  } else {
    return libm_exp(x);
  }
}

// exp(x) for x <= 88, a little faster than exp: results below 2^-126 become 0. For softmax and the like.
template <FloatValue V>
TSC_INLINE V exp_flushed(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::exp_flushed(x);
  } else {
    return libm_exp(x);
  }
}

template <FloatValue V>
TSC_INLINE V exp2(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::exp2_single(x);
  } else {
    return libm_exp2(x);
  }
}

template <FloatValue V>
TSC_INLINE V expm1(V x) {
  if constexpr (kIsSingle<V>) {
    // 2^n (1 + y) - 1 = 2^n y + (2^n - 1), whose last term is exact for |n| < 24; beyond, exp(x) - 1 is as good.
    const auto e = detail::exp_parts(max(min(x, splat<V>(17.0f)), splat<V>(-18.0f)));
    const V scale = detail::power_of_two<V>(e.n);
    const V small = select(equal(x, splat<V>(0.0f)), x, fma(scale, e.y, scale - splat<V>(1.0f)));
    return select(less(splat<V>(16.0f), x), exp(x) - splat<V>(1.0f), small);
  } else {
    return libm_expm1(x);
  }
}

template <FloatValue V>
TSC_INLINE V log(V x) {
  if constexpr (kIsSingle<V>) {
    // (log(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2).
    constexpr float kTail[] = {0.3333333134651184f,  -0.2499999701976776f,  0.20000715553760529f,
                               -0.1666780263185501f, 0.14249058067798615f,  -0.12425687164068222f,
                               0.11685419827699661f, -0.11479733884334564f, 0.06971611827611923f};
    constexpr float kLn2High = 0.693359375f;
    constexpr float kLn2Low = -2.12194440e-4f;
    constexpr int32_t kSqrtHalfBits = 0x3f3504f3;
    const Mask<V> subnormal = less(x, splat<V>(0x1p-126f));
    const Bits<V> bits = bit_cast<Bits<V>>(abs(select(subnormal, x * splat<V>(0x1p23f), x)));
    const Bits<V> e = (bits - splat<Bits<V>>(kSqrtHalfBits)) >> 23;
    const V f = bit_cast<V>(bits - (e << 23)) - splat<V>(1.0f);
    const V n = convert<float>(e) - select(subnormal, splat<V>(23.0f), splat<V>(0.0f));
    const V square = f * f;
    V tail = polynomial(f, kTail) * (square * f);
    tail = fma(n, splat<V>(kLn2Low), tail);
    tail = fma(square, splat<V>(-0.5f), tail);
    V result = fma(n, splat<V>(kLn2High), f + tail);
    result = select(less(x, splat<V>(kInfinity<V>)), result, x);
    result = select(less(x, splat<V>(0.0f)), splat<V>(kNan<V>), result);
    return select(equal(x, splat<V>(0.0f)), splat<V>(-kInfinity<V>), result);
  } else {
    return libm_log(x);
  }
}

template <FloatValue V>
TSC_INLINE V log2(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::scaled_log2(x, 1.0);
  } else {
    return libm_log2(x);
  }
}

template <FloatValue V>
TSC_INLINE V log10(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::scaled_log2(x, 0x1.34413509f79ffp-2);
  } else {
    return libm_log10(x);
  }
}

template <FloatValue V>
TSC_INLINE V log1p(V x) {
  if constexpr (kIsSingle<V>) {
    // log(u) of u = 1 + x as rounded, plus what the rounding lost times log'(u).
    const V one = splat<V>(1.0f);
    const V u = one + x;
    const V lost = x - (u - one);
    const V result = log(u) + lost / u;
    const Mask<V> itself = mask_or(equal(x, splat<V>(0.0f)), equal(x, splat<V>(kInfinity<V>)));
    return select(itself, x, select(equal(x, splat<V>(-1.0f)), splat<V>(-kInfinity<V>), result));
  } else {
    return libm_log1p(x);
  }
}

template <FloatValue V>
TSC_INLINE V sin(V x) {
  if constexpr (kIsSingle<V>) {
    const Mask<V> reducible = less_equal(abs(x), splat<V>(detail::kReducible));
    const auto turns = detail::quarter_turns(select(reducible, x, splat<V>(0.0f)));
    // The sum in sin_of_turns makes a zero positive.
    const V result = select(equal(x, splat<V>(0.0f)), x, detail::sin_of_turns(turns.n, turns.r));
    return all(reducible) ? result : select(reducible, result, libm_sin(x));
  } else {
    return libm_sin(x);
  }
}

template <FloatValue V>
TSC_INLINE V cos(V x) {
  if constexpr (kIsSingle<V>) {
    const Mask<V> reducible = less_equal(abs(x), splat<V>(detail::kReducible));
    const auto turns = detail::quarter_turns(select(reducible, x, splat<V>(0.0f)));
    const V result = detail::sin_of_turns(turns.n + splat<Bits<V>>(1), turns.r);
    return all(reducible) ? result : select(reducible, result, libm_cos(x));
  } else {
    return libm_cos(x);
  }
}

template <FloatValue V>
TSC_INLINE V tan(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    // tan(r) / r as a polynomial in r^2 for |r| <= pi/4.
    constexpr double kTan[] = {0x1.000000005a739p+0, 0x1.555553e2c666bp-2,   0x1.11118d39c474cp-3,
                               0x1.b9fbd3df46441p-5, 0x1.6854e13ef34d0p-6,   0x1.1030b08e64cb4p-7,
                               0x1.49fe6cdb4ced8p-8, -0x1.4cb5fce46673ep-11, 0x1.0d715bb3d59aep-9};
    const Mask<V> reducible = less_equal(abs(x), splat<V>(detail::kReducible));
    const auto turns = detail::quarter_turns_wide(convert<double>(select(reducible, x, splat<V>(0.0f))));
    const D tangent = polynomial(turns.r * turns.r, kTan) * turns.r;
    const Mask<D> even = equal(turns.n & splat<Bits<D>>(1), splat<Bits<D>>(0));
    const V result =
        select(equal(x, splat<V>(0.0f)), x, convert<float>(select(even, tangent, splat<D>(-1.0) / tangent)));
    return all(reducible) ? result : select(reducible, result, libm_tan(x));
  } else {
    return libm_tan(x);
  }
}

template <FloatValue V>
TSC_INLINE V atan(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    return copy_sign(convert<float>(detail::angle_wide(convert<double>(abs(x)), splat<D>(1.0))), x);
  } else {
    return libm_atan(x);
  }
}

template <FloatValue V>
TSC_INLINE V atan2(V y, V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D angle = detail::angle_wide(convert<double>(abs(y)), convert<double>(abs(x)));
    const Mask<V> left = less(copy_sign(splat<V>(1.0f), x), splat<V>(0.0f));
    const V result = convert<float>(select(left, splat<D>(0x1.921fb54442d18p+1) - angle, angle));
    const Mask<V> nan = mask_or(not_equal(x, x), not_equal(y, y));
    return select(nan, x + y, copy_sign(result, y));
  } else {
    return libm_atan2(y, x);
  }
}

// asin and acos go through asin(s) with s = sqrt((1 - |x|) / 2) where |x| > 1/2.
template <FloatValue V>
TSC_INLINE V asin(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D magnitude = convert<double>(abs(x)), half = splat<D>(0.5);
    const Mask<D> outer = less(half, magnitude);
    const D u = select(outer, half - half * magnitude, magnitude * magnitude);
    const D angle = detail::asin_ratio_wide(u) * select(outer, sqrt(u), magnitude);
    const D result = select(outer, splat<D>(0x1.921fb54442d18p+0) - (angle + angle), angle);
    return copy_sign(convert<float>(result), x);
  } else {
    return libm_asin(x);
  }
}

template <FloatValue V>
TSC_INLINE V acos(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D wide = convert<double>(x), magnitude = abs(wide), half = splat<D>(0.5);
    const Mask<D> outer = less(half, magnitude);
    const D u = select(outer, half - half * magnitude, magnitude * magnitude);
    const D angle = detail::asin_ratio_wide(u) * select(outer, sqrt(u), wide);
    const D doubled = angle + angle;
    const D from_end = select(less(wide, splat<D>(0.0)), splat<D>(0x1.921fb54442d18p+1) - doubled, doubled);
    return convert<float>(select(outer, from_end, splat<D>(0x1.921fb54442d18p+0) - angle));
  } else {
    return libm_acos(x);
  }
}

// Near zero, where the exponentials or the logarithm cancel, the next functions are the first terms of their series.
template <FloatValue V>
TSC_INLINE V sinh(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D wide = convert<double>(x), e = detail::exp_wide(wide);
    const D large = (e - splat<D>(1.0) / e) * splat<D>(0.5);
    const D small = fma(wide * wide * wide, splat<D>(1.0 / 6), wide);
    return convert<float>(select(less(abs(wide), splat<D>(0x1p-8)), small, large));
  } else {
    return libm_sinh(x);
  }
}

template <FloatValue V>
TSC_INLINE V cosh(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D e = detail::exp_wide(convert<double>(x));
    return convert<float>((e + splat<D>(1.0) / e) * splat<D>(0.5));
  } else {
    return libm_cosh(x);
  }
}

template <FloatValue V>
TSC_INLINE V asinh(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    constexpr double kSeries[] = {1.0, -1.0 / 6, 3.0 / 40, -15.0 / 336};
    const D t = convert<double>(abs(x)), square = t * t;
    const D large = detail::log_wide(t + sqrt(square + splat<D>(1.0)));
    const D small = polynomial(square, kSeries) * t;
    return copy_sign(convert<float>(select(less(t, splat<D>(0x1p-5)), small, large)), x);
  } else {
    return libm_asinh(x);
  }
}

template <FloatValue V>
TSC_INLINE V acosh(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D wide = convert<double>(x), one = splat<D>(1.0);
    const V result = convert<float>(detail::log_wide(wide + sqrt((wide - one) * (wide + one))));
    return select(less(x, splat<V>(1.0f)), splat<V>(kNan<V>), result);
  } else {
    return libm_acosh(x);
  }
}

template <FloatValue V>
TSC_INLINE V atanh(V x) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    constexpr double kSeries[] = {1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7};
    const D t = convert<double>(abs(x)), one = splat<D>(1.0);
    const D large = detail::log_wide((one + t) / (one - t)) * splat<D>(0.5);
    const V result = convert<float>(select(less(t, splat<D>(0x1p-6)), polynomial(t * t, kSeries) * t, large));
    return select(less(splat<V>(1.0f), abs(x)), splat<V>(kNan<V>), copy_sign(result, x));
  } else {
    return libm_atanh(x);
  }
}

template <FloatValue V>
TSC_INLINE V erfc(V x) {
  if constexpr (kIsSingle<V>) {
    return convert<float>(detail::erfc_wide(convert<double>(x)));
  } else {
    return libm_erfc(x);
  }
}

template <FloatValue V>
TSC_INLINE V hypot(V x, V y) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D a = convert<double>(x), b = convert<double>(y);
    const V result = convert<float>(sqrt(fma(a, a, b * b)));
    const V infinity = splat<V>(kInfinity<V>);
    return select(mask_or(equal(abs(x), infinity), equal(abs(y), infinity)), infinity, result);
  } else {
    return libm_hypot(x, y);
  }
}

// The rest of x / y toward zero. In double it is exact where the quotient has few bits.
template <FloatValue V>
TSC_INLINE V fmod(V x, V y) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const D a = convert<double>(abs(x)), b = convert<double>(abs(y)), zero = splat<D>(0.0);
    const D quotient = trunc(a / b);
    const Mask<D> easy = mask_or(less(quotient, splat<D>(0x1p29)), mask_not(less(quotient, splat<D>(kInfinity<D>))));
    D rest = fma(-quotient, b, a);  // the quotient may have been rounded up to an integer
    rest = select(less(rest, zero), rest + b, rest);
    const V small = select(less(abs(x), abs(y)), x, copy_sign(convert<float>(rest), x));
    return all(easy) ? small : select(easy, small, libm_fmod(x, y));
  } else {
    return libm_fmod(x, y);
  }
}

template <FloatValue V>
TSC_INLINE V tanh(V x) {
  if constexpr (kIsSingle<V>) {
    // (tanh(x) / x - 1) / x^2 as a polynomial in x^2 for |x| <= 0.625; beyond, 1 - 2 / (exp(2 |x|) + 1).
    constexpr float kTail[] = {-0.3333333432674408f, 0.13333304226398468f,   -0.053959257900714874f,
                               0.02176891826093197f, -0.008343945257365704f, 0.002292744815349579f};
    const V magnitude = abs(x);
    const V z = x * x;
    const V small = fma(polynomial(z, kTail), z * magnitude, magnitude);
    const V e = detail::exp_flushed(min(magnitude + magnitude, splat<V>(40.0f)));
    const V large = splat<V>(1.0f) - splat<V>(2.0f) / (e + splat<V>(1.0f));
    return copy_sign(select(less(magnitude, splat<V>(0.625f)), small, large), x);
  } else {
    return libm_tanh(x);
  }
}

namespace detail {

// exp(-x) for the functions below, which are 0 or 1 beyond: from 157.2 on, n is 227.
template <class V>
TSC_INLINE ExpParts<V> exp_of_minus(V x) {
  return exp_parts(max(min(-x, splat<V>(157.2f)), splat<V>(-120.0f)));
}

// v / (1 + e) for e = (1 + y) 2^n. With p = 2^-|n| what is divided by is 1 + p + y p, and 1 + p + y over p for a
// positive n: 1 + p is exact up to n = 23, so that one sum and one quotient are rounded.
template <class V>
TSC_INLINE V over_one_plus(V v, const ExpParts<V>& e) {
  using B = Bits<V>;
  const V one = splat<V>(1.0f);
  const Mask<V> grows = less(splat<B>(0), e.n);
  // 2^-227 is no number: p is at least 2^-100, and the rest follows at the end. It is 0 for the largest n, so that no v
  // is too large for that.
  const V p = power_of_two<V>(max(min(e.n, -e.n), splat<B>(-100)));
  const V rest = power_of_two<V>(min(splat<B>(100) - e.n, splat<B>(0)));
  const V sum = one + p, sum_low = p - (sum - one);
  const V divisor = fma(e.y + sum_low, select(grows, one, p), sum);
  return v * select(grows, p, one) / divisor * rest;
}

}  // namespace detail

// 1 / (1 + exp(-x)).
template <FloatValue V>
TSC_INLINE V sigmoid(V x) {
  if constexpr (kIsSingle<V>) {
    return detail::over_one_plus(splat<V>(1.0f), detail::exp_of_minus(x));
  } else {
    const V e = libm_exp(-abs(x)), one = splat<V>(1.0);
    return select(less(x, splat<V>(0.0)), e, one) / (one + e);
  }
}

// v sigmoid(x + low) for a low of no more than a rounding.
template <FloatValue V>
TSC_INLINE V times_sigmoid(V v, V x, V low) {
  if constexpr (kIsSingle<V>) {
    auto e = detail::exp_of_minus(x);
    e.y = fma(-low, splat<V>(1.0f) + e.y, e.y);
    return detail::over_one_plus(v, e);
  } else {
    const V result = v * sigmoid(x);
    return select(less(x, splat<V>(0)), fma(result, low, result), result);
  }
}

template <FloatValue V>
TSC_INLINE V erf(V x) {
  if constexpr (kIsSingle<V>) {
    // erf(x) / x - 1 as a polynomial in x^2 for |x| <= 1; beyond, 1 - exp(-q(|x|)) with q(t) = -log(erfc(t)), up to 4,
    // where erf is 1 in float.
    constexpr float kSmall[] = {0.12837916612625122f,  -0.3761262595653534f,  0.11283594369888306f,
                                -0.02685421146452427f, 0.005189087241888046f, -0.000801686430349946f,
                                7.875874871388078e-05f};
    constexpr float kLarge[] = {-0.0003201380604878068f, 1.1302334070205688f,    0.6318260431289673f,
                                0.11008008569478989f,    -0.026421135291457176f, 0.004759596195071936f,
                                -0.0005968056502752006f, 4.605804133461788e-05f, -1.6371513393362896e-06f};
    const V t = min(abs(x), splat<V>(4.0f));
    const V small = fma(polynomial(x * x, kSmall), x, x);
    const V large = splat<V>(1.0f) - detail::exp_flushed(-polynomial(t, kLarge));
    return select(less(t, splat<V>(1.0f)), small, copy_sign(large, x));
  } else {
    return libm_erf(x);
  }
}

// C's pow, which is PyTorch's for floats.
template <FloatValue V>
TSC_INLINE V pow(V x, V y) {
  if constexpr (kIsSingle<V>) {
    using D = Rebind<V, double>;
    const V zero = splat<V>(0.0f), one = splat<V>(1.0f);
    const V magnitude = abs(x);
    const D exponent = convert<double>(y) * detail::log2_wide(convert<double>(magnitude));
    const V power = convert<float>(detail::exp2_wide(exponent));
    // Floats of 2^24 and more are even integers.
    const Mask<V> integer = equal(trunc(y), y);
    const V half = y * splat<V>(0.5f);
    const Mask<V> odd = mask_and(integer, mask_and(not_equal(trunc(half), half), less(abs(y), splat<V>(0x1p24f))));
    V result = select(odd, copy_sign(power, x), power);
    // A negative number to a fraction is not real; infinity and zero have no sign to lose.
    const Mask<V> unreal =
        mask_and(mask_and(less(x, zero), mask_not(integer)), less(magnitude, splat<V>(kInfinity<V>)));
    result = select(unreal, splat<V>(kNan<V>), result);
    const Mask<V> plus_minus_one = mask_and(equal(magnitude, one), equal(abs(y), splat<V>(kInfinity<V>)));
    return select(mask_or(mask_or(equal(y, zero), equal(x, one)), plus_minus_one), one, result);
  } else {
    return libm_pow(x, y);
  }
}

}  // namespace tsc::math
