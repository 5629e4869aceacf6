// The context of one running call: its error, its memory, its threads. A context is used by one call at a time; between
// calls it keeps the memory that the last one used, so that a repeated call allocates nothing.
//
// Errors are sticky: the first one is kept, and every operation on a failed context does nothing and returns an empty
// value. Emitted code asks `ok()` in loop conditions, after calls, and before every effect.
#pragma once

#include "runtime/core/device.h"
#include "runtime/core/error_kind.h"
#include "runtime/core/generator.h"
#include "runtime/core/libc.h"
#include "runtime/core/thread_pool.h"
#include "runtime/core/types.h"

namespace tsc {

struct Error {
  static constexpr size_t kClassNameBytes = 64;
  static constexpr size_t kMessageBytes = 1024;
  ErrorKind kind = ErrorKind::kOk;
  int32_t source = 0;                // index into the model's table of Python positions; 0: unknown
  char class_name[kClassNameBytes];  // of kRaised: "ValueError"
  char message[kMessageBytes];       // cut when longer
};

// What functions that fail return: an empty value of whatever they were to return.
struct Failure {
  template <class T>
  operator T() const {  // NOLINT(google-explicit-constructor)
    return T();
  }
};

// Where memory comes from. Blocks are aligned to kAlignment. `allocate` returns null when there is none.
struct Allocator {
  void* (*allocate)(void* user, size_t alignment, size_t bytes);
  void (*free)(void* user, void* block, size_t bytes);
  void* user;
};
inline constexpr size_t kAlignment = 64;

// libc's memory. Its aligned_alloc takes many times as long as malloc, so the alignment is made here: before the block
// lies the address that malloc gave. Large blocks ask for huge pages, where the system gives them: a region's arena
// then costs its first call a few page faults instead of thousands, and later ones fewer misses of the TLB. For smaller
// ones asking costs more than it saves.
inline void* allocate_libc(void*, size_t alignment, size_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  constexpr int kWithHugePages = 14;  // MADV_HUGEPAGE
  const bool large = bytes >= 4 * kHugePage;
  if (large) alignment = max(alignment, kHugePage);
  char* raw =
      static_cast<char*>(libc::malloc(bytes + alignment));  // aligned to 16 bytes, so at least 16 are free below
  if (raw == nullptr) return nullptr;
  char* block = raw + (alignment - reinterpret_cast<uintptr_t>(raw) % alignment);
  reinterpret_cast<void**>(block)[-1] = raw;
  if (large) libc::madvise(block, bytes, kWithHugePages);  // a wish, which may be refused
  return block;
}
inline void free_libc(void*, void* block, size_t) {
  if (block != nullptr) libc::free(static_cast<void**>(block)[-1]);
}

// What the program around the library provides; by default, what libc does, and no threads.
struct Host {
  Allocator allocator = {&allocate_libc, &free_libc, nullptr};
  Parallel parallel = {};
  // Text of print() and warnings: stream 1 or 2.
  void (*print)(void* user, int32_t stream, const char* text, size_t size) = [](void*, int32_t stream, const char* text,
                                                                                size_t size) {
    while (size > 0) {
      const intptr_t written = libc::write(stream, text, size);
      if (written <= 0) return;
      text += written;
      size -= static_cast<size_t>(written);
    }
  };
  void* print_user = nullptr;
  const DeviceTable* device = nullptr;  // of libraries that have one
};
inline constexpr Host kDefaultHost;

// Block sizes: 64 bytes times 1, 2, 3, 4, then 5, 6, 7, 8 times powers of two, so at most a quarter is unused.
struct SizeClass {
  static constexpr int kCount = 160;
  int index;
  size_t bytes;
  static constexpr SizeClass of(size_t bytes) {
    const size_t last = bytes == 0 ? 0 : (bytes - 1) / kAlignment;  // index of the last unit that is needed
    if (last < 4) return {static_cast<int>(last), (last + 1) * kAlignment};
    const int shift = 61 - __builtin_clzll(last);
    const size_t top = last >> shift;  // 4 to 7
    return {shift * 4 + static_cast<int>(top), ((top + 1) << shift) * kAlignment};
  }
  static constexpr size_t round_up(size_t bytes) { return of(bytes).bytes; }
  static constexpr size_t bytes_of(int index) {
    if (index < 4) return static_cast<size_t>(index + 1) * kAlignment;
    return (static_cast<size_t>(index % 4 + 5) << (index / 4 - 1)) * kAlignment;
  }
};

// What else belongs to a context and goes with it, such as memory elsewhere than in the host's.
struct Attachment {
  void (*release)(Attachment* self);
};

class Context {
 public:
  explicit Context(const Host& host = kDefaultHost) : host_(host) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    attach(nullptr);
    free(generator_, sizeof(Generator));
    release_cache();
  }

