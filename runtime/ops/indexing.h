// Reading and writing along one dimension by index tensors: index_select, gather and scatter, index_add and the like.
#pragma once

#include "runtime/ops/creation.h"
#include "runtime/ops/pointwise.h"
#include "runtime/ops/reduction.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

// Indices as contiguous int64, each within [0, size) or, where allowed, counted from the end.
enum class Wrap { kNo, kNegative };
inline Tensor checked_indices(Context& ctx, const Tensor& index, i64 size, Wrap wrap, const char* message) {
  if (ctx.ok() && index.dtype() != DType::kInt64 && index.dtype() != DType::kInt32) {
    return ctx.fail(ErrorKind::kType, "tensors used as indices must be long, int, byte or bool tensors, but got %s",
                    dtype_name(index.dtype()));
  }
  const Tensor given = contiguous_as(ctx, index, DType::kInt64);
  if (!ctx.ok() || given.numel() == 0) return given;
  // The extremes, of each block by itself on all threads.
  constexpr i64 kBlock = 1 << 15;
  const i64 count = given.numel(), blocks = (count + kBlock - 1) / kBlock;
  const Scratch scratch(ctx, static_cast<size_t>(2 * blocks) * sizeof(i64));
  if (!ctx.ok()) return {};
  i64* const extremes = reinterpret_cast<i64*>(scratch.data());
  ctx.parallel_for(blocks, 2, [&](i64 first, i64 last) {
    for (i64 block = first; block < last; ++block) {
      const i64 *at = given.data<i64>() + block * kBlock, *end = at + tsc::min(kBlock, count - block * kBlock);
      i64 low = *at, high = *at;
      for (; at < end; ++at) {
        low = tsc::min(low, *at);
        high = tsc::max(high, *at);
      }
      extremes[2 * block] = low;
      extremes[2 * block + 1] = high;
    }
  });
  i64 least = extremes[0], largest = extremes[1];
  for (i64 block = 1; block < blocks; ++block) {
    least = tsc::min(least, extremes[2 * block]);
    largest = tsc::max(largest, extremes[2 * block + 1]);
  }
  const i64 lowest = wrap == Wrap::kNegative ? -size : 0;
  if (least < lowest || largest >= size) {
    const i64* at = given.data<i64>();
    while (*at >= lowest && *at < size) ++at;
    return ctx.fail(ErrorKind::kIndex, "%s: index %lld is out of bounds for size %lld", message,
                    static_cast<long long>(*at), static_cast<long long>(size));
  }
  if (least >= 0) return given;
  const Tensor result = contiguous_copy(ctx, given, DType::kInt64);
  for (i64 i = 0; ctx.ok() && i < result.numel(); ++i) {
    i64& at = result.data<i64>()[i];
    at += at < 0 ? size : 0;
  }
  return result;
}

