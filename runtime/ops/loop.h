// Shapes that broadcast, copies that convert, and what may overlap: what ops that go element by element share.
#pragma once

#include "runtime/core/dense.h"
#include "runtime/ops/element.h"

namespace tsc::ops {

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

// Copies and conversions.

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
