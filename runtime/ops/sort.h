// Sorting along a dimension. NaN counts as larger than everything; equal elements keep their order.
#pragma once

#include "runtime/ops/rows.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

template <class C>
bool sorts_before(C a, C b, bool descending) {
  if (descending) return a > b || (a != a && b == b);
  return a < b || (b != b && a == a);
}
// Sorts positions of a row by merging, in `order`, with `spare` of the same length.
template <class C>
void sort_row(const C* row, i64* order, i64* spare, i64 n, bool descending) {
  for (i64 i = 0; i < n; ++i) order[i] = i;
  for (i64 width = 1; width < n; width *= 2) {
    for (i64 begin = 0; begin < n; begin += 2 * width) {
      const i64 middle = tsc::min(begin + width, n), end = tsc::min(begin + 2 * width, n);
      i64 a = begin, b = middle;
      for (i64 i = begin; i < end; ++i) {
        const bool take_b = a == middle || (b < end && sorts_before(row[order[b]], row[order[a]], descending));
        spare[i] = order[take_b ? b++ : a++];
      }
    }
    for (i64 i = 0; i < n; ++i) order[i] = spare[i];
  }
}

// The first `count` of each sorted row, and their positions.
inline Tuple<Tensor, Tensor> sorted_rows(Context& ctx, const Tensor& self, i64 dim, i64 count, bool descending) {
  const DimMask mask = one_dim(ctx, dim, self.dim());
  const Compute compute = compute_of(self.dtype());
  const DType wide = dtype_of_compute(compute);
  if (!ctx.ok()) return {};
  if (is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"sort\" not implemented for '%s'", scalar_type_name(self.dtype()));
  }
  const Rows rows = rows_of(ctx, self, mask, wide);
  Shape sizes(rows.kept);
  if (self.dim() > 0) sizes.push(count);
  const Tensor values = Tensor::empty(ctx, wide, sizes), indices = Tensor::empty(ctx, DType::kInt64, sizes);
  const Scratch scratch(ctx, static_cast<size_t>(2 * rows.length) * sizeof(i64));
  if (!ctx.ok()) return {};
  i64* order = reinterpret_cast<i64*>(scratch.data());
  with_compute(compute, [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      for (i64 r = 0; r < rows.count; ++r) {
        const C* row = rows.data.template data<C>() + r * rows.length;
        sort_row(row, order, order + rows.length, rows.length, descending);
        for (i64 i = 0; i < count; ++i) {
          values.data<C>()[r * count + i] = row[order[i]];
          indices.data<i64>()[r * count + i] = order[i];
        }
      }
    }
  });
  // Shape of the result in self's order of dimensions.
  Shape shape(self.sizes());
  if (self.dim() > 0) shape[wrap_dim(ctx, dim, self.dim())] = count;
  const Tensor like = Tensor::empty(ctx, DType::kBool, shape);
  return {moved_back(ctx, values, like, mask, self.dtype()), moved_back(ctx, indices, like, mask, DType::kInt64)};
}
inline Tuple<Tensor, Tensor> sort(Context& ctx, const Tensor& self, i64 dim = -1, bool descending = false) {
  if (!ctx.ok()) return {};
  const i64 d = wrap_dim(ctx, dim, self.dim());
  return sorted_rows(ctx, self, d, self.dim() == 0 || !ctx.ok() ? 1 : self.size(d), descending);
}
inline Tensor argsort(Context& ctx, const Tensor& self, i64 dim = -1, bool descending = false) {
  return sort(ctx, self, dim, descending).get<1>();
}
inline Tuple<Tensor, Tensor> topk(Context& ctx, const Tensor& self, i64 k, i64 dim = -1, bool largest = true,
                                  bool = true) {
  if (!ctx.ok()) return {};
  const i64 d = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (self.dtype() == DType::kBool) return ctx.fail(ErrorKind::kType, "topk does not support bool dtypes on CPU");
  const i64 size = self.dim() == 0 ? 1 : self.size(d);
  if (k < 0 || k > size) return ctx.fail(ErrorKind::kRuntime, "selected index k out of range");
  return sorted_rows(ctx, self, d, k, largest);
}

}  // namespace tsc::ops
