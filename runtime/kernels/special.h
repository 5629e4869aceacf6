// Special functions with PyTorch's values at poles, borders of domains, infinities and NaN. All are computed in double,
// for float operands, too, by formulas of the NIST Digital Library of Mathematical Functions, whose numbers are given.
#pragma once

#include "runtime/core/libc.h"
#include "runtime/kernels/vec.h"

namespace tsc::special {

inline constexpr double kInfinity = __builtin_inf();
inline constexpr double kNan = __builtin_nan("");
inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kSqrtPi = 1.77245385090551602730;
inline constexpr double kEuler = 0.57721566490153286061;
inline constexpr double kEpsilon = 0x1p-54;

template <int kCount>
double polynomial(double x, const double (&c)[kCount]) {
  double sum = c[kCount - 1];
  for (int i = kCount - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

// The gamma function and its kin.

inline double lgamma(double x) {
  int sign;
  return libc::lgamma_r(x, &sign);
}

// Reflection 5.5.4, recurrence 5.5.2 up to x >= 10, then the asymptotic series 5.11.2.
inline double digamma(double x) {
  if (x == 0) return __builtin_copysign(kInfinity, -x);
  if (x < 0) {
    const double whole = __builtin_trunc(x);
    return whole == x ? kNan : digamma(1 - x) - kPi / __builtin_tan(kPi * (x - whole));
  }
  constexpr double kSeries[] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12};
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  const double y = 1 / (x * x);
  return sum + __builtin_log(x) - 0.5 / x - y * polynomial(y, kSeries);
}

// Hurwitz's zeta function, the sum over k of (q + k)^-x, by Euler-Maclaurin summation (25.11.5 integrated by parts).
inline double zeta(double x, double q) {
  // Bernoulli numbers B(2 j) / (2 j)!.
  constexpr double kBernoulli[] = {1.0 / 12,
                                   -1.0 / 720,
                                   1.0 / 30240,
                                   -1.0 / 1209600,
                                   1.0 / 47900160,
                                   -691.0 / 1307674368000.0,
                                   1.0 / 74724249600.0,
                                   -3617.0 / 10670622842880000.0,
                                   43867.0 / 5109094217170944000.0,
                                   -174611.0 / 802857662698291200000.0};
  if (x == 1) return kInfinity;
  if (!(x > 1)) return kNan;
  if (q <= 0) {
    if (q == __builtin_floor(q)) return kInfinity;
    if (x != __builtin_floor(x)) return kNan;
  }
  double sum = 0, a = q;
  for (int i = 0; i < 9 || a <= 9; ++i, a += 1) sum += __builtin_pow(a, -x);
  const double power = __builtin_pow(a, -x);
  sum += power * a / (x - 1) + power / 2;
  double factor = x * power / a;
  for (int j = 0; j < 10; ++j) {
    const double term = factor * kBernoulli[j];
    sum += term;
    if (__builtin_fabs(term) <= kEpsilon * __builtin_fabs(sum)) break;
    factor *= (x + 2 * j + 1) * (x + 2 * j + 2) / (a * a);
  }
  return sum;
}

// What both incomplete gamma functions do where one of the operands is at the border of the domain.
struct GammaBorder {
  bool is_border;
  double lower;
};
inline GammaBorder gamma_border(double a, double x) {
  if (!(a >= 0) || !(x >= 0)) return {true, kNan};
  if (a == 0) return {true, x > 0 ? 1 : kNan};
  if (x == 0) return {true, 0};
  if (__builtin_isinf(a)) return {true, __builtin_isinf(x) ? kNan : 0};
  return {__builtin_isinf(x) != 0, 1};
}

// x^a e^-x / gamma(a); for large a, where the exponent cancels, relative to x = a with Stirling's series 5.11.3.
inline double gamma_density(double a, double x) {
  if (a < 100) return __builtin_exp(a * __builtin_log(x) - x - lgamma(a));
  constexpr double kStirling[] = {1, 1.0 / 12, 1.0 / 288, -139.0 / 51840, -571.0 / 2488320};
  const double mu = (x - a) / a;
  return __builtin_exp(a * (__builtin_log1p(mu) - mu)) * __builtin_sqrt(a / (2 * kPi)) / polynomial(1 / a, kStirling);
}
// The lower function P by its power series 8.11.4, for x < a + 1.
inline double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (double k = a + 1; term > kEpsilon * sum; k += 1) sum += term *= x / k;
  return sum * gamma_density(a, x);
}
// The upper function Q by its continued fraction 8.9.2 in Lentz's form, for x >= a + 1.
inline double gamma_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, result = d;
  for (int k = 1; k < 100000; ++k) {
    const double numerator = -k * (k - a);
    b += 2;
    d = numerator * d + b;
    c = b + numerator / c;
    if (d == 0) d = kTiny;
    if (c == 0) c = kTiny;
    d = 1 / d;
    const double ratio = c * d;
    result *= ratio;
    if (__builtin_fabs(ratio - 1) <= 0x1p-53) break;
  }
  return result * gamma_density(a, x);
}
// Q for large a by the uniform expansion 8.12.4 with the first term of 8.12.7; the next is about 1e-3 / a^1.5.
inline double gamma_uniform(double a, double x) {
  const double mu = (x - a) / a;
  const double half_square = mu - __builtin_log1p(mu);  // eta^2 / 2
  const double eta = __builtin_copysign(__builtin_sqrt(2 * half_square), mu);
  const double first = __builtin_fabs(mu) < 1e-4 ? -1.0 / 3 + mu / 12 : 1 / mu - 1 / eta;
  return 0.5 * __builtin_erfc(eta * __builtin_sqrt(a / 2)) +
         first * __builtin_exp(-a * half_square) / __builtin_sqrt(2 * kPi * a);
}
inline constexpr double kLargeGamma = 1e6;

