// What kernels and emitted code see of a call in a freestanding program, under the names of context.h: a code for the
// first error and no text, the caller's memory and no other, one thread. Nothing here is called; all of it is inlined.
#pragma once

#include "runtime/core/error_kind.h"
#include "runtime/core/number.h"
#include "runtime/core/types.h"

namespace tsc {

class Context {
 public:
  // Scratch memory of kernels, of which one at a time runs.
  TSC_INLINE explicit Context(char* scratch = nullptr, i64 scratch_bytes = 0)
      : scratch_(scratch), scratch_bytes_(scratch_bytes) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  TSC_INLINE bool ok() const { return __builtin_expect(error_ == ErrorKind::kOk, 1); }
  TSC_INLINE int status() const { return static_cast<int>(error_); }
  template <class... Arguments>
  TSC_INLINE void fail(ErrorKind kind, const char*, const Arguments&...) {
    if (ok()) error_ = kind;
  }

  template <class Fn>
  TSC_INLINE void parallel_for(i64 count, i64, const Fn& fn) {
    if (count > 0 && ok()) fn(i64{0}, count);
  }
  template <class Fn>
  TSC_INLINE void parallel_for(i64 count, const Fn& fn) {
    parallel_for(count, 1, fn);
  }
  template <class Fn>
  TSC_INLINE void parallel_for_scratch(i64 count, i64, i64 bytes, const Fn& fn) {
    // The compiler has planned for what the kernel asks; it sees so here, and nothing of this is left.
    if (bytes > scratch_bytes_) fail(ErrorKind::kInternal, "");
    if (count > 0 && ok()) fn(i64{0}, count, static_cast<void*>(scratch_));
  }

 private:
  ErrorKind error_ = ErrorKind::kOk;
  char* scratch_;
  i64 scratch_bytes_;
};

// Whether it is memory as the caller was told to give it.
TSC_INLINE bool is_aligned(const char* memory, uintptr_t alignment) {
  return memory != nullptr && reinterpret_cast<uintptr_t>(memory) % alignment == 0;
}

// A part of the arena, which is aligned as its macro says.
template <class T>
TSC_INLINE T* at(char* memory, i64 offset) {
  return reinterpret_cast<T*>(memory + offset);
}

// A result that is not made where the caller wants it.
template <class T>
TSC_INLINE void copy(T* to, const T* from, i64 count) {
  __builtin_memmove(to, from, static_cast<size_t>(count) * sizeof(T));
}

}  // namespace tsc
