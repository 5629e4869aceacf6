// A region's run on the device: its memory, its kernels, its errors.
//
//   Launch launch(ctx, weights);             the call's stream and memory; the weights are there from the first call on
//   launch.reserve<2>({bytes, bytes});       slots of one block, which the context keeps for the next call
//   const float* x = launch.input<float>(tensor);     where the elements are, which are copied there if they have to be
//   float* y = launch.output<float>(tensor);          where they will be
//   launch.run(kernel, blocks, threads, operands...);
//   launch.finish();                         waits where a kernel may have met what is the program's error
//
// Errors are the context's, and sticky: after the first one nothing more is done.
#pragma once

#include <pthread.h>

#include "cuda/core/compiler.cuh"
#include "cuda/core/memory.cuh"
#include "runtime/core/tensor.h"

namespace tsc::cuda {

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
  const char* host() const { return host_; }
  size_t bytes() const { return bytes_; }

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

// The first index of an operation that lies outside, which a kernel leaves for the host to report.
struct Fault {
  unsigned long long position;  // ~0: none
  long long index;
};

// Blocks that cover `count` items.
inline unsigned blocks_for(i64 count, i64 each) { return static_cast<unsigned>((count + each - 1) / each); }

class Launch {
 public:
  Launch(Context& ctx, DeviceWeights& weights) : ctx_(ctx), state_(DeviceState::of(ctx)), host_weights_(weights.host()) {
    if (state_ != nullptr) weights_ = weights.on(state_->device(), ctx);
    weights_bytes_ = weights.bytes();
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() {
    while (passing_ != nullptr) {
      Block* const next = passing_->next;
      state_->give_back(passing_);
      passing_ = next;
    }
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
    block_ = state_->reserve(total);
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

  // Where the elements of a dense tensor are on the device. What the host has is copied there, and stays there as long as the
  // tensor's memory lives, where that is the tensor's alone.
  template <class T>
  const T* input(const Tensor& tensor) {
    return reinterpret_cast<const T*>(elements(tensor));
  }
  // Where those of a new tensor will be.
  template <class T>
  T* output(const Tensor& tensor) {
    if (!ok() || tensor.numel() == 0) return nullptr;
    Storage* const storage = tensor.impl()->storage;
    DeviceElements* const made = DeviceElements::make(*state_, storage->bytes);
    if (made == nullptr) return nullptr;
    made->host_is_old = true;
    storage->device = made;
    return reinterpret_cast<T*>(made->data);
  }

  template <class... P, class... A>
  void run(void (*kernel)(P...), unsigned blocks, int threads, const A&... operands) {
    if (!ok() || blocks == 0) return;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(static_cast<unsigned>(threads));
    config.stream = state_->stream();
    check(ctx_, cudaLaunchKernelEx(&config, kernel, operands...), "launching a kernel");
    state_->has_work();
  }

  // Where a kernel leaves the first index outside of [0, size). The format, for `finish`, takes the index, its position
  // and the size.
  Fault* fault(const char* format, i64 size) {
    if (fault_count_ == kMostFaults) finish();
    if (!ok()) return nullptr;
    // A region whose buffers are its results alone has reserved nothing.
    if (block_ == nullptr) {
      block_ = state_->reserve(round_up(sizeof faults_));
      if (block_ == nullptr) return nullptr;
      allow(block_, round_up(sizeof faults_));
    }
    Fault* const device = reinterpret_cast<Fault*>(block_) + fault_count_;
    if (fault_count_ == 0) {
      check(ctx_, cudaMemsetAsync(block_, 0xff, sizeof faults_, state_->stream()), "clearing memory");
    }
    formats_[fault_count_] = format;
    sizes_[fault_count_++] = size;
    return device;
  }

  // Waits where kernels may have left faults, and gives these to the context.
  void finish() {
    if (state_ == nullptr || fault_count_ == 0) return;
    if (ok()) {
      const size_t bytes = sizeof(Fault) * static_cast<size_t>(fault_count_);
      check(ctx_, cudaMemcpyAsync(faults_, block_, bytes, cudaMemcpyDeviceToHost, state_->stream()), "copying");
    }
    state_->wait();
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

  const char* elements(const Tensor& tensor) {
    if (!ok() || tensor.numel() == 0) return nullptr;
    Storage* const storage = tensor.impl()->storage;
    const auto bytes = static_cast<size_t>(tensor.numel() * tensor.element_size());
    if (auto* const there = static_cast<DeviceElements*>(storage->device)) {
      if (there->state == state_ && !there->device_is_old) {
        return there->data + (tensor.impl()->data - static_cast<const char*>(storage->data));
      }
      // Old, or on another device.
      if (there->state == state_ && bytes == storage->bytes) {
        state_->copy_in(there->data, tensor.data<const char>(), bytes);
        there->device_is_old = false;
        return there->data;
      }
      if (!there->is_callers && there->state != state_) {
        storage->reach(false);
        storage->leave_device();
      }
    }
    const char* const host = tensor.data<const char>();
    if (host >= host_weights_ && host < host_weights_ + weights_bytes_) return weights_ + (host - host_weights_);
    const bool stays = storage->kind != Storage::Kind::kConstant && storage->device == nullptr && bytes == storage->bytes;
    if (stays) {
      DeviceElements* const made = DeviceElements::make(*state_, bytes);
      if (made == nullptr) return nullptr;
      storage->device = made;
      state_->copy_in(made->data, host, bytes);
      return made->data;
    }
    Block* const block = state_->take(bytes);
    if (block == nullptr) return nullptr;
    block->next = passing_;
    passing_ = block;
    state_->copy_in(block->data, host, bytes);
    return block->data;
  }

  Context& ctx_;
  DeviceState* state_;
  const char* host_weights_;
  size_t weights_bytes_ = 0;
  const char* weights_ = nullptr;
  char* block_ = nullptr;
  Block* passing_ = nullptr;  // of inputs that don't stay
  size_t offsets_[kMostSlots];
  Fault faults_[kMostFaults];
  const char* formats_[kMostFaults];
  i64 sizes_[kMostFaults];
  int fault_count_ = 0;
};

// What stands in the table of a model with a part on the device.
static __global__ void present_kernel() {}
inline constexpr int kDLPackMemory = 2;  // kDLCUDA

inline constexpr DeviceTable kDeviceTable = {
    .memory = kDLPackMemory,
    .check =
        [](Context& ctx) {
          int device = 0;
          cudaFuncAttributes attributes;
          if (check(ctx, cudaGetDevice(&device), "cudaGetDevice")) {
            check(ctx, cudaFuncGetAttributes(&attributes, present_kernel), "looking for the library's kernels");
          }
        },
    .borrow = &DeviceState::borrow,
    .take = &DeviceState::take_result,
    .finish = [](Context& ctx) { DeviceState::finish_call(ctx); },
};

}  // namespace tsc::cuda
