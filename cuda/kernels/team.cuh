// Teams: kWarps warps of a block that work on one row and bring their partial results together.
#pragma once

#include "cuda/core/launch.cuh"
#include "cuda/core/shared.cuh"

namespace tsc::cuda {

inline constexpr int kWarp = 32;

// Combines the values of all threads of the team, which gets the result in every thread; the order depends on kWarps only.
// All threads of the block must come here.
template <int kWarps, class A, class Combine>
__device__ __forceinline__ A combine_team(A value, const Combine& combine) {
  TSC_UNROLL
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    if constexpr (sizeof(A) < 4) {
      value = combine(value, static_cast<A>(__shfl_xor_sync(~0u, static_cast<int>(value), distance)));
    } else {
      value = combine(value, __shfl_xor_sync(~0u, value, distance));
    }
  }
  if constexpr (kWarps > 1) {
    __shared__ Shared<A, kWarps> partial;
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    __syncthreads();  // whoever read it last has done so
    if (threadIdx.x % kWarp == 0) partial.set(warp, value);
    __syncthreads();
    value = partial.get(0);
    TSC_UNROLL
    for (int i = 1; i < kWarps; ++i) value = combine(value, partial.get(i));
  }
  return value;
}

// A block's threads as teams of kWarps warps, one per row: with one warp a block has several rows.
template <int kWarps>
struct Team {
  static constexpr int kThreads = kWarps * kWarp;
  static constexpr int kRows = kWarps == 1 ? 4 : 1;  // of a block
  static constexpr int kBlockThreads = kThreads * kRows;

  static __device__ __forceinline__ i64 row() {
    return static_cast<i64>(blockIdx.x) * kRows + static_cast<int>(threadIdx.x) / kThreads;
  }
  static __device__ __forceinline__ int thread() { return static_cast<int>(threadIdx.x) % kThreads; }
};

// Rows longer than this are a whole block's.
inline constexpr i64 kLongRow = 1024;

}  // namespace tsc::cuda
