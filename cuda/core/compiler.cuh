// What stands before every other header of a device file: the functors and formulae of runtime/kernels/ become functions
// of both sides, over scalars.
#pragma once

#include <cuda_runtime.h>

#define TSC_SCALARS
#if !defined(TSC_DEVICE)
#define TSC_DEVICE
#endif
#define TSC_HAS_FMA
#define TSC_INLINE __host__ __device__ __forceinline__
#if defined(__CUDA_ARCH__)
#define TSC_UNROLL _Pragma("unroll")
#else
#define TSC_UNROLL
#endif

#include "runtime/core/compiler.h"
