// Python's numbers as TorchScript has them: 64-bit integers that wrap, doubles, complex doubles, and Scalar, whose kind
// is told at run time. A bool counts as an integer. Results have the type of the PyTorch overload that the operands'
// types name. Strings are in str.h.
#pragma once

#include "runtime/core/containers.h"
#include "runtime/core/context.h"
#include "runtime/core/number.h"
#include "runtime/ops/complex.h"
#include "runtime/ops/str.h"

namespace tsc::ops {

namespace number {

template <class T>
inline constexpr int kRank = -1;  // the numeric tower: int, float, complex, told at run time
template <>
inline constexpr int kRank<bool> = 0;
template <>
inline constexpr int kRank<int> = 0;
template <>
inline constexpr int kRank<i64> = 0;
template <>
inline constexpr int kRank<double> = 1;
template <>
inline constexpr int kRank<Complex<double>> = 2;
template <>
inline constexpr int kRank<Scalar> = 3;

template <class T>
concept Number = kRank<T> >= 0;
template <class T>
concept Real = kRank<T> == 0 || kRank<T> == 1;
template <class T>
concept Integer = kRank<T> == 0;
template <class T>
concept Fixed = kRank<T> >= 0 && kRank<T> < 3;

template <int>
struct ByRank;
template <>
struct ByRank<0> {
  using type = i64;
};
template <>
struct ByRank<1> {
  using type = double;
};
template <>
struct ByRank<2> {
  using type = Complex<double>;
};
template <class A, class B = A>
using Common = typename ByRank<(kRank<A> > kRank<B> ? kRank<A> : kRank<B>)>::type;

template <class To, class From>
TSC_INLINE To as(From x) {
  if constexpr (kRank<To> == 2 && kRank<From> != 2) {
    return To{static_cast<double>(x), 0.0};
  } else {
    return static_cast<To>(x);
  }
}

// Calls `f` with the number of the scalar's kind: i64, double or Complex<double>.
template <class F>
TSC_INLINE auto with_kind(const Scalar& s, F f) -> decltype(f(i64{0})) {
  if (s.is_complex()) return f(s.to_complex());
  if (s.is_float()) return f(s.to_double());
  return f(s.to_int());
}
template <class F, class A>
TSC_INLINE Scalar visit(const A& a, F f) {
  if constexpr (kRank<A> == 3) {
    return with_kind(a, [&](auto x) { return Scalar(f(x)); });
  } else {
    return Scalar(f(as<Common<A>>(a)));
  }
}

// f(x, y) with both operands of their common type; a Scalar operand makes the result a Scalar.
template <class F, class A, class B>
TSC_INLINE auto apply(const A& a, const B& b, F f) {
  if constexpr (kRank<A> < 3 && kRank<B> < 3) {
    using T = Common<A, B>;
    return f(as<T>(a), as<T>(b));
  } else {
    return visit(a, [&](auto x) {
      return visit(b, [&](auto y) {
        using T = Common<decltype(x), decltype(y)>;
        return Scalar(f(as<T>(x), as<T>(y)));
      });
    });
  }
}
template <class F, class A>
TSC_INLINE auto apply(const A& a, F f) {
  if constexpr (kRank<A> < 3) {
    return f(as<Common<A>>(a));
  } else {
    return visit(a, f);
  }
}

TSC_INLINE i64 wrap(uint64_t x) { return static_cast<i64>(x); }

struct Add {
  i64 operator()(i64 a, i64 b) const { return wrap_add(a, b); }
  template <class T>
  T operator()(T a, T b) const {
    return a + b;
  }
};
struct Sub {
  i64 operator()(i64 a, i64 b) const { return wrap_sub(a, b); }
  template <class T>
  T operator()(T a, T b) const {
    return a - b;
  }
};
struct Mul {
  i64 operator()(i64 a, i64 b) const { return wrap_mul(a, b); }
  template <class T>
  T operator()(T a, T b) const {
    return a * b;
  }
};

// Floor division and its remainder, whose sign is the divisor's. The callers refuse a zero divisor.
TSC_INLINE i64 floordiv(i64 a, i64 b) {
  if (b == -1) return wrap(0 - static_cast<uint64_t>(a));
  const i64 q = a / b;
  return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}
TSC_INLINE i64 floormod(i64 a, i64 b) {
  if (b == -1) return 0;
  const i64 r = a % b;
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}
TSC_INLINE double floormod(double a, double b) {
  return b == 0.0 ? __builtin_nan("") : __builtin_fmod(__builtin_fmod(a, b) + b, b);
}

// What the x86 conversion gives, for every value: out of range and NaN are the smallest integer.
using tsc::truncate;

TSC_INLINE bool nonzero(Context& ctx, bool zero) {
  if (zero) ctx.fail(ErrorKind::kRuntime, "division by 0");
  return !zero;
}

}  // namespace number

template <number::Number A, number::Number B>
auto scalar_add(Context&, const A& a, const B& b) {
  return number::apply(a, b, number::Add{});
}
template <number::Number A, number::Number B>
auto scalar_sub(Context&, const A& a, const B& b) {
  return number::apply(a, b, number::Sub{});
}
template <number::Number A, number::Number B>
auto scalar_mul(Context&, const A& a, const B& b) {
  return number::apply(a, b, number::Mul{});
}

// True division. A division by zero is an infinity or NaN.
template <number::Fixed A, number::Fixed B>
auto scalar_div(Context&, const A& a, const B& b) {
  if constexpr (number::kRank<A> == 2 || number::kRank<B> == 2) {
    return number::as<Complex<double>>(a) / number::as<Complex<double>>(b);
  } else {
    return static_cast<double>(a) / static_cast<double>(b);
  }
}
template <class A, class B>
  requires(number::kRank<A> == 3 || number::kRank<B> == 3)
double scalar_div(Context&, const A& a, const B& b) {
  return Scalar(a).to_double() / Scalar(b).to_double();
}

template <number::Number A, number::Number B>
auto scalar_floordiv(Context& ctx, const A& a, const B& b) {
  return number::apply(a, b, [&](auto x, auto y) {
    using T = decltype(x);
    if constexpr (number::kRank<T> == 0) {
      return number::nonzero(ctx, y == 0) ? number::floordiv(x, y) : i64{0};
    } else if constexpr (number::kRank<T> == 1) {
      return __builtin_floor(x / y);
    } else {
      ctx.fail(ErrorKind::kType, "can't take floor of complex number.");
      return T{};
    }
  });
}
template <number::Number A, number::Number B>
auto scalar_remainder(Context& ctx, const A& a, const B& b) {
  return number::apply(a, b, [&](auto x, auto y) {
    using T = decltype(x);
    if constexpr (number::kRank<T> == 0) {
      return number::nonzero(ctx, y == 0) ? number::floormod(x, y) : i64{0};
    } else if constexpr (number::kRank<T> == 1) {
      return number::floormod(x, y);
    } else {
      ctx.fail(ErrorKind::kType, "can't mod complex numbers.");
      return T{};
    }
  });
}

// ** of the float overloads, which include (int, int) -> float.
TSC_INLINE double scalar_pow_real(Context& ctx, double a, double b) {
  if (a == 0.0 && b < 0.0) {
    ctx.fail(ErrorKind::kRuntime, "0.0 cannot be raised to a negative power");
    return 0.0;
  }
  return __builtin_pow(a, b);
}
template <number::Real A, number::Real B>
double scalar_pow(Context& ctx, const A& a, const B& b) {
  return scalar_pow_real(ctx, static_cast<double>(a), static_cast<double>(b));
}
template <class A, class B>
  requires(number::kRank<A> == 3 || number::kRank<B> == 3)
double scalar_pow(Context& ctx, const A& a, const B& b) {
  return scalar_pow_real(ctx, Scalar(a).to_double(), Scalar(b).to_double());
}
// PyTorch has no overload of a complex number and an int but one of real results, which always fails.
template <class A, class B>
  requires((number::kRank<A> == 2 && number::kRank<B> == 0) || (number::kRank<A> == 0 && number::kRank<B> == 2))
double scalar_pow(Context& ctx, const A&, const B&) {
  ctx.fail(ErrorKind::kType, "a complex number to the power of an int is not defined: make the int a float");
  return 0.0;
}
// Complex powers through the logarithm; 0 ** 0 is 1.
template <class A, class B>
  requires(number::kRank<A> < 3 && number::kRank<B> < 3 && number::kRank<A> + number::kRank<B> >= 3)
Complex<double> scalar_pow(Context&, const A& a, const B& b) {
  const auto base = number::as<Complex<double>>(a), exponent = number::as<Complex<double>>(b);
  if (base == Complex<double>(0)) {
    if (exponent == Complex<double>(0)) return 1.0;
    return exponent.real < 0 ? Complex<double>(__builtin_inf(), __builtin_nan("")) : Complex<double>(0);
  }
  const double log_size = __builtin_log(__builtin_hypot(base.real, base.imag));
  const double angle = __builtin_atan2(base.imag, base.real);
  const double size = __builtin_exp(exponent.real * log_size - exponent.imag * angle);
  const double turn = exponent.imag * log_size + exponent.real * angle;
  return {size * __builtin_cos(turn), size * __builtin_sin(turn)};
}
// The overload (int, int) -> int. PyTorch computes it in double and truncates; so does this.
TSC_INLINE i64 scalar_pow_int(Context&, i64 a, i64 b) {
  return number::truncate(__builtin_pow(static_cast<double>(a), static_cast<double>(b)));
}

// Comparisons. Strings compare bytes.

#define TSC_SCALAR_COMPARISON(name, op)                                                      \
  template <number::Number A, number::Number B>                                              \
  bool name(Context&, const A& a, const B& b) {                                              \
    return number::compare(a, b, [](auto x, auto y) -> decltype(x op y) { return x op y; }); \
  }
namespace number {
template <class F, class A, class B>
bool compare(const A& a, const B& b, F f) {
  if constexpr (kRank<A> < 3 && kRank<B> < 3) {
    using T = Common<A, B>;
    return f(as<T>(a), as<T>(b));
  } else {
    const Scalar x(a), y(b);
    if (x.is_complex() || y.is_complex()) {
      if constexpr (requires { f(x.to_complex(), y.to_complex()); }) return f(x.to_complex(), y.to_complex());
    }
    if (x.is_float() || y.is_float()) return f(x.to_double(), y.to_double());
    return f(x.to_int(), y.to_int());
  }
}
}  // namespace number
TSC_SCALAR_COMPARISON(scalar_eq, ==)
TSC_SCALAR_COMPARISON(scalar_ne, !=)
TSC_SCALAR_COMPARISON(scalar_lt, <)
TSC_SCALAR_COMPARISON(scalar_le, <=)
TSC_SCALAR_COMPARISON(scalar_gt, >)
TSC_SCALAR_COMPARISON(scalar_ge, >=)
#undef TSC_SCALAR_COMPARISON
inline bool scalar_eq(Context&, const Str& a, const Str& b) { return a == b; }
inline bool scalar_ne(Context&, const Str& a, const Str& b) { return !(a == b); }
inline bool scalar_lt(Context&, const Str& a, const Str& b) { return a < b; }
inline bool scalar_le(Context&, const Str& a, const Str& b) { return !(b < a); }
inline bool scalar_gt(Context&, const Str& a, const Str& b) { return b < a; }
inline bool scalar_ge(Context&, const Str& a, const Str& b) { return !(a < b); }
inline bool scalar_eq(Context&, const Device& a, const Device& b) { return a == b; }
inline bool scalar_ne(Context&, const Device& a, const Device& b) { return !(a == b); }

// One operand. Float functions of an int give a float; of a Scalar, a Scalar.

template <number::Number A>
auto scalar_neg(Context&, const A& a) {
  return number::apply(a, [](auto x) { return number::Sub{}(decltype(x){}, x); });
}
inline double scalar_neg(Context&, double a) { return -a; }
template <number::Number A>
auto scalar_abs(Context&, const A& a) {
  return number::apply(a, [](auto x) {
    if constexpr (number::kRank<decltype(x)> == 2) {
      return __builtin_hypot(x.real, x.imag);
    } else if constexpr (number::kRank<decltype(x)> == 1) {
      return __builtin_fabs(x);
    } else {
      return x < 0 ? number::Sub{}(i64{0}, x) : x;
    }
  });
}

// A float whose ceiling or floor no int holds is refused.
inline i64 to_integer(Context& ctx, double x) {
  if (x >= -0x1p63 && x < 0x1p63) return static_cast<i64>(x);
  ctx.fail(ErrorKind::kRuntime, "Cannot convert float %f to integer", x);
  return 0;
}
inline i64 scalar_ceil(Context&, i64 a) { return a; }
inline i64 scalar_ceil(Context& ctx, double a) { return to_integer(ctx, __builtin_ceil(a)); }
inline Scalar scalar_ceil(Context& ctx, const Scalar& a) {
  return a.is_float() ? scalar_ceil(ctx, a.to_double()) : a.to_int();
}
inline i64 scalar_floor(Context&, i64 a) { return a; }
inline i64 scalar_floor(Context& ctx, double a) { return to_integer(ctx, __builtin_floor(a)); }
inline Scalar scalar_floor(Context& ctx, const Scalar& a) {
  return a.is_float() ? scalar_floor(ctx, a.to_double()) : a.to_int();
}
template <number::Real A>
double scalar_round(Context&, const A& a) {
  return __builtin_nearbyint(static_cast<double>(a));
}
inline Scalar scalar_round(Context&, const Scalar& a) { return __builtin_nearbyint(a.to_double()); }

#define TSC_SCALAR_FUNCTION(name, expression) \
  template <number::Real A>                   \
  double name(Context&, const A& a) {         \
    const double x = static_cast<double>(a);  \
    return expression;                        \
  }                                           \
  inline Scalar name(Context& ctx, const Scalar& a) { return name(ctx, a.to_double()); }
TSC_SCALAR_FUNCTION(scalar_sqrt, __builtin_sqrt(x))
TSC_SCALAR_FUNCTION(scalar_exp, __builtin_exp(x))
TSC_SCALAR_FUNCTION(scalar_log, __builtin_log(x))
TSC_SCALAR_FUNCTION(scalar_log1p, __builtin_log1p(x))
TSC_SCALAR_FUNCTION(scalar_log10, __builtin_log10(x))
TSC_SCALAR_FUNCTION(scalar_sin, __builtin_sin(x))
TSC_SCALAR_FUNCTION(scalar_cos, __builtin_cos(x))
TSC_SCALAR_FUNCTION(scalar_tan, __builtin_tan(x))
TSC_SCALAR_FUNCTION(scalar_asin, __builtin_asin(x))
TSC_SCALAR_FUNCTION(scalar_acos, __builtin_acos(x))
TSC_SCALAR_FUNCTION(scalar_atan, __builtin_atan(x))
TSC_SCALAR_FUNCTION(scalar_sinh, __builtin_sinh(x))
TSC_SCALAR_FUNCTION(scalar_cosh, __builtin_cosh(x))
TSC_SCALAR_FUNCTION(scalar_tanh, __builtin_tanh(x))
TSC_SCALAR_FUNCTION(scalar_asinh, __builtin_asinh(x))
TSC_SCALAR_FUNCTION(scalar_acosh, __builtin_acosh(x))
TSC_SCALAR_FUNCTION(scalar_atanh, __builtin_atanh(x))
TSC_SCALAR_FUNCTION(scalar_expm1, __builtin_expm1(x))
TSC_SCALAR_FUNCTION(scalar_lgamma, __builtin_lgamma(x))
TSC_SCALAR_FUNCTION(scalar_gamma, __builtin_tgamma(x))
TSC_SCALAR_FUNCTION(scalar_erf, __builtin_erf(x))
TSC_SCALAR_FUNCTION(scalar_erfc, __builtin_erfc(x))
TSC_SCALAR_FUNCTION(scalar_angle, x != x ? x : __builtin_atan2(0.0, x))
TSC_SCALAR_FUNCTION(scalar_degrees, x * 57.295779513082320877)
TSC_SCALAR_FUNCTION(scalar_radians, x * 0.017453292519943295769)
TSC_SCALAR_FUNCTION(scalar_fabs, __builtin_fabs(x))
#undef TSC_SCALAR_FUNCTION

// Functions of complex numbers, on their principal branches.
inline Complex<double> scalar_exp(Context&, Complex<double> a) { return math::exp(a); }
inline Complex<double> scalar_log(Context&, Complex<double> a) { return math::log(a); }
inline Complex<double> scalar_log10(Context&, Complex<double> a) {
  return math::log10(a);
}
inline Complex<double> scalar_sqrt(Context&, Complex<double> a) { return math::sqrt(a); }
inline Complex<double> scalar_sin(Context&, Complex<double> a) { return math::sin(a); }
inline Complex<double> scalar_cos(Context&, Complex<double> a) { return math::cos(a); }
inline Complex<double> scalar_tan(Context&, Complex<double> a) { return math::tan(a); }
inline Complex<double> scalar_sinh(Context&, Complex<double> a) { return math::sinh(a); }
inline Complex<double> scalar_cosh(Context&, Complex<double> a) { return math::cosh(a); }
inline Complex<double> scalar_tanh(Context&, Complex<double> a) { return math::tanh(a); }
inline Complex<double> scalar_asin(Context&, Complex<double> a) { return math::asin(a); }
inline Complex<double> scalar_acos(Context&, Complex<double> a) { return math::acos(a); }
inline Complex<double> scalar_atan(Context&, Complex<double> a) { return math::atan(a); }
inline Complex<double> scalar_asinh(Context&, Complex<double> a) { return math::asinh(a); }
inline Complex<double> scalar_acosh(Context&, Complex<double> a) { return math::acosh(a); }
inline Complex<double> scalar_atanh(Context&, Complex<double> a) { return math::atanh(a); }
inline double scalar_angle(Context&, Complex<double> a) { return __builtin_atan2(a.imag, a.real); }
template <number::Number A, number::Number B>
auto scalar_polar(Context&, const A& size, const B& angle) {
  const double r = Scalar(size).to_double(), turn = Scalar(angle).to_double();
  const Complex<double> z(r * __builtin_cos(turn), r * __builtin_sin(turn));
  if constexpr (number::kRank<A> == 3 || number::kRank<B> == 3) {
    return Scalar(z);
  } else {
    return z;
  }
}

template <number::Number A, number::Number B>
auto scalar_log(Context&, const A& a, const B& base) {
  if constexpr (number::kRank<A> == 2 || number::kRank<B> == 2) {
    // A real operand has a real logarithm: NaN where it is negative.
    const auto log_of = [](auto x) {
      if constexpr (number::kRank<decltype(x)> == 2) {
        return math::log(x);
      } else {
        return Complex<double>(__builtin_log(static_cast<double>(x)));
      }
    };
    return log_of(a) / log_of(base);
  } else {
    return __builtin_log(Scalar(a).to_double()) / __builtin_log(Scalar(base).to_double());
  }
}
template <number::Number A, number::Number B>
double scalar_atan2(Context&, const A& a, const B& b) {
  return __builtin_atan2(Scalar(a).to_double(), Scalar(b).to_double());
}
template <number::Number A, number::Number B>
double scalar_copysign(Context&, const A& a, const B& b) {
  return __builtin_copysign(Scalar(a).to_double(), Scalar(b).to_double());
}
template <number::Number A, number::Number B>
double scalar_fmod(Context&, const A& a, const B& b) {
  return __builtin_fmod(Scalar(a).to_double(), Scalar(b).to_double());
}
// IEEE 754's remainder: the quotient is rounded to even.
template <number::Number A, number::Number B>
double scalar_mathremainder(Context&, const A& a, const B& b) {
  return __builtin_remainder(Scalar(a).to_double(), Scalar(b).to_double());
}
template <number::Real A, number::Real B>
auto scalar_divmod(Context& ctx, const A& a, const B& b) {
  using T = number::Common<A, B>;
  const T x = number::as<T>(a), y = number::as<T>(b);
  if (y == T(0)) {
    ctx.fail(ErrorKind::kRuntime, "%s",
             number::kRank<T> == 0 ? "ZeroDivisionError: integer division or modulo by zero"
                                   : "ZeroDivisionError: float divmod()");
    return Tuple<T, T>();
  }
  if constexpr (number::kRank<T> == 0) {
    return Tuple<T, T>(scalar_floordiv(ctx, x, y), scalar_remainder(ctx, x, y));
  } else {
    // As Python: the quotient is what belongs to the remainder, a whole number also where x / y rounds to the next one.
    const double rest = __builtin_fmod(x, y);
    const bool wraps = rest != 0 && (rest < 0) != (y < 0);
    const double whole = __builtin_round((x - rest) / y) - (wraps ? 1 : 0);
    return Tuple<T, T>(whole == 0 ? __builtin_copysign(0.0, x / y) : whole, wraps       ? rest + y
                                                                            : rest == 0 ? __builtin_copysign(0.0, y)
                                                                                        : rest);
  }
}
// Integer division that drops the fraction, as C's.
inline i64 scalar_truncdiv(Context& ctx, i64 a, i64 b) {
  if (!number::nonzero(ctx, b == 0)) return 0;
  return b == -1 ? number::Sub{}(i64{0}, a) : a / b;
}
inline double scalar_ldexp(Context&, double x, i64 i) {
  return __builtin_ldexp(x, static_cast<int>(tsc::min<i64>(tsc::max<i64>(i, -10000), 10000)));
}
inline Tuple<double, double> scalar_modf(Context&, double a) {
  double whole = 0;
  const double part = __builtin_modf(a, &whole);
  return {part, whole};
}
inline Tuple<double, i64> scalar_frexp(Context&, double a) {
  int exponent = 0;
  const double mantissa = __builtin_frexp(a, &exponent);
  return {mantissa, i64{exponent}};
}
inline i64 scalar_gcd(Context&, i64 a, i64 b) {
  uint64_t x = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  uint64_t y = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  while (y != 0) {
    const uint64_t rest = x % y;
    x = y;
    y = rest;
  }
  return number::wrap(x);
}
inline i64 scalar_factorial(Context& ctx, i64 a) {
  if (a < 0) {
    ctx.fail(ErrorKind::kValue, "factorial() not defined for negative values");
    return 0;
  }
  uint64_t product = 1;
  for (uint64_t i = 2; i <= static_cast<uint64_t>(a) && product != 0; ++i) product *= i;
  return number::wrap(product);
}
inline bool scalar_isnan(Context&, double a) { return a != a; }
inline bool scalar_isinf(Context&, double a) { return __builtin_isinf(a); }
inline bool scalar_isfinite(Context&, double a) { return __builtin_isfinite(a); }
inline bool scalar_isnan(Context&, Complex<double> a) { return a.real != a.real || a.imag != a.imag; }
inline bool scalar_isinf(Context&, Complex<double> a) { return __builtin_isinf(a.real) || __builtin_isinf(a.imag); }
inline bool scalar_isfinite(Context&, Complex<double> a) {
  return __builtin_isfinite(a.real) && __builtin_isfinite(a.imag);
}

// min and max of two numbers, of two lists (the smaller in Python's order), and of a list's items.

template <number::Number A, number::Number B>
auto scalar_min(Context&, const A& a, const B& b) {
  return number::apply(a, b, [](auto x, auto y) {
    if constexpr (number::kRank<decltype(x)> == 2) {
      return x;
    } else {
      return x < y ? x : y;
    }
  });
}
template <number::Number A, number::Number B>
auto scalar_max(Context&, const A& a, const B& b) {
  return number::apply(a, b, [](auto x, auto y) {
    if constexpr (number::kRank<decltype(x)> == 2) {
      return x;
    } else {
      return x > y ? x : y;
    }
  });
}
template <class T>
bool list_less(const List<T>& a, const List<T>& b) {
  for (i64 i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] < b[i]) return true;
    if (b[i] < a[i]) return false;
  }
  return a.size() < b.size();
}
template <class T>
List<T> scalar_min(Context&, const List<T>& l, const List<T>& r) {
  return list_less(r, l) ? r : l;
}
template <class T>
List<T> scalar_max(Context&, const List<T>& l, const List<T>& r) {
  return list_less(l, r) ? r : l;
}
template <class T>
T scalar_min(Context& ctx, const List<T>& self) {
  if (self.empty()) return ctx.fail(ErrorKind::kValue, "min() arg is an empty sequence");
  T best = self[0];
  for (const T& x : self) best = x < best ? x : best;
  return best;
}
template <class T>
T scalar_max(Context& ctx, const List<T>& self) {
  if (self.empty()) return ctx.fail(ErrorKind::kValue, "max() arg is an empty sequence");
  T best = self[0];
  for (const T& x : self) best = best < x ? x : best;
  return best;
}

