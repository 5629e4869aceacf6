// What emitted code asks of a call's inputs before it runs, and dense copies for kernels.
#pragma once

#include "runtime/core/tensor.h"

namespace tsc {

// Sizes as expressions of sizes, with Python's rounding.
constexpr i64 floor_div(i64 a, i64 b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
constexpr i64 floor_mod(i64 a, i64 b) { return a - b * floor_div(a, b); }
// The size that broadcasting gives; check_broadcast says whether there is one.
constexpr i64 broadcast_size(i64 a, i64 b) { return a == 1 ? b : a; }

inline void check_broadcast(Context& ctx, i64 a, i64 b) {
  if (a == b || a == 1 || b == 1) return;
  ctx.fail(ErrorKind::kShape, "sizes %lld and %lld do not broadcast", static_cast<long long>(a),
           static_cast<long long>(b));
}

inline void check_dtype(Context& ctx, const Tensor& tensor, const char* name, DType dtype) {
  if (!ctx.ok() || (tensor.defined() && tensor.dtype() == dtype)) return;
  ctx.fail(ErrorKind::kType, "input %s must be %s, not %s", name, dtype_name(dtype),
           tensor.defined() ? dtype_name(tensor.dtype()) : "an undefined tensor");
}

// `expected` has -1 where any size will do.
template <int Rank>
void check_sizes(Context& ctx, const Tensor& tensor, const char* name, const i64 (&expected)[Rank]) {
  if (!ctx.ok()) return;
  if (!tensor.defined() || tensor.dim() != Rank) {
    ctx.fail(ErrorKind::kShape, "input %s must have %d dimensions, not %lld", name, Rank,
             tensor.defined() ? static_cast<long long>(tensor.dim()) : -1ll);
    return;
  }
  for (int i = 0; i < Rank; ++i) {
    if (expected[i] < 0 || expected[i] == tensor.size(i)) continue;
    ctx.fail(ErrorKind::kShape, "input %s must have size %lld in dimension %d, not %lld", name,
             static_cast<long long>(expected[i]), i, static_cast<long long>(tensor.size(i)));
    return;
  }
}
template <int Rank>
void check_sizes(Context& ctx, const Tensor& tensor, const char* name) {
  static_assert(Rank == 0);
  if (!ctx.ok() || (tensor.defined() && tensor.dim() == 0)) return;
  ctx.fail(ErrorKind::kShape, "input %s must have no dimensions", name);
}
inline void check_size(Context& ctx, i64 actual, const char* name, int axis, i64 expected) {
  if (!ctx.ok() || actual == expected) return;
  ctx.fail(ErrorKind::kShape, "input %s must have size %lld in dimension %d, not %lld", name,
           static_cast<long long>(expected), axis, static_cast<long long>(actual));
}

namespace detail {

template <class T>
void copy_strided(const Tensor& from, T* to) {
  const i64 rank = from.dim();
  const i64 length = rank == 0 ? 1 : from.size(rank - 1);
  const i64 step = rank == 0 ? 1 : from.stride(rank - 1);
  i64 index[kMaxRank] = {};
  const T* row = from.data<const T>();
  for (i64 done = 0; done < from.numel(); done += length) {
    for (i64 i = 0; i < length; ++i) to[done + i] = row[i * step];
    for (i64 d = rank - 2; d >= 0; --d) {
      row += from.stride(d);
      if (++index[d] < from.size(d)) break;
      row -= from.size(d) * from.stride(d);
      index[d] = 0;
    }
  }
}

}  // namespace detail

// A new tensor of the same elements, row-major without gaps.
inline Tensor copy_dense(Context& ctx, const Tensor& tensor) {
  if (!ctx.ok() || !tensor.defined()) return tensor;
  Tensor copy = Tensor::empty(ctx, tensor.dtype(), tensor.sizes());
  if (!ctx.ok()) return copy;
  switch (tensor.element_size()) {
    case 1:
      detail::copy_strided(tensor, copy.data<uint8_t>());
      break;
    case 2:
      detail::copy_strided(tensor, copy.data<uint16_t>());
      break;
    case 4:
      detail::copy_strided(tensor, copy.data<uint32_t>());
      break;
    case 8:
      detail::copy_strided(tensor, copy.data<uint64_t>());
      break;
    default:
      detail::copy_strided(tensor, copy.data<Complex<double>>());
      break;
  }
  return copy;
}

// The tensor itself when its elements lie row-major without gaps, else such a copy.
inline Tensor dense(Context& ctx, const Tensor& tensor) {
  return !tensor.defined() || tensor.is_contiguous() ? tensor : copy_dense(ctx, tensor);
}

}  // namespace tsc
