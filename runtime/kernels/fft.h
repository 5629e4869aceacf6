// Discrete Fourier transforms: X[k] = sum of x[j] exp(-2 pi i j k / n).
//
// Each lane of a vector V is a transform of its own, so that one code serves one transform and many. Lengths are split
// into the radices 4, 2, 3, 5 and odd primes up to kLargestRadix, in Stockham's order: each stage reads one buffer and
// writes the other, and no stage reverses digits. Lengths with a larger prime factor are convolutions with a chirp
// (Bluestein), in double only. Backward transforms are forward ones of the parts exchanged, before and after.
#pragma once

#include "runtime/kernels/vec.h"

namespace tsc::kernels {

template <class V>
struct Pair {
  V real, imag;

  friend TSC_INLINE Pair operator+(Pair a, Pair b) { return {a.real + b.real, a.imag + b.imag}; }
  friend TSC_INLINE Pair operator-(Pair a, Pair b) { return {a.real - b.real, a.imag - b.imag}; }
  friend TSC_INLINE Pair operator*(Pair a, Pair b) {
    return {fma(a.real, b.real, -(a.imag * b.imag)), fma(a.real, b.imag, a.imag * b.real)};
  }
  TSC_INLINE Pair times(Element<V> x) const { return {real * splat<V>(x), imag * splat<V>(x)}; }
  // This plus another times x.
  TSC_INLINE Pair plus(Pair a, Element<V> x) const {
    return {fma(a.real, splat<V>(x), real), fma(a.imag, splat<V>(x), imag)};
  }
  TSC_INLINE Pair conjugate() const { return {real, -imag}; }
  TSC_INLINE Pair exchanged() const { return {imag, real}; }
  TSC_INLINE Pair times_minus_i() const { return {imag, -real}; }
};
template <class V>
TSC_INLINE Pair<V> spread(Pair<Element<V>> x) {
  return {splat<V>(x.real), splat<V>(x.imag)};
}

// exp(-2 pi i k / n) for 0 <= k < n, from an angle of the first octant.
inline Pair<double> unit_root(i64 k, i64 n) {
  i64 eighths = 8 * k;  // of a whole turn's 8 n
  const bool below = eighths > 4 * n;
  if (below) eighths = 8 * n - eighths;
  const bool left = eighths > 2 * n;
  if (left) eighths = 4 * n - eighths;
  const bool steep = eighths > n;
  if (steep) eighths = 2 * n - eighths;
  const double angle = 0.78539816339744830962 * static_cast<double>(eighths) / static_cast<double>(n);
  const double a = __builtin_cos(angle), b = __builtin_sin(angle);
  const double x = steep ? b : a, y = steep ? a : b;
  return {left ? -x : x, below ? y : -y};
}

// All n of them, as products of few.
template <class T>
void unit_roots(Pair<T>* roots, i64 n, i64 count) {
  constexpr i64 kFine = 64;
  Pair<double> fine[kFine];
  for (i64 i = 0; i < kFine && i < count; ++i) fine[i] = unit_root(i, n);
  for (i64 begin = 0; begin < count; begin += kFine) {
    const Pair<double> coarse = unit_root(begin, n);
    for (i64 i = 0; i < kFine && begin + i < count; ++i) {
      const Pair<double> root = begin == 0 ? fine[i] : coarse * fine[i];
      roots[begin + i] = {static_cast<T>(root.real), static_cast<T>(root.imag)};
    }
  }
}

inline constexpr i64 kLargestRadix = 31;

struct Radices {
  int count = 0;
  int8_t radix[64];
};
// The radices whose product is n; false when it has a larger prime factor.
inline bool split_length(i64 n, Radices& radices) {
  const auto take = [&](i64 radix) {
    for (; n % radix == 0; n /= radix) radices.radix[radices.count++] = static_cast<int8_t>(radix);
  };
  take(4);
  take(2);
  for (i64 radix = 3; radix <= kLargestRadix && n > 1; radix += 2) take(radix);
  return n == 1;
}

namespace detail {

template <int kRadix, class V>
TSC_INLINE void butterfly(Pair<V>* a) {
  using T = Element<V>;
  if constexpr (kRadix == 2) {
    const Pair<V> sum = a[0] + a[1];
    a[1] = a[0] - a[1];
    a[0] = sum;
  } else if constexpr (kRadix == 3) {
    constexpr T kSine = T(0.86602540378443864676);
    const Pair<V> sum = a[1] + a[2], turned = (a[1] - a[2]).times_minus_i().times(kSine);
    const Pair<V> rest = a[0].plus(sum, T(-0.5));
    a[0] = a[0] + sum;
    a[1] = rest + turned;
    a[2] = rest - turned;
  } else if constexpr (kRadix == 4) {
    const Pair<V> even = a[0] + a[2], odd = a[1] + a[3];
    const Pair<V> even_difference = a[0] - a[2], turned = (a[1] - a[3]).times_minus_i();
    a[0] = even + odd;
    a[1] = even_difference + turned;
    a[2] = even - odd;
    a[3] = even_difference - turned;
  } else {
    static_assert(kRadix == 5);
    constexpr T kCosine1 = T(0.30901699437494742410), kCosine2 = T(-0.80901699437494742410);
    constexpr T kSine1 = T(0.95105651629515357212), kSine2 = T(0.58778525229247312917);
    const Pair<V> sum1 = a[1] + a[4], sum2 = a[2] + a[3];
    const Pair<V> difference1 = a[1] - a[4], difference2 = a[2] - a[3];
    const Pair<V> rest1 = a[0].plus(sum1, kCosine1).plus(sum2, kCosine2);
    const Pair<V> rest2 = a[0].plus(sum1, kCosine2).plus(sum2, kCosine1);
    const Pair<V> turned1 = difference1.times(kSine1).plus(difference2, kSine2).times_minus_i();
    const Pair<V> turned2 = difference1.times(kSine2).plus(difference2, -kSine1).times_minus_i();
    a[0] = a[0] + sum1 + sum2;
    a[1] = rest1 + turned1;
    a[2] = rest2 + turned2;
    a[3] = rest2 - turned2;
    a[4] = rest1 - turned1;
  }
}

// One stage: `stride` interleaved transforms of length n = radix * rest, of which each becomes `radix` of length rest.
// `roots` are those of n * stride.
template <int kRadix, class V>
void fft_stage(i64 n, i64 stride, const Pair<Element<V>>* roots, const Pair<V>* x, Pair<V>* y) {
  const i64 rest = n / kRadix;
  for (i64 k = 0; k < rest; ++k) {
    Pair<V> turn[kRadix];
    for (int r = 1; r < kRadix; ++r) turn[r] = spread<V>(roots[k * r * stride]);
    for (i64 q = 0; q < stride; ++q) {
      Pair<V> a[kRadix];
      for (int j = 0; j < kRadix; ++j) a[j] = x[q + stride * (k + rest * j)];
      butterfly<kRadix>(a);
      y[q + stride * kRadix * k] = a[0];
      for (int r = 1; r < kRadix; ++r) y[q + stride * (kRadix * k + r)] = a[r] * turn[r];
    }
  }
}
// The same for any radix, by the definition.
template <class V>
void fft_stage_of(i64 radix, i64 n, i64 stride, const Pair<Element<V>>* roots, const Pair<V>* x, Pair<V>* y) {
  const i64 rest = n / radix, turn = rest * stride;
  for (i64 k = 0; k < rest; ++k) {
    for (i64 q = 0; q < stride; ++q) {
      for (i64 r = 0; r < radix; ++r) {
        Pair<V> sum = x[q + stride * k];
        for (i64 j = 1; j < radix; ++j) {
          sum = sum + x[q + stride * (k + rest * j)] * spread<V>(roots[r * j % radix * turn]);
        }
        y[q + stride * (radix * k + r)] = sum * spread<V>(roots[k * r * stride]);
      }
    }
  }
}

}  // namespace detail

// Transforms n elements in x, with y for the stages; returns where the result is, x or y.
template <class V>
Pair<V>* fft(const Radices& radices, i64 n, const Pair<Element<V>>* roots, Pair<V>* x, Pair<V>* y) {
  i64 stride = 1;
  for (int stage = 0; stage < radices.count; ++stage) {
    const i64 radix = radices.radix[stage];
    if (radix == 4) {
      detail::fft_stage<4>(n, stride, roots, x, y);
    } else if (radix == 2) {
      detail::fft_stage<2>(n, stride, roots, x, y);
    } else if (radix == 3) {
      detail::fft_stage<3>(n, stride, roots, x, y);
    } else if (radix == 5) {
      detail::fft_stage<5>(n, stride, roots, x, y);
    } else {
      detail::fft_stage_of(radix, n, stride, roots, x, y);
    }
    n /= radix;
    stride *= radix;
    Pair<V>* const result = y;
    y = x;
    x = result;
  }
  return x;
}

// A transform of one length: how it is done, and the tables for that. A length that doesn't split is a convolution of
// `padded` elements, a power of two.
template <class T>
struct FftPlan {
  i64 n = 0, padded = 0;
  Radices radices;          // of `padded`, which is n where that splits
  Pair<T>* roots;           // of `padded`
  Pair<T>* chirp;           // exp(-pi i j j / n), where n doesn't split
  Pair<T>* chirp_spectrum;  // of its conjugate, around 0, over `padded`

