// Portable vectors: Vec<T, N> is N lanes of T in the compiler's vector extension, and T itself when N is 1. Code that
// is written once for a value type V (a Vec or a scalar) with the functions below gives the same bits at every width.
//
//   kLanes                      32-bit lanes of the target's vectors: 16, 8, 4, or 1 without vectors
//   Element<V>, kLanesOf<V>     the lane type and the number of lanes of V (a scalar has one)
//   Rebind<V, T>                a V with lanes of T
//   Bits<V>                     a V with signed integer lanes as wide as its own
//   splat<V>(x)                 every lane x
//   load<V>(p), store(p, v)     unaligned
//   load_partial<V>(p, n), store_partial(p, v, n)    the first n lanes, 0 <= n <= lanes; other lanes load as 0
//   load_strided<V>(p, stride), store_strided(p, stride, v)   lane i at p[i * stride]
//   convert<T>(v)               lane by lane as C++ converts; to bool: v != 0, from bool: 0 or 1
//   bit_cast<V>(v)
//   select(mask, a, b)          mask is a Rebind<V, bool>
//   min(a, b), max(a, b)        b < a ? b : a and a < b ? b : a, so a NaN in either operand gives a
//   fma(a, b, c)                a * b + c, rounded once where kHasFma
//   abs, sqrt, floor, ceil, trunc, round_even
//   horizontal_sum(v), horizontal_max(v), horizontal_min(v)   pairwise, halves first
//   mask_and(m, n), mask_or(m, n), mask_not(m), any(m), all(m)      of masks
//   map_lanes<T>(f, v...)       a vector of T made by calling f on the scalars of each lane
//   lane_indices<V>()           0, 1, 2, ...
//   lookup<V>(table, index)     table[index modulo 32] of a table of 32 floats, lane by lane
//
// A Vec<bool, N> is a mask; in memory a bool is one byte. Comparison operators of vectors give integers: compare with
// less(a, b), equal(a, b), ... below, which give masks (bool for scalars). Compile with -ffp-contract=off: a product
// and a sum are fused only where fma() says so.
#pragma once

#include "runtime/core/compiler.h"

#if defined(TSC_SCALARS)
#undef TSC_VECTOR_BYTES
#define TSC_VECTOR_BYTES 0
#elif !defined(TSC_VECTOR_BYTES)
#if defined(__AVX512F__)
#define TSC_VECTOR_BYTES 64
#elif defined(__AVX__)
#define TSC_VECTOR_BYTES 32
#elif defined(__SSE2__) || defined(__ARM_NEON)
#define TSC_VECTOR_BYTES 16
#else
#define TSC_VECTOR_BYTES 0
#endif
#endif

namespace tsc {

using i64 = int64_t;
// Sizes, distances and counts of what is in memory: of 32 bits where addresses are, since such targets are slow with more.
#if INTPTR_MAX == INT64_MAX
using isize = int64_t;
#else
using isize = int32_t;
#endif

inline constexpr int kLanes = TSC_VECTOR_BYTES >= 8 ? TSC_VECTOR_BYTES / 4 : 1;

#if defined(TSC_HAS_FMA) || defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__)
inline constexpr bool kHasFma = true;
#else
inline constexpr bool kHasFma = false;
#endif

namespace detail {

template <class T, int N>
struct MakeVec : extension::Vector<T, N> {};
template <class T>
struct MakeVec<T, 1> {
  using Type = T;
};

template <int kBytes>
struct SignedOf;
template <>
struct SignedOf<1> {
  using Type = int8_t;
};
template <>
struct SignedOf<2> {
  using Type = int16_t;
};
template <>
struct SignedOf<4> {
  using Type = int32_t;
};
template <>
struct SignedOf<8> {
  using Type = int64_t;
};

template <int kBytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using Type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using Type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using Type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using Type = uint64_t;
};

}  // namespace detail

template <class T, int N>
using Vec = typename detail::MakeVec<T, N>::Type;

template <class V>
using Element = typename extension::Traits<V>::Element;
template <class V>
inline constexpr int kLanesOf = extension::Traits<V>::kLanes;
template <class V>
inline constexpr bool kIsVector = kLanesOf<V> > 1;
template <class V, class T>
using Rebind = Vec<T, kLanesOf<V>>;
template <class V>
using Bits = Rebind<V, typename detail::SignedOf<sizeof(Element<V>)>::Type>;
template <class V>
using Mask = Rebind<V, bool>;

template <class A, class B>
inline constexpr bool kSame = __is_same(A, B);
template <class V>
concept FloatValue = kSame<Element<V>, float> || kSame<Element<V>, double>;
template <class V>
concept BoolValue = kSame<Element<V>, bool>;
template <class V>
concept IntegerValue = !FloatValue<V> && !BoolValue<V>;

// The vector of the target's full width in floats; kernels without other needs use it.
using VecF = Vec<float, kLanes>;

template <class V>
TSC_INLINE V splat(Element<V> x) {
  if constexpr (kIsVector<V>) {
    return extension::splat<V>(x);
  } else {
    return x;
  }
}

