// Runs device files on the CPU: the part of the CUDA runtime that cuda/core and cuda/kernels use, for a compiler that knows
// nothing of CUDA. It stands in place of NVIDIA's header of this name; threads of a block are fibers.
//
// What it finds, it reports on stderr and ends the process: two threads that touch the same shared memory between barriers,
// one of them writing; a read of shared memory that nobody wrote; barriers, shuffles and tensor-core instructions that some
// threads do not come to; pointers of the host that a kernel gets as operands, and the device's that reach a copy as the
// host's; the host's reads and writes of device memory, whose pages only kernels and copies may touch. Accesses outside of a
// block of device memory are the address sanitizer's to find. Blocks run one after the other, and threads between barriers,
// in an order that TSC_EMULATOR_SEED draws.
//
// Streams are as lazy as they may be: what is put on one runs when somebody waits for it, so that who forgets to wait finds
// nothing there.
//
// TSC_EMULATOR_FAILURE (no_driver, no_device, no_image) makes calls fail as they do on machines without these;
// TSC_EMULATOR_MEMORY is the bytes of device memory; TSC_EMULATOR_COPIES tells each copy between host and device on stderr;
// with TSC_EMULATOR_LAUNCHES kernels are told there instead of run. TSC_EMULATOR_COUNTS names a file to which each library adds, at its
// end, how many kernels it ran.
#pragma once

#define TSC_CUDA_EMULATOR
#define CUDART_VERSION 13000

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <tuple>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(16) float4 {
  float x, y, z, w;
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorStubLibrary = 34,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorUnsupportedPtxVersion = 222,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};
enum { cudaStreamNonBlocking = 1 };
enum { cudaEventDisableTiming = 2 };
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost, cudaMemoryTypeDevice, cudaMemoryTypeManaged };
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
};
struct cudaFuncAttributes {
  int numRegs;
};
using cudaStream_t = struct tsc_emulated_stream*;
using cudaEvent_t = struct tsc_emulated_event*;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  void* attrs;
  unsigned numAttrs;
};

// emulator.cpp. Programs around the library may call these, too.
#pragma GCC visibility push(default)
extern "C" {
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer);
cudaError_t cudaMalloc(void** memory, size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventDestroy(cudaEvent_t event);
// Kernels of this library that have run.
size_t tsc_emulator_launches();
}
#pragma GCC visibility pop
cudaError_t tsc_emulated_function(cudaFuncAttributes* attributes);
template <class F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, F*) {
  return tsc_emulated_function(attributes);
}

namespace tsc::emulator {

// Puts the threads of a kernel on the configuration's stream.
cudaError_t launch(const cudaLaunchConfig_t& config, std::function<void()> thread);
void check_pointer(const void* pointer);  // that it is the device's
template <class T>
void check_operand(const T& operand) {
  if constexpr (__is_pointer(T)) check_pointer(operand);
}
void barrier();
// Leaves values for the warp, and waits for those of the others.
struct Values {
  uint64_t words[3];
};
void meet_warp(unsigned mask, const Values& values);
const Values& values_of_lane(unsigned lane);
[[noreturn]] void report(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Who touched an element of shared memory last.
struct Access {
  uint64_t block = 0;  // number of the block's run; 0: nobody
  unsigned writer = 0, write_epoch = 0;
  unsigned reader = 0, read_epoch = 0;
  bool has_reader = false, many_readers = false;

  void read(int index);
  void write(int index);
};

}  // namespace tsc::emulator

// Of the thread that runs; threads of the host take turns.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

inline void __syncthreads() { tsc::emulator::barrier(); }

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int distance) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  tsc::emulator::meet_warp(mask, {{bits, 0, 0}});
  bits = tsc::emulator::values_of_lane((threadIdx.x % 32) ^ static_cast<unsigned>(distance)).words[0];
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}

inline unsigned long long atomicMin(unsigned long long* to, unsigned long long value) {
  const unsigned long long old = *to;
  if (value < old) *to = value;
  return old;
}

template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(P...), A&&... operands) {
  const auto call = [&](P... values) {
    (tsc::emulator::check_operand(values), ...);
    return tsc::emulator::launch(*config, [=] { kernel(values...); });
  };
  return call(operands...);
}

namespace tsc::cuda {

// As cuda/core/shared.cuh says, with a look at every access.
template <class T, int kCount>
class Shared {
 public:
  T get(int i) const {
    check(i);
    accesses_[i].read(i);
    return items_[i];
  }
  void set(int i, T value) {
    check(i);
    accesses_[i].write(i);
    items_[i] = value;
  }
  float4 get4(int i) const {
    if (i % 4 != 0) emulator::report("four elements of shared memory from %d on, which are not aligned", i);
    return {get(i), get(i + 1), get(i + 2), get(i + 3)};
  }

 private:
  static void check(int i) {
    if (i < 0 || i >= kCount) emulator::report("element %d of %d in shared memory", i, kCount);
  }
  T items_[kCount] = {};
  mutable emulator::Access accesses_[kCount];
};

// As cuda/core/mma.cuh says. The sums of the hardware are of another order, which is not told.
template <class T>
void mma_16x8x16(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const auto both = [](uint32_t low, uint32_t high) { return low | static_cast<uint64_t>(high) << 32; };
  emulator::meet_warp(~0u, {{both(a[0], a[1]), both(a[2], a[3]), both(b[0], b[1])}});
  // Half number `i` of a lane's words from `word` on.
  const auto half = [](unsigned lane, int word, unsigned i) {
    const uint64_t bits = emulator::values_of_lane(lane).words[word] >> (32 * (i / 2) + 16 * (i % 2));
    return static_cast<float>(T::from_bits(static_cast<uint16_t>(bits)));
  };
  const unsigned g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = g + i / 2 * 8, column = 2 * t + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned lane = k % 8 / 2;
      const float x = half(row % 8 * 4 + lane, static_cast<int>(k / 8), row / 8 * 2 + k % 2);
      const float y = half(column * 4 + lane, 2, k / 8 * 2 + k % 2);
      sums[i] = __builtin_fmaf(x, y, sums[i]);
    }
  }
}

}  // namespace tsc::cuda