  static FftPlan of(i64 n) {
    FftPlan plan;
    plan.n = plan.padded = n;
    if (split_length(n, plan.radices)) return plan;
    for (plan.padded = 1; plan.padded < 2 * n - 1;) plan.padded *= 2;
    plan.radices = {};
    split_length(plan.padded, plan.radices);
    return plan;
  }
  bool is_chirped() const { return n != padded; }
  // Of the tables, and of x and y of `run`, in pairs.
  i64 table_size() const { return is_chirped() ? 4 * padded + n : padded; }
  i64 buffer_size() const { return padded; }

  void make_tables(Pair<T>* memory) {
    roots = memory;
    unit_roots(roots, padded, padded);
    if (!is_chirped()) return;
    chirp = roots + padded;
    chirp_spectrum = chirp + n;
    Pair<T>* const x = chirp_spectrum + padded;
    Pair<T>* const y = x + padded;
    for (i64 j = 0, square = 0; j < n; ++j) {
      const Pair<double> root = unit_root(square, 2 * n);
      chirp[j] = {static_cast<T>(root.real), static_cast<T>(root.imag)};
      square = (square + 2 * j + 1) % (2 * n);
    }
    for (i64 j = 0; j < padded; ++j) x[j] = {T(0), T(0)};
    for (i64 j = 0; j < n; ++j) x[j] = x[j == 0 ? 0 : padded - j] = chirp[j].conjugate().times(T(1) / T(padded));
    const Pair<T>* spectrum = fft<T>(radices, padded, roots, x, y);
    for (i64 j = 0; j < padded; ++j) chirp_spectrum[j] = spectrum[j];
  }

