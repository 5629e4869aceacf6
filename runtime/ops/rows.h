// A tensor as rows to reduce, scan, normalise or sort: the dimensions in question moved last, everything contiguous, in
// a dtype to compute in.
#pragma once

#include "runtime/ops/loop.h"

namespace tsc::ops {

// A set of dimensions, by bit.
using DimMask = uint64_t;

inline DimMask all_dims(i64 rank) { return rank >= 64 ? ~DimMask{0} : (DimMask{1} << rank) - 1; }
inline DimMask dim_mask(Context& ctx, Sizes dims, i64 rank) {
  DimMask mask = 0;
  for (i64 i = 0; i < dims.size(); ++i) {
    const i64 d = wrap_dim(ctx, dims[i], rank);
    if (d < 0) return 0;
    if (mask >> d & 1) {
      ctx.fail(ErrorKind::kRuntime, "dim %lld appears multiple times in the list of dims", static_cast<long long>(d));
      return 0;
    }
    mask |= DimMask{1} << d;
  }
  return mask;
}
inline DimMask one_dim(Context& ctx, i64 dim, i64 rank) { return dim_mask(ctx, Sizes(&dim, 1), rank); }
// No list, or an empty one, means all dimensions.
inline DimMask dims_or_all(Context& ctx, const Optional<List<i64>>& dims, i64 rank) {
  return !dims.has_value() || dims->empty() ? all_dims(rank) : dim_mask(ctx, dims->span(), rank);
}

struct Rows {
  Tensor data;  // [count][length], contiguous
  i64 count = 1;
  i64 length = 1;
  Shape kept;  // sizes with the row's dimensions left out
  Shape ones;  // the same with 1 in their place
  const Shape& shape(bool keepdim) const { return keepdim ? ones : kept; }
};

// View with the masked dimensions last.
inline Tensor moved_last(Context& ctx, const Tensor& t, DimMask mask) {
  Shape sizes, strides;
  for (int last = 0; last < 2; ++last) {
    for (i64 d = 0; d < t.dim(); ++d) {
      if (static_cast<int>(mask >> d & 1) != last) continue;
      sizes.push(t.size(d));
      strides.push(t.stride(d));
    }
  }
  return t.view(ctx, sizes, strides);
}
inline Rows rows_of(Context& ctx, const Tensor& t, DimMask mask, DType dtype) {
  Rows rows;
  if (!ctx.ok() || !rank_ok(ctx, t.dim())) return rows;
  for (i64 d = 0; d < t.dim(); ++d) {
    const bool reduced = mask >> d & 1;
    (reduced ? rows.length : rows.count) *= t.size(d);
    if (!reduced) rows.kept.push(t.size(d));
    rows.ones.push(reduced ? 1 : t.size(d));
  }
  rows.data = contiguous_as(ctx, moved_last(ctx, t, mask), dtype);
  return rows;
}

// The inverse of moved_last for results of the rows' own shape: a contiguous tensor of the shape of `like`.
inline Tensor moved_back(Context& ctx, const Tensor& moved, const Tensor& like, DimMask mask, DType dtype) {
  if (!ctx.ok()) return {};
  Shape strides(moved.sizes());
  i64 next = 0;
  i64 moved_strides[kMaxRank];
  Tensor::contiguous_strides(moved.sizes(), moved_strides);
  for (int last = 0; last < 2; ++last) {
    for (i64 d = 0; d < like.dim(); ++d) {
      if (static_cast<int>(mask >> d & 1) == last) strides[d] = moved_strides[next++];
    }
  }
  return contiguous_as(ctx, moved.view(ctx, like.sizes(), strides), dtype);
}

}  // namespace tsc::ops
