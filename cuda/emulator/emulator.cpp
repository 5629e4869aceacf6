#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "cuda_runtime.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TSC_EMULATOR_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif
#endif

namespace tsc::emulator {
namespace {

std::string_view setting(const char* name) {
  const char* text = getenv(name);
  return text == nullptr ? "" : text;
}

// Device memory: blocks by where they begin. It lives as long as the process, for libraries free theirs at the very end.
std::mutex memory_mutex;
auto& blocks = *new std::map<uintptr_t, size_t>;
size_t used = 0;

bool is_device(const void* memory, size_t bytes) {
  const std::lock_guard lock(memory_mutex);
  const auto address = reinterpret_cast<uintptr_t>(memory);
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second;
}

constexpr unsigned kWarp = 32;

enum class Wait { kNone, kBarrier, kWarp, kDone };

struct Fiber {
  ucontext_t context;
  char* stack = nullptr;
  void* fake_stack = nullptr;  // the address sanitizer's
  Wait wait = Wait::kNone;
  unsigned meetings = 0;  // shuffles that it has come to
};

// Two meetings' values: who is fast may come to the next one before the others have read those of this.
struct Warp {
  uint64_t values[2][kWarp];
  unsigned arrived[2] = {};
};

constexpr size_t kStackBytes = size_t{256} << 10;

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  const std::function<void()>* thread = nullptr;
  ucontext_t scheduler;
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_bytes = 0;
  unsigned current = 0;
  unsigned epoch = 0;  // barriers passed
  uint64_t number = 0;
} block;

std::mutex run_mutex;

#if defined(TSC_EMULATOR_SANITIZED)
void start_switch(void** keep, const void* stack, size_t bytes) { __sanitizer_start_switch_fiber(keep, stack, bytes); }
void finish_switch(void* kept, const void** stack, size_t* bytes) { __sanitizer_finish_switch_fiber(kept, stack, bytes); }
#else
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
#endif

// From the running fiber to the scheduler; back when the scheduler has chosen it again.
void leave(Wait wait) {
  Fiber& fiber = block.fibers[block.current];
  fiber.wait = wait;
  start_switch(wait == Wait::kDone ? nullptr : &fiber.fake_stack, block.scheduler_stack, block.scheduler_stack_bytes);
  swapcontext(&fiber.context, &block.scheduler);
  finish_switch(fiber.fake_stack, &block.scheduler_stack, &block.scheduler_stack_bytes);
}

void fiber_main() {
  finish_switch(nullptr, &block.scheduler_stack, &block.scheduler_stack_bytes);
  (*block.thread)();
  leave(Wait::kDone);
}

void resume(unsigned i) {
  Fiber& fiber = block.fibers[i];
  block.current = i;
  threadIdx = {i, 0, 0};
  fiber.wait = Wait::kNone;
  void* fake_stack = nullptr;
  start_switch(&fake_stack, fiber.stack, kStackBytes);
  swapcontext(&block.scheduler, &fiber.context);
  finish_switch(fake_stack, nullptr, nullptr);
}

// Who may go on: all that wait for a warp which has met, or everybody, once all of the block stand at a barrier.
std::vector<unsigned> runnable() {
  std::vector<unsigned> result;
  unsigned at_barrier = 0, done = 0;
  for (unsigned i = 0; i < block.fibers.size(); ++i) {
    const Wait wait = block.fibers[i].wait;
    if (wait == Wait::kNone) result.push_back(i);
    at_barrier += wait == Wait::kBarrier;
    done += wait == Wait::kDone;
  }
  if (!result.empty() || done == block.fibers.size()) return result;
  if (at_barrier != block.fibers.size()) {
    report("%u of %zu threads of block %u stand at a barrier, %u have ended, the others wait for their warp", at_barrier,
           block.fibers.size(), blockIdx.x, done);
  }
  ++block.epoch;
  for (unsigned i = 0; i < block.fibers.size(); ++i) {
    block.fibers[i].wait = Wait::kNone;
    result.push_back(i);
  }
  return result;
}

void run_block(unsigned threads, std::minstd_rand& random) {
  block.fibers.resize(threads);
  block.warps.assign((threads + kWarp - 1) / kWarp, Warp{});
  block.epoch = 0;
  ++block.number;
  for (Fiber& fiber : block.fibers) {
    if (fiber.stack == nullptr) {
      void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (stack == MAP_FAILED) report("there is no memory for %u stacks", threads);
      fiber.stack = static_cast<char*>(stack);
    }
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
    fiber.wait = Wait::kNone;
    fiber.meetings = 0;
  }
  for (std::vector<unsigned> ready = runnable(); !ready.empty(); ready = runnable()) {
    std::shuffle(ready.begin(), ready.end(), random);
    for (const unsigned i : ready) resume(i);
  }
}

}  // namespace

void report(const char* format, ...) {
  fprintf(stderr, "CUDA emulator: ");
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "\n");
  abort();
}