// Rows of a contiguous tensor seen as [outer][size][inner bytes].
struct Blocks {
  i64 outer = 1, size = 1, inner = 1;  // inner in bytes
  Blocks(const Tensor& t, i64 dim) {
    for (i64 d = 0; d < dim; ++d) outer *= t.size(d);
    if (t.dim() > 0) size = t.size(dim);
    for (i64 d = dim + 1; d < t.dim(); ++d) inner *= t.size(d);
    inner *= t.element_size();
  }
};
inline Tensor index_select(Context& ctx, const Tensor& self, i64 dim, const Tensor& index) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (index.dim() > 1) return ctx.fail(ErrorKind::kIndex, "index_select(): Index is supposed to be a vector");
  if (self.dim() == 0 && index.numel() != 1) {
    return ctx.fail(ErrorKind::kIndex, "index_select(): Index to scalar can have only 1 value, got %lld value(s)",
                    static_cast<long long>(index.numel()));
  }
  const Tensor from = dense(ctx, self);
  const i64 extent = self.dim() == 0 ? 1 : self.size(dim);
  const Tensor at = checked_indices(ctx, index, extent, Wrap::kNo, "index_select(): index out of range in self");
  if (!ctx.ok()) return {};
  Shape sizes(self.sizes());
  if (sizes.rank > 0) sizes[dim] = at.numel();
  const Tensor result = Tensor::empty(ctx, self.dtype(), sizes);
  if (!ctx.ok()) return {};
  if (result.numel() == 0) return result;
  const Blocks b(from, dim);
  const i64 count = at.numel(), *places = at.data<i64>();
  // Where the run of adjacent places that i is in ends; runs are copied as one when there are few.
  const Tensor run_ends = Tensor::empty(ctx, DType::kInt64, dims(count));
  if (!ctx.ok()) return {};
  i64 runs = 0, *ends = run_ends.data<i64>();
  for (i64 i = count - 1; i >= 0; --i) {
    const bool goes_on = i + 1 < count && places[i + 1] == places[i] + 1;
    ends[i] = goes_on ? ends[i + 1] : i + 1;
    runs += goes_on ? 0 : 1;
  }
  const bool by_runs = b.inner != self.element_size() || runs * 8 < count;
  ctx.parallel_for(b.outer * count, kGrain / b.inner + 1, [&](i64 begin, i64 end) {
    for (i64 n = begin; n < end;) {
      const i64 o = n / count, first = n % count, last = tsc::min(count, first + end - n);
      char* to = result.bytes() + o * count * b.inner;
      const char* blocks = from.bytes() + o * b.size * b.inner;
      n += last - first;
      if (by_runs) {
        for (i64 i = first; i < last;) {
          const i64 next = tsc::min(ends[i], last);
          __builtin_memcpy(to + i * b.inner, blocks + places[i] * b.inner, static_cast<size_t>((next - i) * b.inner));
          i = next;
        }
        continue;
      }
      with_bytes(b.inner,
                 [&]<class T>() { take_elements<T>(to + first * b.inner, blocks, places + first, last - first); });
    }
  });
  return result;
}
inline Tensor embedding(Context& ctx, const Tensor& weight, const Tensor& indices, i64 = -1, bool = false,
                        bool = false) {
  if (!ctx.ok()) return {};
  if (weight.dim() != 2) return ctx.fail(ErrorKind::kRuntime, "'weight' must be 2-D");
  if (indices.dtype() != DType::kInt64 && indices.dtype() != DType::kInt32) {
    return ctx.fail(ErrorKind::kType,
                    "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
                    "but got %s instead (while checking arguments for embedding)",
                    scalar_type_name(indices.dtype()));
  }
  const Tensor flat = reshape_to(ctx, indices, Shape(dims(indices.numel())));
  const Tensor rows = index_select(ctx, weight, 0, flat);
  Shape sizes(indices.sizes());
  sizes.push(weight.size(1));
  return reshape_to(ctx, rows, sizes);
}

// gather and scatter go along the rows of an index: its element j belongs to self[base + j * step + index[j] * stride],
// and to the source's or the result's element [place + j * place_step].
struct IndexedRow {
  const i64* index;
  i64 count, base, step, stride, place, place_step;

