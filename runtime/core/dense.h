// Copies of elements of one type, on all threads: dense ones above all, in row-major order without gaps, as kernels and
// callers want them.
#pragma once

#include "runtime/core/loop.h"
#include "runtime/kernels/transpose.h"

namespace tsc {

// Calls `f.operator()<T>()` with a type of as many bytes as an element has, for what moves elements without reading
// them.
template <class F>
void with_bytes(i64 bytes, F f) {
  switch (bytes) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    case 8:
      return f.template operator()<uint64_t>();
    default:
      return f.template operator()<Complex<double>>();
  }
}
// to[i] = from[j] of elements of T's size, whatever they are.
template <class T>
TSC_INLINE void move_element(char* to, i64 i, const char* from, i64 j) {
  __builtin_memcpy(to + i * static_cast<i64>(sizeof(T)), from + j * static_cast<i64>(sizeof(T)), sizeof(T));
}
// to[i] = from[places[i]] of elements of T's size that don't overlap.
template <class T>
[[gnu::noinline]] void take_elements(char* __restrict to, const char* __restrict from, const i64* __restrict places,
                                     i64 count) {
  TSC_NO_VECTORIZE
  for (i64 i = 0; i < count; ++i) move_element<T>(to, i, from, places[i]);
}
// memmove, of 32 bytes and more that don't overlap. libc's has stores of 64 bytes where there are registers for them,
// which lie in two lines of the cache each where rows are not aligned; for what fits in the cache these are up to a
// quarter faster.
TSC_OWN_COPY inline void copy_blocks(char* to, const char* from, i64 bytes) {
  struct Block {
    uint64_t words[4];
  } last, block;
  const i64 end = bytes - static_cast<i64>(sizeof(Block));
  __builtin_memcpy(&last, from + end, sizeof(Block));
  for (i64 i = 0; i < end; i += sizeof(Block)) {
    __builtin_memcpy(&block, from + i, sizeof(Block));
    __builtin_memcpy(to + i, &block, sizeof(Block));
  }
  __builtin_memcpy(to + end, &last, sizeof(Block));
}
// memmove, without the call where there are few bytes: blocks from both ends, which may overlap. On the host alone, as libc is.
[[gnu::always_inline]] inline void copy_bytes(char* to, const char* from, i64 bytes) {
  const auto both_ends = [=]<class T>(T) __attribute__((always_inline)) {
    T first, last;
    __builtin_memcpy(&first, from, sizeof(T));
    __builtin_memcpy(&last, from + bytes - sizeof(T), sizeof(T));
    __builtin_memcpy(to, &first, sizeof(T));
    __builtin_memcpy(to + bytes - sizeof(T), &last, sizeof(T));
  };
  struct Block {
    uint64_t words[2];
  };
  constexpr i64 kMost = 64 << 10;  // more is best left to libc, which may write past the cache
  const bool apart =
      reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= static_cast<uintptr_t>(bytes);
  if (bytes > 32 && bytes <= kMost && apart) return copy_blocks(to, from, bytes);
  if (bytes > 32 || bytes < 4) return libc::memmove(to, from, static_cast<size_t>(bytes));
  if (bytes >= 16) return both_ends(Block());
  if (bytes >= 8) return both_ends(uint64_t());
  both_ends(uint32_t());
}
inline void copy_row(char* to, i64 to_stride, const char* from, i64 from_stride, i64 bytes, i64 n) {
  if (to_stride == bytes && from_stride == bytes) return copy_bytes(to, from, bytes * n);
  with_bytes(bytes, [&]<class T>() {
    if (to_stride == bytes && from_stride == -bytes) {
      for (i64 i = 0; i < n; ++i) move_element<T>(to, i, from, -i);
      return;
    }
    TSC_NO_VECTORIZE
    for (i64 i = 0; i < n; ++i) __builtin_memcpy(to + i * to_stride, from + i * from_stride, sizeof(T));
  });
}
// to[i][j] = from[j][i] for i < rows, j < columns; strides in bytes, of the dimension in which the other one is
// adjacent.
template <class T>
void copy_transposed(char* to, i64 to_stride, const char* from, i64 from_stride, i64 rows, i64 columns) {
  constexpr int kSquare = sizeof(T) == 4 ? kLanes : sizeof(T) == 8 && kLanes > 1 ? kLanes / 2 : 1;
  i64 i = 0;
  if constexpr (kSquare > 1) {
    using V = Vec<T, kSquare>;
    for (; i + kSquare <= rows; i += kSquare) {
      i64 j = 0;
      for (; j + kSquare <= columns; j += kSquare) {
        V square[kSquare];
        TSC_UNROLL
        for (int k = 0; k < kSquare; ++k)
          __builtin_memcpy(&square[k], from + (j + k) * from_stride + i * static_cast<i64>(sizeof(T)), sizeof(V));
        kernels::transpose(square);
        TSC_UNROLL
        for (int k = 0; k < kSquare; ++k)
          __builtin_memcpy(to + (i + k) * to_stride + j * static_cast<i64>(sizeof(T)), &square[k], sizeof(V));
      }
      for (; j < columns; ++j) {
        for (int k = 0; k < kSquare; ++k) move_element<T>(to + (i + k) * to_stride, j, from + j * from_stride, i + k);
      }
    }
  }
  // A few rows at once, since a line of the cache holds elements of as many.
  for (; i < rows; i += 16) {
    const i64 last = min<i64>(i + 16, rows);
    for (i64 j = 0; j < columns; ++j) {
      for (i64 k = i; k < last; ++k) move_element<T>(to + k * to_stride, j, from + j * from_stride, k);
    }
  }
}
// A copy of one dtype.
inline void copy_loop(const Loop& loop, i64 bytes) {
  // Rows of a few elements are elements themselves.
  const i64 row_bytes = loop.sizes[0] * bytes;
  const bool is_power_of_two = (row_bytes & (row_bytes - 1)) == 0;
  if (loop.rank > 1 && loop.sizes[0] > 1 && row_bytes <= 16 && is_power_of_two && loop.strides[0][0] == bytes &&
      loop.strides[1][0] == bytes) {
    Loop wider = loop;
    --wider.rank;
    for (i64 d = 0; d < wider.rank; ++d) {
      wider.sizes[d] = loop.sizes[d + 1];
      for (int k = 0; k < loop.operands; ++k) wider.strides[k][d] = loop.strides[k][d + 1];
    }
    return copy_loop(wider, row_bytes);
  }
  // The dimension along which the input is adjacent, where the output is along the first.
  i64 across = 0;
  for (i64 d = 1; d < loop.rank && across == 0; ++d) {
    if (loop.strides[0][0] == bytes && loop.strides[1][0] != bytes && loop.strides[1][d] == bytes) across = d;
  }
  if (across == 0) {
    return for_each_row(loop, [&](char* const* at) {
      copy_row(at[0], loop.strides[0][0], at[1], loop.strides[1][0], bytes, loop.sizes[0]);
    });
  }
  Loop planes = loop;
  planes.sizes[across] = 1;
  with_bytes(bytes, [&]<class T>() {
    for_each_row(planes, [&](char* const* at) {
      copy_transposed<T>(at[0], loop.strides[0][across], at[1], loop.strides[1][0], loop.sizes[across], loop.sizes[0]);
    });
  });
}

