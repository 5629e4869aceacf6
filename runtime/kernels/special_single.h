// Special functions of floats (V a Vec or a scalar; see vec.h), rounded from double; of doubles, and where the formulae
// here end, lane by lane by special.h. Polynomials are interpolations at Chebyshev nodes of the interval that the
// comment names, to 45 bits or more; numbers of formulae are those of the NIST Digital Library of Mathematical
// Functions.
#pragma once

#include "runtime/kernels/elementary.h"
#include "runtime/kernels/special.h"

namespace tsc::special {

namespace detail {

using math::polynomial;
using math::detail::log_wide;

// ln(gamma(x)) for x >= 0.
template <class D>
TSC_INLINE D lgamma_wide(D x) {
  // ln(gamma(1 + u)) / (u (u - 1)) for 0 <= u <= 1.
  constexpr double kBetween[] = {0x1.2788cfc66f209p-1,  -0x1.f64656ffb0374p-3, 0x1.3e53da3e92250p-3,
                                 -0x1.d791e8d55a481p-4, 0x1.7919efc17afc0p-4,  -0x1.386005c98dcf6p-4,
                                 0x1.0025294ee1cbap-4,  -0x1.8339df6c5e0eap-5, 0x1.e97c0d49badfdp-6,
                                 -0x1.cc6ebdd340726p-7, 0x1.1435ef630e971p-8,  -0x1.36641a708a57ap-11};
  // What Stirling's formula (5.11.1) lacks, times x, as a polynomial in 1 / x^2 for x >= 3.
  constexpr double kStirling[] = {0x1.55555553352ecp-4, -0x1.6c1649269bbe8p-9, 0x1.9f8e7c324ff5dp-11,
                                  -0x1.295dcca766b76p-11, 0x1.08851f1c71bfcp-11};
  constexpr double kHalfLogTwoPiLessHalf = 0.91893853320467274178 - 0.5;
  const D zero = splat<D>(0.0), half = splat<D>(0.5), one = splat<D>(1.0);
  const Mask<D> below_one = less(x, one), below_two = less(x, splat<D>(2.0)), small = less(x, splat<D>(3.0));
  const D u = select(below_one, x, select(below_two, x - one, x - splat<D>(2.0)));
  // One logarithm serves both: of x, and between 2 and 3 that of x - 1, by which the recurrence (5.5.1) goes down.
  const D log = log_wide(select(mask_and(small, mask_not(below_two)), x - one, x));
  const D between = polynomial(u, kBetween) * (u * (u - one)) + select(below_one, -log, select(below_two, zero, log));
  const D inverse = one / x;
  const D rest = fma(polynomial(inverse * inverse, kStirling), inverse, splat<D>(kHalfLogTwoPiLessHalf));
  return select(small, between, fma(x - half, log - one, rest));
}

// The logarithmic derivative of gamma for x > 0.
template <class D>
TSC_INLINE D digamma_wide(D x) {
  // digamma(y) / (y - zero) for 1 <= y <= 2, where its zero is kZero + kZeroRest.
  constexpr double kZero = 0x1.762d86356be3fp+0, kZeroRest = 0x1.b86a722197829p-54;
  constexpr double kBetween[] = {
      0x1.c9b586459116ep+2,  -0x1.b140e87601db4p+4, 0x1.124ac506ceb2cp+6,  -0x1.dc02cd6cba8f5p+6, 0x1.288649d6d9729p+7,
      -0x1.1077000f1b183p+7, 0x1.75c534f61e129p+6,  -0x1.7eb66aa487e5ep+5, 0x1.20e0ebef88038p+4,  -0x1.387e3d3186f65p+2,
      0x1.cac749486a09ap-1,  -0x1.99aedfedf155ep-4, 0x1.5023bcde38802p-8};
  // (ln(x) - 1 / (2 x) - digamma(x)) x^2 as a polynomial in 1 / x^2 for x >= 2 (5.11.2).
  constexpr double kSeries[] = {0x1.5555554ae931cp-4,  -0x1.1110901af5397p-7, 0x1.03cc6d2d36abfp-8,
                                -0x1.0a050ccbacd37p-8, 0x1.8f1f55ce3bfa5p-8,  -0x1.18d1c53bb23c7p-7,
                                0x1.af7e28445e57ep-8};
  const D one = splat<D>(1.0), inverse = one / x, square = inverse * inverse;
  const Mask<D> below_one = less(x, one);
  const D y = select(below_one, x + one, x);
  const D between = polynomial(y, kBetween) * ((y - splat<D>(kZero)) - splat<D>(kZeroRest));
  const D large = log_wide(x) - fma(polynomial(square, kSeries), square, splat<D>(0.5) * inverse);
  return select(below_one, between - inverse, select(less(x, splat<D>(2.0)), between, large));
}

// The inverse of erf for |x| < 1, as x times a function of w = -ln(1 - x^2); see M. Giles, "Approximating the erfinv
// function".
template <class D>
TSC_INLINE D erfinv_wide(D x) {
  // For 0 <= w <= 5, and as a polynomial in the root of w up to 17.6 (the last float below 1 has 15.9).
  constexpr double kCentre[] = {0x1.c5bf891ad6db3p-1,  0x1.db29fbaf6dba9p-3,   0x1.7a728bb0e65adp-7,
                                -0x1.320a7010c4bd8p-9, -0x1.0d86822c4e93bp-13, 0x1.8ce479c2bcccep-15,
                                0x1.6943316b01a0ep-20, -0x1.338c887785c47p-21, -0x1.f8cae3077e0e3p-23,
                                0x1.66a868832209cp-24, -0x1.842a08de17ca2p-27, 0x1.a156df38d3583p-31,
                                -0x1.75045e36fd876p-36};
  constexpr double kTail[] = {0x1.95cbe0cc47aa6p+1, -0x1.77a61dcb17b08p+3, 0x1.a517663c7b31bp+4, -0x1.0c2040471ff74p+5,
                              0x1.be65a97523b06p+4, -0x1.fc7491e7f321dp+3, 0x1.981b96d9f30c7p+2, -0x1.d3fa7e106f42ap+0,
                              0x1.7e7b421976c15p-2, -0x1.b46f1cca92214p-5, 0x1.4b12f0cea6eb1p-8, -0x1.2c98ebe2dbee4p-12,
                              0x1.ef0fb39d0ad1fp-18};
  const D one = splat<D>(1.0), w = -log_wide((one - x) * (one + x));
  const Mask<D> is_tail = less(splat<D>(5.0), w);
  D ratio = polynomial(w, kCentre);
  if (any(is_tail)) ratio = select(is_tail, polynomial(sqrt(w), kTail), ratio);
  return x * ratio;
}

// `fast` where all lanes are in its domain, and else that of each lane.
template <class V, class Scalar>
TSC_INLINE V or_by_lanes(V fast, Mask<V> in_domain, V x, Scalar scalar) {
  if (all(in_domain)) return fast;
  return map_lanes<float>(
      [scalar](float value, bool taken, float quick) { return taken ? quick : static_cast<float>(scalar(value)); }, x,
      in_domain, fast);
}

}  // namespace detail

template <FloatValue V>
TSC_INLINE V lgamma(V x) {
  constexpr auto kScalar = [](double value) { return special::lgamma(value); };
  if constexpr (math::kIsSingle<V>) {
    const V fast = convert<float>(detail::lgamma_wide(convert<double>(x)));
    return detail::or_by_lanes(fast, mask_not(less(x, splat<V>(0.0f))), x, kScalar);
  } else {
    return map_lanes<double>(kScalar, x);
  }
}

template <FloatValue V>
TSC_INLINE V digamma(V x) {
  constexpr auto kScalar = [](double value) { return special::digamma(value); };
  if constexpr (math::kIsSingle<V>) {
    const V fast = convert<float>(detail::digamma_wide(convert<double>(x)));
    return detail::or_by_lanes(fast, mask_not(less_equal(x, splat<V>(0.0f))), x, kScalar);
  } else {
    return map_lanes<double>(kScalar, x);
  }
}

template <FloatValue V>
TSC_INLINE V erfinv(V x) {
  constexpr auto kScalar = [](double value) { return special::erfinv(value); };
  if constexpr (math::kIsSingle<V>) {
    const V fast = convert<float>(detail::erfinv_wide(convert<double>(x)));
    return detail::or_by_lanes(fast, less(abs(x), splat<V>(1.0f)), x, kScalar);
  } else {
    return map_lanes<double>(kScalar, x);
  }
}

}  // namespace tsc::special