  // Calls move(i, j) for each place i of self and j of the other, in the index's order.
  template <class Move>
  TSC_INLINE void for_each(Move move) const {
    if (step == 0 && stride == 1 && place_step == 1) {  // along rows
      for (i64 j = 0; j < count; ++j) move(base + index[j], place + j);
    } else {
      for (i64 j = 0; j < count; ++j) move(base + j * step + index[j] * stride, place + j * place_step);
    }
  }
};
// Calls visit(row) for every row. Places that differ in another dimension than `dim` never meet in self, so threads
// share these, and along `dim` the order is the index's.
template <class Visit>
void for_each_indexed_row(Context& ctx, const Tensor& index, const Tensor& self, i64 dim, const Tensor& other,
                          Visit visit) {
  Shape sizes(index.sizes()), steps(index.sizes()), self_steps(index.sizes()), other_steps(index.sizes());
  if (sizes.rank == 0) sizes.rank = 1, sizes[0] = 1;
  const i64 last = sizes.rank - 1;
  i64 shared = -1;  // the dimension of which each thread gets a part
  for (i64 d = 0, step = index.numel(); d <= last; ++d) {
    step /= sizes[d];
    steps[d] = step;
    self_steps[d] = d == dim || self.dim() == 0 ? 0 : self.stride(d);
    other_steps[d] = other.dim() == 0 ? 0 : other.stride(d);
    if (d != dim && (shared < 0 || sizes[d] > sizes[shared])) shared = d;
  }
  const i64 stride = self.dim() == 0 ? 0 : self.stride(dim);
  const auto visit_part = [&](i64 begin, i64 end) {
    const auto first = [&](i64 d) { return d == shared ? begin : 0; };
    const auto size = [&](i64 d) { return d == shared ? end - begin : sizes[d]; };
    i64 at[kMaxRank] = {};
    IndexedRow row = {index.data<i64>(), size(last), 0, self_steps[last], stride, 0, other_steps[last]};
    const auto move = [&](i64 d, i64 n) {
      row.index += n * steps[d];
      row.base += n * self_steps[d];
      row.place += n * other_steps[d];
    };
    if (shared >= 0) move(shared, first(shared));
    for (;;) {
      visit(row);
      i64 d = last - 1;
      for (; d >= 0; --d) {
        move(d, 1);
        if (++at[d] < size(d)) break;
        move(d, -size(d));
        at[d] = 0;
      }
      if (d < 0) return;
    }
  };
  if (shared < 0) return visit_part(0, 0);
  ctx.parallel_for(sizes[shared], kGrain / (index.numel() / sizes[shared]) + 1, visit_part);
}
// An index must not reach beyond `self` in any dimension but `dim`, nor beyond `src` in any.
inline bool index_sizes_ok(Context& ctx, const char* name, const Tensor& self, const Tensor& index, i64 dim,
                           const Tensor* src) {
  const auto rank = [](const Tensor& t) { return tsc::max<i64>(t.dim(), 1); };
  const auto size = [](const Tensor& t, i64 d) { return t.dim() == 0 ? 1 : t.size(d); };
  if (rank(self) != rank(index) || (src != nullptr && rank(*src) != rank(index))) {
    ctx.fail(ErrorKind::kRuntime, "Index tensor must have the same number of dimensions as %s tensor",
             rank(self) != rank(index) ? "self" : "src");
    return false;
  }
  for (i64 d = 0; d < rank(index); ++d) {
    const bool beyond_self = d != dim && size(index, d) > size(self, d);
    if (!beyond_self && (src == nullptr || size(index, d) <= size(*src, d))) continue;
    ctx.fail(ErrorKind::kShape,
             "Size does not match at dimension %lld expected index %s to be no larger than self %s apart from "
             "dimension %lld (%s)",
             static_cast<long long>(d), SizesText(index.sizes()).text, SizesText(self.sizes()).text,
             static_cast<long long>(dim), name);
    return false;
  }
  return true;
}
inline bool index_dtype_ok(Context& ctx, const char* name, const Tensor& index) {
  if (index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32) return true;
  ctx.fail(ErrorKind::kType, "%s(): Expected dtype int64 for index", name);
  return false;
}
inline Tensor gather(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, bool = false) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (index.numel() == 0) return Tensor::empty(ctx, self.dtype(), index.sizes());
  if (!index_dtype_ok(ctx, "gather", index)) return {};
  if (!index_sizes_ok(ctx, "gather", self, index, dim, nullptr)) return {};
  const Tensor at = checked_indices(ctx, index, self.dim() == 0 ? 1 : self.size(dim), Wrap::kNo, "gather()");
  const Tensor result = Tensor::empty(ctx, self.dtype(), index.sizes());
  if (!ctx.ok()) return {};
  with_bytes(self.element_size(), [&]<class T>() {
    for_each_indexed_row(ctx, at, self, dim, result, [to = result.bytes(), from = self.bytes()](const IndexedRow& row) {
      row.for_each([=](i64 i, i64 j) { move_element<T>(to, j, from, i); });
    });
  });
  return result;
}