// Declared by core/types.h too, which stands without this header.
#ifndef TSC_MIN_MAX_BIT_CAST
#define TSC_MIN_MAX_BIT_CAST
template <class V>
constexpr TSC_INLINE V min(V a, V b) {
  return b < a ? b : a;
}
template <class V>
constexpr TSC_INLINE V max(V a, V b) {
  return a < b ? b : a;
}
template <class To, class From>
constexpr TSC_INLINE To bit_cast(From v) {
  return __builtin_bit_cast(To, v);
}
#endif

template <class T, class V>
TSC_INLINE Rebind<V, T> convert(V v) {
  if constexpr (kSame<T, Element<V>>) {
    return v;
  } else if constexpr (FloatValue<V> && IntegerValue<T> && sizeof(T) < 4) {
    // A float outside of T's range wraps, as it does where C++ compilers convert through an int.
    return convert<T>(convert<int32_t>(v));
  } else if constexpr (!kIsVector<V>) {
    return static_cast<T>(v);
  } else if constexpr (kSame<T, bool>) {
    return extension::mask_of<Mask<V>>(v);
  } else if constexpr (BoolValue<V>) {
    // A mask widens as an integer; from there an exact conversion of 0 or 1.
    using Integers = Rebind<V, typename detail::SignedOf<sizeof(T)>::Type>;
    return __builtin_convertvector(extension::ones_of<Integers>(v), Rebind<V, T>);
  } else {
    return __builtin_convertvector(v, Rebind<V, T>);
  }
}

template <class V>
TSC_INLINE V select(Mask<V> mask, V a, V b) {
  if constexpr (!kIsVector<V>) {
    return mask ? a : b;
  } else if constexpr (BoolValue<V>) {
    return (mask & a) | (~mask & b);
  } else {
    return extension::lanes_of<Bits<V>>(mask) != 0 ? a : b;
  }
}

#define TSC_COMPARISON(name, op)                                      \
  template <class V>                                                  \
  TSC_INLINE Mask<V> name(V a, V b) {                                 \
    if constexpr (!kIsVector<V>) {                                    \
      return a op b;                                                  \
    } else if constexpr (BoolValue<V>) {                              \
      return convert<bool>(convert<int8_t>(a) op convert<int8_t>(b)); \
    } else {                                                          \
      return extension::mask_of<Mask<V>>(a op b);                     \
    }                                                                 \
  }
TSC_COMPARISON(equal, ==)
TSC_COMPARISON(not_equal, !=)
TSC_COMPARISON(less, <)
TSC_COMPARISON(less_equal, <=)
TSC_COMPARISON(greater, >)
TSC_COMPARISON(greater_equal, >=)
#undef TSC_COMPARISON

template <FloatValue V>
TSC_INLINE V fma(V a, V b, V c) {
  if constexpr (kHasFma) {
    return extension::fma(a, b, c);
  } else {
    return a * b + c;
  }
}

template <FloatValue V>
TSC_INLINE V abs(V v) {
  return extension::abs(v);
}
template <FloatValue V>
TSC_INLINE V sqrt(V v) {
  return extension::sqrt(v);
}
template <FloatValue V>
TSC_INLINE V floor(V v) {
  return extension::floor(v);
}
template <FloatValue V>
TSC_INLINE V ceil(V v) {
  return extension::ceil(v);
}
template <FloatValue V>
TSC_INLINE V trunc(V v) {
  return extension::trunc(v);
}
template <FloatValue V>
TSC_INLINE V round_even(V v) {
  return extension::round_even(v);
}

// Memory.

template <class V>
TSC_INLINE V load(const Element<V>* p) {
  if constexpr (BoolValue<V> && kIsVector<V>) {
    Rebind<V, uint8_t> bytes;
    __builtin_memcpy(&bytes, p, sizeof(bytes));
    return convert<bool>(bytes);
  } else {
    V v;
    __builtin_memcpy(&v, p, sizeof(V));
    return v;
  }
}

template <class V>
TSC_INLINE void store(Element<V>* p, V v) {
  if constexpr (BoolValue<V> && kIsVector<V>) {
    const Rebind<V, uint8_t> bytes = convert<uint8_t>(v);
    __builtin_memcpy(p, &bytes, sizeof(bytes));
  } else {
    __builtin_memcpy(p, &v, sizeof(V));
  }
}

namespace detail {

// Copies n < kCount elements as one block per bit of n: a few moves of constant size and no call.
template <int kCount, class T>
TSC_INLINE void copy_fewer(T* to, const T* from, isize n) {
  isize at = 0;
  TSC_UNROLL
  for (int block = kCount / 2; block > 0; block /= 2) {
    if (n & block) {
      __builtin_memcpy(to + at, from + at, block * sizeof(T));
      at += block;
    }
  }
}

}  // namespace detail

