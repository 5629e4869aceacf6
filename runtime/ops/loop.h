// One loop over strided tensors of a common shape, for everything that goes element by element. Dimensions are ordered
// as PyTorch's TensorIterator orders them, so that new results get the same strides, and merged where they can be; the
// innermost one is handed out as rows.
#pragma once

#include "runtime/core/dense.h"
#include "runtime/kernels/transpose.h"
#include "runtime/ops/element.h"

namespace tsc::ops {

// Sizes of any tensor, on the stack.
struct Shape {
  i64 rank = 0;
  i64 items[kMaxRank];

  Shape() = default;
  explicit Shape(Sizes sizes) : rank(sizes.size()) { libc::memcpy(items, sizes.data(), sizeof(i64) * rank); }
  operator Sizes() const { return Sizes(items, rank); }  // NOLINT(google-explicit-constructor)
  i64& operator[](i64 d) { return items[d]; }
  i64 operator[](i64 d) const { return items[d]; }
  void push(i64 size) { items[rank++] = size; }
  void insert(i64 at, i64 size) {
    for (i64 d = rank++; d > at; --d) items[d] = items[d - 1];
    items[at] = size;
  }
  void erase(i64 at) {
    --rank;
    for (i64 d = at; d < rank; ++d) items[d] = items[d + 1];
  }
  i64 numel() const {
    i64 n = 1;
    for (i64 d = 0; d < rank; ++d) n *= items[d];
    return n;
  }
};

inline bool same_sizes(Sizes a, Sizes b) {
  return a.size() == b.size() && libc::memcmp(a.data(), b.data(), sizeof(i64) * static_cast<size_t>(a.size())) == 0;
}

// Text of sizes for messages: "[2, 3]".
struct SizesText {
  char text[256];
  explicit SizesText(Sizes sizes) {
    int at = libc::snprintf(text, sizeof text, "[");
    for (i64 d = 0; d < sizes.size() && at < 220; ++d) {
      at += libc::snprintf(text + at, sizeof text - at, d == 0 ? "%lld" : ", %lld", static_cast<long long>(sizes[d]));
    }
    libc::snprintf(text + at, sizeof text - at, "]");
  }
};

inline bool rank_ok(Context& ctx, i64 rank) {
  if (rank <= kMaxRank) return true;
  ctx.fail(ErrorKind::kRuntime, "tensors of more than %d dimensions are not supported", static_cast<int>(kMaxRank));
  return false;
}

// Widens `shape` to hold `other` too, or fails as PyTorch does.
inline bool broadcast(Context& ctx, Shape& shape, Sizes other) {
  if (!rank_ok(ctx, other.size())) return false;
  while (shape.rank < other.size()) shape.insert(0, 1);
  for (i64 d = shape.rank - 1, e = other.size() - 1; e >= 0; --d, --e) {
    if (shape[d] == other[e] || other[e] == 1) continue;
    if (shape[d] != 1) {
      ctx.fail(ErrorKind::kShape,
               "The size of tensor a (%lld) must match the size of tensor b (%lld) at non-singleton dimension %lld",
               static_cast<long long>(shape[d]), static_cast<long long>(other[e]), static_cast<long long>(d));
      return false;
    }
    shape[d] = other[e];
  }
  return true;
}

inline constexpr int kMaxLoopOperands = 5;

struct Loop {
  int operands = 0;
  i64 rank = 0;
  i64 sizes[kMaxRank];  // innermost first
  char* data[kMaxLoopOperands];
  i64 strides[kMaxLoopOperands][kMaxRank];  // bytes
};

// Collects operands (the output first when it exists already), orders the dimensions, then merges them.
class LoopBuilder {
 public:
  explicit LoopBuilder(const Shape& shape) : shape_(shape) {}

  // An operand that is broadcast to the shape. A number is one element with strides of 0.
  void add(char* data, Sizes sizes, Sizes strides, i64 element_bytes) {
    const int k = loop_.operands++;
    loop_.data[k] = data;
    const i64 missing = shape_.rank - sizes.size();
    for (i64 d = 0; d < shape_.rank; ++d) {
      const bool real = d >= missing && (sizes[d - missing] != 1 || shape_[d] == 1);
      strides_[k][d] = real ? strides[d - missing] * element_bytes : 0;
    }
  }
  void add(const Tensor& t) { add(t.bytes(), t.sizes(), t.strides(), t.element_size()); }
  void add_number(void* slot) { add(static_cast<char*>(slot), Sizes(), Sizes(), 0); }