// self[index] = or += source and the like, in place. `source` is a tensor of self's dtype, or 0-d.
enum class Store { kAssign, kAdd, kMultiply, kMaximum, kMinimum };
template <class C>
C combined(C a, C b, Store store) {
  if (store == Store::kAdd) return narrowed<C>(widened(a) + widened(b));
  if (store == Store::kMultiply) return narrowed<C>(widened(a) * widened(b));
  if constexpr (requires { a < b; }) {
    if (a != a || b != b) return a != a ? a : b;
    return (store == Store::kMaximum) == (a < b) ? b : a;
  }
  return a;
}
// Calls `use(put)` once: put(to, i, from, j) says to[i] = from[j] of elements of dtype, or += or what else `store`
// says.
template <class Use>
void with_store(DType dtype, Store store, Use use) {
  if (store == Store::kAssign) {
    return with_bytes(element_size(dtype), [&]<class T>() {
      use([](char* to, i64 i, const char* from, i64 j)
              __attribute__((always_inline)) { move_element<T>(to, i, from, j); });
    });
  }
  with_dtype(dtype, [&]<class T>() {
    using C = ComputeOf<T>;
    use([store](char* to, i64 i, const char* from, i64 j) __attribute__((always_inline)) {
      T& element = reinterpret_cast<T*>(to)[i];
      const T other = reinterpret_cast<const T*>(from)[j];
      element = convert_element<T>(combined(convert_element<C>(element), convert_element<C>(other), store));
    });
  });
}
inline Tensor copied(Context& ctx, const Tensor& self) { return convert_to(ctx, self, self.dtype(), true, None()); }
// The indices of elements of `self` that are written: as they were before, if they lie there themselves.
inline Tensor indices_of_written(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, Wrap wrap,
                                 const char* message) {
  if (!ctx.ok()) return {};
  const Tensor apart = may_overlap(self, index) ? copied(ctx, index) : index;
  if (!ctx.ok()) return {};
  return checked_indices(ctx, apart, self.dim() == 0 ? 1 : self.size(dim), wrap, message);
}
// What adds up in the wider type, where PyTorch's kernels do.
inline bool adds_up_wide(DType dtype, Store store) {
  return store != Store::kAssign && (dtype == DType::kFloat16 || dtype == DType::kBFloat16);
}
inline Tensor scatter_into(Context& ctx, const char* name, const Tensor& self, i64 dim, const Tensor& index,
                           const Tensor& source, Store store) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !index_dtype_ok(ctx, name, index) || !destination_ok(ctx, self)) return {};
  if (self.dtype() != source.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "%s(): Expected self.dtype to be equal to src.dtype", name);
  }
  if (adds_up_wide(self.dtype(), store)) {
    const Tensor wide = converted(ctx, self, DType::kFloat32);
    return copy_(ctx, self, scatter_into(ctx, name, wide, dim, index, converted(ctx, source, wide.dtype()), store));
  }
  const bool broadcast_source = source.dim() == 0 && store == Store::kAssign;
  if (index.numel() == 0) return self;
  if (!index_sizes_ok(ctx, name, self, index, dim, broadcast_source ? nullptr : &source)) return {};
  const Tensor at = indices_of_written(ctx, self, dim, index, Wrap::kNo, name);
  const Tensor from = may_overlap(self, source) ? contiguous_copy(ctx, source, source.dtype()) : source;
  if (!ctx.ok()) return {};
  with_store(self.dtype(), store, [&](auto put) {
    for_each_indexed_row(ctx, at, self, dim, from, [=, to = self.bytes(), data = from.bytes()](const IndexedRow& row) {
      row.for_each([=](i64 i, i64 j) { put(to, i, data, j); });
    });
  });
  return self;
}
inline Tensor scatter_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  if (ctx.ok() && src.dim() == 0 && index.dim() > 0) {
    return scatter_into(ctx, "scatter", self, dim, index, reshape_to(ctx, src, Shape(dims(1))), Store::kAssign);
  }
  return scatter_into(ctx, "scatter", self, dim, index, src, Store::kAssign);
}
inline Tensor scatter_value_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  return scatter_into(ctx, "scatter", self, dim, index, filled(ctx, Sizes(), self.dtype(), value), Store::kAssign);
}
inline Tensor scatter_add_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  return scatter_into(ctx, "scatter_add", self, dim, index, src, Store::kAdd);
}
inline Tensor scatter(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  return scatter_(ctx, contiguous_copy(ctx, self, self.dtype()), dim, index, src);
}
inline Tensor scatter_value(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  return scatter_value_(ctx, contiguous_copy(ctx, self, self.dtype()), dim, index, value);
}
inline Tensor scatter_add(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  return scatter_add_(ctx, contiguous_copy(ctx, self, self.dtype()), dim, index, src);
}

