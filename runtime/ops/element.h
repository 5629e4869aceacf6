// Elements of any dtype as one of five types to compute in: integers and bool as i64, half precision and float as
// float, double, and complex numbers. Conversions are PyTorch's; a float that an integer type cannot hold gives what
// the x86 instructions give: the smallest integer for 32 and 64 bits, a wrapped value for fewer.
#pragma once

#include "runtime/ops/complex.h"
#include "runtime/ops/dtype.h"

namespace tsc::ops {

enum class Compute : uint8_t { kInt, kFloat, kDouble, kComplex64, kComplex128 };
inline constexpr int kComputeCount = 5;

inline Compute compute_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kFloat32:
      return Compute::kFloat;
    case DType::kFloat64:
      return Compute::kDouble;
    case DType::kComplex32:
    case DType::kComplex64:
      return Compute::kComplex64;
    case DType::kComplex128:
      return Compute::kComplex128;
    default:
      return Compute::kInt;
  }
}
// The dtype whose elements are the compute type itself.
inline DType dtype_of_compute(Compute c) {
  constexpr DType kDTypes[] = {DType::kInt64, DType::kFloat32, DType::kFloat64, DType::kComplex64, DType::kComplex128};
  return kDTypes[static_cast<int>(c)];
}

// The compute type of elements of a C++ type.
template <class T>
struct ComputeType {
  using Type = i64;
};
template <>
struct ComputeType<Float16> {
  using Type = float;
};
template <>
struct ComputeType<BFloat16> {
  using Type = float;
};
template <>
struct ComputeType<float> {
  using Type = float;
};
template <>
struct ComputeType<double> {
  using Type = double;
};
template <>
struct ComputeType<Complex<Float16>> {
  using Type = Complex<float>;
};
template <class T>
struct ComputeType<Complex<T>> {
  using Type = Complex<T>;
};
template <class T>
using ComputeOf = typename ComputeType<T>::Type;

// What a compute type's sizes are.
template <class C>
struct RealPart {
  using Type = C;
};
template <class T>
struct RealPart<Complex<T>> {
  using Type = T;
};
template <class C>
using RealOf = typename RealPart<C>::Type;

template <class T>
inline constexpr bool kIsInteger = requires(T x) { x % x; };

inline i64 truncate_to_int(double x) { return x >= -0x1p63 && x < 0x1p63 ? static_cast<i64>(x) : INT64_MIN; }

template <class To, class From>
inline To convert_element(From x) {
  if constexpr (__is_same(To, From)) {
    return x;
  } else if constexpr (kIsComplex<To>) {
    using Part = decltype(To{}.real);
    if constexpr (kIsComplex<From>) {
      return To(convert_element<Part>(x.real), convert_element<Part>(x.imag));
    } else {
      return To(convert_element<Part>(x));
    }
  } else if constexpr (__is_same(To, bool)) {
    if constexpr (kIsComplex<From>) {
      return static_cast<float>(x.real) != 0 || static_cast<float>(x.imag) != 0;
    } else if constexpr (__is_same(From, Float16) || __is_same(From, BFloat16)) {
      return static_cast<float>(x) != 0;
    } else {
      return x != From(0);
    }
  } else if constexpr (kIsComplex<From>) {
    return convert_element<To>(x.real);
  } else if constexpr (__is_same(From, Float16) || __is_same(From, BFloat16)) {
    return convert_element<To>(static_cast<float>(x));
  } else if constexpr ((__is_same(From, float) || __is_same(From, double)) && kIsInteger<To>) {
    if constexpr (sizeof(To) == 8) return static_cast<To>(truncate_to_int(x));
    // Small integers are converted through 32 bits.
    const i64 wide = truncate_to_int(x);
    return static_cast<To>(wide == static_cast<int32_t>(wide) ? wide : i64{INT32_MIN});
  } else if constexpr (__is_same(To, Float16) || __is_same(To, BFloat16)) {
    return To(static_cast<float>(x));
  } else {
    return static_cast<To>(x);
  }
}

// Calls `f.operator()<T>()` with the C++ type of the dtype.
template <class F>
inline void with_dtype(DType dtype, F f) {
  switch (dtype) {
    case DType::kUInt8:
      return f.template operator()<uint8_t>();
    case DType::kInt8:
      return f.template operator()<int8_t>();
    case DType::kInt16:
      return f.template operator()<int16_t>();
    case DType::kInt32:
      return f.template operator()<int32_t>();
    case DType::kInt64:
      return f.template operator()<i64>();
    case DType::kFloat16:
      return f.template operator()<Float16>();
    case DType::kFloat32:
      return f.template operator()<float>();
    case DType::kFloat64:
      return f.template operator()<double>();
    case DType::kComplex32:
      return f.template operator()<Complex<Float16>>();
    case DType::kComplex64:
      return f.template operator()<Complex<float>>();
    case DType::kComplex128:
      return f.template operator()<Complex<double>>();
    case DType::kBool:
      return f.template operator()<bool>();
    case DType::kBFloat16:
      return f.template operator()<BFloat16>();
    case DType::kUnknown:
      return;
  }
}

// Converts what of n elements are whole vectors, and returns how many: those for which the compiler's own loops take
// vectors that are too short.
template <class To, class From>
inline i64 convert_vectors(To*, const From*, i64) {
  return 0;
}
#if defined(TSC_NATIVE_FLOAT16)
template <class To, class From>
  requires(kLanes > 1 && ((kSame<To, Float16> && kSame<From, float>) || (kSame<To, float> && kSame<From, Float16>)))
