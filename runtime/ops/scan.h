// Running sums, products and extremes along one dimension.
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

// The extreme so far and its place: the last of equal ones, and the first NaN.
template <class Wins>
Tuple<Tensor, Tensor> running_extreme(Context& ctx, const Tensor& self, i64 dim, Wins wins) {
  const DimMask mask = one_dim(ctx, dim, self.dim());
  const Compute compute = compute_of(self.dtype());
  if (!ctx.ok()) return {};
  if (is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"cummax_cummin\" not implemented for '%s'", scalar_type_name(self.dtype()));
  }
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute));
  if (!ctx.ok()) return {};
  const Tensor values = Tensor::empty(ctx, dtype_of_compute(compute), rows.data.sizes());
  const Tensor indices = Tensor::empty(ctx, DType::kInt64, rows.data.sizes());
  if (!ctx.ok()) return {};
  with_compute(compute, [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      for (i64 r = 0; r < rows.count; ++r) {
        const C* row = rows.data.template data<C>() + r * rows.length;
        i64 best = 0;
        for (i64 i = 0; i < rows.length; ++i) {
          if (row[i] != row[i] ? row[best] == row[best] : wins(row[i], row[best])) best = i;
          values.data<C>()[r * rows.length + i] = row[best];
          indices.data<i64>()[r * rows.length + i] = best;
        }
      }
    }
  });
  return {moved_back(ctx, values, self, mask, self.dtype()), moved_back(ctx, indices, self, mask, DType::kInt64)};
}
inline Tuple<Tensor, Tensor> cummax(Context& ctx, const Tensor& self, i64 dim) {
  return running_extreme(ctx, self, dim, [](auto a, auto b) { return a >= b; });
}
inline Tuple<Tensor, Tensor> cummin(Context& ctx, const Tensor& self, i64 dim) {
  return running_extreme(ctx, self, dim, [](auto a, auto b) { return a <= b; });
}

inline Tensor logcumsumexp(Context& ctx, const Tensor& self, i64 dim) {
  if (ctx.ok() && !is_floating(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"logcumsumexp_out_cpu\" not implemented for '%s'",
                    scalar_type_name(self.dtype()));
  }
  // log(exp(a) + exp(b)), which is infinite where both are the same infinity.
  return scanned(ctx, self, dim, None(), []<class W>(W a, W b) -> W {
    if constexpr (kSame<W, double>) {
      if (b != b) return b;
      const double low = a < b ? a : b, high = a < b ? b : a;
      if (low == high && low - low != 0) return a;
      return high + __builtin_log1p(__builtin_exp(low - high));
    } else {
      return a;  // refused above
    }
  });
}

}  // namespace tsc::ops
