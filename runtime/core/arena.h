// Memory of a region: one block, cut into slots. Buffers whose lives do not overlap share a slot.
#pragma once

#include "runtime/core/context.h"

namespace tsc {

// Bytes of a dense tensor.
template <class T>
constexpr i64 bytes_of(auto... sizes) {
  return (static_cast<i64>(sizeof(T)) * ... * static_cast<i64>(sizes));
}
// Bytes of an image in blocks of kBlock channels, with a halo of zeros on each side.
template <class T, i64 kBlock, i64 kHalo>
constexpr i64 blocked_bytes(i64 batch, i64 channels, i64 height, i64 width) {
  const i64 blocks = (channels + kBlock - 1) / kBlock;
  return bytes_of<T>(batch, blocks, height + 2 * kHalo, width + 2 * kHalo, kBlock);
}
constexpr i64 largest(i64 first, auto... others) {
  i64 result = first;
  ((result = others > result ? others : result), ...);
  return result;
}

template <int kSlots>
class Arena {
 public:
  // Sizes of the slots in bytes. When memory is short the context has failed, and no slot may be used.
  Arena(Context& ctx, const i64 (&bytes)[kSlots]) : scratch_(ctx, total(bytes)) {
    char* next = scratch_.data();
    if (next == nullptr) return;
    for (int i = 0; i < kSlots; ++i) {
      slots_[i] = next;
      next += rounded(bytes[i]);
      forbid(next - kGuardBytes, kGuardBytes);
    }
  }
  template <class T>
  T* slot(int index) const {
    return reinterpret_cast<T*>(slots_[index]);
  }

 private:
  static constexpr i64 kLargest = i64{1} << 50;  // more than any memory, and far from overflow
  static i64 rounded(i64 bytes) {
    return ((bytes + static_cast<i64>(kAlignment) - 1) & -static_cast<i64>(kAlignment)) + static_cast<i64>(kGuardBytes);
  }
  static size_t total(const i64 (&bytes)[kSlots]) {
    i64 sum = 0;
    for (const i64 b : bytes) {
      if (b < 0 || b > kLargest || sum > kLargest) return ~size_t{0};
      sum += rounded(b);
    }
    return static_cast<size_t>(sum);
  }
  Scratch scratch_;
  char* slots_[kSlots] = {};
};

}  // namespace tsc