  // perm()[0] is the dimension that varies fastest. Called once, with the operands that are there.
  void order() {
    for (i64 i = 0; i < shape_.rank; ++i) perm_[i] = shape_.rank - 1 - i;
    for (i64 i = 1; i < shape_.rank; ++i) {
      i64 moving = i;
      for (i64 j = i - 1; j >= 0; --j) {
        const int order = compare(perm_[j], perm_[moving]);
        if (order < 0) break;
        if (order > 0) {
          swap(perm_[j], perm_[moving]);
          moving = j;
        }
      }
    }
  }
  // Strides in elements of a new dense tensor whose dimensions follow the order.
  void new_strides(i64* strides) const {
    i64 next = 1;
    for (i64 i = 0; i < shape_.rank; ++i) {
      strides[perm_[i]] = next;
      next *= max<i64>(1, shape_[perm_[i]]);
    }
  }
  const Loop& finish() {
    loop_.rank = 0;
    for (i64 i = 0; i < shape_.rank; ++i) {
      const i64 d = perm_[i];
      if (shape_[d] == 1) continue;
      if (loop_.rank > 0 && extends(loop_.rank - 1, d)) {
        loop_.sizes[loop_.rank - 1] *= shape_[d];
        continue;
      }
      loop_.sizes[loop_.rank] = shape_[d];
      for (int k = 0; k < loop_.operands; ++k) loop_.strides[k][loop_.rank] = strides_[k][d];
      ++loop_.rank;
    }
    if (loop_.rank == 0) {
      loop_.rank = 1;
      loop_.sizes[0] = 1;
      for (int k = 0; k < loop_.operands; ++k) loop_.strides[k][0] = 0;
    }
    return loop_;
  }

