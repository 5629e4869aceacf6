// What emitted code asks of a call's inputs before it runs.
#pragma once

#include "runtime/core/dense.h"
#include "runtime/core/number.h"

namespace tsc {

// The size that broadcasting gives; check_broadcast says whether there is one.
constexpr i64 broadcast_size(i64 a, i64 b) { return a == 1 ? b : a; }

// Whether a tensor of these sizes has no elements.
constexpr bool is_empty(auto... sizes) { return ((sizes == 0) || ...); }

inline void check_broadcast(Context& ctx, i64 a, i64 b) {
  if (a == b || a == 1 || b == 1) return;
  ctx.fail(ErrorKind::kShape, "sizes %lld and %lld do not broadcast", static_cast<long long>(a),
           static_cast<long long>(b));
}

inline void check_equal(Context& ctx, const char* op, i64 a, i64 b) {
  if (!ctx.ok() || a == b) return;
  ctx.fail(ErrorKind::kShape, "%s: sizes %lld and %lld do not fit", op, static_cast<long long>(a), static_cast<long long>(b));
}

inline void check_dtype(Context& ctx, const Tensor& tensor, const char* name, DType dtype) {
  if (!ctx.ok() || (tensor.defined() && tensor.dtype() == dtype)) return;
  ctx.fail(ErrorKind::kType, "input %s must be %s, not %s", name, dtype_name(dtype),
           tensor.defined() ? dtype_name(tensor.dtype()) : "an undefined tensor");
}

// Whether the tensor has this dtype, rank and sizes; `expected` has -1 where any size will do.
template <int Rank>
bool has_form(const Tensor& tensor, DType dtype, const i64 (&expected)[Rank]) {
  if (!tensor.defined() || tensor.dtype() != dtype || tensor.dim() != Rank) return false;
  for (int i = 0; i < Rank; ++i) {
    if (expected[i] >= 0 && expected[i] != tensor.size(i)) return false;
  }
  return true;
}
template <int Rank>
bool has_form(const Tensor& tensor, DType dtype) {
  static_assert(Rank == 0);
  return tensor.defined() && tensor.dtype() == dtype && tensor.dim() == 0;
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

}  // namespace tsc
