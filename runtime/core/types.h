// The scalar types of the runtime: element types with PyTorch's codes, half precision storage, complex numbers, and the
// few language helpers that a freestanding program has to bring itself.
#pragma once

#include "runtime/core/compiler.h"

namespace tsc {

using i64 = int64_t;

// PyTorch's ScalarType codes, since TorchScript programs pass them as plain integers.
enum class DType : int8_t {
  kUnknown = -1,
  kUInt8 = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kFloat16 = 5,
  kFloat32 = 6,
  kFloat64 = 7,
  kComplex32 = 8,
  kComplex64 = 9,
  kComplex128 = 10,
  kBool = 11,
  kBFloat16 = 15,
};

// What the standard library would give.

template <class T>
struct RemoveReference {
  using Type = T;
};
template <class T>
struct RemoveReference<T&> {
  using Type = T;
};
template <class T>
struct RemoveReference<T&&> {
  using Type = T;
};
template <class T>
struct RemoveConst {
  using Type = T;
};
template <class T>
struct RemoveConst<const T> {
  using Type = T;
};
// A type without reference and const: what a value of it is stored as.
template <class T>
using Bare = typename RemoveConst<typename RemoveReference<T>::Type>::Type;

template <class T>
constexpr typename RemoveReference<T>::Type&& move(T&& value) {
  return static_cast<typename RemoveReference<T>::Type&&>(value);
}
template <class T>
constexpr T&& forward(typename RemoveReference<T>::Type& value) {
  return static_cast<T&&>(value);
}
template <class T>
constexpr void swap(T& a, T& b) {
  T old = tsc::move(a);
  a = tsc::move(b);
  b = tsc::move(old);
}
// These three are declared by kernels/vec.h too, which stands without this header; whichever comes first declares them.
#ifndef TSC_MIN_MAX_BIT_CAST
#define TSC_MIN_MAX_BIT_CAST
template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}
template <class To, class From>
constexpr To bit_cast(From value) {
  return __builtin_bit_cast(To, value);
}
#endif

// `new (place, kPlace) T(...)`: placement without <new>, which may or may not be included beside this.
struct Place {};
inline constexpr Place kPlace;

// A borrowed array. Sizes and strides of tensors are passed so.
template <class T>
struct Span {
  T* items = nullptr;
  i64 count = 0;

  constexpr Span() = default;
  constexpr Span(T* data, i64 size) : items(data), count(size) {}
  template <size_t N>
  constexpr Span(T (&array)[N]) : items(array), count(static_cast<i64>(N)) {}  // NOLINT(google-explicit-constructor)
  constexpr T& operator[](i64 i) const { return items[i]; }
  constexpr i64 size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr T* data() const { return items; }
  constexpr T* begin() const { return items; }
  constexpr T* end() const { return items + count; }
};
using Sizes = Span<const i64>;

// `dims(n, 3, 224)`: sizes on the spot. The sizes live as long as the full expression.
template <int N>
struct Dims {
  i64 items[N == 0 ? 1 : N];
  constexpr operator Sizes() const { return Sizes(items, N); }  // NOLINT(google-explicit-constructor)
};
template <class... T>
constexpr Dims<static_cast<int>(sizeof...(T))> dims(T... sizes) {
  return {{static_cast<i64>(sizes)...}};
}

// Half precision. Both are storage: arithmetic happens in float. Conversions round to nearest, ties to even, by the
// processor's instructions where there are some.
#if defined(__F16C__) && !defined(TSC_SCALARS)
#define TSC_NATIVE_FLOAT16 _Float16
#elif defined(__aarch64__) && !defined(TSC_SCALARS)
#define TSC_NATIVE_FLOAT16 __fp16
#endif

struct Float16 {
  uint16_t bits = 0;

