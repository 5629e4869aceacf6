// What a context has on a device: a stream or the caller's, a block of memory for the buffers of regions, and blocks for the
// elements of tensors, which are used again in the order of the stream. Errors of CUDA's runtime become the context's.
#pragma once

#include <pthread.h>

#include "cuda/core/compiler.cuh"
#include "runtime/core/dense.h"

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

// Device memory, of one of the context's sizes.
struct Block {
  Block* next;
  char* data;
  size_t bytes;
};

class DeviceState;

// A storage's elements in the device's memory: in a block, or where the caller has them.
struct DeviceElements : DeviceCopy {
  DeviceState* state;
  Block* block;  // null: the caller's
  bool host_is_old = false, device_is_old = false;

  // Room for so many bytes; null, and the context fails, when there is none.
  static DeviceElements* make(DeviceState& state, size_t bytes);
  static DeviceElements* make(DeviceState& state, Block* block, char* data);

 private:
  static void reach(Storage& storage, bool writes);
  static void release(DeviceCopy* self);
};

class DeviceState : public Attachment {
 public:
  // The context's state on the current device, on the call's stream; null, and the context fails, when there is none.
  static DeviceState* of(Context& ctx) {
    int device = 0;
    if (!ctx.ok() || !check(ctx, cudaGetDevice(&device), "cudaGetDevice")) return nullptr;
    DeviceState* state = first(ctx);
    while (state != nullptr && state->device_ != device) state = state->next_;
    if (state == nullptr) state = make(ctx, device);
    return state != nullptr && state->enter() ? state : nullptr;
  }

  Context& ctx() { return ctx_; }
  int device() const { return device_; }
  cudaStream_t stream() const { return stream_; }
  int processors() const { return processors_; }
  void has_work() { has_work_ = true; }

  // The block for the buffers of a region.
  char* reserve(size_t bytes) {
    if (bytes <= arena_bytes_) return arena_;
    if (arena_ != nullptr) cudaFree(arena_);
    arena_ = nullptr;
    arena_bytes_ = 0;
    arena_ = allocate(bytes);
    if (arena_ != nullptr) arena_bytes_ = bytes;
    return arena_;
  }

  // Blocks of elements. What is given back may be taken at once: its next user comes later on the same stream.
  Block* take(size_t bytes) {
    if (!ctx_.ok()) return nullptr;
    const SizeClass size = SizeClass::of(bytes);
    live_ += size.bytes;
    peak_ = max(peak_, live_);
    if (Block* const block = free_[size.index]) {
      free_[size.index] = block->next;
      cached_ -= size.bytes;
      return block;
    }
    auto* const block = static_cast<Block*>(libc::malloc(sizeof(Block)));
    char* const data = block == nullptr ? nullptr : allocate(size.bytes);
    if (data == nullptr) {
      if (block == nullptr) ctx_.fail(ErrorKind::kOutOfMemory, "out of memory");
      libc::free(block);
      live_ -= size.bytes;
      return nullptr;
    }
    *block = {nullptr, data, size.bytes};
    return block;
  }
  void give_back(Block* block) {
    Block*& list = free_[SizeClass::of(block->bytes).index];
    block->next = list;
    list = block;
    live_ -= block->bytes;
    cached_ += block->bytes;
  }