inline double gammaincc(double a, double x) {
  const GammaBorder border = gamma_border(a, x);
  if (border.is_border) return 1 - border.lower;
  if (a > kLargeGamma) return gamma_uniform(a, x);
  return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}
inline double gammainc(double a, double x) {
  const GammaBorder border = gamma_border(a, x);
  if (border.is_border) return border.lower;
  if (a > kLargeGamma) return 1 - gamma_uniform(a, x);
  return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

// The error function and the normal distribution.

// The quantile of the normal distribution at 1/2 + centre, where tail = 1/2 - |centre|: M. J. Wichura, Algorithm AS
// 241, Applied Statistics 37 (1988), routine PPND16.
inline double normal_quantile(double centre, double tail) {
  constexpr double kA[] = {3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
                           45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727};
  constexpr double kB[] = {1,
                           42.313330701600911252,
                           687.18700749205790830,
                           5394.1960214247511077,
                           21213.794301586595867,
                           39307.895800092710610,
                           28729.085735721942674,
                           5226.4952788528545610};
  constexpr double kC[] = {1.42343711074968357734,    4.63033784615654529590,   5.76949722146069140550,
                           3.64784832476320460504,    1.27045825245236838258,   2.41780725177450611770e-1,
                           2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double kD[] = {1,
                           2.05319162663775882187,
                           1.67638483018380384940,
                           6.89767334985100004550e-1,
                           1.48103976427480074590e-1,
                           1.51986665636164571966e-2,
                           5.47593808499534494600e-4,
                           1.05075007164441684324e-9};
  constexpr double kE[] = {6.65790464350110377720,    5.46378491116411436990,    1.78482653991729133580,
                           2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                           2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double kF[] = {1,
                           5.99832206555887937690e-1,
                           1.36929880922735805310e-1,
                           1.48753612908506148525e-2,
                           7.86869131145613259100e-4,
                           1.84631831751005468180e-5,
                           1.42151175831644588870e-7,
                           2.04426310338993978564e-15};
  if (__builtin_fabs(centre) <= 0.425) {
    const double r = 0.180625 - centre * centre;
    return centre * polynomial(r, kA) / polynomial(r, kB);
  }
  const double r = __builtin_sqrt(-__builtin_log(tail));
  const double magnitude =
      r <= 5 ? polynomial(r - 1.6, kC) / polynomial(r - 1.6, kD) : polynomial(r - 5, kE) / polynomial(r - 5, kF);
  return __builtin_copysign(magnitude, centre);
}
inline double ndtri(double p) {
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  return p > 0 && p < 1 ? normal_quantile(p - 0.5, p < 0.5 ? p : 1 - p) : kNan;
}
inline double erfinv(double x) {
  const double tail = 0.5 * (1 - __builtin_fabs(x));
  if (tail == 0) return __builtin_copysign(kInfinity, x);
  return tail > 0 ? normal_quantile(0.5 * x, tail) * 0.70710678118654752440 : kNan;
}

// exp(x^2) erfc(x); from 10 on by the asymptotic series 7.12.1.
inline double erfcx(double x) {
  if (x < 10) return __builtin_exp(x * x) * __builtin_erfc(x);
  const double y = 0.5 / (x * x);
  double term = 1, sum = 1;
  for (int k = 1; k < 12; ++k) sum += term *= -(2 * k - 1) * y;
  return sum / (x * kSqrtPi);
}

// Numbers as their parts.

inline double nextafter(double x, double y) { return __builtin_nextafter(x, y); }
inline float nextafter(float x, float y) { return __builtin_nextafterf(x, y); }
// Of floats that are numbers of a half precision.
template <class Half>
float nextafter_half(float x, float y) {
  if (x != x || y != y) return x + y;
  if (x == y) return y;
  uint16_t bits = x == 0 ? 0 : __builtin_bit_cast(uint16_t, Half(x));
  bits = static_cast<uint16_t>(x == 0 ? 1 : (x < y) == (x > 0) ? bits + 1 : bits - 1);
  const float next = static_cast<float>(__builtin_bit_cast(Half, bits));
  return x == 0 && y < 0 ? -next : next;
}

struct Fraction {
  double mantissa;
  int exponent;
};
inline Fraction frexp(double x) {
  Fraction result = {};
  result.mantissa = __builtin_frexp(x, &result.exponent);
  return result;
}

inline i64 gcd(i64 a, i64 b) {
  uint64_t x = a < 0 ? -static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  uint64_t y = b < 0 ? -static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  while (x != 0) {
    const uint64_t rest = y % x;
    y = x;
    x = rest;
  }
  return static_cast<i64>(y);
}
inline i64 lcm(i64 a, i64 b) {
  const i64 divisor = gcd(a, b);
  if (divisor == 0) return 0;
  const uint64_t product = static_cast<uint64_t>(a / divisor) * static_cast<uint64_t>(b);
  return static_cast<i64>(static_cast<i64>(product) < 0 ? -product : product);
}

// Bessel functions. Those of the first and second kind are libm's.

inline double bessel_j0(double x) { return __builtin_isinf(x) ? 0 : libc::j0(x); }
inline double bessel_j1(double x) { return __builtin_isinf(x) ? 0 : libc::j1(x); }
inline double bessel_y0(double x) {
  return x > 0 ? (__builtin_isinf(x) ? 0 : libc::y0(x)) : x == 0 ? -kInfinity : kNan;
}
inline double bessel_y1(double x) {
  return x > 0 ? (__builtin_isinf(x) ? 0 : libc::y1(x)) : x == 0 ? -kInfinity : kNan;
}

// exp(-|x|) I(order, x) for the orders 0 and 1, by the power series 10.25.2 or the asymptotic one, 10.40.1.
inline double scaled_bessel_i(int order, double x) {
  const double z = __builtin_fabs(x);
  double term = 1, sum = 1;
  if (z <= 30) {
    sum = term = order == 0 ? 1 : z / 2;
    for (int k = 1; term > kEpsilon * sum; ++k) sum += term *= z * z / (4.0 * k * (k + order));
    sum *= __builtin_exp(-z);
  } else {
    for (int k = 1; k < 30 && __builtin_fabs(term) > kEpsilon; ++k) {
      sum += term *= ((2 * k - 1) * (2 * k - 1) - 4 * order) / (8 * k * z);
    }
    sum /= __builtin_sqrt(2 * kPi * z);
  }
  return order == 1 && x < 0 ? -sum : sum;
}
inline double i0e(double x) { return scaled_bessel_i(0, x); }
inline double i1e(double x) { return scaled_bessel_i(1, x); }
inline double i0(double x) { return __builtin_exp(__builtin_fabs(x)) * i0e(x); }
inline double i1(double x) { return __builtin_exp(__builtin_fabs(x)) * i1e(x); }

// exp(x) K(order, x) by the trapezoidal rule on the integral 10.32.9, of exp(-x cosh t) cosh(order t): it falls doubly
// exponentially and is analytic for |imag t| < pi / 2, so that the rule's error falls as exp(-pi^2 / step). For large x
// the integrand is a bell of width 1 / sqrt(x), and the step is a part of that.
inline double scaled_bessel_k(double order, double x) {
  const double step = x < 6 ? 0.25 : 0.65 / __builtin_sqrt(x);
  double sum = 0.5;
  for (int j = 1;; ++j) {
    const double t = j * step, s = __builtin_sinh(t / 2);
    const double term = __builtin_exp(-2 * x * s * s) * __builtin_cosh(order * t);
    sum += term;
    if (!(term > kEpsilon * sum)) return sum * step;
  }
}
// Near 0 by the first terms of 10.31.
inline double scaled_modified_bessel_k0(double x) {
  if (x <= 0) return x == 0 ? kInfinity : kNan;
  return x < 1e-16 ? -__builtin_log(x / 2) - kEuler : scaled_bessel_k(0, x);
}
inline double scaled_modified_bessel_k1(double x) {
  if (x <= 0) return x == 0 ? kInfinity : kNan;
  return x < 1e-16 ? 1 / x : scaled_bessel_k(1, x);
}
inline double modified_bessel_k0(double x) { return scaled_modified_bessel_k0(x) * __builtin_exp(-x); }
inline double modified_bessel_k1(double x) { return scaled_modified_bessel_k1(x) * __builtin_exp(-x); }

// Airy's function. For x > 2 through K(1/3), 9.6.2; for x < -7 by its asymptotic expansion, 9.7.9; between by its power
// series, 9.4.1, whose terms leave an error of some 1e-11 at -7.
inline double airy_ai(double x) {
  if (__builtin_isinf(x) || x != x) return kNan;
  const double zeta = 2.0 / 3 * __builtin_fabs(x) * __builtin_sqrt(__builtin_fabs(x));
  if (x > 2) return __builtin_sqrt(x / 3) / kPi * scaled_bessel_k(1.0 / 3, zeta) * __builtin_exp(-zeta);
  if (x < -7) {
    double even = 0, odd = 0, u = 1;
    for (int k = 0; k < 24; ++k) {
      // Of both sums every second term is subtracted.
      (k % 2 == 0 ? even : odd) += k % 4 < 2 ? u : -u;
      const double next = u * (6 * k + 1) * (6 * k + 5) / (72 * (k + 1) * zeta);
      if (next > u) break;
      u = next;
    }
    const double angle = zeta - kPi / 4;
    return (__builtin_cos(angle) * even + __builtin_sin(angle) * odd) / (kSqrtPi * __builtin_sqrt(__builtin_sqrt(-x)));
  }
  double f = 1, g = x, f_sum = f, g_sum = g;
  for (int k = 1; __builtin_fabs(f) + __builtin_fabs(g) > kEpsilon * 1e-3; ++k) {
    f_sum += f *= x * x * x / ((3 * k - 1) * (3 * k));
    g_sum += g *= x * x * x / ((3 * k) * (3 * k + 1));
  }
  return 0.35502805388781723926 * f_sum - 0.25881940379280679841 * g_sum;
}

// Orthogonal polynomials of degree n, by their recurrences (18.9.1); 0 for negative degrees.

inline i64 degree_of(double n) { return n >= -0x1p63 && n < 0x1p63 ? static_cast<i64>(n) : INT64_MIN; }

enum class Chebyshev : uint8_t { kT, kU, kV, kW };
// Of high degree within (-1, 1) by 18.5.1 to 18.5.4.
inline double chebyshev(Chebyshev kind, double x, double degree) {
  const i64 n = degree_of(degree);
  if (n < 0) return 0;
  const double count = static_cast<double>(n);
  if (x == 1 || x == -1) {
    const double magnitude = kind == Chebyshev::kT                 ? 1
                             : kind == Chebyshev::kU               ? count + 1
                             : (kind == Chebyshev::kV) == (x == 1) ? 1
                                                                   : 2 * count + 1;
    return x < 0 && n % 2 != 0 ? -magnitude : magnitude;
  }
  if (n > 8 && __builtin_fabs(x) < 1) {
    const double angle = __builtin_acos(x);
    switch (kind) {
      case Chebyshev::kT:
        return __builtin_cos(count * angle);
      case Chebyshev::kU:
        return __builtin_sin((count + 1) * angle) / __builtin_sin(angle);
      case Chebyshev::kV:
        return __builtin_cos((count + 0.5) * angle) / __builtin_cos(angle / 2);
      case Chebyshev::kW:
        return __builtin_sin((count + 0.5) * angle) / __builtin_sin(angle / 2);
    }
  }
  double before = 1, value = kind == Chebyshev::kT   ? x
                             : kind == Chebyshev::kU ? 2 * x
                             : kind == Chebyshev::kV ? 2 * x - 1
                                                     : 2 * x + 1;
  if (n == 0) return 1;
  for (i64 k = 1; k < n && value == value; ++k) {
    const double next = 2 * x * value - before;
    before = value;
    value = next;
  }
  return value;
}
inline double chebyshev_polynomial_t(double x, double n) { return chebyshev(Chebyshev::kT, x, n); }
inline double chebyshev_polynomial_u(double x, double n) { return chebyshev(Chebyshev::kU, x, n); }
inline double chebyshev_polynomial_v(double x, double n) { return chebyshev(Chebyshev::kV, x, n); }
inline double chebyshev_polynomial_w(double x, double n) { return chebyshev(Chebyshev::kW, x, n); }
inline double shifted_chebyshev_polynomial_t(double x, double n) { return chebyshev(Chebyshev::kT, 2 * x - 1, n); }
inline double shifted_chebyshev_polynomial_u(double x, double n) { return chebyshev(Chebyshev::kU, 2 * x - 1, n); }
inline double shifted_chebyshev_polynomial_v(double x, double n) { return chebyshev(Chebyshev::kV, 2 * x - 1, n); }
inline double shifted_chebyshev_polynomial_w(double x, double n) { return chebyshev(Chebyshev::kW, 2 * x - 1, n); }

// PyTorch gives NaN for degrees above 512.
inline double hermite(double scale, double x, double degree) {
  const i64 n = degree_of(degree);
  if (n <= 0) return n == 0 ? 1 : 0;
  if (n > 512) return kNan;
  double before = 1, value = scale * x;
  for (i64 k = 1; k < n; ++k) {
    const double next = scale * (x * value - static_cast<double>(k) * before);
    before = value;
    value = next;
  }
  return value;
}
inline double hermite_polynomial_h(double x, double n) { return hermite(2, x, n); }
inline double hermite_polynomial_he(double x, double n) { return hermite(1, x, n); }

inline double laguerre_polynomial_l(double x, double degree) {
  const i64 n = degree_of(degree);
  if (n < 0) return 0;
  if (n == 0 || x == 0) return 1;
  double before = 1, value = 1 - x;
  for (i64 k = 1; k < n && value == value; ++k) {
    const double count = static_cast<double>(k);
    const double next = ((2 * count + 1 - x) * value - count * before) / (count + 1);
    before = value;
    value = next;
  }
  return value;
}
inline double legendre_polynomial_p(double x, double degree) {
  const i64 n = degree_of(degree);
  if (n < 0) return 0;
  if (n == 0) return 1;
  if (x == 1 || x == -1) return x < 0 && n % 2 != 0 ? -1 : 1;
  double before = 1, value = x;
  for (i64 k = 1; k < n && value == value; ++k) {
    const double count = static_cast<double>(k);
    const double next = ((2 * count + 1) * x * value - count * before) / (count + 1);
    before = value;
    value = next;
  }
  return value;
}

}  // namespace tsc::special