  constexpr Float16() = default;
  constexpr explicit Float16(float value) : bits(from_float(value)) {}
  constexpr explicit Float16(double value) : bits(from_float(static_cast<float>(value))) {}
  constexpr explicit Float16(i64 value) : bits(from_float(static_cast<float>(value))) {}
  static constexpr Float16 from_bits(uint16_t bits) {
    Float16 result;
    result.bits = bits;
    return result;
  }
  // Without branches, so that loops of conversions become vectors.
  constexpr operator float() const {  // NOLINT(google-explicit-constructor): every half is a float
#if defined(TSC_NATIVE_FLOAT16)
    if (!__builtin_is_constant_evaluated()) return static_cast<float>(bit_cast<TSC_NATIVE_FLOAT16>(bits));
#endif
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    const uint32_t magnitude = bits & 0x7fffu;
    // Zero and subnormals are an integer times 2^-24; infinity and NaN keep the largest exponent.
    const uint32_t small = bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
    const uint32_t normal = (magnitude << 13) + (magnitude >= 0x7c00u ? 224u << 23 : 112u << 23);
    return bit_cast<float>(sign | (magnitude < 0x400u ? small : normal));
  }

 private:
  static constexpr uint16_t from_float(float value) {
#if defined(TSC_NATIVE_FLOAT16)
    if (!__builtin_is_constant_evaluated()) return bit_cast<uint16_t>(static_cast<TSC_NATIVE_FLOAT16>(value));
#endif
    const uint32_t bits = bit_cast<uint32_t>(value);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    const uint32_t x = bits & 0x7fffffffu;
    // Below 2^-14, adding 0.5 shifts the mantissa to a subnormal half's place, rounded.
    const uint32_t small = bit_cast<uint32_t>(bit_cast<float>(x) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (x + 0xfffu + ((x >> 13) & 1u) - 0x38000000u) >> 13;  // may carry, up to infinity
    uint32_t half = x < 0x38800000u ? small : normal;
    half = x >= 0x47800000u ? 0x7c00u : half;  // 65536 and above
    half = x > 0x7f800000u ? 0x7e00u : half;   // NaN
    return static_cast<uint16_t>(sign | half);
  }
};

struct BFloat16 {
  uint16_t bits = 0;

  constexpr BFloat16() = default;
  constexpr explicit BFloat16(float value) : bits(from_float(value)) {}
  constexpr explicit BFloat16(double value) : bits(from_float(static_cast<float>(value))) {}
  constexpr explicit BFloat16(i64 value) : bits(from_float(static_cast<float>(value))) {}
  static constexpr BFloat16 from_bits(uint16_t bits) {
    BFloat16 result;
    result.bits = bits;
    return result;
  }
  constexpr operator float() const {  // NOLINT(google-explicit-constructor): every bfloat16 is a float
    return bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }

