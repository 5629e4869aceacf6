// What Clang and GCC spell differently, in one place: hints for loops, packs of numbers, vectors. kernels/vec.h makes
// values of it that kernels use; nothing else asks which compiler it is.
//
//   TSC_INLINE             always inline
//   TSC_UNROLL             before a loop of a small constant count: unrolled whole
//   TSC_NO_UNROLL          before a loop that is long or rare: as it stands
//   TSC_NO_VECTORIZE       the same, and not in vectors either
//   TSC_ONE_VECTOR         the same, in vectors, but not several of them at once
//   TSC_OWN_COPY           of a function: its loops that copy stay loops, and become no calls of memcpy
//   MakeSequence<S, N>     S<int, 0, 1, ..., N - 1>
//   forbid, allow          tell the address sanitizer what memory may not be touched, and that it may again
//   extension::...         vectors
//
// With TSC_SCALARS there are no vectors: every value is a scalar, and no vector extension of the compiler is used.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifndef TSC_INLINE
#define TSC_INLINE inline __attribute__((always_inline))
#endif

// Vectors wider than the target's registers change the calling convention between translation units that disagree on
// the target. A produced library is one unit and functions of vectors are inlined.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpsabi"
#ifndef TSC_UNROLL
#define TSC_UNROLL _Pragma("clang loop unroll(full)")
#endif
#define TSC_NO_UNROLL _Pragma("clang loop unroll(disable)")
#define TSC_NO_VECTORIZE _Pragma("clang loop vectorize(disable) unroll(disable)")
#define TSC_ONE_VECTOR _Pragma("clang loop interleave(disable) unroll(disable)")
#define TSC_OWN_COPY __attribute__((noinline, no_builtin("memcpy", "memmove")))
#if __has_feature(address_sanitizer)
#define TSC_ADDRESS_SANITIZER
#endif
#else
#pragma GCC diagnostic ignored "-Wpsabi"
#if defined(__SANITIZE_ADDRESS__)
#define TSC_ADDRESS_SANITIZER
#endif
#ifndef TSC_UNROLL
#define TSC_UNROLL _Pragma("GCC unroll 64")
#endif
#define TSC_NO_UNROLL  // GCC leaves loops of run-time counts alone
#define TSC_NO_VECTORIZE
#define TSC_ONE_VECTOR
#define TSC_OWN_COPY __attribute__((noinline, optimize("no-tree-loop-distribute-patterns")))
#endif

#if defined(TSC_ADDRESS_SANITIZER)
extern "C" void __asan_poison_memory_region(const volatile void*, size_t);
extern "C" void __asan_unpoison_memory_region(const volatile void*, size_t);
#endif