// Bits and logic.

inline bool bool_not(Context&, bool self) { return !self; }
inline bool bool_and(Context&, bool a, bool b) { return a && b; }
inline bool bool_or(Context&, bool a, bool b) { return a || b; }
inline bool bool_xor(Context&, bool a, bool b) { return a != b; }
inline i64 int_and(Context&, i64 a, i64 b) { return a & b; }
inline i64 int_or(Context&, i64 a, i64 b) { return a | b; }
inline i64 int_xor(Context&, i64 a, i64 b) { return a ^ b; }
// Shifts use the count modulo 64, as the machine's instructions do for PyTorch.
inline i64 int_lshift(Context&, i64 a, i64 b) { return number::wrap(static_cast<uint64_t>(a) << (b & 63)); }
inline i64 int_rshift(Context&, i64 a, i64 b) { return a >> (b & 63); }

// Conversions.

template <number::Real A>
i64 to_int(Context&, const A& a) {
  if constexpr (number::kRank<A> == 1) {
    return number::truncate(a);
  } else {
    return static_cast<i64>(a);
  }
}
inline i64 to_int(Context&, const Scalar& a) { return a.is_float() ? number::truncate(a.to_double()) : a.to_int(); }
inline i64 to_int(Context& ctx, const Str& a) {
  i64 at = 0;
  const bool negative = !a.empty() && a[0] == '-';
  if (!a.empty() && (a[0] == '-' || a[0] == '+')) ++at;
  bool valid = at < a.size();
  i64 value = 0;
  for (; at < a.size() && valid; ++at) {
    valid = ascii::is_digit(a[at]) && checked_multiply(value, 10, value) &&
            checked_add(value, negative ? '0' - a[at] : a[at] - '0', value);
  }
  if (valid) return value;
  ctx.fail(ErrorKind::kValue, "invalid literal for int() with base 10: '%.*s'",
           static_cast<int>(tsc::min<i64>(a.size(), 512)), a.data());
  return 0;
}
template <number::Real A>
double to_float(Context&, const A& a) {
  return static_cast<double>(a);
}
inline double to_float(Context&, const Scalar& a) { return a.to_double(); }
inline double to_float(Context& ctx, const Str& a) {
  char buffer[512];
  const i64 size = tsc::min<i64>(a.size(), sizeof buffer - 1);
  libc::memcpy(buffer, a.data(), static_cast<size_t>(size));
  buffer[size] = 0;
  char* end = nullptr;
  const double value = libc::strtod(buffer, &end);
  if (size == a.size() && size > 0 && end == buffer + size) return value;
  ctx.fail(ErrorKind::kValue, "could not convert string to float: '%s'", buffer);
  return 0;
}
template <number::Number A>
bool to_bool(Context&, const A& a) {
  return Scalar(a).to_bool();
}
inline Complex<double> to_complex(Context&, const Scalar& a) { return a.to_complex(); }
template <number::Real A, number::Real B>
Complex<double> to_complex(Context&, const A& x, const B& y) {
  return {static_cast<double>(x), static_cast<double>(y)};
}

// Ranges.

inline i64 range_length(Context& ctx, i64 lo, i64 hi, i64 step) {
  if (step == 0) {
    ctx.fail(ErrorKind::kValue, "range() arg 3 must not be zero");
    return 0;
  }
  if (step > 0 ? lo >= hi : lo <= hi) return 0;
  const uint64_t distance = step > 0 ? static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo)
                                     : static_cast<uint64_t>(lo) - static_cast<uint64_t>(hi);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  return number::wrap((distance - 1) / stride + 1);
}
inline i64 derive_index(Context&, i64 index, i64 start, i64 step) {
  return number::wrap(static_cast<uint64_t>(start) + static_cast<uint64_t>(index) * static_cast<uint64_t>(step));
}
inline List<i64> range_list(Context& ctx, i64 n) {
  List<i64> items = List<i64>::make(ctx, tsc::max<i64>(n, 0));
  for (i64 i = 0; i < n && ctx.ok(); ++i) items.append(i);
  return items;
}

}  // namespace tsc::ops
