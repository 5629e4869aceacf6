// float16 and bfloat16 are storage: kernels compute in float, and round when they store.
#pragma once

#include "cuda/core/compiler.cuh"
#include "runtime/core/types.h"
#include "runtime/kernels/vec.h"

namespace tsc::cuda {

template <class T>
inline constexpr bool kIsHalf = false;
template <>
inline constexpr bool kIsHalf<Float16> = true;
template <>
inline constexpr bool kIsHalf<BFloat16> = true;

template <class T, bool kHalf = kIsHalf<T>>
struct ValueOf {
  using Type = T;
};
template <class T>
struct ValueOf<T, true> {
  using Type = float;
};
// What elements of T are computed in.
template <class T>
using Value = typename ValueOf<T>::Type;

// A parameter from which no template argument follows, such as a pointer that may be null.
template <class T>
struct AsGiven {
  using Type = T;
};
template <class T>
using Given = typename AsGiven<T>::Type;

}  // namespace tsc::cuda