// How `scatter_reduce` and the like name what they do.
inline bool reduction_named(Context& ctx, const Str& name, Store& store) {
  if (name == Str("sum") || name == Str("mean")) {
    store = Store::kAdd;
  } else if (name == Str("prod")) {
    store = Store::kMultiply;
  } else if (name == Str("amax")) {
    store = Store::kMaximum;
  } else if (name == Str("amin")) {
    store = Store::kMinimum;
  } else if (ctx.ok()) {
    ctx.fail(ErrorKind::kRuntime, "reduce argument must be either sum, prod, mean, amax or amin, got %.*s",
             static_cast<int>(name.size()), name.data());
  }
  return ctx.ok();
}
// Without `include_self` what is reduced at a place replaces what was there.
inline Tensor scatter_reduce(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src,
                             const Str& reduce, bool include_self) {
  Store store = Store::kAdd;
  if (!ctx.ok() || !reduction_named(ctx, reduce, store)) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !index_dtype_ok(ctx, "scatter_reduce", index)) return {};
  if (self.dtype() != src.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "scatter_reduce(): Expected self.dtype to be equal to src.dtype");
  }
  if (adds_up_wide(self.dtype(), store)) {
    const Tensor wide = converted(ctx, self, DType::kFloat32), addends = converted(ctx, src, DType::kFloat32);
    return converted(ctx, scatter_reduce(ctx, wide, dim, index, addends, reduce, include_self), self.dtype());
  }
  const bool is_mean = reduce == Str("mean");
  const Tensor result = contiguous_copy(ctx, self, self.dtype());
  if (include_self && !is_mean) return scatter_into(ctx, "scatter_reduce", result, dim, index, src, store);
  if (index.numel() == 0) return result;
  if (!index_sizes_ok(ctx, "scatter_reduce", self, index, dim, &src)) return {};
  const Tensor at = checked_indices(ctx, index, self.dim() == 0 ? 1 : self.size(dim), Wrap::kNo, "scatter_reduce");
  const Tensor counts = filled(ctx, self.sizes(), DType::kInt64, Scalar(i64{include_self ? 1 : 0}));
  if (!ctx.ok()) return {};
  with_store(self.dtype(), store, [&](auto put) {
    with_bytes(self.element_size(), [&]<class T>() {
      for_each_indexed_row(ctx, at, result, dim, src, [&](const IndexedRow& row) {
        for (i64 j = 0; j < row.count; ++j) {
          const i64 to = row.base + j * row.step + row.index[j] * row.stride, from = row.place + j * row.place_step;
          if (counts.data<i64>()[to]++ == 0) {
            move_element<T>(result.bytes(), to, src.bytes(), from);
          } else {
            put(result.bytes(), to, src.bytes(), from);
          }
        }
      });
    });
  });
  if (!is_mean) return result;
  for (i64 i = 0; i < counts.numel(); ++i) counts.data<i64>()[i] = tsc::max<i64>(counts.data<i64>()[i], 1);
  const Tensor mean = is_floating(self.dtype()) ? div(ctx, result, counts) : floor_divide(ctx, result, counts);
  return convert_to(ctx, mean, self.dtype(), false, None());
}
inline Tensor scatter_reduce_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src,
                              const Str& reduce, bool include_self) {
  const Tensor result = scatter_reduce(ctx, self, dim, index, src, reduce, include_self);
  if (ctx.ok() && destination_ok(ctx, self)) copy_elements(ctx, self, result);
  return self;
}

