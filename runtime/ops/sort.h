// Sorting along a dimension. NaN counts as larger than everything; equal elements keep their order.
#pragma once

#include "runtime/ops/dtype.h"
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

// How many elements of a sorted row come before the value (or, with `right`, are not after it). `order`: positions that
// sort the row, or null.
template <class C>
i64 place_in_row(const C* row, const i64* order, i64 length, C value, bool right) {
  i64 begin = 0, end = length;
  while (begin < end) {
    const i64 middle = begin + (end - begin) / 2;
    const C element = row[order == nullptr ? middle : order[middle]];
    const bool is_before = right ? !(element > value) : !(element >= value);
    (is_before ? begin : end) = is_before ? middle + 1 : middle;
  }
  return begin;
}
inline Tensor searchsorted(Context& ctx, const Tensor& sorted_sequence, const Tensor& self, bool out_int32 = false,
                           bool right = false, const Optional<Str>& side = None(),
                           const Optional<Tensor>& sorter = None()) {
  if (!ctx.ok()) return {};
  const auto fail = [&](const char* message) -> Tensor {
    return ctx.fail(ErrorKind::kRuntime, "torch.searchsorted(): %s", message);
  };
  const i64 rank = sorted_sequence.dim(), length = rank == 0 ? 0 : sorted_sequence.size(rank - 1);
  if (side.has_value()) {
    const bool is_right = *side == Str("right");
    if (!is_right && !(*side == Str("left"))) return fail("side can only be 'left' or 'right'");
    if (!is_right && right)
      return fail("side and right can't be set to opposites, got side of left while right was True");
    right = is_right;
  }
  if (rank == 0) return fail("input boundaries tensor should have positive dimension, got 0");
  const DType common = result_type(Operand(sorted_sequence), Operand(self));
  if (is_complex(common)) return fail("complex numbers have no order");
  bool fits = rank == 1 || rank == self.dim();
  for (i64 d = 0; fits && rank > 1 && d < rank - 1; ++d) fits = sorted_sequence.size(d) == self.size(d);
  if (!fits)
    return fail(
        "boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value "
        "tensor must match");
  if (sorter.has_value()) {
    if (!same_sizes(sorter->sizes(), sorted_sequence.sizes()))
      return fail("boundary and sorter must have the same size");
    if (sorter->dtype() != DType::kInt64) return fail("sorter must be a tensor of long dtype");
  }
  const DType wide = dtype_of_compute(compute_of(common));
  const Tensor rows = contiguous_as(ctx, sorted_sequence, wide), values = contiguous_as(ctx, self, wide);
  const Tensor order = sorter.has_value() ? contiguous_as(ctx, *sorter, DType::kInt64) : Tensor();
  const Tensor places = Tensor::empty(ctx, DType::kInt64, self.sizes());
  if (!ctx.ok()) return {};
  if (sorter.has_value()) {
    for (i64 i = 0; i < order.numel(); ++i) {
      const i64 place = order.data<i64>()[i];
      if (place < 0 || place >= length) return fail("sorter index out of range");
    }
  }
  const i64 of_a_row = rank == 1 ? self.numel() : self.size(rank - 1);
  with_compute(compute_of(common), [&]<class C>() {
    if constexpr (!kIsComplex<C>) {
      for (i64 i = 0; i < self.numel(); ++i) {
        const i64 row = rank == 1 ? 0 : i / of_a_row;
        const i64* row_order = sorter.has_value() ? order.data<i64>() + row * length : nullptr;
        places.data<i64>()[i] =
            place_in_row(rows.data<C>() + row * length, row_order, length, values.data<C>()[i], right);
      }
    }
  });
  return out_int32 ? converted(ctx, places, DType::kInt32) : places;
}

}  // namespace tsc::ops
