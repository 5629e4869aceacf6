// Functions of complex numbers on their principal branches, which pointwise ops and TorchScript's complex numbers
// share. Those of C's library are called, whose branch cuts, signed zeros and infinities are those of C99's Annex G.
#pragma once

#include "runtime/core/types.h"
#include "runtime/kernels/math.h"

namespace tsc {

template <class T>
inline constexpr bool kIsComplex = false;
template <class T>
inline constexpr bool kIsComplex<Complex<T>> = true;

namespace math {

#define TSC_COMPLEX_FUNCTION(name)                                                                             \
  inline Complex<double> name(Complex<double> z) {                                                             \
    return __builtin_bit_cast(Complex<double>, __builtin_c##name(__builtin_bit_cast(__complex__ double, z)));  \
  }                                                                                                            \
  inline Complex<float> name(Complex<float> z) {                                                               \
    return __builtin_bit_cast(Complex<float>, __builtin_c##name##f(__builtin_bit_cast(__complex__ float, z))); \
  }
TSC_COMPLEX_FUNCTION(exp)
TSC_COMPLEX_FUNCTION(log)
TSC_COMPLEX_FUNCTION(sqrt)
TSC_COMPLEX_FUNCTION(sin)
TSC_COMPLEX_FUNCTION(cos)
TSC_COMPLEX_FUNCTION(tan)
TSC_COMPLEX_FUNCTION(sinh)
TSC_COMPLEX_FUNCTION(cosh)
TSC_COMPLEX_FUNCTION(tanh)
TSC_COMPLEX_FUNCTION(asin)
TSC_COMPLEX_FUNCTION(acos)
TSC_COMPLEX_FUNCTION(atan)
TSC_COMPLEX_FUNCTION(asinh)
TSC_COMPLEX_FUNCTION(acosh)
TSC_COMPLEX_FUNCTION(atanh)
#undef TSC_COMPLEX_FUNCTION

inline double size_of(Complex<double> z) { return __builtin_hypot(z.real, z.imag); }
inline float size_of(Complex<float> z) { return __builtin_hypotf(z.real, z.imag); }

template <class T>
Complex<T> conj(Complex<T> z) {
  return {z.real, T(-z.imag)};
}

// Times or over a real number, part by part: an infinite part stays what it is.
template <class T>
Complex<T> scaled(Complex<T> z, T by) {
  return {T(z.real * by), T(z.imag * by)};
}

template <class T>
Complex<T> exp2(Complex<T> z) {
  return exp(scaled(z, T(0.69314718055994530942)));
}
template <class T>
Complex<T> log2(Complex<T> z) {
  return scaled(log(z), T(1.4426950408889634074));
}
template <class T>
Complex<T> log10(Complex<T> z) {
  return scaled(log(z), T(0.43429448190325182765));
}
// Near 1 the size's logarithm is that of its difference to 1, which is exact in double for float's parts.
template <class T>
Complex<T> log1p(Complex<T> z) {
  const double x = z.real, y = z.imag;
  const double size = __builtin_hypot(x, y);
  const double log_size =
      size < 0.5 ? 0.5 * __builtin_log1p(x * (2 + x) + y * y) : __builtin_log(__builtin_hypot(x + 1, y));
  return {static_cast<T>(log_size), static_cast<T>(__builtin_atan2(y, x + 1))};
}
template <class T>
Complex<T> expm1(Complex<T> z) {
  const double x = z.real, y = z.imag;
  const double half = __builtin_sin(y / 2);
  return {static_cast<T>(__builtin_expm1(x) * __builtin_cos(y) - 2 * half * half),
          static_cast<T>(__builtin_exp(x) * __builtin_sin(y))};
}
template <class T>
Complex<T> rsqrt(Complex<T> z) {
  return Complex<T>(1) / sqrt(z);
}
template <class T>
Complex<T> sigmoid(Complex<T> z) {
  return Complex<T>(1) / (Complex<T>(1) + exp(-z));
}
template <class T>
Complex<T> silu(Complex<T> z) {
  return z / (Complex<T>(1) + exp(-z));
}
// A real number, as the ops of one type need it.
template <class T>
Complex<T> abs(Complex<T> z) {
  return size_of(z);
}

// The exponents that PyTorch treats on their own are exact.
inline Complex<double> pow(Complex<double> base, Complex<double> exponent) {
  if (exponent == Complex<double>(0)) return 1.0;
  if (exponent == Complex<double>(1)) return base;
  if (exponent == Complex<double>(2)) return base * base;
  if (exponent == Complex<double>(0.5)) return sqrt(base);
  return __builtin_bit_cast(Complex<double>, __builtin_cpow(__builtin_bit_cast(__complex__ double, base),
                                                            __builtin_bit_cast(__complex__ double, exponent)));
}
inline Complex<float> pow(Complex<float> base, Complex<float> exponent) {
  return Complex<float>(pow(Complex<double>(base), Complex<double>(exponent)));
}

// From the nearer end, as PyTorch does it.
template <class T>
Complex<T> lerp(Complex<T> a, Complex<T> b, Complex<T> weight) {
  const Complex<T> way = b - a;
  return size_of(weight) < T(0.5) ? a + weight * way : b - way * (Complex<T>(1) - weight);
}

template <class T>
bool isnan(Complex<T> z) {
  return z.real != z.real || z.imag != z.imag;
}
template <class T>
bool isinf(Complex<T> z) {
  return __builtin_isinf(z.real) || __builtin_isinf(z.imag);
}
template <class T>
bool isfinite(Complex<T> z) {
  return z.real - z.real == 0 && z.imag - z.imag == 0;
}
template <class T>
bool logical_not(Complex<T> z) {
  return z == Complex<T>(0);
}
template <class T>
bool logical_and(Complex<T> a, Complex<T> b) {
  return !logical_not(a) && !logical_not(b);
}
template <class T>
bool logical_or(Complex<T> a, Complex<T> b) {
  return !logical_not(a) || !logical_not(b);
}
template <class T>
bool logical_xor(Complex<T> a, Complex<T> b) {
  return logical_not(a) != logical_not(b);
}

}  // namespace math
}  // namespace tsc