inline i64 convert_vectors(To* to, const From* from, i64 n) {
  using Floats = Vec<float, kLanes>;
  using Halves = Vec<TSC_NATIVE_FLOAT16, kLanes>;
  i64 i = 0;
  TSC_NO_UNROLL
  for (; i + kLanes <= n; i += kLanes) {
    if constexpr (kSame<To, float>) {
      Halves halves;
      __builtin_memcpy(&halves, from + i, sizeof(halves));
      store(to + i, __builtin_convertvector(halves, Floats));
    } else {
      const Halves halves = __builtin_convertvector(load<Floats>(from + i), Halves);
      __builtin_memcpy(static_cast<void*>(to + i), &halves, sizeof(halves));
    }
  }
  return i;
}
#endif

// Reads n elements that lie `stride` bytes apart.
template <class C>
[[gnu::noinline]] void load_elements(C* to, const char* from, DType dtype, i64 stride, i64 n) {
  with_dtype(dtype, [&]<class T>() {
    if (stride == static_cast<i64>(sizeof(T))) {
      const T* row = reinterpret_cast<const T*>(from);
      const i64 done = convert_vectors(to, row, n);
      TSC_ONE_VECTOR
      for (i64 i = done; i < n; ++i) to[i] = convert_element<C>(row[i]);
      return;
    }
    TSC_NO_VECTORIZE
    for (i64 i = 0; i < n; ++i) to[i] = convert_element<C>(*reinterpret_cast<const T*>(from + i * stride));
  });
}
template <class C>
[[gnu::noinline]] void store_elements(const C* from, char* to, DType dtype, i64 stride, i64 n) {
  with_dtype(dtype, [&]<class T>() {
    if (stride == static_cast<i64>(sizeof(T))) {
      T* row = reinterpret_cast<T*>(to);
      const i64 done = convert_vectors(row, from, n);
      TSC_ONE_VECTOR
      for (i64 i = done; i < n; ++i) row[i] = convert_element<T>(from[i]);
      return;
    }
    TSC_NO_VECTORIZE
    for (i64 i = 0; i < n; ++i) *reinterpret_cast<T*>(to + i * stride) = convert_element<T>(from[i]);
  });
}

// Calls `f.operator()<C>()` with the compute type.
template <class F>
inline void with_compute(Compute compute, F f) {
  switch (compute) {
    case Compute::kInt:
      return f.template operator()<i64>();
    case Compute::kFloat:
      return f.template operator()<float>();
    case Compute::kDouble:
      return f.template operator()<double>();
    case Compute::kComplex64:
      return f.template operator()<Complex<float>>();
    case Compute::kComplex128:
      return f.template operator()<Complex<double>>();
  }
}

// A number as an element of `dtype`, in `slot`, which has 16 bytes.
inline void store_scalar(const Scalar& value, DType dtype, void* slot) {
  with_dtype(dtype, [&]<class T>() {
    T element;
    if constexpr (kIsComplex<T>) {
      element = convert_element<T>(value.to_complex());
    } else if (value.is_int() || value.is_bool()) {
      element = convert_element<T>(value.to_int());
    } else if (value.is_complex()) {
      element = convert_element<T>(value.to_complex());
    } else {
      element = convert_element<T>(value.to_double());
    }
    __builtin_memcpy(slot, &element, sizeof element);
  });
}
// Whether a number can be an element of `dtype`: fractions are cut off, but no value leaves the dtype's range. A
// negative integer may wrap around once in an unsigned dtype.
inline bool number_fits(Context& ctx, const Scalar& value, DType dtype) {
  if (!ctx.ok() || is_complex(dtype) || dtype == DType::kBool) return ctx.ok();
  bool fits = true;
  if (value.is_complex()) {
    fits = value.to_complex().imag == 0;
  } else if (is_floating(dtype)) {
    const double largest = dtype == DType::kFloat16    ? 65504.0
                           : dtype == DType::kBFloat16 ? 0x1.FEp127
                           : dtype == DType::kFloat32  ? 0x1.FFFFFEp127
                                                       : __builtin_inf();
    const double x = value.to_double();
    fits = !(__builtin_fabs(x) > largest) || __builtin_isinf(x);
  } else {
    const int bits = static_cast<int>(8 * element_size(dtype)) - (dtype == DType::kUInt8 ? 0 : 1);
    const double beyond = __builtin_ldexp(1.0, bits);
    if (value.is_float()) {
      const double x = value.to_double();
      fits = x < beyond && x >= (dtype == DType::kUInt8 ? 0.0 : -beyond);
    } else if (bits < 63) {
      const double x = static_cast<double>(value.to_int());
      fits = x < beyond && (dtype == DType::kUInt8 ? x > -beyond : x >= -beyond);
    }
  }
  if (fits) return true;
  ctx.fail(ErrorKind::kRuntime, "value cannot be converted to type %s without overflow", dtype_name(dtype));
  return false;
}
// An element as a number: bool, int, float or complex as the dtype is.
inline Scalar load_scalar(const char* element, DType dtype) {
  Scalar result;
  with_dtype(dtype, [&]<class T>() {
    const T x = *reinterpret_cast<const T*>(element);
    if constexpr (__is_same(T, bool)) {
      result = x;
    } else if constexpr (kIsComplex<T>) {
      result = convert_element<Complex<double>>(x);
    } else if constexpr (kIsInteger<T>) {
      result = static_cast<i64>(x);
    } else {
      result = convert_element<double>(x);
    }
  });
  return result;
}

// A Scalar as a value to compute with.
template <class C>
C scalar_as(const Scalar& s) {
  if constexpr (kIsComplex<C>) {
    return convert_element<C>(s.to_complex());
  } else if constexpr (__is_same(C, i64)) {
    return s.is_float() ? truncate_to_int(s.to_double()) : s.to_int();
  } else {
    return static_cast<C>(s.to_double());
  }
}

}  // namespace tsc::ops