// The elements of a tensor, densely; `to` doesn't overlap it.
[[gnu::noinline]] inline void pack_elements(Context& ctx, const Tensor& from, char* to) {
  const i64 bytes = from.element_size(), count = from.numel();
  if (count == 0) return;
  if (count <= kGrain && from.is_contiguous())
    return libc::memcpy(to, from.bytes(), static_cast<size_t>(count * bytes));
  const Shape shape(from.sizes());
  i64 strides[kMaxRank];
  Tensor::contiguous_strides(shape, strides);
  LoopBuilder builder(shape);
  builder.add(to, shape, Sizes(strides, shape.rank), bytes);
  builder.add(from);
  builder.order();
  parallel_loop(ctx, builder.finish(), [&](const Loop& loop) { copy_loop(loop, bytes); });
}

// A new tensor of the same elements.
inline Tensor copy_dense(Context& ctx, const Tensor& tensor) {
  if (!ctx.ok() || !tensor.defined()) return {};
  Tensor copy = Tensor::empty(ctx, tensor.dtype(), tensor.sizes());
  if (ctx.ok()) pack_elements(ctx, tensor, copy.bytes());
  return copy;
}

// The tensor itself when it is dense, else such a copy.
inline Tensor dense(Context& ctx, const Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : copy_dense(ctx, tensor);
}

}  // namespace tsc
