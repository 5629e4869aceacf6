// Running sums and products along one dimension.
#pragma once

#include "runtime/ops/reduction.h"

namespace tsc::ops {

template <class Step>
Tensor scanned(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype, Step step) {
  const DType type = sum_dtype(ctx, self, dtype);
  const DimMask mask = one_dim(ctx, dim, self.dim());
  const Compute compute = compute_of(type);
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute));
  if (!ctx.ok()) return {};
  const Tensor result = Tensor::empty(ctx, dtype_of_compute(compute), rows.data.sizes());
  if (!ctx.ok()) return {};
  with_compute(compute, [&]<class C>() {
    for (i64 r = 0; r < rows.count; ++r) {
      const C* row = rows.data.template data<C>() + r * rows.length;
      C* to = result.data<C>() + r * rows.length;
      if (rows.length == 0) continue;
      Wide<C> state = widened(row[0]);
      to[0] = row[0];
      for (i64 i = 1; i < rows.length; ++i) {
        state = step(state, widened(row[i]));
        to[i] = narrowed<C>(state);
      }
    }
  });
  return moved_back(ctx, result, self, mask, type);
}
inline Tensor cumsum(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype = None()) {
  return scanned(ctx, self, dim, dtype, [](auto a, auto b) { return a + b; });
}
inline Tensor cumprod(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& dtype = None()) {
  return scanned(ctx, self, dim, dtype, [](auto a, auto b) { return a * b; });
}
// The in-place twins keep the tensor's dtype.
inline Tensor cumsum_(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& = None()) {
  return copy_(ctx, self, cumsum(ctx, self, dim, static_cast<i64>(self.dtype())));
}
inline Tensor cumprod_(Context& ctx, const Tensor& self, i64 dim, const OptionalDType& = None()) {
  return copy_(ctx, self, cumprod(ctx, self, dim, static_cast<i64>(self.dtype())));
}

}  // namespace tsc::ops
