// A region's run on the device: its memory, the copies to and from it, its kernels, its errors.
//
//   Launch launch(ctx, weights);             the context's stream and memory; the weights are there from the first call on
//   launch.reserve<2>({bytes, bytes});       slots of one block, which the context keeps for the next call
//   launch.copy_in(slot, x, count);
//   launch.run(kernel, blocks, threads, operands...);
//   launch.copy_out(y, slot, count);
//   launch.finish();                         waits, and gives what failed to the context
//
// Errors are the context's, and sticky: after the first one nothing more is done.
#pragma once

#include <pthread.h>

#include "cuda/core/compiler.cuh"
#include "runtime/core/context.h"

namespace tsc::cuda {

// A failed call of the CUDA runtime as an error of the context's.
[[gnu::cold, gnu::noinline]] inline void fail(Context& ctx, cudaError_t error, const char* what) {
  cudaGetLastError();  // or the next call of somebody else would report it
  switch (error) {
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
      ctx.fail(ErrorKind::kUnsupported, "there is no CUDA driver, or it is older than this library's runtime %d.%d",
               CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
      return;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
      ctx.fail(ErrorKind::kUnsupported, "there is no CUDA device: %s", cudaGetErrorString(error));
      return;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion: {
      int device = 0, major = 0, minor = 0;
      cudaGetDevice(&device);
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
      ctx.fail(ErrorKind::kUnsupported, "this library has no code for device %d, whose architecture is sm_%d%d", device,
               major, minor);
      return;
    }
    case cudaErrorMemoryAllocation:
      ctx.fail(ErrorKind::kOutOfMemory, "out of device memory: %s", what);
      return;
    default:
      ctx.fail(ErrorKind::kInternal, "CUDA: %s: %s", what, cudaGetErrorString(error));
  }
}
inline bool check(Context& ctx, cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(ctx, error, what);
  return ctx.ok();
}

// A model's data section on each device that it has been used on. It is copied there once.
class DeviceWeights {
 public:
  constexpr DeviceWeights(const char* host, size_t bytes) : host_(host), bytes_(bytes) {}

  const char* on(int device, Context& ctx) {
    if (device >= kDevices) {
      ctx.fail(ErrorKind::kUnsupported, "device %d: only the first %d are supported", device, kDevices);
      return nullptr;
    }
    char* found = __atomic_load_n(&copies_[device], __ATOMIC_ACQUIRE);
    if (found != nullptr || bytes_ == 0) return found;
    pthread_mutex_lock(&mutex_);
    if (copies_[device] == nullptr) __atomic_store_n(&copies_[device], upload(ctx), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&mutex_);
    return copies_[device];
  }
  // When the library goes. At the end of the process the driver may be gone, and its memory with it.
  void release() {
    for (char*& copy : copies_) {
      if (copy != nullptr) cudaFree(copy);
      copy = nullptr;
    }
  }

 private:
  static constexpr int kDevices = 64;

  char* upload(Context& ctx) const {
    void* memory = nullptr;
    if (!check(ctx, cudaMalloc(&memory, bytes_), "the weights")) return nullptr;
    // The copy may return before it has arrived, and the contexts' streams don't wait for the one that it is on.
    if (check(ctx, cudaMemcpy(memory, host_, bytes_, cudaMemcpyHostToDevice), "copying the weights") &&
        check(ctx, cudaStreamSynchronize(nullptr), "copying the weights")) {
      return static_cast<char*>(memory);
    }
    cudaFree(memory);
    return nullptr;
  }

  const char* host_;
  size_t bytes_;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  char* copies_[kDevices] = {};
};

// What a context has on one device: a stream, and a block of memory that grows to what the largest region needs.
class DeviceState : public Attachment {
 public:
  // The context's state on the current device; null, and the context fails, when there is none.
  static DeviceState* of(Context& ctx) {
    int device = 0;
    if (!ctx.ok() || !check(ctx, cudaGetDevice(&device), "cudaGetDevice")) return nullptr;
    auto* state = static_cast<DeviceState*>(ctx.attachment());
    if (state != nullptr && state->device_ == device) return state;
    ctx.attach(nullptr);
    void* place = libc::malloc(sizeof(DeviceState));
    if (place == nullptr) {
      ctx.fail(ErrorKind::kOutOfMemory, "out of memory");
      return nullptr;
    }
    state = new (place, kPlace) DeviceState(device);
    const cudaError_t known = cudaDeviceGetAttribute(&state->processors_, cudaDevAttrMultiProcessorCount, device);
    if (!check(ctx, known, "cudaDeviceGetAttribute") ||
        !check(ctx, cudaStreamCreateWithFlags(&state->stream_, cudaStreamNonBlocking), "making a stream")) {
      release_state(state);
      return nullptr;
    }
    ctx.attach(state);
    return state;
  }

  int device() const { return device_; }
  cudaStream_t stream() const { return stream_; }
  int processors() const { return processors_; }

  char* reserve(Context& ctx, size_t bytes) {
    if (bytes <= bytes_) return block_;
    if (block_ != nullptr) cudaFree(block_);
    block_ = nullptr;
    bytes_ = 0;
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error != cudaSuccess) {
      char what[64];
      libc::snprintf(what, sizeof what, "%zu bytes were asked for", bytes);
      fail(ctx, error, what);
      return nullptr;
    }
    block_ = static_cast<char*>(memory);
    bytes_ = bytes;
    return block_;
  }

 private:
  explicit DeviceState(int device) : Attachment{&release_state}, device_(device) {}
  static void release_state(Attachment* attachment) {
    auto* state = static_cast<DeviceState*>(attachment);
    if (state->block_ != nullptr) cudaFree(state->block_);
    if (state->stream_ != nullptr) cudaStreamDestroy(state->stream_);
    libc::free(state);
  }

  int device_;
  int processors_ = 1;
  cudaStream_t stream_ = nullptr;
  char* block_ = nullptr;
  size_t bytes_ = 0;
};

// The first index of an operation that lies outside, which a kernel leaves for the host to report.
struct Fault {
  unsigned long long position;  // ~0: none
  long long index;
};

// Blocks that cover `count` items.
inline unsigned blocks_for(i64 count, i64 each) { return static_cast<unsigned>((count + each - 1) / each); }

class Launch {
 public:
  Launch(Context& ctx, DeviceWeights& weights) : ctx_(ctx), state_(DeviceState::of(ctx)) {
    if (state_ != nullptr) weights_ = weights.on(state_->device(), ctx);
  }

