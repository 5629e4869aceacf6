// An array in shared memory: `__shared__ Shared<float, 256> tile;`. Kernels reach shared memory through it alone, so that
// the emulator, which has a type of this name of its own, sees every access.
#pragma once

#include "cuda/core/compiler.cuh"

#if !defined(TSC_CUDA_EMULATOR)

namespace tsc::cuda {

template <class T, int kCount>
class Shared {
 public:
  __device__ __forceinline__ T get(int i) const { return items_[i]; }
  __device__ __forceinline__ void set(int i, T value) { items_[i] = value; }
  // Four at once; i is a multiple of 4.
  __device__ __forceinline__ float4 get4(int i) const { return *reinterpret_cast<const float4*>(items_ + i); }

 private:
  alignas(16) T items_[kCount];
};

}  // namespace tsc::cuda

#endif