  // Errors.

  bool ok() const { return __builtin_expect(error_.kind == ErrorKind::kOk, 1); }
  // States which source position the following operations belong to.
  void at(int32_t source) { source_ = source; }
  int32_t source() const { return source_; }

  [[gnu::format(printf, 3, 4), gnu::cold, gnu::noinline]] Failure fail(ErrorKind kind, const char* format, ...) {
    if (!ok()) return {};
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    libc::vsnprintf(error_.message, sizeof error_.message, format, arguments);
    __builtin_va_end(arguments);
    error_.class_name[0] = 0;
    error_.source = source_;
    error_.kind = kind;
    return {};
  }
  // The program's own `raise ClassName(message)`.
  [[gnu::cold, gnu::noinline]] Failure raise(const char* class_name, const char* message, i64 message_bytes) {
    if (!ok()) return {};
    const int bytes = static_cast<int>(min<i64>(message_bytes, Error::kMessageBytes));
    fail(ErrorKind::kRaised, "%.*s", bytes, message);
    libc::snprintf(error_.class_name, sizeof error_.class_name, "%s", class_name);
    return {};
  }
  const Error& error() const { return error_; }
  void clear_error() { error_.kind = ErrorKind::kOk; }

  // Calls of TorchScript functions that recurse go through here; false when the stack would get too deep.
  bool enter() {
    if (++depth_ <= kMaxDepth) return ok();
    fail(ErrorKind::kRuntime, "maximum recursion depth exceeded");
    return false;
  }
  void leave() { --depth_; }

  // Memory. `free` gets the size that `allocate` got. A block is the allocator's: it may outlive the context and go
  // back to the allocator with the size of its class.

  [[gnu::noinline]] void* allocate(size_t bytes) {
    if (bytes > kMaxBytes) return out_of_memory(bytes);
    const SizeClass size = SizeClass::of(bytes);
    live_ += size.bytes;
    if (live_ > peak_) peak_ = live_;
    if (FreeBlock* block = cache_[size.index]) {
      cache_[size.index] = block->next;
      cached_ -= size.bytes;
      return handed_out(block, bytes, size);
    }
    void* block = allocate_block(size.bytes);
    if (block != nullptr) return handed_out(block, bytes, size);
    release_cache();
    block = allocate_block(size.bytes);
    if (block != nullptr) return handed_out(block, bytes, size);
    live_ -= size.bytes;
    return out_of_memory(bytes);
  }
  void free(void* block, size_t bytes) {
    if (block == nullptr) return;
    const SizeClass size = SizeClass::of(bytes);
    live_ -= size.bytes;
    cached_ += size.bytes;
    FreeBlock* head = static_cast<FreeBlock*>(block);
    allow(head, sizeof(FreeBlock));  // which may be more than was asked for
    head->next = cache_[size.index];
    cache_[size.index] = head;
    forbid(head + 1, size.bytes - sizeof(FreeBlock));
  }
  // The block now belongs to someone who returns it to the allocator.
  void detach(size_t bytes) { live_ -= SizeClass::of(bytes).bytes; }
  const Host& host() const { return host_; }
  size_t live_bytes() const { return live_; }

  // Ends a call: memory that calls of this size do not need goes back to the allocator.
  void end_call() {
    typical_ = max(peak_, typical_ - typical_ / 8);
    if (cached_ > 2 * typical_ + kKeptBytes) release_cache();
    peak_ = live_;
    source_ = 0;
    depth_ = 0;
    placement_ = {};
  }

  // Threads. `fn(begin, end)` is called for ranges that cover [0, count), at most one per thread, none below `grain`
  // elements unless there are fewer. What is computed for an index must not depend on the range that it falls into.

  int threads() const { return host_.parallel.threads; }

  template <class Fn>
  void parallel_for(i64 count, i64 grain, const Fn& fn) {
    if (count <= 0 || !ok()) return;
    const i64 parts = min<i64>(threads(), max<i64>(1, count / max<i64>(1, grain)));
    if (parts <= 1) {
      fn(i64{0}, count);
      return;
    }
    struct Job {
      const Fn& fn;
      i64 count, parts;
    } job{fn, count, parts};
    const auto body = [](void* data, i64 part) {
      const Job& j = *static_cast<const Job*>(data);
      const i64 each = j.count / j.parts, extra = j.count % j.parts;
      const i64 begin = part * each + min(part, extra);
      j.fn(begin, begin + each + (part < extra ? 1 : 0));
    };
    host_.parallel.run(host_.parallel.user, parts, body, &job);
  }
  template <class Fn>
  void parallel_for(i64 count, const Fn& fn) {
    parallel_for(count, 1, fn);
  }