  Context& ctx() { return ctx_; }
  bool ok() const { return ctx_.ok(); }
  int processors() const { return state_ != nullptr ? state_->processors() : 1; }

  // One block for all slots, of so many bytes each.
  template <int kSlots>
  void reserve(const i64 (&bytes)[kSlots]) {
    static_assert(kSlots <= kMostSlots);
    if (!ok()) return;
    size_t total = round_up(sizeof faults_);
    for (int i = 0; i < kSlots; ++i) {
      if (bytes[i] < 0 || bytes[i] > kLargest || total > static_cast<size_t>(kLargest)) {
        ctx_.fail(ErrorKind::kOutOfMemory, "out of device memory: a buffer of %lld bytes was asked for",
                  static_cast<long long>(bytes[i]));
        return;
      }
      offsets_[i] = total;
      total += round_up(static_cast<size_t>(bytes[i])) + kGuardBytes;
    }
    block_ = state_->reserve(ctx_, total);
    if (block_ == nullptr) return;
    allow(block_, total);
    for (int i = 0; i < kSlots; ++i) {
      const size_t end = i + 1 < kSlots ? offsets_[i + 1] : total;
      forbid(block_ + end - kGuardBytes, kGuardBytes);
    }
  }
  template <class T>
  T* slot(int i) const {
    return reinterpret_cast<T*>(block_ + offsets_[i]);
  }

  // The constant at an offset of the data section.
  template <class T = float>
  const T* weights(size_t offset) const {
    return reinterpret_cast<const T*>(weights_ + offset);
  }

  template <class T>
  void copy_in(T* to, const T* from, i64 count) {
    copy(to, from, count * static_cast<i64>(sizeof(T)), cudaMemcpyHostToDevice);
  }
  template <class T>
  void copy_out(T* to, const T* from, i64 count) {
    copy(to, from, count * static_cast<i64>(sizeof(T)), cudaMemcpyDeviceToHost);
  }

  template <class... P, class... A>
  void run(void (*kernel)(P...), unsigned blocks, int threads, const A&... operands) {
    if (!ok() || blocks == 0) return;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.stream = state_->stream();
    check(ctx_, cudaLaunchKernelEx(&config, kernel, operands...), "launching a kernel");
  }

  // Where a kernel leaves the first index outside of [0, size). The format, for `finish`, takes the index, its position
  // and the size.
  Fault* fault(const char* format, i64 size) {
    if (fault_count_ == kMostFaults) finish();
    if (!ok()) return nullptr;
    Fault* const device = reinterpret_cast<Fault*>(block_) + fault_count_;
    if (fault_count_ == 0) {
      check(ctx_, cudaMemsetAsync(block_, 0xff, sizeof faults_, state_->stream()), "clearing memory");
    }
    formats_[fault_count_] = format;
    sizes_[fault_count_++] = size;
    return device;
  }

  // Waits for all that was launched.
  void finish() {
    if (state_ == nullptr) return;
    if (fault_count_ > 0 && ok()) {
      copy(faults_, block_, static_cast<i64>(sizeof(Fault)) * fault_count_, cudaMemcpyDeviceToHost);
    }
    // After a failure, too: nobody may use the memory before the device has left it.
    const cudaError_t error = cudaStreamSynchronize(state_->stream());
    if (ok()) check(ctx_, error, "running kernels");
    for (int i = 0; i < fault_count_ && ok(); ++i) {
      if (faults_[i].position == ~0ull) continue;
      ctx_.fail(ErrorKind::kIndex, formats_[i], faults_[i].index, static_cast<long long>(faults_[i].position),
                static_cast<long long>(sizes_[i]));
    }
    fault_count_ = 0;
  }

 private:
  static constexpr int kMostSlots = 1024, kMostFaults = 16;
  static constexpr i64 kLargest = i64{1} << 50;
  static constexpr size_t round_up(size_t bytes) { return (bytes + 255) & ~size_t{255}; }

  void copy(void* to, const void* from, i64 bytes, cudaMemcpyKind kind) {
    if (!ok() || bytes == 0) return;
    check(ctx_, cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), kind, state_->stream()), "copying");
  }

  Context& ctx_;
  DeviceState* state_;
  const char* weights_ = nullptr;
  char* block_ = nullptr;
  size_t offsets_[kMostSlots];
  Fault faults_[kMostFaults];
  const char* formats_[kMostFaults];
  i64 sizes_[kMostFaults];
  int fault_count_ = 0;
};

}  // namespace tsc::cuda