cudaError_t run(const cudaLaunchConfig_t& config, const std::function<void()>& thread) {
  if (setting("TSC_EMULATOR_FAILURE") == "no_image") return cudaErrorNoKernelImageForDevice;
  const unsigned threads = config.blockDim.x, count = config.gridDim.x;
  if (threads == 0 || threads > 1024 || count == 0 || count > 0x7fffffffu) return cudaErrorInvalidValue;
  const std::lock_guard lock(run_mutex);
  static std::minstd_rand random(static_cast<unsigned>(strtoul(std::string(setting("TSC_EMULATOR_SEED")).c_str(), nullptr, 10)) + 1);
  block.thread = &thread;
  blockDim = config.blockDim;
  gridDim = config.gridDim;
  std::vector<unsigned> order(count);
  for (unsigned i = 0; i < count; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const unsigned i : order) {
    blockIdx = {i, 0, 0};
    run_block(threads, random);
  }
  return cudaSuccess;
}

void check_pointer(const void* pointer) {
  if (pointer != nullptr && !is_device(pointer, 0)) report("a kernel gets the address %p, which is not the device's", pointer);
}

void barrier() { leave(Wait::kBarrier); }

void meet_warp(unsigned mask, uint64_t value) {
  Fiber& fiber = block.fibers[block.current];
  const unsigned number = block.current / kWarp, lane = block.current % kWarp, meeting = fiber.meetings++ % 2;
  const unsigned lanes = static_cast<unsigned>(block.fibers.size()) - number * kWarp;
  const unsigned wanted = lanes >= kWarp ? ~0u : (1u << lanes) - 1;
  if (mask != wanted) report("a shuffle of lanes %x in a warp of lanes %x", mask, wanted);
  Warp& warp = block.warps[number];
  warp.values[meeting][lane] = value;
  if (warp.arrived[meeting] == wanted) warp.arrived[meeting] = 0;  // of the meeting before the last
  warp.arrived[meeting] |= 1u << lane;
  if (warp.arrived[meeting] == wanted) {
    for (unsigned i = number * kWarp; i < number * kWarp + std::min(lanes, kWarp); ++i) {
      if (block.fibers[i].wait == Wait::kWarp) block.fibers[i].wait = Wait::kNone;
    }
  } else {
    leave(Wait::kWarp);
  }
}

uint64_t value_of_lane(unsigned lane) {
  const unsigned meeting = (block.fibers[block.current].meetings - 1) % 2;
  return block.warps[block.current / kWarp].values[meeting][lane];
}

void Access::read(int index) {
  const unsigned thread = emulator::block.current;
  if (block != emulator::block.number) report("element %d of shared memory is read before it is written", index);
  if (writer != thread && write_epoch == emulator::block.epoch) {
    report("a race in block %u: thread %u reads element %d of shared memory, which thread %u writes", blockIdx.x, thread,
           index, writer);
  }
  if (!has_reader || read_epoch != emulator::block.epoch) {
    has_reader = true;
    many_readers = false;
    reader = thread;
    read_epoch = emulator::block.epoch;
  } else if (reader != thread) {
    many_readers = true;
  }
}

void Access::write(int index) {
  const unsigned thread = emulator::block.current, epoch = emulator::block.epoch;
  if (block == emulator::block.number) {
    const bool written = writer != thread && write_epoch == epoch;
    const bool is_read = has_reader && read_epoch == epoch && (many_readers || reader != thread);
    if (written || is_read) {
      report("a race in block %u: thread %u writes element %d of shared memory, which thread %u %s", blockIdx.x, thread,
             index, written ? writer : reader, written ? "writes" : "reads");
    }
  } else {
    has_reader = many_readers = false;
  }
  block = emulator::block.number;
  writer = thread;
  write_epoch = epoch;
}

}  // namespace tsc::emulator

using namespace tsc::emulator;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    default:
      return "an error of the emulator";
  }
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaGetDevice(int* device) {
  const std::string_view failure = setting("TSC_EMULATOR_FAILURE");
  if (failure == "no_driver") return cudaErrorInsufficientDriver;
  if (failure == "no_device") return cudaErrorNoDevice;
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount ? 2 : attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  const std::lock_guard lock(memory_mutex);
  const std::string_view limit = setting("TSC_EMULATOR_MEMORY");
  if (!limit.empty() && used + bytes > strtoull(limit.data(), nullptr, 10)) return cudaErrorMemoryAllocation;
  // What was there before is unknown.
  if (posix_memalign(memory, 256, bytes) != 0) return cudaErrorMemoryAllocation;
  memset(*memory, 0xcd, bytes);
  blocks[reinterpret_cast<uintptr_t>(*memory)] = bytes;
  used += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const std::lock_guard lock(memory_mutex);
  const auto found = blocks.find(reinterpret_cast<uintptr_t>(memory));
  if (found == blocks.end()) report("cudaFree of %p, which cudaMalloc did not give", memory);
  used -= found->second;
  blocks.erase(found);
  free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const void* const device = kind == cudaMemcpyHostToDevice ? to : from;
  const void* const host = kind == cudaMemcpyHostToDevice ? from : to;
  if (!is_device(device, bytes)) report("a copy of %zu bytes with %p, which is not the device's", bytes, device);
  if (is_device(host, 0)) report("a copy of %zu bytes with %p, which is not the host's", bytes, host);
  memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  if (!is_device(memory, bytes)) report("cudaMemset of %p, which is not the device's", memory);
  memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