 private:
  static constexpr uint16_t from_float(float value) {
    const uint32_t x = bit_cast<uint32_t>(value);
    const uint32_t rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
    return static_cast<uint16_t>((x & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  }
};

template <class T>
struct Complex {
  T real{};
  T imag{};

  constexpr Complex() = default;
  constexpr Complex(T re, T im = T{}) : real(re), imag(im) {}  // NOLINT(google-explicit-constructor): reals are complex
  template <class U>
  constexpr explicit Complex(const Complex<U>& other)
      : real(static_cast<T>(other.real)), imag(static_cast<T>(other.imag)) {}

  friend constexpr Complex operator+(Complex a, Complex b) { return {T(a.real + b.real), T(a.imag + b.imag)}; }
  friend constexpr Complex operator-(Complex a, Complex b) { return {T(a.real - b.real), T(a.imag - b.imag)}; }
  friend constexpr Complex operator-(Complex a) { return {T(-a.real), T(-a.imag)}; }
  friend constexpr Complex operator*(Complex a, Complex b) {
    return {T(a.real * b.real - a.imag * b.imag), T(a.real * b.imag + a.imag * b.real)};
  }
  // Scaled by the larger part of the divisor, so that no product overflows before the quotient does.
  friend constexpr Complex operator/(Complex a, Complex b) {
    const T re = b.real < T(0) ? T(-b.real) : b.real;
    const T im = b.imag < T(0) ? T(-b.imag) : b.imag;
    if (re >= im) {
      if (re == T(0)) return {T(a.real / re), T(a.imag / re)};
      const T ratio = T(b.imag / b.real);
      const T scale = T(b.real + b.imag * ratio);
      return {T((a.real + a.imag * ratio) / scale), T((a.imag - a.real * ratio) / scale)};
    }
    const T ratio = T(b.real / b.imag);
    const T scale = T(b.real * ratio + b.imag);
    return {T((a.real * ratio + a.imag) / scale), T((a.imag * ratio - a.real) / scale)};
  }
  friend constexpr bool operator==(Complex a, Complex b) { return a.real == b.real && a.imag == b.imag; }
};

template <class T>
inline constexpr DType dtype_of = DType::kUnknown;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::kUInt8;
template <>
inline constexpr DType dtype_of<int8_t> = DType::kInt8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::kInt16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::kInt32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::kInt64;
template <>
inline constexpr DType dtype_of<Float16> = DType::kFloat16;
template <>
inline constexpr DType dtype_of<float> = DType::kFloat32;
template <>
inline constexpr DType dtype_of<double> = DType::kFloat64;
template <>
inline constexpr DType dtype_of<Complex<Float16>> = DType::kComplex32;
template <>
inline constexpr DType dtype_of<Complex<float>> = DType::kComplex64;
template <>
inline constexpr DType dtype_of<Complex<double>> = DType::kComplex128;
template <>
inline constexpr DType dtype_of<bool> = DType::kBool;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::kBFloat16;

// Facts of a dtype; those of kUnknown are size 0 and "unknown".
struct DTypeInfo {
  i64 size;
  const char* name;         // "float32"
  const char* scalar_name;  // "Float", as PyTorch's error messages write it
};
constexpr DTypeInfo dtype_info(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return {1, "uint8", "Byte"};
    case DType::kInt8:
      return {1, "int8", "Char"};
    case DType::kInt16:
      return {2, "int16", "Short"};
    case DType::kInt32:
      return {4, "int32", "Int"};
    case DType::kInt64:
      return {8, "int64", "Long"};
    case DType::kFloat16:
      return {2, "float16", "Half"};
    case DType::kFloat32:
      return {4, "float32", "Float"};
    case DType::kFloat64:
      return {8, "float64", "Double"};
    case DType::kComplex32:
      return {4, "complex32", "ComplexHalf"};
    case DType::kComplex64:
      return {8, "complex64", "ComplexFloat"};
    case DType::kComplex128:
      return {16, "complex128", "ComplexDouble"};
    case DType::kBool:
      return {1, "bool", "Bool"};
    case DType::kBFloat16:
      return {2, "bfloat16", "BFloat16"};
    case DType::kUnknown:
      break;
  }
  return {0, "unknown", "Undefined"};
}
constexpr i64 element_size(DType dtype) { return dtype_info(dtype).size; }
constexpr const char* dtype_name(DType dtype) { return dtype_info(dtype).name; }
constexpr const char* scalar_type_name(DType dtype) { return dtype_info(dtype).scalar_name; }
constexpr bool is_complex(DType d) { return d >= DType::kComplex32 && d <= DType::kComplex128; }
// The dtype of a complex number's parts, and that of the numbers which parts make; others stay as they are.
constexpr DType real_dtype(DType d) {
  return d == DType::kComplex32    ? DType::kFloat16
         : d == DType::kComplex64  ? DType::kFloat32
         : d == DType::kComplex128 ? DType::kFloat64
                                   : d;
}
constexpr DType complex_dtype(DType d) {
  return d == DType::kFloat16   ? DType::kComplex32
         : d == DType::kFloat32 ? DType::kComplex64
         : d == DType::kFloat64 ? DType::kComplex128
                                : d;
}
constexpr bool is_floating(DType d) { return (d >= DType::kFloat16 && d <= DType::kFloat64) || d == DType::kBFloat16; }
constexpr bool is_integral(DType d) { return d >= DType::kUInt8 && d <= DType::kInt64; }  // bool is none

// Arithmetic on sizes; false on overflow, and then the result is not to be used.
inline bool checked_multiply(i64 a, i64 b, i64& product) { return !__builtin_mul_overflow(a, b, &product); }
inline bool checked_add(i64 a, i64 b, i64& sum) { return !__builtin_add_overflow(a, b, &sum); }

}  // namespace tsc

inline void* operator new(size_t, void* place, tsc::Place) noexcept { return place; }
inline void operator delete(void*, void*, tsc::Place) noexcept {}