  // The same with scratch memory of `bytes` for each range: fn(begin, end, scratch).
  template <class Fn>
  void parallel_for_scratch(i64 count, i64 grain, i64 bytes, const Fn& fn);

  // One attachment, null at first. A new one releases the old.
  Attachment* attachment() const { return attachment_; }
  void attach(Attachment* attachment) {
    if (attachment_ != nullptr) attachment_->release(attachment_);
    attachment_ = attachment;
  }

  // What the running call wants of the device.
  const Placement& placement() const { return placement_; }
  void place(const Placement& placement) { placement_ = placement; }

  // Output of print() and warnings: stream 1 or 2.
  void print(int32_t stream, const char* text, i64 size) {
    if (ok() && size > 0) host_.print(host_.print_user, stream, text, static_cast<size_t>(size));
  }

  // The random stream of this context; null, and the context fails, when there is no memory for it.
  Generator* generator() {
    if (generator_ == nullptr) {
      if (void* block = allocate(sizeof(Generator))) generator_ = new (block, kPlace) Generator(seed_);
    }
    return generator_;
  }
  void seed(uint64_t value) {
    seed_ = value;
    free(generator_, sizeof(Generator));
    generator_ = nullptr;
  }
  // Goes on with the stream where another context is in its own.
  void continue_stream_of(const Context& other) {
    seed(other.seed_);
    if (other.generator_ != nullptr && generator() != nullptr) *generator_ = *other.generator_;
  }
  uint64_t seed() const { return seed_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr size_t kMaxBytes = size_t{1} << 46;
  static constexpr size_t kKeptBytes = size_t{1} << 20;
  static constexpr int kMaxDepth = 1000;

  void* allocate_block(size_t bytes) { return host_.allocator.allocate(host_.allocator.user, kAlignment, bytes); }
  static void* handed_out(void* block, size_t bytes, SizeClass size) {
    allow(block, bytes);
    forbid(static_cast<char*>(block) + bytes, size.bytes - bytes);
    return block;
  }
  void free_block(void* block, size_t bytes) {
    allow(block, bytes);
    host_.allocator.free(host_.allocator.user, block, bytes);
  }
  [[gnu::cold, gnu::noinline]] void* out_of_memory(size_t bytes) {
    fail(ErrorKind::kOutOfMemory, "out of memory: %zu bytes were asked for", bytes);
    return nullptr;
  }
  void release_cache() {
    for (int i = 0; i < SizeClass::kCount; ++i) {
      while (FreeBlock* block = cache_[i]) {
        cache_[i] = block->next;
        free_block(block, SizeClass::bytes_of(i));
      }
    }
    cached_ = 0;
  }

  int32_t source_ = 0;
  int depth_ = 0;
  const Host& host_;
  Attachment* attachment_ = nullptr;
  Placement placement_;
  uint64_t seed_ = Generator::kDefaultSeed;
  Generator* generator_ = nullptr;
  size_t live_ = 0;     // bytes handed out
  size_t peak_ = 0;     // the most of this call
  size_t typical_ = 0;  // the most of the last calls, forgotten slowly
  size_t cached_ = 0;
  FreeBlock* cache_[SizeClass::kCount] = {};
  Error error_;
};

// Scratch memory of a region or a kernel, for the scope. Null when the context has failed.
class Scratch {
 public:
  Scratch(Context& ctx, size_t bytes) : ctx_(ctx), bytes_(bytes), data_(ctx.ok() ? ctx.allocate(bytes) : nullptr) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ctx_.free(data_, bytes_); }
  char* data() const { return static_cast<char*>(data_); }

 private:
  Context& ctx_;
  size_t bytes_;
  void* data_;
};

template <class Fn>
void Context::parallel_for_scratch(i64 count, i64 grain, i64 bytes, const Fn& fn) {
  if (count <= 0 || !ok()) return;
  const i64 parts = min<i64>(threads(), max<i64>(1, count / max<i64>(1, grain)));
  const i64 each_bytes = (bytes + static_cast<i64>(kAlignment) - 1) & -static_cast<i64>(kAlignment);
  const Scratch scratch(*this, static_cast<size_t>(parts * each_bytes));
  if (!ok()) return;
  parallel_for(parts, [&](i64 first, i64 last) {
    for (i64 part = first; part < last; ++part) {
      const i64 each = count / parts, extra = count % parts;
      const i64 begin = part * each + min(part, extra);
      fn(begin, begin + each + (part < extra ? 1 : 0), scratch.data() + part * each_bytes);
    }
  });
}

}  // namespace tsc