namespace tsc {

#if defined(TSC_ADDRESS_SANITIZER)
inline constexpr size_t kGuardBytes = 64;  // between pieces of one block
inline void forbid(const void* memory, size_t bytes) { __asan_poison_memory_region(memory, bytes); }
inline void allow(const void* memory, size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
inline constexpr size_t kGuardBytes = 0;
inline void forbid(const void*, size_t) {}
inline void allow(const void*, size_t) {}
#endif

#if defined(__clang__)
template <template <class T, T... kValues> class Sequence, int N>
using MakeSequence = __make_integer_seq<Sequence, int, N>;
#else
template <template <class T, T... kValues> class Sequence, int N>
using MakeSequence = Sequence<int, __integer_pack(N)...>;
#endif

namespace extension {

// Vector<T, N>::Type has N lanes of T, N > 1; of bool, it is a mask. Traits<V> tells Element and kLanes, 1 for scalars.
template <class T, int N>
struct Vector;
template <class V>
struct Traits {
  using Element = V;
  static constexpr int kLanes = 1;
};

// Whether dot_of_bytes(sums, a, b) is one instruction: sums[i] + a[4i] b[4i] + ... + a[4i + 3] b[4i + 3] for unsigned bytes
// a and signed ones b.
template <class Sums>
inline constexpr bool kHasDotOfBytes = false;

#if defined(TSC_SCALARS)

TSC_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TSC_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
#define TSC_ELEMENTWISE(name, builtin)                           \
  TSC_INLINE float name(float x) { return __builtin_##builtin##f(x); } \
  TSC_INLINE double name(double x) { return __builtin_##builtin(x); }
TSC_ELEMENTWISE(abs, fabs)
TSC_ELEMENTWISE(sqrt, sqrt)
TSC_ELEMENTWISE(floor, floor)
TSC_ELEMENTWISE(ceil, ceil)
TSC_ELEMENTWISE(trunc, trunc)
TSC_ELEMENTWISE(round_even, rint)
#undef TSC_ELEMENTWISE

// Of vectors only.
template <class V, class T>
V splat(T x) = delete;
template <class Mask, class V>
Mask mask_of(V v) = delete;
template <class Integers, class Mask>
Integers lanes_of(Mask mask) = delete;
template <class Integers, class Mask>
Integers ones_of(Mask mask) = delete;
template <class V>
V low_half(V v) = delete;
template <class V>
V high_half(V v) = delete;
template <int... kIndex, class V>
V shuffle(V a, V b) = delete;
template <class Integers>
bool any(Integers v) = delete;
template <class Integers>
bool all(Integers v) = delete;

#else

// Lane kIndex of a and b one after the other.
template <int... kIndex, class V>
TSC_INLINE V shuffle(V a, V b) {
  return __builtin_shufflevector(a, b, kIndex...);
}

#if defined(__clang__)

// A mask is a vector of bits.
template <class T, int N>
struct Vector {
  using Type = T __attribute__((ext_vector_type(N)));
};
template <class T, int N>
struct Traits<T __attribute__((ext_vector_type(N)))> {
  using Element = T;
  static constexpr int kLanes = N;
};

template <class V, class T>
TSC_INLINE V splat(T x) {
  if constexpr (__is_same(T, bool)) {
    using Bytes = typename Vector<int8_t, Traits<V>::kLanes>::Type;
    return __builtin_convertvector((Bytes)(int8_t)x, V);
  } else {
    return (V)x;  // `V{} + x` would not do, since it must turn -0.0 into 0.0 by a real addition
  }
}

// Of a comparison's result, or of any vector of integers that are 0 or not.
template <class Mask, class V>
TSC_INLINE Mask mask_of(V v) {
  return __builtin_convertvector(v != 0, Mask);
}
// Integers that are 0 or not, 0 or 1 from Clang.
template <class Integers, class Mask>
TSC_INLINE Integers lanes_of(Mask mask) {
  return __builtin_convertvector(mask, Integers);
}
// 0 or 1.
template <class Integers, class Mask>
TSC_INLINE Integers ones_of(Mask mask) {
  return __builtin_convertvector(mask, Integers);
}

template <class V>
TSC_INLINE auto low_half(V v) {
  return v.lo;
}
template <class V>
TSC_INLINE auto high_half(V v) {
  return v.hi;
}

template <class V>
TSC_INLINE V fma(V a, V b, V c) {
  return __builtin_elementwise_fma(a, b, c);
}
template <class V>
TSC_INLINE V abs(V v) {
  return __builtin_elementwise_abs(v);
}
template <class V>
TSC_INLINE V sqrt(V v) {
  return __builtin_elementwise_sqrt(v);
}
template <class V>
TSC_INLINE V floor(V v) {
  return __builtin_elementwise_floor(v);
}
template <class V>
TSC_INLINE V ceil(V v) {
  return __builtin_elementwise_ceil(v);
}
template <class V>
TSC_INLINE V trunc(V v) {
  return __builtin_elementwise_trunc(v);
}
template <class V>
TSC_INLINE V round_even(V v) {
  return __builtin_elementwise_roundeven(v);
}

template <class Integers>
TSC_INLINE bool any(Integers v) {
  return __builtin_reduce_or(v) != 0;
}
template <class Integers>
TSC_INLINE bool all(Integers v) {
  return __builtin_reduce_and(v) != 0;
}

#else

template <class T, int N>
struct Vector {
  typedef T Type __attribute__((vector_size(N * sizeof(T))));
};

// A mask is a byte per lane, 0 or -1.
template <int N>
struct Mask {
  typename Vector<int8_t, N>::Type bytes;

  bool operator[](int i) const { return bytes[i] != 0; }
  friend TSC_INLINE Mask operator&(Mask a, Mask b) { return {a.bytes & b.bytes}; }
  friend TSC_INLINE Mask operator|(Mask a, Mask b) { return {a.bytes | b.bytes}; }
  friend TSC_INLINE Mask operator^(Mask a, Mask b) { return {a.bytes ^ b.bytes}; }
  friend TSC_INLINE Mask operator~(Mask a) { return {~a.bytes}; }
};
template <int N>
struct Vector<bool, N> {
  using Type = Mask<N>;
};

template <class T>
struct NoReference {
  using Type = T;
};
template <class T>
struct NoReference<T&> {
  using Type = T;
};
template <class V>
  requires requires(V v) { __builtin_convertvector(v, V); }
struct Traits<V> {
  using Element = typename NoReference<decltype(V{}[0])>::Type;
  static constexpr int kLanes = static_cast<int>(sizeof(V) / sizeof(Element));
};
template <int N>
struct Traits<Mask<N>> {
  using Element = bool;
  static constexpr int kLanes = N;
};

template <class V, class T>
TSC_INLINE V splat(T x) {
  if constexpr (__is_same(T, bool)) {
    using Bytes = typename Vector<int8_t, Traits<V>::kLanes>::Type;
    return {static_cast<int8_t>(-x) - Bytes{}};
  } else {
    return x - V{};  // for every x, -0.0 too
  }
}

template <class Mask, class V>
TSC_INLINE Mask mask_of(V v) {
  return {__builtin_convertvector(v != 0, decltype(Mask::bytes))};
}
template <class Integers, class Mask>
TSC_INLINE Integers lanes_of(Mask mask) {
  return __builtin_convertvector(mask.bytes, Integers);
}
template <class Integers, class Mask>
TSC_INLINE Integers ones_of(Mask mask) {
  return -lanes_of<Integers>(mask);
}

template <class V>
using Half = typename Vector<typename Traits<V>::Element, Traits<V>::kLanes / 2>::Type;
template <class V>
TSC_INLINE auto low_half(V v) {
  if constexpr (Traits<V>::kLanes == 2) {
    return v[0];
  } else {
    Half<V> half;
    __builtin_memcpy(&half, &v, sizeof(half));
    return half;
  }
}
template <class V>
TSC_INLINE auto high_half(V v) {
  if constexpr (Traits<V>::kLanes == 2) {
    return v[1];
  } else {
    Half<V> half;
    __builtin_memcpy(&half, reinterpret_cast<const char*>(&v) + sizeof(half), sizeof(half));
    return half;
  }
}

// Lane by lane, which GCC puts together again where it can.
template <class V, class F, class... Vs>
TSC_INLINE V each_lane(F f, V v, Vs... vs) {
  if constexpr (Traits<V>::kLanes == 1) {
    return f(v, vs...);
  } else {
    V result = {};
    TSC_UNROLL
    for (int i = 0; i < Traits<V>::kLanes; ++i) result[i] = f(v[i], vs[i]...);
    return result;
  }
}

TSC_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TSC_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class V>
TSC_INLINE V fma(V a, V b, V c) {
#if defined(__FMA__) && defined(__x86_64__)
  using Element = typename Traits<V>::Element;
  if constexpr (Traits<V>::kLanes > 1 && sizeof(V) == 16 && sizeof(Element) == 4) return __builtin_ia32_vfmaddps(a, b, c);
  if constexpr (Traits<V>::kLanes > 1 && sizeof(V) == 16 && sizeof(Element) == 8) return __builtin_ia32_vfmaddpd(a, b, c);
  if constexpr (sizeof(V) == 32 && sizeof(Element) == 4) return __builtin_ia32_vfmaddps256(a, b, c);
  if constexpr (sizeof(V) == 32 && sizeof(Element) == 8) return __builtin_ia32_vfmaddpd256(a, b, c);
#if defined(__AVX512F__)
  constexpr int kCurrentRounding = 4;
  if constexpr (sizeof(V) == 64 && sizeof(Element) == 4) {
    return __builtin_ia32_vfmaddps512_mask(a, b, c, -1, kCurrentRounding);
  }
  if constexpr (sizeof(V) == 64 && sizeof(Element) == 8) {
    return __builtin_ia32_vfmaddpd512_mask(a, b, c, -1, kCurrentRounding);
  }
#endif
#endif
  return each_lane([](auto x, auto y, auto z) { return fused(x, y, z); }, a, b, c);
}

#define TSC_ELEMENTWISE(name, builtin)                                                                            \
  TSC_INLINE float name##_lane(float x) { return __builtin_##builtin##f(x); }                                     \
  TSC_INLINE double name##_lane(double x) { return __builtin_##builtin(x); }                                      \
  template <class V>                                                                                              \
  TSC_INLINE V name(V v) {                                                                                        \
    return each_lane([](auto x) { return name##_lane(x); }, v);                                                   \
  }
TSC_ELEMENTWISE(abs, fabs)
TSC_ELEMENTWISE(sqrt, sqrt)
TSC_ELEMENTWISE(floor, floor)
TSC_ELEMENTWISE(ceil, ceil)
TSC_ELEMENTWISE(trunc, trunc)
TSC_ELEMENTWISE(round_even, roundeven)
#undef TSC_ELEMENTWISE

template <class Integers>
TSC_INLINE bool any(Integers v) {
  bool result = false;
  for (int i = 0; i < Traits<Integers>::kLanes; ++i) result |= v[i] != 0;
  return result;
}
template <class Integers>
TSC_INLINE bool all(Integers v) {
  bool result = true;
  for (int i = 0; i < Traits<Integers>::kLanes; ++i) result &= v[i] != 0;
  return result;
}

#endif
#endif

// permute(a, b, index): lane index[i] modulo 2 N of a and b one after the other, each of N floats, where the target has
// it.
template <class V>
inline constexpr bool kHasPermute = false;
template <class V, class Integers>
V permute(V a, V b, Integers index) = delete;

#if !defined(TSC_SCALARS)
#if defined(__AVX512F__)
using Floats512 = Vector<float, 16>::Type;
template <>
inline constexpr bool kHasPermute<Floats512> = true;
template <>
TSC_INLINE Floats512 permute(Floats512 a, Floats512 b, Vector<int32_t, 16>::Type index) {
#if defined(__clang__)
  return __builtin_ia32_vpermi2varps512(a, index, b);
#else
  return __builtin_shuffle(a, b, index);
#endif
}
#endif
#if defined(__AVX2__)
using Floats256 = Vector<float, 8>::Type;
template <>
inline constexpr bool kHasPermute<Floats256> = true;
template <>
TSC_INLINE Floats256 permute(Floats256 a, Floats256 b, Vector<int32_t, 8>::Type index) {
#if defined(__clang__)
  return __builtin_ia32_blendvps256(__builtin_ia32_permvarsf256(a, index), __builtin_ia32_permvarsf256(b, index),
                                    (Floats256)(index << 28));
#else
  return __builtin_shuffle(a, b, index);
#endif
}
#endif
#endif

#if defined(__AVX512VNNI__) && !defined(TSC_SCALARS)
using Sums512 = Vector<int32_t, 16>::Type;
template <>
inline constexpr bool kHasDotOfBytes<Sums512> = true;
template <class BytesU, class BytesS>
TSC_INLINE Sums512 dot_of_bytes(Sums512 sums, BytesU a, BytesS b) {
#if defined(__clang__)
  return (Sums512)__builtin_ia32_vpdpbusd512(sums, (Sums512)a, (Sums512)b);
#else
  return (Sums512)__builtin_ia32_vpdpbusd_v16si(sums, (Sums512)a, (Sums512)b);
#endif
}
#else
template <class Sums, class BytesU, class BytesS>
Sums dot_of_bytes(Sums sums, BytesU a, BytesS b) = delete;
#endif

}  // namespace extension
}  // namespace tsc
