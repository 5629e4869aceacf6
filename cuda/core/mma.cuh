// Tensor cores: mma_16x8x16<T>(sums, a, b) adds the product of a 16 x 16 and a 16 x 8 matrix of T, float16 or bfloat16, to one of floats,
// which the 32 threads of a warp hold together. All of them come here. With g = lane / 4 and t = lane % 4 (PTX ISA, "mma.m16n8k16"):
//
//   a[0], a[1]    elements (g, 2t) and (g, 2t + 1), the first in the low bits; (g + 8, ...)
//   a[2], a[3]    the same at depths 2t + 8 and 2t + 9
//   b[0], b[1]    elements of column g at depths 2t and 2t + 1; 2t + 8 and 2t + 9
//   sums          (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
#pragma once

#include "cuda/core/half.cuh"

#if !defined(TSC_CUDA_EMULATOR)

namespace tsc::cuda {

#define TSC_MMA(type)                                                                                               \
  asm("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])                                                  \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

template <class T>
__device__ __forceinline__ void mma_16x8x16([[maybe_unused]] float (&sums)[4], [[maybe_unused]] const uint32_t (&a)[4],
                                            [[maybe_unused]] const uint32_t (&b)[2]) {
#if defined(__CUDA_ARCH__)
  if constexpr (kSame<T, Float16>) {
    TSC_MMA("f16");
  } else {
    TSC_MMA("bf16");
  }
#endif
}
#undef TSC_MMA

}  // namespace tsc::cuda

#endif
