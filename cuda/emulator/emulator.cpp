#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "cuda_runtime.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TSC_EMULATOR_SANITIZED
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#endif

// A place where another stack left off. swapcontext asks the kernel for the signals that are blocked, twice a switch,
// which took most of a run's time; where the registers of a call are known, nothing of it is needed.
#if defined(__x86_64__)
struct StackPlace {
  void* top = nullptr;
};
// Puts the registers that functions must keep on the stack, and takes those that lie on the other one.
extern "C" void tsc_emulator_switch(StackPlace* from, const StackPlace* to);
asm(R"(
.text
.p2align 4
.local tsc_emulator_switch
.type tsc_emulator_switch, @function
tsc_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq (%rsi), %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size tsc_emulator_switch, . - tsc_emulator_switch
)");
static void switch_stacks(StackPlace& from, const StackPlace& to) { tsc_emulator_switch(&from, &to); }
static void begin_stack(StackPlace& place, char* stack, size_t bytes, void (*function)()) {
  constexpr size_t kSaved = 6;
  void** const top = reinterpret_cast<void**>(stack + bytes) - 1;  // as a call leaves it: eight bytes above a sixteenth
  *top = nullptr;                                                  // to which nobody returns
  top[-1] = reinterpret_cast<void*>(function);
  place.top = top - 1 - kSaved;
}
#else
using StackPlace = ucontext_t;
static void switch_stacks(StackPlace& from, const StackPlace& to) { swapcontext(&from, &to); }
static void begin_stack(StackPlace& place, char* stack, size_t bytes, void (*function)()) {
  getcontext(&place);
  place.uc_stack.ss_sp = stack;
  place.uc_stack.ss_size = bytes;
  place.uc_link = nullptr;
  makecontext(&place, function, 0);
}
#endif

namespace tsc::emulator {
namespace {

std::string_view setting(const char* name) {
  const char* text = getenv(name);
  return text == nullptr ? "" : text;
}

// Device memory: blocks by where they begin, each in pages of its own between two that nobody may touch. It lives as
// long as the process, for libraries free theirs at the very end.
std::recursive_mutex mutex;  // of everything here
auto& blocks = *new std::map<uintptr_t, size_t>;
size_t used = 0;
const size_t kPage = static_cast<size_t>(getpagesize());
size_t in_pages(size_t bytes) { return (std::max<size_t>(bytes, 1) + kPage - 1) / kPage * kPage; }

bool is_device(const void* memory, size_t bytes) {
  const std::lock_guard lock(mutex);
  const auto address = reinterpret_cast<uintptr_t>(memory);
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second;
}

struct sigaction outer_handler;

void on_bad_access(int number, siginfo_t* info, void* context) {
  if (is_device(info->si_addr, 0)) report("the host touches %p, which is the device's memory", info->si_addr);
  if ((outer_handler.sa_flags & SA_SIGINFO) != 0) return outer_handler.sa_sigaction(number, info, context);
  signal(number, SIG_DFL);
}

// While one lives, device memory can be touched.
class OnDevice {
 public:
  OnDevice() : lock_(mutex) {
    if (depth_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() {
    if (--depth_ == 0) protect(PROT_NONE);
  }

 private:
  static void protect(int allowed) {
    for (const auto& [begin, bytes] : blocks) mprotect(reinterpret_cast<void*>(begin), in_pages(bytes), allowed);
  }
  static inline int depth_ = 0;
  std::lock_guard<std::recursive_mutex> lock_;
};

constexpr unsigned kWarp = 32;

enum class Wait { kNone, kBarrier, kWarp, kDone };

struct Fiber {
  StackPlace place;
  char* stack = nullptr;
  void* fake_stack = nullptr;  // the address sanitizer's
  Wait wait = Wait::kNone;
  unsigned meetings = 0;  // shuffles that it has come to
};

// Two meetings' values: who is fast may come to the next one before the others have read those of this.
struct Warp {
  Values values[2][kWarp];
  unsigned arrived[2] = {};
};

constexpr size_t kStackBytes = size_t{256} << 10;

struct Block {
  std::vector<Fiber> fibers;
  std::vector<char*> stacks;  // of the fibers, and of those that larger blocks had
  std::vector<Warp> warps;
  const std::function<void()>* thread = nullptr;
  StackPlace scheduler;
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_bytes = 0;
  unsigned current = 0;
  unsigned epoch = 0;  // barriers passed
  uint64_t number = 0;
} block;

#if defined(TSC_EMULATOR_SANITIZED)
void start_switch(void** keep, const void* stack, size_t bytes) { __sanitizer_start_switch_fiber(keep, stack, bytes); }
void finish_switch(void* kept, const void** stack, size_t* bytes) {
  __sanitizer_finish_switch_fiber(kept, stack, bytes);
}
#else
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
#endif

// From the running fiber to the scheduler; back when the scheduler has chosen it again.
void leave(Wait wait) {
  Fiber& fiber = block.fibers[block.current];
  fiber.wait = wait;
  start_switch(wait == Wait::kDone ? nullptr : &fiber.fake_stack, block.scheduler_stack, block.scheduler_stack_bytes);
  switch_stacks(fiber.place, block.scheduler);
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
  switch_stacks(block.scheduler, fiber.place);
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
    report("%u of %zu threads of block %u stand at a barrier, %u have ended, the others wait for their warp",
           at_barrier, block.fibers.size(), blockIdx.x, done);
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
  while (block.stacks.size() < threads) {
    void* stack =
        mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) report("there is no memory for %u stacks", threads);
    block.stacks.push_back(static_cast<char*>(stack));
  }
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = block.fibers[i];
    fiber.stack = block.stacks[i];
    begin_stack(fiber.place, fiber.stack, kStackBytes, fiber_main);
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

}  // namespace tsc::emulator

// What has been put on a stream and has not run.
struct tsc_emulated_stream {
  std::deque<std::function<void()>> waiting;

