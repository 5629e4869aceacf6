// A device beside the host, as the runtime sees it: whose memory holds the elements of some tensors, and what a call wants of
// it. What it is, and how it copies, is the launch layer's.
//
// The values of a program are the host's tensors. The elements of one that a region made, or that the caller gave, lie in the
// device's memory; when the program looks at them on the host (Tensor::data, Tensor::bytes), they are copied, so that every op
// may run there, and what it may have written is copied back before a region reads it. Regions that follow each other find
// theirs where they are.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsc {

class Context;
class Tensor;
struct Storage;

// Whether the library has a device: targets that have one define TSC_DEVICE.
#if defined(TSC_DEVICE)
inline constexpr bool kHasDevice = true;
#else
inline constexpr bool kHasDevice = false;
#endif

// A storage's elements in the device's memory.
struct DeviceCopy {
  // Makes the host's elements current; when they may be written, the device's are old from then on. Threads of one call may
  // come here at once.
  void (*reach)(Storage& storage, bool writes);
  void (*release)(DeviceCopy* self);
  char* data = nullptr;
  bool is_callers = false;  // whose sizes we can't change
};

// A dense tensor of a result in the device's memory.
struct DeviceResult {
  char* data = nullptr;
  int32_t device = 0;
  void (*release)(DeviceResult* self) = nullptr;  // by any thread
  DeviceResult* next = nullptr;
};

// What a call wants of the device.
struct Placement {
  void* stream = nullptr;
  bool on_stream = false;          // work goes onto `stream`; else the call has a stream of its own, and waits for it
  bool results_on_device = false;  // where their tensors lie
};

// The launch layer, as entry points call it. Failures are the context's.
struct DeviceTable {
  int32_t memory;                                // DLPack's number of its memory
  void (*check)(Context& ctx);                   // whether this machine can run the library's kernels
  // The caller's memory as a storage of so many bytes, with a reference for the reader.
  Storage* (*borrow)(Context& ctx, void* data, size_t bytes, int32_t device);
  // The elements of a tensor as a result's. `alone`: nobody else will look at the tensor.
  DeviceResult* (*take)(Context& ctx, const Tensor& tensor, bool alone);
  // The end of a call: what the program wrote of the caller's goes back there, and nothing of the caller's is held any more.
  void (*finish)(Context& ctx);
};

}  // namespace tsc