template <class V>
TSC_INLINE V load_partial(const Element<V>* p, isize n) {
  if (n == kLanesOf<V>) {
    return load<V>(p);
  }
  Element<V> lanes[kLanesOf<V>] = {};
  detail::copy_fewer<kLanesOf<V>>(lanes, p, n);
  return load<V>(lanes);
}

template <class V>
TSC_INLINE void store_partial(Element<V>* p, V v, isize n) {
  if (n == kLanesOf<V>) {
    store(p, v);
    return;
  }
  Element<V> lanes[kLanesOf<V>];
  store(lanes, v);
  detail::copy_fewer<kLanesOf<V>>(p, lanes, n);
}

template <class V>
TSC_INLINE V load_strided(const Element<V>* p, isize stride) {
  Element<V> lanes[kLanesOf<V>];
  TSC_UNROLL
  for (int i = 0; i < kLanesOf<V>; ++i) {
    lanes[i] = p[i * stride];
  }
  return load<V>(lanes);
}

template <class V>
TSC_INLINE void store_strided(Element<V>* p, isize stride, V v) {
  Element<V> lanes[kLanesOf<V>];
  store(lanes, v);
  TSC_UNROLL
  for (int i = 0; i < kLanesOf<V>; ++i) {
    p[i * stride] = lanes[i];
  }
}

// Lanes.

template <class T, class F, class V, class... Vs>
TSC_INLINE Rebind<V, T> map_lanes(F f, V v, Vs... vs) {
  if constexpr (!kIsVector<V>) {
    return f(v, vs...);
  } else {
    T lanes[kLanesOf<V>];
    for (int i = 0; i < kLanesOf<V>; ++i) {
      lanes[i] = f(v[i], vs[i]...);
    }
    return load<Rebind<V, T>>(lanes);
  }
}

template <class V>
TSC_INLINE V lane_indices() {
  Element<V> lanes[kLanesOf<V>];
  TSC_UNROLL
  for (int i = 0; i < kLanesOf<V>; ++i) {
    lanes[i] = static_cast<Element<V>>(i);
  }
  return load<V>(lanes);
}

inline constexpr int kTableSize = 32;

template <class V>
TSC_INLINE V lookup(const float (&table)[kTableSize], Bits<V> index) {
  if constexpr (!kIsVector<V>) {
    return table[index & (kTableSize - 1)];
  } else if constexpr (extension::kHasPermute<V>) {
    constexpr int kPair = 2 * kLanesOf<V>;
    V result = extension::permute(load<V>(table), load<V>(table + kPair / 2), index);
    for (int i = kPair; i < kTableSize; i += kPair) {  // not with vectors of half the table
      const V other = extension::permute(load<V>(table + i), load<V>(table + i + kPair / 2), index);
      result = select(equal(index & splat<Bits<V>>(-kPair & (kTableSize - 1)), splat<Bits<V>>(i)), other, result);
    }
    return result;
  } else {
    V result = {};
    TSC_UNROLL
    for (int i = 0; i < kLanesOf<V>; ++i) result[i] = table[index[i] & (kTableSize - 1)];
    return result;
  }
}

template <class V>
TSC_INLINE Element<V> horizontal_sum(V v) {
  if constexpr (!kIsVector<V>) {
    return v;
  } else {
    return horizontal_sum<Vec<Element<V>, kLanesOf<V> / 2>>(extension::low_half(v) + extension::high_half(v));
  }
}

template <class V>
TSC_INLINE Element<V> horizontal_max(V v) {
  if constexpr (!kIsVector<V>) {
    return v;
  } else {
    return horizontal_max(max<Vec<Element<V>, kLanesOf<V> / 2>>(extension::low_half(v), extension::high_half(v)));
  }
}

template <class V>
TSC_INLINE Element<V> horizontal_min(V v) {
  if constexpr (!kIsVector<V>) {
    return v;
  } else {
    return horizontal_min(min<Vec<Element<V>, kLanesOf<V> / 2>>(extension::low_half(v), extension::high_half(v)));
  }
}

template <BoolValue V>
TSC_INLINE V mask_and(V a, V b) {
  if constexpr (kIsVector<V>) {
    return a & b;
  } else {
    return a && b;
  }
}
template <BoolValue V>
TSC_INLINE V mask_or(V a, V b) {
  if constexpr (kIsVector<V>) {
    return a | b;
  } else {
    return a || b;
  }
}
template <BoolValue V>
TSC_INLINE V mask_not(V mask) {
  if constexpr (kIsVector<V>) {
    return ~mask;
  } else {
    return !mask;
  }
}

template <BoolValue V>
TSC_INLINE bool any(V mask) {
  if constexpr (!kIsVector<V>) {
    return mask;
  } else {
    return extension::any(extension::lanes_of<Rebind<V, int8_t>>(mask));
  }
}

template <BoolValue V>
TSC_INLINE bool all(V mask) {
  if constexpr (!kIsVector<V>) {
    return mask;
  } else {
    return extension::all(extension::lanes_of<Rebind<V, int8_t>>(mask));
  }
}

}  // namespace tsc