  void run_next() {
    const std::function<void()> next = std::move(waiting.front());
    waiting.pop_front();
    next();
  }
  void run_all() {
    while (!waiting.empty()) run_next();
  }
};
// Streams are never freed, since events look at them.
struct tsc_emulated_event {
  tsc_emulated_stream* stream = nullptr;
  std::shared_ptr<bool> reached;  // of the last record
};

namespace tsc::emulator {
namespace {

tsc_emulated_stream& stream_of(cudaStream_t stream) {
  static auto& default_stream = *new tsc_emulated_stream;
  return stream == nullptr ? default_stream : *stream;
}
auto& all_streams = *new std::vector<tsc_emulated_stream*>{&stream_of(nullptr)};

// Of kernels that ran. At the end of the process, or of the library, the number goes to the file that
// TSC_EMULATOR_COUNTS names.
struct Launches {
  size_t count = 0;

  ~Launches() {
    const std::string file(setting("TSC_EMULATOR_COUNTS"));
    if (file.empty()) return;
    if (FILE* const to = fopen(file.c_str(), "a")) {
      fprintf(to, "%zu\n", count);
      fclose(to);
    }
  }
} launches;

void run(const cudaLaunchConfig_t& config, const std::function<void()>& thread) {
  ++launches.count;
  const OnDevice memory;
  static std::minstd_rand random(
      static_cast<unsigned>(strtoul(std::string(setting("TSC_EMULATOR_SEED")).c_str(), nullptr, 10)) + 1);
  block.thread = &thread;
  blockDim = config.blockDim;
  gridDim = config.gridDim;
  std::vector<unsigned> order(config.gridDim.x);
  for (unsigned i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const unsigned i : order) {
    blockIdx = {i, 0, 0};
    run_block(config.blockDim.x, random);
  }
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, std::function<void()> thread) {
  if (setting("TSC_EMULATOR_FAILURE") == "no_image") return cudaErrorNoKernelImageForDevice;
  const unsigned threads = config.blockDim.x, count = config.gridDim.x;
  if (threads == 0 || threads > 1024 || count == 0 || count > 0x7fffffffu) return cudaErrorInvalidValue;
  if (!setting("TSC_EMULATOR_LAUNCHES").empty()) {
    fprintf(stderr, "launch %u %u\n", count, threads);
    return cudaSuccess;
  }
  const std::lock_guard lock(mutex);
  stream_of(config.stream).waiting.push_back([config, thread = std::move(thread)] { run(config, thread); });
  return cudaSuccess;
}

void check_pointer(const void* pointer) {
  if (pointer != nullptr && !is_device(pointer, 0))
    report("a kernel gets the address %p, which is not the device's", pointer);
}

void barrier() { leave(Wait::kBarrier); }

void meet_warp(unsigned mask, const Values& values) {
  Fiber& fiber = block.fibers[block.current];
  const unsigned number = block.current / kWarp, lane = block.current % kWarp, meeting = fiber.meetings++ % 2;
  const unsigned lanes = static_cast<unsigned>(block.fibers.size()) - number * kWarp;
  const unsigned wanted = lanes >= kWarp ? ~0u : (1u << lanes) - 1;
  if (mask != wanted) report("a shuffle of lanes %x in a warp of lanes %x", mask, wanted);
  Warp& warp = block.warps[number];
  warp.values[meeting][lane] = values;
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

const Values& values_of_lane(unsigned lane) {
  const unsigned meeting = (block.fibers[block.current].meetings - 1) % 2;
  return block.warps[block.current / kWarp].values[meeting][lane];
}

void Access::read(int index) {
  const unsigned thread = emulator::block.current;
  if (block != emulator::block.number) report("element %d of shared memory is read before it is written", index);
  if (writer != thread && write_epoch == emulator::block.epoch) {
    report("a race in block %u: thread %u reads element %d of shared memory, which thread %u writes", blockIdx.x,
           thread, index, writer);
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

size_t tsc_emulator_launches() { return launches.count; }

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

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  *attributes = {is_device(pointer, 0) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered, 0};
  return cudaSuccess;
}

cudaError_t tsc_emulated_function(cudaFuncAttributes* attributes) {
  *attributes = {};
  return setting("TSC_EMULATOR_FAILURE") == "no_image" ? cudaErrorNoKernelImageForDevice : cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  const std::lock_guard lock(mutex);
  const std::string_view limit = setting("TSC_EMULATOR_MEMORY");
  if (!limit.empty() && used + bytes > strtoull(limit.data(), nullptr, 10)) return cudaErrorMemoryAllocation;
  if (blocks.empty() && outer_handler.sa_sigaction == nullptr) {
    struct sigaction handler = {};
    handler.sa_sigaction = on_bad_access;
    handler.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &handler, &outer_handler);
  }
  void* pages =
      mmap(nullptr, in_pages(bytes) + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return cudaErrorMemoryAllocation;
  *memory = static_cast<char*>(pages) + kPage;
  blocks[reinterpret_cast<uintptr_t>(*memory)] = bytes;
  used += bytes;
  const OnDevice open;
  mprotect(*memory, in_pages(bytes), PROT_READ | PROT_WRITE);
  memset(*memory, 0xcd, in_pages(bytes));  // what was there before is unknown
#if defined(TSC_EMULATOR_SANITIZED)
  __asan_poison_memory_region(static_cast<char*>(*memory) + bytes, in_pages(bytes) - bytes);
#endif
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const std::lock_guard lock(mutex);
  const auto found = blocks.find(reinterpret_cast<uintptr_t>(memory));
  if (found == blocks.end()) report("cudaFree of %p, which cudaMalloc did not give", memory);
  for (tsc_emulated_stream* stream : all_streams) stream->run_all();
  const size_t bytes = found->second;
  used -= bytes;
  blocks.erase(found);
#if defined(TSC_EMULATOR_SANITIZED)
  __asan_unpoison_memory_region(memory, in_pages(bytes));
#endif
  munmap(static_cast<char*>(memory) - kPage, in_pages(bytes) + 2 * kPage);
  return cudaSuccess;
}

static void check_copy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool on_device[] = {kind != cudaMemcpyDeviceToHost, kind != cudaMemcpyHostToDevice};
  const void* const ends[] = {to, from};
  for (int i = 0; i < 2; ++i) {
    if (on_device[i] && !is_device(ends[i], bytes))
      report("a copy of %zu bytes with %p, which is not the device's", bytes, ends[i]);
    if (!on_device[i] && is_device(ends[i], 0))
      report("a copy of %zu bytes with %p, which is not the host's", bytes, ends[i]);
  }
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  check_copy(to, from, bytes, kind);
  const OnDevice memory;
  stream_of(nullptr).run_all();
  memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  check_copy(to, from, bytes, kind);
  const std::lock_guard lock(mutex);
  if (!setting("TSC_EMULATOR_COPIES").empty() && kind != cudaMemcpyDeviceToDevice) {
    fprintf(stderr, "copy %s %zu\n", kind == cudaMemcpyHostToDevice ? "in" : "out", bytes);
  }
  // Memory of the host that is not pinned is read before the call returns.
  std::string staged;
  if (kind == cudaMemcpyHostToDevice) staged.assign(static_cast<const char*>(from), bytes);
  stream_of(stream).waiting.push_back([=, staged = std::move(staged)] {
    const OnDevice memory;
    memcpy(to, kind == cudaMemcpyHostToDevice ? staged.data() : from, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  if (!is_device(memory, bytes)) report("cudaMemset of %p, which is not the device's", memory);
  const std::lock_guard lock(mutex);
  stream_of(stream).waiting.push_back([=] {
    const OnDevice open;
    memset(memory, value, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard lock(mutex);
  *stream = all_streams.emplace_back(new tsc_emulated_stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  stream_of(stream).run_all();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return cudaStreamSynchronize(stream); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new tsc_emulated_event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  event->stream = &stream_of(stream);
  event->reached = std::make_shared<bool>(false);
  event->stream->waiting.push_back([reached = event->reached] { *reached = true; });
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(mutex);
  if (event->reached == nullptr) return cudaSuccess;
  stream_of(stream).waiting.push_back([before = event->stream, reached = event->reached] {
    while (!*reached) before->run_next();
  });
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }  // streams may still look at it