inline Tensor index_add_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& source,
                         const Scalar& alpha = 1) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !destination_ok(ctx, self)) return {};
  if (index.dim() > 1) return ctx.fail(ErrorKind::kIndex, "index_add_(): Index is supposed to be a vector");
  if (self.dtype() != source.dtype()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "index_add_(): self and source expected to have the same dtype, but got (self) %s and (source) %s",
                    scalar_type_name(self.dtype()), scalar_type_name(source.dtype()));
  }
  Shape rest(self.sizes()), source_rest(source.sizes());
  if (self.dim() > 0 && source.dim() > 0) {
    rest.erase(dim);
    source_rest.erase(wrap_dim(ctx, dim, source.dim()));
  }
  if (ctx.ok() && !same_sizes(rest, source_rest)) {
    return ctx.fail(
        ErrorKind::kRuntime,
        "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape "
        "= %s source.shape = %s",
        SizesText(self.sizes()).text, SizesText(source.sizes()).text);
  }
  const i64 count = index.numel();
  if (count != (source.dim() == 0 ? 1 : source.size(dim))) {
    return ctx.fail(ErrorKind::kRuntime,
                    "index_add_(): Number of indices (%lld) should be equal to source.size(dim): (%lld), for dim: %lld",
                    static_cast<long long>(count), static_cast<long long>(source.dim() == 0 ? 1 : source.size(dim)),
                    static_cast<long long>(dim));
  }
  if (ctx.ok() && self.dim() > 1 && self.numel() == 0) return self;  // then no index is read
  const Tensor at = indices_of_written(ctx, self, dim, index, Wrap::kNo, "index out of range in self");
  const bool is_scaled = !(alpha.to_complex() == Complex<double>(1));
  const Tensor addends = is_scaled ? mul(ctx, source, alpha) : may_overlap(self, source) ? copied(ctx, source) : source;
  if (!ctx.ok() || self.numel() == 0 || count == 0) return self;
  // Slices of self and of the source, which threads share, along `dim` in the index's order.
  const i64 bytes = self.element_size();
  const i64 step = self.dim() == 0 ? 0 : self.stride(dim) * bytes;
  const i64 source_step = source.dim() == 0 ? 0 : addends.stride(dim) * bytes;
  const Tensor slice = self.dim() == 0 ? self : select(ctx, self, dim, 0);
  const Tensor source_slice = source.dim() == 0 ? addends : select(ctx, addends, dim, 0);
  if (!ctx.ok()) return {};
  LoopBuilder builder(rest);
  builder.add(slice);
  builder.add(source_slice);
  builder.order();
  const i64* const places = at.data<i64>();
  with_store(self.dtype(), Store::kAdd, [&](auto add) {
    parallel_loop(ctx, builder.finish(), count, [&](const Loop& part) {
      const bool adjacent = part.strides[0][0] == bytes && part.strides[1][0] == bytes;
      for (i64 i = 0; i < count; ++i) {
        for_each_row(part, [&](char* const* row) {
          char* to = row[0] + places[i] * step;
          const char* from = row[1] + i * source_step;
          if (adjacent) {
            for (i64 k = 0; k < part.sizes[0]; ++k) add(to, k, from, k);
          } else {
            for (i64 k = 0; k < part.sizes[0]; ++k)
              add(to + k * part.strides[0][0], 0, from + k * part.strides[1][0], 0);
          }
        });
      }
    });
  });
  return self;
}
inline Tensor index_add(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& source,
                        const Scalar& alpha = 1) {
  return index_add_(ctx, copied(ctx, self), dim, index, source, alpha);
}
inline Tensor index_fill_(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !destination_ok(ctx, self)) return {};
  if (index.dim() > 1) return ctx.fail(ErrorKind::kIndex, "Index is supposed to be a vector");
  if (index.dtype() != DType::kInt64)
    return ctx.fail(ErrorKind::kIndex, "index_fill_(): Expected dtype int64 for index.");
  const Tensor at = indices_of_written(ctx, self, dim, index, Wrap::kNegative, "index_fill_()");
  for (i64 i = 0; ctx.ok() && i < at.numel(); ++i) {
    fill_elements(ctx, self.dim() == 0 ? self : select(ctx, self, dim, at.data<i64>()[i]), value);
  }
  return self;
}
inline Tensor index_fill(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  return index_fill_(ctx, copied(ctx, self), dim, index, value);
}

}  // namespace tsc::ops