  // Between the host's memory and the device's, on the stream; what is copied out is there when it returns. On failed contexts,
  // too: a state may hold what is copied.
  void copy_in(char* to, const char* from, size_t bytes) {
    enter();
    check(ctx_, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "copying to the device");
    has_work();
    // Pageable memory has been read by now; pinned memory is read when its turn comes.
    cudaPointerAttributes attributes = {};
    const bool known = cudaPointerGetAttributes(&attributes, from) == cudaSuccess;
    if (!known) cudaGetLastError();
    if (known && attributes.type != cudaMemoryTypeUnregistered) wait();
  }
  void copy_out(char* to, const char* from, size_t bytes) {
    enter();
    check(ctx_, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the device");
    wait();
  }
  // After a failure, too: nobody may use memory before the device has left it.
  void wait() {
    const cudaError_t error = cudaStreamSynchronize(stream_);
    if (ctx_.ok()) check(ctx_, error, "running kernels");
    has_work_ = false;
  }

  // DeviceTable's functions.

  static Storage* borrow(Context& ctx, void* data, size_t bytes, int32_t device) {
    DeviceState* const state = of(ctx);
    if (state == nullptr) return nullptr;
    if (device != state->device_) {
      ctx.fail(ErrorKind::kUnsupported, "an input is in the memory of device %d, and the current device is %d", device,
               state->device_);
      return nullptr;
    }
    char* const begin = static_cast<char*>(data);
    for (Given* given = state->given_; given != nullptr; given = given->next) {
      const char* const there = given->storage->device->data;
      if (begin >= there && begin + bytes <= there + given->storage->bytes) {
        given->storage->retain();
        return given->storage;
      }
    }
    // The host's part of it, whose elements come when they are asked for.
    Storage* const storage = Storage::allocate(ctx, bytes);
    auto* const given = storage == nullptr ? nullptr : static_cast<Given*>(ctx.allocate(sizeof(Given)));
    DeviceElements* const elements = given == nullptr ? nullptr : DeviceElements::make(*state, nullptr, begin);
    if (elements == nullptr) {
      ctx.free(given, sizeof(Given));
      if (storage != nullptr) storage->drop();
      return nullptr;
    }
    elements->is_callers = true;
    elements->host_is_old = true;
    storage->device = elements;
    storage->retain();
    *given = {state->given_, storage};
    state->given_ = given;
    return storage;
  }

  static DeviceResult* take_result(Context& ctx, const Tensor& tensor, bool alone) {
    DeviceState* const state = of(ctx);
    auto* const result = state == nullptr ? nullptr : static_cast<DeviceResult*>(libc::malloc(sizeof(DeviceResult)));
    if (result == nullptr) return ctx.fail(ErrorKind::kOutOfMemory, "out of memory");
    const auto bytes = static_cast<size_t>(tensor.numel() * tensor.element_size());
    *result = {.data = nullptr, .device = state->device_, .release = [](DeviceResult* self) {
                 if (self->data != nullptr) cudaFree(self->data);  // which waits until nobody uses it
                 libc::free(self);
               }};
    if (bytes == 0) return result;
    Storage* const storage = tensor.impl()->storage;
    auto* const there = static_cast<DeviceElements*>(storage->device);
    const bool is_there = there != nullptr && there->state == state && !there->device_is_old && tensor.is_contiguous();
    const bool moves = alone && tensor.impl()->references == 1 && storage->references == 1 && bytes == storage->bytes;
    if (is_there && moves && there->block != nullptr) {
      // The storage goes on looking at them, as at the caller's.
      result->data = there->data;
      state->live_ -= there->block->bytes;
      libc::free(there->block);
      there->block = nullptr;
      return result;
    }
    result->data = state->allocate(bytes);
    if (result->data != nullptr && is_there) {
      const char* const from = there->data + (tensor.impl()->data - static_cast<const char*>(storage->data));
      check(ctx, cudaMemcpyAsync(result->data, from, bytes, cudaMemcpyDeviceToDevice, state->stream_), "copying a result");
      state->has_work();
    } else if (result->data != nullptr) {
      const Tensor packed = dense(ctx, tensor);
      if (ctx.ok()) state->copy_in(result->data, packed.data<const char>(), bytes);
    }
    if (ctx.ok()) return result;
    state->wait();
    result->release(result);
    return nullptr;
  }

  // Of all devices that the call was on.
  static void finish_call(Context& ctx) {
    for (DeviceState* state = first(ctx); state != nullptr; state = state->next_) state->end_call();
  }

 private:
  // The caller's memory, while a call runs.
  struct Given {
    Given* next;
    Storage* storage;
  };

  DeviceState(Context& ctx, int device) : Attachment{&release_all}, ctx_(ctx), device_(device) {}

  static DeviceState* first(Context& ctx) { return static_cast<DeviceState*>(ctx.attachment()); }

  static DeviceState* make(Context& ctx, int device) {
    void* place = libc::malloc(sizeof(DeviceState));
    if (place == nullptr) return ctx.fail(ErrorKind::kOutOfMemory, "out of memory"), nullptr;
    auto* const state = new (place, kPlace) DeviceState(ctx, device);
    const cudaError_t known = cudaDeviceGetAttribute(&state->processors_, cudaDevAttrMultiProcessorCount, device);
    if (!check(ctx, known, "cudaDeviceGetAttribute") ||
        !check(ctx, cudaStreamCreateWithFlags(&state->own_stream_, cudaStreamNonBlocking), "making a stream") ||
        !check(ctx, cudaEventCreateWithFlags(&state->left_, cudaEventDisableTiming), "making an event")) {
      state->release();
      return nullptr;
    }
    state->stream_ = state->own_stream_;
    if (DeviceState* other = first(ctx)) {
      state->next_ = other->next_;
      other->next_ = state;
    } else {
      ctx.attach(state);
    }
    return state;
  }
  static void release_all(Attachment* attachment) {
    for (auto* state = static_cast<DeviceState*>(attachment); state != nullptr;) {
      DeviceState* const next = state->next_;
      state->release();
      state = next;
    }
  }
  void release() {
    trim();
    if (arena_ != nullptr) cudaFree(arena_);
    if (left_ != nullptr) cudaEventDestroy(left_);
    if (own_stream_ != nullptr) cudaStreamDestroy(own_stream_);
    libc::free(this);
  }

  // Goes to the call's stream, where work comes after what an earlier call has left on another, whose memory it uses again.
  bool enter() {
    const Placement& placement = ctx_.placement();
    stream_ = placement.on_stream ? static_cast<cudaStream_t>(placement.stream) : own_stream_;
    if (!has_left_work_) return true;
    has_left_work_ = false;
    return check(ctx_, cudaStreamWaitEvent(stream_, left_, 0), "waiting for an event");
  }
  void end_call() {
    while (given_ != nullptr) {
      Given* const given = given_;
      given_ = given->next;
      end_loan(*given->storage);
      ctx_.free(given, sizeof(Given));
    }
    if (has_work_ && (stream_ == own_stream_ || !ctx_.ok())) wait();
    if (has_work_) {
      has_left_work_ = check(ctx_, cudaEventRecord(left_, stream_), "recording an event");
      if (!has_left_work_) wait();
    }
    has_work_ = false;
    typical_ = max(peak_, typical_ - typical_ / 8);
    if (cached_ > 2 * typical_ + (size_t{1} << 20)) trim();
    peak_ = live_;
  }
  // The caller's memory gets what the program wrote. What outlives the call in the state keeps the host's elements.
  void end_loan(Storage& storage) {
    auto* const elements = static_cast<DeviceElements*>(storage.device);
    if (elements->device_is_old) copy_in(elements->data, static_cast<const char*>(storage.data), storage.bytes);
    if (storage.references > 1) storage.reach(false);
    storage.leave_device();
    storage.drop();
  }

  // Null when there is no memory, and the context fails.
  char* allocate(size_t bytes) {
    void* memory = nullptr;
    cudaError_t error = cudaMalloc(&memory, bytes);
    if (error == cudaErrorMemoryAllocation && cached_ > 0) {
      cudaGetLastError();
      trim();
      error = cudaMalloc(&memory, bytes);
    }
    if (error == cudaSuccess) return static_cast<char*>(memory);
    char what[64];
    libc::snprintf(what, sizeof what, "%zu bytes were asked for", bytes);
    fail(ctx_, error, what);
    return nullptr;
  }
  void trim() {
    for (Block*& list : free_) {
      while (Block* const block = list) {
        list = block->next;
        cudaFree(block->data);
        libc::free(block);
      }
    }
    cached_ = 0;
  }

  Context& ctx_;
  int device_;
  int processors_ = 1;
  DeviceState* next_ = nullptr;  // on another device
  cudaStream_t own_stream_ = nullptr, stream_ = nullptr;
  bool has_work_ = false;  // of this call, for which nobody has waited
  bool has_left_work_ = false;  // of an earlier call on the caller's stream, which may be gone
  cudaEvent_t left_ = nullptr;  // at the end of that
  Given* given_ = nullptr;
  char* arena_ = nullptr;
  size_t arena_bytes_ = 0;
  Block* free_[SizeClass::kCount] = {};
  size_t live_ = 0, peak_ = 0, typical_ = 0, cached_ = 0;  // as in Context
};

inline DeviceElements* DeviceElements::make(DeviceState& state, size_t bytes) {
  Block* const block = state.take(bytes);
  if (block == nullptr) return nullptr;
  DeviceElements* const made = make(state, block, block->data);
  if (made == nullptr) state.give_back(block);
  return made;
}
inline DeviceElements* DeviceElements::make(DeviceState& state, Block* block, char* data) {
  void* const place = libc::malloc(sizeof(DeviceElements));
  if (place == nullptr) return state.ctx().fail(ErrorKind::kOutOfMemory, "out of memory"), nullptr;
  auto* const made = new (place, kPlace) DeviceElements;
  made->DeviceCopy::reach = &DeviceElements::reach;
  made->DeviceCopy::release = &DeviceElements::release;
  made->data = data;
  made->state = &state;
  made->block = block;
  return made;
}
// The threads of an op may come here at once, and another's copy must not overwrite what one has written.
inline void DeviceElements::reach(Storage& storage, bool writes) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  auto* const self = static_cast<DeviceElements*>(storage.device);
  if (!__atomic_load_n(&self->host_is_old, __ATOMIC_ACQUIRE) &&
      (!writes || __atomic_load_n(&self->device_is_old, __ATOMIC_ACQUIRE))) {
    return;
  }
  pthread_mutex_lock(&mutex);
  if (self->host_is_old) {
    self->state->copy_out(static_cast<char*>(storage.data), self->data, storage.bytes);
    __atomic_store_n(&self->host_is_old, false, __ATOMIC_RELEASE);
  }
  if (writes) __atomic_store_n(&self->device_is_old, true, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&mutex);
}
inline void DeviceElements::release(DeviceCopy* copy) {
  auto* const self = static_cast<DeviceElements*>(copy);
  if (self->block != nullptr) self->state->give_back(self->block);
  libc::free(self);
}

}  // namespace tsc::cuda