 private:
  int compare(i64 a, i64 b) const {
    for (int k = 0; k < loop_.operands; ++k) {
      const i64 x = strides_[k][a], y = strides_[k][b];
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y ? -1 : 1;
      if (shape_[a] > shape_[b]) return 1;
    }
    return 0;
  }
  bool extends(i64 inner, i64 d) const {
    for (int k = 0; k < loop_.operands; ++k) {
      if (loop_.strides[k][inner] * loop_.sizes[inner] != strides_[k][d]) return false;
    }
    return true;
  }
  const Shape& shape_;
  i64 perm_[kMaxRank];
  i64 strides_[kMaxLoopOperands][kMaxRank];
  Loop loop_;
};

// Calls `row(pointers)` for every row of loop.sizes[0] elements. The shape isn't empty.
template <class Row>
void for_each_row(const Loop& loop, Row row) {
  char* at[kMaxLoopOperands];
  i64 index[kMaxRank] = {};
  for (int k = 0; k < loop.operands; ++k) at[k] = loop.data[k];
  for (;;) {
    row(at);
    i64 d = 1;
    for (; d < loop.rank; ++d) {
      for (int k = 0; k < loop.operands; ++k) at[k] += loop.strides[k][d];
      if (++index[d] < loop.sizes[d]) break;
      for (int k = 0; k < loop.operands; ++k) at[k] -= loop.strides[k][d] * loop.sizes[d];
      index[d] = 0;
    }
    if (d >= loop.rank) return;
  }
}

// Copies and conversions.

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
// memmove, without the call where there are few bytes: blocks from both ends, which may overlap.
TSC_INLINE void copy_bytes(char* to, const char* from, i64 bytes) {
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
// What a thread should have to do at least, in elements moved.
inline constexpr i64 kGrain = 1 << 15;
inline constexpr i64 kChunk = 512;
inline void convert_row(char* to, DType to_dtype, i64 to_stride, const char* from, DType from_dtype, i64 from_stride,
                        i64 n) {
  with_compute(compute_of(from_dtype), [&]<class C>() {
    constexpr i64 kBytes = sizeof(C);
    if (from_dtype == dtype_of<C> && from_stride == kBytes) {
      return store_elements(reinterpret_cast<const C*>(from), to, to_dtype, to_stride, n);
    }
    if (to_dtype == dtype_of<C> && to_stride == kBytes) {
      return load_elements(reinterpret_cast<C*>(to), from, from_dtype, from_stride, n);
    }
    C buffer[kChunk];
    for (i64 i = 0; i < n; i += kChunk) {
      const i64 count = min(kChunk, n - i);
      load_elements(buffer, from + i * from_stride, from_dtype, from_stride, count);
      store_elements(buffer, to + i * to_stride, to_dtype, to_stride, count);
    }
  });
}

inline bool writable(Context& ctx, const Tensor& t) {
  if (!ctx.ok()) return false;
  if (t.numel() == 0 || t.is_writable()) return true;
  ctx.fail(ErrorKind::kRuntime, "a constant of the model can't be written");
  return false;
}

// The part of a loop whose index along dimension d is in [begin, end).
inline Loop part_of(const Loop& loop, i64 d, i64 begin, i64 end) {
  Loop part = loop;
  part.sizes[d] = end - begin;
  for (int k = 0; k < loop.operands; ++k) part.data[k] += begin * loop.strides[k][d];
  return part;
}
// Calls body(part) for parts of a loop whose outputs don't overlap, on the context's threads. `repeats` is how often
// the body goes over its part.
template <class Body>
void parallel_loop(Context& ctx, const Loop& loop, i64 repeats, Body body) {
  i64 d = loop.rank - 1, rest = repeats;
  while (d > 0 && loop.sizes[d] < 8 * ctx.threads()) --d;
  for (i64 other = 0; other < loop.rank; ++other) rest *= other == d ? 1 : loop.sizes[other];
  ctx.parallel_for(loop.sizes[d], kGrain / rest + 1, [&](i64 begin, i64 end) { body(part_of(loop, d, begin, end)); });
}
template <class Body>
void parallel_loop(Context& ctx, const Loop& loop, Body body) {
  parallel_loop(ctx, loop, 1, body);
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
          __builtin_memcpy(&square[k], from + (j + k) * from_stride + i * sizeof(T), sizeof(V));
        kernels::transpose(square);
        TSC_UNROLL
        for (int k = 0; k < kSquare; ++k)
          __builtin_memcpy(to + (i + k) * to_stride + j * sizeof(T), &square[k], sizeof(V));
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

// to[...] = from[...], broadcast and converted; the shapes are known to fit and the memory not to overlap.
[[gnu::noinline]] inline void copy_elements(Context& ctx, const Tensor& to, const Tensor& from) {
  if (!ctx.ok() || to.numel() == 0) return;
  const Shape shape(to.sizes());
  LoopBuilder builder(shape);
  builder.add(to);
  builder.add(from);
  builder.order();
  parallel_loop(ctx, builder.finish(), [&](const Loop& loop) {
    if (to.dtype() == from.dtype()) return copy_loop(loop, to.element_size());
    for_each_row(loop, [&](char* const* at) {
      convert_row(at[0], to.dtype(), loop.strides[0][0], at[1], from.dtype(), loop.strides[1][0], loop.sizes[0]);
    });
  });
}

// No gaps and no element twice, in any order of the dimensions.
inline bool is_dense(const Tensor& t) {
  if (t.is_contiguous()) return true;
  const Shape shape(t.sizes());
  LoopBuilder builder(shape);
  builder.add(t);
  builder.order();
  i64 strides[kMaxRank];
  builder.new_strides(strides);
  for (i64 d = 0; d < t.dim(); ++d) {
    if (t.size(d) != 1 && strides[d] != t.stride(d)) return false;
  }
  return true;
}

inline Tensor contiguous_copy(Context& ctx, const Tensor& t, DType dtype) {
  if (!ctx.ok() || !t.defined()) return {};
  Tensor result = Tensor::empty(ctx, dtype, t.sizes());
  copy_elements(ctx, result, t);
  return result;
}
// Row-major and of the dtype; the tensor itself where it is so already.
inline Tensor contiguous_as(Context& ctx, const Tensor& t, DType dtype) {
  return t.dtype() == dtype && t.is_contiguous() ? t : contiguous_copy(ctx, t, dtype);
}

// A new tensor shaped as `t`: with its strides where it is dense, else with those that an elementwise op would give.
inline Tensor empty_preserving(Context& ctx, const Tensor& t, DType dtype) {
  if (!ctx.ok() || !t.defined()) return {};
  if (t.is_contiguous()) return Tensor::empty(ctx, dtype, t.sizes());
  const Shape shape(t.sizes());
  if (is_dense(t)) return Tensor::empty_strided(ctx, dtype, shape, t.strides());
  LoopBuilder builder(shape);
  builder.add(t);
  builder.order();
  i64 strides[kMaxRank];
  builder.new_strides(strides);
  return Tensor::empty_strided(ctx, dtype, shape, Sizes(strides, shape.rank));
}
inline Tensor converted(Context& ctx, const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  Tensor result = empty_preserving(ctx, t, dtype);
  copy_elements(ctx, result, t);
  return result;
}

// Overlap of memory.

// Whether two elements of the tensor may be one: a stride of 0, or strides that interleave.
inline bool overlaps_itself(const Tensor& t) {
  if (is_dense(t)) return false;
  for (i64 d = 0; d < t.dim(); ++d) {
    if (t.size(d) > 1 && t.stride(d) == 0) return true;
  }
  return false;
}
inline bool same_elements(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && a.element_size() == b.element_size() && same_sizes(a.sizes(), b.sizes()) &&
         same_sizes(a.strides(), b.strides());
}
inline bool may_overlap(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || a.numel() == 0 || b.numel() == 0) return false;
  i64 a_bytes = 0, b_bytes = 0;
  Tensor::extent_bytes(a.sizes(), a.strides(), a.element_size(), a_bytes);
  Tensor::extent_bytes(b.sizes(), b.strides(), b.element_size(), b_bytes);
  return a.bytes() < b.bytes() + b_bytes && b.bytes() < a.bytes() + a_bytes;
}
// Refuses a destination whose elements share memory, as PyTorch does.
inline bool destination_ok(Context& ctx, const Tensor& t) {
  if (!writable(ctx, t)) return false;
  if (!overlaps_itself(t)) return true;
  ctx.fail(ErrorKind::kRuntime,
           "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
           "Please clone() the tensor before performing the operation.");
  return false;
}

// Dimensions.

// The dimension with negative ones counted from the end; -1 and IndexError when there is none. A 0-d tensor has one.
inline i64 wrap_dim(Context& ctx, i64 dim, i64 rank) {
  const i64 range = max<i64>(rank, 1);
  if (dim >= -range && dim < range) return dim < 0 ? dim + range : dim;
  ctx.fail(ErrorKind::kIndex, "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)",
           static_cast<long long>(-range), static_cast<long long>(range - 1), static_cast<long long>(dim));
  return -1;
}

}  // namespace tsc::ops