  // Transforms n elements in x; the result is in x or y.
  template <class V>
  Pair<V>* run(Pair<V>* x, Pair<V>* y) const {
    if (!is_chirped()) return fft<V>(radices, n, roots, x, y);
    for (i64 j = 0; j < n; ++j) x[j] = x[j] * spread<V>(chirp[j]);
    for (i64 j = n; j < padded; ++j) x[j] = spread<V>({T(0), T(0)});
    Pair<V>* a = fft<V>(radices, padded, roots, x, y);
    for (i64 j = 0; j < padded; ++j) a[j] = (a[j] * spread<V>(chirp_spectrum[j])).exchanged();
    a = fft<V>(radices, padded, roots, a, a == x ? y : x);
    for (i64 j = 0; j < n; ++j) a[j] = a[j].exchanged() * spread<V>(chirp[j]);
    return a;
  }
};

// Real numbers x[0 ... n) with even n are transformed as n / 2 pairs z[j] = (x[2j], x[2j + 1]). From their transform
// the first half of x's, 0 ... n / 2; `roots` are those of n. `y` has n / 2 + 1 elements and is not z.
template <class V>
void real_from_pairs(const Pair<V>* z, Pair<V>* y, i64 n, const Pair<Element<V>>* roots) {
  using T = Element<V>;
  const i64 half = n / 2;
  for (i64 k = 0; k <= half; ++k) {
    const Pair<V> a = z[k == half ? 0 : k], b = z[k == 0 ? 0 : half - k].conjugate();
    y[k] = (a + b + ((a - b) * spread<V>(roots[k])).times_minus_i()).times(T(0.5));
  }
}
// And back: of the first half y[0 ... n / 2] of a real x's transform, the pairs whose backward transform is x's. The
// imaginary parts of y[0] and y[n / 2] don't count.
template <class V>
void pairs_from_real(const Pair<V>* y, Pair<V>* z, i64 n, const Pair<Element<V>>* roots) {
  const i64 half = n / 2;
  const auto at = [&](i64 k) { return k == 0 || k == half ? Pair<V>{y[k].real, splat<V>(0)} : y[k]; };
  for (i64 k = 0; k < half; ++k) {
    const Pair<V> a = at(k), b = at(half - k).conjugate();
    const Pair<V> odd = (a - b) * spread<V>(roots[k].conjugate());
    z[k] = {a.real + b.real - odd.imag, a.imag + b.imag + odd.real};
  }
}

}  // namespace tsc::kernels
