// Ops that move elements about: concatenation, indexing, padding, repetition, resampling. Most copy elements by their
// size alone, whatever the dtype.
#pragma once

#include "runtime/ops/creation.h"
#include "runtime/ops/pointwise.h"
#include "runtime/ops/reduction.h"
#include "runtime/ops/view.h"

namespace tsc::ops {

// Concatenation. A 1-d tensor of no elements joins anything, as PyTorch still allows.
inline bool is_skipped(const Tensor& t) { return t.dim() == 1 && t.size(0) == 0; }
inline bool cat_sizes_ok(Context& ctx, const Tensor& first, const Tensor& t, i64 dim, i64 index) {
  if (t.dim() != first.dim()) {
    ctx.fail(ErrorKind::kShape, "Tensors must have same number of dimensions: got %lld and %lld",
             static_cast<long long>(first.dim()), static_cast<long long>(t.dim()));
    return false;
  }
  for (i64 d = 0; d < t.dim(); ++d) {
    if (d == dim || t.size(d) == first.size(d)) continue;
    ctx.fail(ErrorKind::kShape,
             "Sizes of tensors must match except in dimension %lld. Expected size %lld but got size %lld for tensor "
             "number %lld in the list.",
             static_cast<long long>(dim), static_cast<long long>(first.size(d)), static_cast<long long>(t.size(d)),
             static_cast<long long>(index));
    return false;
  }
  return true;
}
inline Tensor cat(Context& ctx, const List<Tensor>& tensors, i64 dim = 0) {
  if (!ctx.ok()) return {};
  if (tensors.empty()) return ctx.fail(ErrorKind::kRuntime, "torch.cat(): expected a non-empty list of Tensors");
  ResultType type;
  const Tensor* first = nullptr;
  for (i64 i = 0; i < tensors.size(); ++i) {
    type.add(tensors[i]);
    if (tensors[i].dim() == 0) {
      return ctx.fail(ErrorKind::kRuntime, "zero-dimensional tensor (at position %lld) cannot be concatenated",
                      static_cast<long long>(i));
    }
    if (first == nullptr && !is_skipped(tensors[i])) first = &tensors[i];
  }
  if (first == nullptr) first = &tensors[0];
  dim = wrap_dim(ctx, dim, first->dim());
  if (!ctx.ok()) return {};
  Shape sizes(first->sizes());
  sizes[dim] = 0;
  for (i64 i = 0; i < tensors.size(); ++i) {
    if (is_skipped(tensors[i])) continue;
    if (!cat_sizes_ok(ctx, *first, tensors[i], dim, i)) return {};
    sizes[dim] += tensors[i].size(dim);
  }
  const Tensor result = Tensor::empty(ctx, type.get(), sizes);
  i64 at = 0;
  for (i64 i = 0; i < tensors.size() && ctx.ok(); ++i) {
    if (is_skipped(tensors[i])) continue;
    const i64 size = tensors[i].size(dim);
    copy_elements(ctx, slice(ctx, result, dim, at, at + size, 1), tensors[i]);
    at += size;
  }
  return result;
}
inline Tensor stack(Context& ctx, const List<Tensor>& tensors, i64 dim = 0) {
  if (!ctx.ok()) return {};
  if (tensors.empty()) return ctx.fail(ErrorKind::kRuntime, "stack expects a non-empty TensorList");
  dim = wrap_dim(ctx, dim, tensors[0].dim() + 1);
  List<Tensor> rows = List<Tensor>::make(ctx, tensors.size());
  for (i64 i = 0; i < tensors.size() && ctx.ok(); ++i) {
    if (!same_sizes(tensors[i].sizes(), tensors[0].sizes())) {
      return ctx.fail(
          ErrorKind::kShape, "stack expects each tensor to be equal size, but got %s at entry 0 and %s at entry %lld",
          SizesText(tensors[0].sizes()).text, SizesText(tensors[i].sizes()).text, static_cast<long long>(i));
    }
    rows.append(unsqueeze(ctx, tensors[i], dim));
  }
  return cat(ctx, rows, dim);
}

// Indices as contiguous int64, each within [0, size) or, where allowed, counted from the end.
enum class Wrap { kNo, kNegative };
inline Tensor checked_indices(Context& ctx, const Tensor& index, i64 size, Wrap wrap, const char* message) {
  if (ctx.ok() && index.dtype() != DType::kInt64 && index.dtype() != DType::kInt32) {
    return ctx.fail(ErrorKind::kType, "tensors used as indices must be long, int, byte or bool tensors, but got %s",
                    dtype_name(index.dtype()));
  }
  const Tensor result =
      wrap == Wrap::kNegative ? contiguous_copy(ctx, index, DType::kInt64) : contiguous_as(ctx, index, DType::kInt64);
  if (!ctx.ok()) return {};
  i64* at = result.data<i64>();
  for (i64 i = 0; i < result.numel(); ++i) {
    const i64 value = at[i];
    const i64 lowest = wrap == Wrap::kNegative ? -size : 0;
    if (value < lowest || value >= size) {
      return ctx.fail(ErrorKind::kIndex, "%s: index %lld is out of bounds for size %lld", message,
                      static_cast<long long>(value), static_cast<long long>(size));
    }
    if (value < 0) at[i] = value + size;
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
  const Blocks b(from, dim);
  char* to = result.bytes();
  for (i64 o = 0; o < b.outer; ++o) {
    for (i64 i = 0; i < at.numel() && result.numel() > 0; ++i, to += b.inner) {
      libc::memcpy(to, from.bytes() + (o * b.size + at.data<i64>()[i]) * b.inner, static_cast<size_t>(b.inner));
    }
  }
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

// gather and scatter: for every position of `index`, the element of `other` whose coordinate `dim` is the index.
// `visit(position in index order, element offset in other)`.
template <class Visit>
void for_each_indexed(const Tensor& index, const Tensor& other, i64 dim, Visit visit) {
  i64 at[kMaxRank] = {};
  i64 offset = 0;
  for (i64 n = 0; n < index.numel(); ++n) {
    const i64 own = other.dim() == 0 ? 0 : (index.data<i64>()[n] - at[dim]) * other.stride(dim);
    visit(n, at, offset + own);
    for (i64 d = index.dim() - 1; d >= 0; --d) {
      offset += d < other.dim() ? other.stride(d) : 0;
      if (++at[d] < index.size(d)) break;
      offset -= (d < other.dim() ? other.stride(d) : 0) * index.size(d);
      at[d] = 0;
    }
  }
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
  const i64 bytes = self.element_size();
  for_each_indexed(at, self, dim, [&](i64 n, const i64*, i64 offset) {
    __builtin_memcpy(result.bytes() + n * bytes, self.bytes() + offset * bytes, static_cast<size_t>(bytes));
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
// One element of dtype: to = or += from, or what else `store` says.
inline void store_element(char* to, const char* from, DType dtype, Store store) {
  if (store == Store::kAssign) {
    __builtin_memcpy(to, from, static_cast<size_t>(element_size(dtype)));
    return;
  }
  with_compute(compute_of(dtype), [&]<class C>() {
    C a, b;
    load_elements(&a, to, dtype, 0, 1);
    load_elements(&b, from, dtype, 0, 1);
    a = combined(a, b, store);
    store_elements(&a, to, dtype, 0, 1);
  });
}
inline Tensor scatter_into(Context& ctx, const char* name, const Tensor& self, i64 dim, const Tensor& index,
                           const Tensor& source, Store store) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !index_dtype_ok(ctx, name, index) || !destination_ok(ctx, self)) return {};
  if (self.dtype() != source.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "%s(): Expected self.dtype to be equal to src.dtype", name);
  }
  const bool broadcast_source = source.dim() == 0 && store == Store::kAssign;
  if (index.numel() == 0) return self;
  if (!index_sizes_ok(ctx, name, self, index, dim, broadcast_source ? nullptr : &source)) return {};
  const Tensor at = checked_indices(ctx, index, self.dim() == 0 ? 1 : self.size(dim), Wrap::kNo, name);
  const Tensor from = may_overlap(self, source) ? contiguous_copy(ctx, source, source.dtype()) : source;
  if (!ctx.ok()) return {};
  const i64 bytes = self.element_size();
  for_each_indexed(at, self, dim, [&](i64, const i64* position, i64 offset) {
    i64 source_offset = 0;
    for (i64 d = 0; d < from.dim(); ++d) source_offset += position[d] * from.stride(d);
    store_element(self.bytes() + offset * bytes, from.bytes() + source_offset * bytes, self.dtype(), store);
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
inline Tensor copied(Context& ctx, const Tensor& self) { return convert_to(ctx, self, self.dtype(), true, None()); }
inline Tensor scatter(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  return scatter_(ctx, copied(ctx, self), dim, index, src);
}
inline Tensor scatter_value(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  return scatter_value_(ctx, copied(ctx, self), dim, index, value);
}
inline Tensor scatter_add(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Tensor& src) {
  return scatter_add_(ctx, copied(ctx, self), dim, index, src);
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
  Store store;
  if (!ctx.ok() || !reduction_named(ctx, reduce, store)) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !index_dtype_ok(ctx, "scatter_reduce", index)) return {};
  if (self.dtype() != src.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "scatter_reduce(): Expected self.dtype to be equal to src.dtype");
  }
  const Tensor result = contiguous_copy(ctx, self, self.dtype());
  if (index.numel() == 0) return result;
  if (!index_sizes_ok(ctx, "scatter_reduce", self, index, dim, &src)) return {};
  const Tensor at = checked_indices(ctx, index, self.dim() == 0 ? 1 : self.size(dim), Wrap::kNo, "scatter_reduce");
  const Tensor counts = filled(ctx, self.sizes(), DType::kInt64, Scalar(i64{include_self ? 1 : 0}));
  if (!ctx.ok()) return {};
  const i64 bytes = self.element_size();
  for_each_indexed(at, result, dim, [&](i64, const i64* position, i64 offset) {
    i64 source_offset = 0;
    for (i64 d = 0; d < src.dim(); ++d) source_offset += position[d] * src.stride(d);
    const bool is_first = counts.data<i64>()[offset]++ == 0;
    store_element(result.bytes() + offset * bytes, src.bytes() + source_offset * bytes, self.dtype(),
                  is_first ? Store::kAssign : store);
  });
  if (!(reduce == Str("mean"))) return result;
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
  const i64 extent = self.dim() == 0 ? 1 : self.size(dim);
  const Tensor at = checked_indices(ctx, index, extent, Wrap::kNo, "index out of range in self");
  const Tensor scaled = alpha.to_complex() == Complex<double>(1) ? copied(ctx, source) : mul(ctx, source, alpha);
  for (i64 i = 0; i < count && ctx.ok(); ++i) {
    if (self.dim() == 0) {
      add_(ctx, self, reshape_to(ctx, scaled, Shape()), 1);
      continue;
    }
    const Tensor from = scaled.dim() == 0 ? scaled : select(ctx, scaled, dim, i);
    add_(ctx, select(ctx, self, dim, at.data<i64>()[i]), from, 1);
  }
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
  const Tensor at = checked_indices(ctx, index, self.dim() == 0 ? 1 : self.size(dim), Wrap::kNegative, "index_fill_()");
  for (i64 i = 0; ctx.ok() && i < at.numel(); ++i) {
    fill_elements(ctx, self.dim() == 0 ? self : select(ctx, self, dim, at.data<i64>()[i]), value);
  }
  return self;
}
inline Tensor index_fill(Context& ctx, const Tensor& self, i64 dim, const Tensor& index, const Scalar& value) {
  return index_fill_(ctx, copied(ctx, self), dim, index, value);
}

inline Tensor nonzero(Context& ctx, const Tensor& self) {
  const Tensor set = contiguous_as(ctx, self, DType::kBool);
  if (!ctx.ok()) return {};
  i64 count = 0;
  for (i64 i = 0; i < set.numel(); ++i) count += set.data<bool>()[i];
  const Tensor result = Tensor::empty(ctx, DType::kInt64, dims(count, self.dim()));
  if (!ctx.ok()) return {};
  i64* to = result.data<i64>();
  for (i64 i = 0; i < set.numel(); ++i) {
    if (!set.data<bool>()[i]) continue;
    i64 rest = i;
    for (i64 d = self.dim() - 1; d >= 0; --d) {
      to[d] = rest % self.size(d);
      rest /= self.size(d);
    }
    to += self.dim();
  }
  return result;
}

// Indexing by lists of tensors, as self[i, :, j].

// The indices brought to one shape: int64 tensors within range, and where their dimensions go in the result.
class Indexing {
 public:
  Indexing(Context& ctx, const Tensor& self, const List<Optional<Tensor>>& indices) : ctx_(ctx), self_(self) {
    if (ctx.ok()) collect(indices);
  }
  const Shape& shape() const { return result_; }
  // `visit(n, offset)` for every element of the result in order, with its element offset in self.
  template <class Visit>
  void for_each(Visit visit) const {
    i64 at[kMaxRank] = {};
    const i64 count = result_.numel();
    for (i64 n = 0; n < count; ++n) {
      i64 offset = 0, flat = 0;
      for (i64 d = 0; d < result_.rank; ++d) {
        if (is_index_dim(d)) {
          flat = flat * result_[d] + at[d];
        } else {
          offset += at[d] * self_.stride(source_dim_[d]);
        }
      }
      for (i64 k = 0; k < count_; ++k) offset += tensors_[k].data<i64>()[flat] * self_.stride(dims_[k]);
      visit(n, offset);
      for (i64 d = result_.rank - 1; d >= 0; --d) {
        if (++at[d] < result_[d]) break;
        at[d] = 0;
      }
    }
  }

 private:
  static constexpr i64 kMaxIndices = 16;
  bool is_index_dim(i64 d) const { return d >= first_ && d < first_ + common_.rank; }

  bool add_index(const Tensor& index, i64 dim) {
    if (count_ == kMaxIndices) {
      ctx_.fail(ErrorKind::kRuntime, "more than 16 tensors as indices are not supported");
      return false;
    }
    tensors_[count_] = index;
    dims_[count_++] = dim;
    return true;
  }
  // A mask stands for the coordinates of its true elements.
  bool add_mask(const Tensor& mask, i64 dim) {
    for (i64 d = 0; d < mask.dim(); ++d) {
      if (dim + d < self_.dim() && mask.size(d) == self_.size(dim + d)) continue;
      ctx_.fail(
          ErrorKind::kIndex,
          "The shape of the mask %s at index %lld does not match the shape of the indexed tensor %s at index %lld",
          SizesText(mask.sizes()).text, static_cast<long long>(d), SizesText(self_.sizes()).text,
          static_cast<long long>(dim + d));
      return false;
    }
    const Tensor positions = nonzero(ctx_, mask);
    for (i64 d = 0; d < mask.dim() && ctx_.ok(); ++d) {
      if (!add_index(dense(ctx_, select(ctx_, positions, 1, d)), dim + d)) return false;
    }
    return ctx_.ok();
  }
  void collect(const List<Optional<Tensor>>& indices) {
    i64 dim = 0;
    for (const Optional<Tensor>& index : indices) {
      if (!index.has_value()) {
        ++dim;
        continue;
      }
      const bool mask = index->dtype() == DType::kBool || index->dtype() == DType::kUInt8;
      if (mask && index->dim() == 0) {
        // A 0-d mask adds a dimension of size 0 or 1: self is seen with a leading 1.
        ctx_.fail(ErrorKind::kUnsupported, "indexing with a 0-d bool tensor is not supported");
        return;
      }
      const i64 covered = mask ? index->dim() : 1;
      if (dim + covered > self_.dim()) {
        ctx_.fail(ErrorKind::kIndex, "too many indices for tensor of dimension %lld",
                  static_cast<long long>(self_.dim()));
        return;
      }
      if (mask ? !add_mask(*index, dim) : !add_index(*index, dim)) return;
      dim += covered;
    }
    if (dim > self_.dim()) {
      ctx_.fail(ErrorKind::kIndex, "too many indices for tensor of dimension %lld",
                static_cast<long long>(self_.dim()));
      return;
    }
    align();
  }
  void align() {
    for (i64 k = 0; k < count_; ++k) {
      bool fits = true;
      for (i64 d = 1; d <= tensors_[k].dim() && d <= common_.rank; ++d) {
        const i64 a = common_[common_.rank - d], b = tensors_[k].size(tensors_[k].dim() - d);
        fits &= a == b || a == 1 || b == 1;
      }
      if (!fits) {
        ctx_.fail(ErrorKind::kIndex,
                  "shape mismatch: indexing tensors could not be broadcast together with shapes %s, %s",
                  SizesText(common_).text, SizesText(tensors_[k].sizes()).text);
        return;
      }
      if (!broadcast(ctx_, common_, tensors_[k].sizes())) return;
    }
    bool adjacent = true;
    for (i64 k = 1; k < count_; ++k) adjacent &= dims_[k] == dims_[k - 1] + 1;
    first_ = adjacent && count_ > 0 ? dims_[0] : 0;
    const auto indexed = [&](i64 d) {
      for (i64 k = 0; k < count_; ++k) {
        if (dims_[k] == d) return true;
      }
      return false;
    };
    for (i64 d = 0; d <= self_.dim(); ++d) {
      if (result_.rank == first_ && !placed_) {
        for (i64 c = 0; c < common_.rank; ++c) push(common_[c], -1);
        placed_ = true;
      }
      if (d < self_.dim() && !indexed(d)) push(self_.size(d), d);
    }
    const bool empty = result_.numel() == 0;
    for (i64 k = 0; k < count_ && ctx_.ok(); ++k) {
      const Tensor expanded = expand_sizes(ctx_, tensors_[k], common_);
      // Without results no index is read, so none is refused, unless it alone is out of range.
      tensors_[k] = empty && self_.size(dims_[k]) == 0
                        ? expanded
                        : checked_indices(ctx_, expanded, self_.size(dims_[k]), Wrap::kNegative, "index");
    }
  }
  void push(i64 size, i64 source) {
    if (!rank_ok(ctx_, result_.rank + 1)) return;
    source_dim_[result_.rank] = source;
    result_.push(size);
  }

  Context& ctx_;
  const Tensor& self_;
  Tensor tensors_[kMaxIndices];
  i64 dims_[kMaxIndices];
  i64 count_ = 0;
  Shape common_;  // of all indices
  Shape result_;
  i64 source_dim_[kMaxRank];
  i64 first_ = 0;  // where the indices' dimensions begin in the result
  bool placed_ = false;
};

inline Tensor index(Context& ctx, const Tensor& self, const List<Optional<Tensor>>& indices) {
  const Indexing indexing(ctx, self, indices);
  if (!ctx.ok()) return {};
  const Tensor result = Tensor::empty(ctx, self.dtype(), indexing.shape());
  if (!ctx.ok()) return {};
  const i64 bytes = self.element_size();
  indexing.for_each([&](i64 n, i64 offset) {
    __builtin_memcpy(result.bytes() + n * bytes, self.bytes() + offset * bytes, static_cast<size_t>(bytes));
  });
  return result;
}
inline Tensor index_put_(Context& ctx, const Tensor& self, const List<Optional<Tensor>>& indices, const Tensor& values,
                         bool accumulate = false) {
  if (!destination_ok(ctx, self)) return {};
  if (self.dtype() != values.dtype()) {
    return ctx.fail(ErrorKind::kIndex,
                    "Index put requires the source and destination dtypes match, got %s for the destination and %s for "
                    "the source.",
                    scalar_type_name(self.dtype()), scalar_type_name(values.dtype()));
  }
  const Indexing indexing(ctx, self, indices);
  if (!ctx.ok()) return {};
  const Shape& shape = indexing.shape();
  if (values.dim() > shape.rank) {
    // Leading sizes of 1 are dropped.
    Geometry g(values);
    while (g.sizes.rank > shape.rank && g.sizes[0] == 1) g.erase(0);
    if (g.sizes.rank > shape.rank) {
      return ctx.fail(ErrorKind::kShape,
                      "shape mismatch: value tensor of shape %s cannot be broadcast to indexing result of shape %s",
                      SizesText(values.sizes()).text, SizesText(shape).text);
    }
    return index_put_(ctx, self, indices, g.view_of(ctx, values), accumulate);
  }
  for (i64 d = 1; d <= values.dim(); ++d) {
    const i64 size = values.size(values.dim() - d);
    if (size == 1 || size == shape[shape.rank - d]) continue;
    return ctx.fail(ErrorKind::kShape,
                    "shape mismatch: value tensor of shape %s cannot be broadcast to indexing result of shape %s",
                    SizesText(values.sizes()).text, SizesText(shape).text);
  }
  const Tensor from = dense(ctx, expand_sizes(ctx, may_overlap(self, values) ? copied(ctx, values) : values, shape));
  if (!ctx.ok()) return {};
  const i64 bytes = self.element_size();
  indexing.for_each([&](i64 n, i64 offset) {
    store_element(self.bytes() + offset * bytes, from.bytes() + n * bytes, self.dtype(),
                  accumulate ? Store::kAdd : Store::kAssign);
  });
  return self;
}
inline Tensor index_put(Context& ctx, const Tensor& self, const List<Optional<Tensor>>& indices, const Tensor& values,
                        bool accumulate = false) {
  return index_put_(ctx, copied(ctx, self), indices, values, accumulate);
}

// The same without gaps in the list.
inline List<Optional<Tensor>> as_optionals(Context& ctx, const List<Tensor>& indices) {
  List<Optional<Tensor>> list = List<Optional<Tensor>>::make(ctx, indices.size());
  for (const Tensor& t : indices) list.append(t);
  return list;
}
inline Tensor index(Context& ctx, const Tensor& self, const List<Tensor>& indices) {
  return index(ctx, self, as_optionals(ctx, indices));
}
inline Tensor index_put_(Context& ctx, const Tensor& self, const List<Tensor>& indices, const Tensor& values,
                         bool accumulate = false) {
  return index_put_(ctx, self, as_optionals(ctx, indices), values, accumulate);
}
inline Tensor index_put(Context& ctx, const Tensor& self, const List<Tensor>& indices, const Tensor& values,
                        bool accumulate = false) {
  return index_put(ctx, self, as_optionals(ctx, indices), values, accumulate);
}

inline Tensor masked_select(Context& ctx, const Tensor& self, const Tensor& mask) {
  if (!ctx.ok()) return {};
  if (mask.dtype() != DType::kBool) {
    return ctx.fail(ErrorKind::kRuntime, "masked_select: expected BoolTensor for mask");
  }
  Shape shape(self.sizes());
  if (!broadcast(ctx, shape, mask.sizes())) return {};
  const Tensor elements = dense(ctx, expand_sizes(ctx, self, shape));
  const Tensor chosen = dense(ctx, expand_sizes(ctx, mask, shape));
  if (!ctx.ok()) return {};
  i64 count = 0;
  for (i64 i = 0; i < chosen.numel(); ++i) count += chosen.data<bool>()[i];
  const Tensor result = Tensor::empty(ctx, self.dtype(), dims(count));
  if (!ctx.ok()) return {};
  const i64 bytes = self.element_size();
  char* to = result.bytes();
  for (i64 i = 0; i < chosen.numel(); ++i) {
    if (!chosen.data<bool>()[i]) continue;
    __builtin_memcpy(to, elements.bytes() + i * bytes, static_cast<size_t>(bytes));
    to += bytes;
  }
  return result;
}

// Repetition.

inline Tensor repeat(Context& ctx, const Tensor& self, const List<i64>& repeats) {
  if (!ctx.ok()) return {};
  if (repeats.size() < self.dim()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  }
  if (!rank_ok(ctx, 2 * repeats.size())) return {};
  const i64 missing = repeats.size() - self.dim();
  Shape sizes, blocks_sizes, blocks_strides;  // of the result, and of the result seen as [repeat][size] pairs
  for (i64 d = 0; d < repeats.size(); ++d) {
    const i64 size = d < missing ? 1 : self.size(d - missing);
    if (repeats[d] < 0) {
      return ctx.fail(ErrorKind::kRuntime, "Trying to create tensor with negative dimension %lld: %s",
                      static_cast<long long>(repeats[d] * size), SizesText(repeats.span()).text);
    }
    i64 total = 0;
    if (!checked_multiply(repeats[d], size, total))
      return ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
    sizes.push(total);
  }
  const Tensor result = Tensor::empty(ctx, self.dtype(), sizes);
  if (!ctx.ok() || result.numel() == 0) return result;
  Shape source_strides;
  for (i64 d = 0; d < repeats.size(); ++d) {
    const i64 size = d < missing ? 1 : self.size(d - missing);
    blocks_sizes.push(repeats[d]);
    blocks_strides.push(result.stride(d) * size);
    blocks_sizes.push(size);
    blocks_strides.push(result.stride(d));
    source_strides.push(0);
    source_strides.push(d < missing ? 0 : self.stride(d - missing));
  }
  copy_elements(ctx, result.view(ctx, blocks_sizes, blocks_strides), self.view(ctx, blocks_sizes, source_strides));
  return result;
}

// Every element `repeats[i]` times along a dimension; without one, of the flattened tensor.
inline Tensor repeat_interleave_tensor(Context& ctx, const Tensor& self, const Tensor& repeats,
                                       const Optional<i64>& dim = None(), const Optional<i64>& output_size = None()) {
  if (!ctx.ok()) return {};
  const Tensor source = dim.has_value() ? self : reshape_to(ctx, self, Shape(dims(self.numel())));
  const i64 axis = wrap_dim(ctx, dim.value_or(0), source.dim());
  if (!ctx.ok()) return {};
  if (repeats.dim() > 1) return ctx.fail(ErrorKind::kRuntime, "repeats must be 0-dim or 1-dim tensor");
  if (repeats.dtype() != DType::kInt64 && repeats.dtype() != DType::kInt32) {
    return ctx.fail(ErrorKind::kRuntime, "repeats has to be Long or Int tensor");
  }
  const i64 size = source.dim() == 0 ? 1 : source.size(axis);
  if (repeats.numel() != 1 && repeats.numel() != size) {
    return ctx.fail(ErrorKind::kRuntime,
                    "repeats must have the same size as input along dim, but got repeats.size(0) = %lld and "
                    "input.size(%lld) = %lld",
                    static_cast<long long>(repeats.numel()), static_cast<long long>(axis),
                    static_cast<long long>(size));
  }
  const Tensor counts = contiguous_as(ctx, repeats, DType::kInt64);
  if (!ctx.ok()) return {};
  const auto count = [&](i64 i) { return counts.data<i64>()[counts.numel() == 1 ? 0 : i]; };
  i64 total = 0;
  for (i64 i = 0; i < size; ++i) {
    if (count(i) < 0) return ctx.fail(ErrorKind::kRuntime, "repeats can not be negative");
    if (!checked_add(total, count(i), total))
      return ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
  }
  if (output_size.has_value() && *output_size != total) {
    return ctx.fail(ErrorKind::kRuntime, "allocated size does not match required size");
  }
  const Tensor positions = Tensor::empty(ctx, DType::kInt64, dims(total));
  if (!ctx.ok()) return {};
  i64* to = positions.data<i64>();
  for (i64 i = 0; i < size; ++i) {
    for (i64 k = 0; k < count(i); ++k) *to++ = i;
  }
  if (source.dim() == 0) return index_select(ctx, reshape_to(ctx, source, Shape(dims(1))), 0, positions);
  return index_select(ctx, source, axis, positions);
}
inline Tensor repeat_interleave(Context& ctx, const Tensor& self, i64 repeats, const Optional<i64>& dim = None(),
                                const Optional<i64>& output_size = None()) {
  return repeat_interleave_tensor(ctx, self, filled(ctx, dims(1), DType::kInt64, repeats), dim, output_size);
}

// Padding. `pad` has pairs (before, after) from the last dimension on; negative ones crop.

inline bool pad_sizes(Context& ctx, const Tensor& self, const List<i64>& pad, Shape& sizes) {
  sizes = Shape(self.sizes());
  if (pad.size() % 2 != 0) {
    ctx.fail(ErrorKind::kRuntime, "Length of pad must be even but instead it equals %lld",
             static_cast<long long>(pad.size()));
    return false;
  }
  if (pad.size() / 2 > self.dim()) {
    ctx.fail(
        ErrorKind::kRuntime,
        "Length of pad should be no more than twice the number of dimensions of the input. Pad length is %lld while "
        "the input has %lld dimensions.",
        static_cast<long long>(pad.size()), static_cast<long long>(self.dim()));
    return false;
  }
  for (i64 i = 0; i < pad.size() / 2; ++i) {
    i64& size = sizes[self.dim() - 1 - i];
    const i64 old = size;
    if (!checked_add(size, pad[2 * i], size) || !checked_add(size, pad[2 * i + 1], size) || size < 0) {
      ctx.fail(ErrorKind::kRuntime,
               "The input size %lld, plus negative padding %lld and %lld resulted in a negative output size, which is "
               "invalid. Check dimension %lld of your input.",
               static_cast<long long>(old), static_cast<long long>(pad[2 * i]), static_cast<long long>(pad[2 * i + 1]),
               static_cast<long long>(self.dim() - 1 - i));
      return false;
    }
  }
  return true;
}
inline Tensor constant_pad_nd(Context& ctx, const Tensor& self, const List<i64>& pad, const Scalar& value = 0) {
  Shape sizes;
  if (!ctx.ok() || !pad_sizes(ctx, self, pad, sizes)) return {};
  const Tensor result = filled(ctx, sizes, self.dtype(), value);
  Tensor from = self, to = result;
  for (i64 i = 0; i < pad.size() / 2 && ctx.ok(); ++i) {
    const i64 d = self.dim() - 1 - i;
    const i64 before = pad[2 * i], after = pad[2 * i + 1];
    const i64 crop = tsc::max<i64>(-before, 0), shift = tsc::max<i64>(before, 0);
    const i64 length = tsc::max<i64>(self.size(d) - crop - tsc::max<i64>(-after, 0), 0);
    from = slice(ctx, from, d, crop, crop + length, 1);
    to = slice(ctx, to, d, shift, shift + length, 1);
  }
  copy_elements(ctx, to, from);
  return result;
}
// Padding whose elements come from the tensor: one index_select per padded dimension.
template <class Source>
Tensor pad_from_self(Context& ctx, const Tensor& self, const List<i64>& pad, Source source) {
  Shape sizes;
  if (!ctx.ok() || !pad_sizes(ctx, self, pad, sizes)) return {};
  Tensor result = self;
  for (i64 i = 0; i < pad.size() / 2 && ctx.ok(); ++i) {
    const i64 d = self.dim() - 1 - i;
    const Tensor positions = Tensor::empty(ctx, DType::kInt64, dims(sizes[d]));
    for (i64 k = 0; ctx.ok() && k < sizes[d]; ++k) {
      positions.data<i64>()[k] = source(k - pad[2 * i], self.size(d));
    }
    result = index_select(ctx, result, d, positions);
  }
  return result;
}
inline Tensor pad(Context& ctx, const Tensor& self, const List<i64>& pad, const Str& mode = "constant",
                  const Optional<double>& value = None()) {
  if (!ctx.ok()) return {};
  if (mode == Str("constant")) return constant_pad_nd(ctx, self, pad, value.value_or(0.0));
  if (value.has_value() && *value != 0.0) {
    return ctx.fail(ErrorKind::kRuntime, "Padding mode \"%.*s\" doesn't take in value argument",
                    static_cast<int>(mode.size()), mode.data());
  }
  const i64 count = pad.size() / 2;
  if (pad.size() % 2 != 0 || count < 1 || count > 3 || (self.dim() != count + 1 && self.dim() != count + 2)) {
    return ctx.fail(ErrorKind::kUnsupported,
                    "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now");
  }
  const bool reflect = mode == Str("reflect"), circular = mode == Str("circular");
  if (!reflect && !circular && !(mode == Str("replicate"))) {
    return ctx.fail(ErrorKind::kUnsupported, "Unrecognised padding mode %.*s", static_cast<int>(mode.size()),
                    mode.data());
  }
  // A batch may be empty, an image not.
  bool valid = true;
  for (i64 d = self.dim() - count - 1; d < self.dim(); ++d) valid = valid && self.size(d) > 0;
  if (!circular && !valid) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Expected a tensor with possibly 0 batch size and other non-zero dimensions for input, but got: %s",
                    SizesText(self.sizes()).text);
  }
  if (!circular && self.dtype() == DType::kBool) {
    return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for 'Bool'",
                    reflect ? "reflection_pad" : "replication_pad");
  }
  for (i64 i = 0; i < count; ++i) {
    const i64 size = self.size(self.dim() - 1 - i), most = tsc::max(pad[2 * i], pad[2 * i + 1]);
    if (reflect && most >= size) {
      return ctx.fail(
          ErrorKind::kRuntime,
          "Padding size should be less than the corresponding input dimension, but got: padding (%lld, %lld) "
          "at dimension %lld of input %s",
          static_cast<long long>(pad[2 * i]), static_cast<long long>(pad[2 * i + 1]),
          static_cast<long long>(self.dim() - 1 - i), SizesText(self.sizes()).text);
    }
    if (circular && most > size) {
      return ctx.fail(ErrorKind::kRuntime, "Padding value causes wrapping around more than once.");
    }
  }
  // What negative padding cuts off does not come back from the other end.
  Tensor rest = self;
  List<i64> grown = List<i64>::make(ctx, pad.size());
  for (i64 i = 0; i < count && ctx.ok(); ++i) {
    const i64 dim = self.dim() - 1 - i, before = pad[2 * i], after = pad[2 * i + 1];
    const bool cuts = circular && (before < 0 || after < 0);
    if (cuts) rest = slice(ctx, rest, dim, tsc::max<i64>(-before, 0), self.size(dim) - tsc::max<i64>(-after, 0), 1);
    grown.append(cuts ? tsc::max<i64>(before, 0) : before);
    grown.append(cuts ? tsc::max<i64>(after, 0) : after);
  }
  return pad_from_self(ctx, rest, grown, [&](i64 k, i64 size) {
    if (circular) return (k % size + size) % size;
    if (reflect) return k < 0 ? -k : k >= size ? 2 * (size - 1) - k : k;
    return tsc::min(tsc::max<i64>(k, 0), size - 1);
  });
}

inline Tensor flip(Context& ctx, const Tensor& self, const List<i64>& dims) {
  if (!ctx.ok()) return {};
  const DimMask mask = dim_mask(ctx, dims.span(), self.dim());
  Tensor result = copied(ctx, self);
  for (i64 d = 0; d < self.dim() && ctx.ok(); ++d) {
    if ((mask >> d & 1) == 0) continue;
    const Tensor positions = range_tensor(ctx, self.size(d) - 1, -1, -1, static_cast<i64>(DType::kInt64), None());
    if (self.size(d) > 1) result = index_select(ctx, result, d, positions);
  }
  return result;
}
inline Tensor roll_dim(Context& ctx, const Tensor& self, i64 shift, i64 dim) {
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || self.numel() == 0 || self.dim() == 0) return copied(ctx, self);
  const i64 size = self.size(dim);
  const i64 start = ((-shift % size) + size) % size;
  const Tensor result = Tensor::empty(ctx, self.dtype(), self.sizes());
  if (!ctx.ok()) return {};
  copy_elements(ctx, slice(ctx, result, dim, 0, size - start, 1), slice(ctx, self, dim, start, size, 1));
  copy_elements(ctx, slice(ctx, result, dim, size - start, size, 1), slice(ctx, self, dim, 0, start, 1));
  return result;
}
inline Tensor roll(Context& ctx, const Tensor& self, const List<i64>& shifts, const List<i64>& dims) {
  if (!ctx.ok()) return {};
  if (dims.empty() && shifts.size() == 1) {
    const Tensor flat = reshape_to(ctx, self, Shape(tsc::dims(self.numel())));
    return reshape_to(ctx, roll_dim(ctx, flat, shifts[0], 0), Shape(self.sizes()));
  }
  if (shifts.empty()) return ctx.fail(ErrorKind::kRuntime, "`shifts` required");
  if (shifts.size() != dims.size()) {
    return ctx.fail(ErrorKind::kRuntime, "shifts and dimensions must align. shifts: %lld, dims:%lld",
                    static_cast<long long>(shifts.size()), static_cast<long long>(dims.size()));
  }
  if (self.dim() == 0) {
    return ctx.fail(ErrorKind::kIndex, "Dimension specified as %lld but tensor has no dimensions",
                    static_cast<long long>(dims[0]));
  }
  Tensor result = self;
  for (i64 i = 0; i < shifts.size() && ctx.ok(); ++i) result = roll_dim(ctx, result, shifts[i], dims[i]);
  return result;
}

// Clears the elements above (lower = true) or below a diagonal.
inline Tensor triangle(Context& ctx, const Tensor& self, i64 diagonal, bool lower) {
  if (!ctx.ok()) return {};
  if (self.dim() < 2) {
    return ctx.fail(ErrorKind::kRuntime, "tri%s: input tensor must have at least 2 dimensions", lower ? "l" : "u");
  }
  const Tensor result = contiguous_copy(ctx, self, self.dtype());
  if (!ctx.ok()) return {};
  const i64 rows = self.size(self.dim() - 2), columns = self.size(self.dim() - 1), bytes = self.element_size();
  for (i64 r = 0; columns > 0 && r < result.numel() / columns; ++r) {
    // Columns from `edge` on lie above the diagonal.
    const i64 reach = tsc::min(tsc::max(diagonal, -rows), columns);
    const i64 edge = tsc::min(tsc::max<i64>(r % rows + reach + (lower ? 1 : 0), 0), columns);
    char* row = result.bytes() + r * columns * bytes;
    if (lower) {
      libc::memset(row + edge * bytes, 0, static_cast<size_t>((columns - edge) * bytes));
    } else {
      libc::memset(row, 0, static_cast<size_t>(edge * bytes));
    }
  }
  return result;
}
inline Tensor tril(Context& ctx, const Tensor& self, i64 diagonal = 0) { return triangle(ctx, self, diagonal, true); }
inline Tensor triu(Context& ctx, const Tensor& self, i64 diagonal = 0) { return triangle(ctx, self, diagonal, false); }
inline Tensor tril_(Context& ctx, const Tensor& self, i64 diagonal = 0) {
  return copy_(ctx, self, tril(ctx, self, diagonal));
}
inline Tensor triu_(Context& ctx, const Tensor& self, i64 diagonal = 0) {
  return copy_(ctx, self, triu(ctx, self, diagonal));
}

inline Tensor channel_shuffle(Context& ctx, const Tensor& self, i64 groups) {
  if (!ctx.ok()) return {};
  if (self.dim() < 3) {
    return ctx.fail(ErrorKind::kRuntime, "channel_shuffle expects input with > 2 dims, but got input with sizes %s",
                    SizesText(self.sizes()).text);
  }
  if (groups <= 0) return ctx.fail(ErrorKind::kRuntime, "Number of groups to divide channels in must be positive.");
  const i64 channels = self.size(1);
  if (channels % groups != 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Number of channels must be divisible by groups. Got %lld channels and %lld groups.",
                    static_cast<long long>(channels), static_cast<long long>(groups));
  }
  Shape split(self.sizes());
  split[1] = groups;
  split.insert(2, channels / groups);
  return reshape_to(ctx, dense(ctx, transpose(ctx, reshape_to(ctx, self, split), 1, 2)), Shape(self.sizes()));
}
inline Tensor pixel_shuffle(Context& ctx, const Tensor& self, i64 upscale_factor) {
  if (!ctx.ok()) return {};
  if (self.dim() < 3) {
    return ctx.fail(ErrorKind::kRuntime,
                    "pixel_shuffle expects input to have at least 3 dimensions, but got input with %lld dimension(s)",
                    static_cast<long long>(self.dim()));
  }
  const i64 r = upscale_factor, rank = self.dim();
  if (r <= 0) {
    return ctx.fail(ErrorKind::kRuntime, "pixel_shuffle expects a positive upscale_factor, but got %lld",
                    static_cast<long long>(r));
  }
  const i64 channels = self.size(rank - 3);
  if (channels % (r * r) != 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
                    "upscale_factor, but input.size(-3)=%lld is not divisible by %lld",
                    static_cast<long long>(channels), static_cast<long long>(r * r));
  }
  const i64 height = self.size(rank - 2), width = self.size(rank - 1);
  const i64 batch = channels == 0 || height * width == 0 ? 0 : self.numel() / (channels * height * width);
  const i64 c = channels / (r * r);
  const Tensor split = reshape_to(ctx, self, Shape(dims(batch, c, r, r, height, width)));
  const Tensor moved = permute_dims(ctx, split, dims(0, 1, 4, 2, 5, 3));
  Shape sizes(self.sizes());
  sizes[rank - 3] = c;
  sizes[rank - 2] = height * r;
  sizes[rank - 1] = width * r;
  return reshape_to(ctx, dense(ctx, moved), sizes);
}

// Resampling of images [n][c][h][w].

struct Resampling {
  i64 height = 0, width = 0;
  double scale_h = 0, scale_w = 0;  // input steps per output step; 0: from the sizes
};
inline bool resampling_of(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                          const Optional<List<double>>& scale_factors, Resampling& r) {
  if (!ctx.ok()) return false;
  if (input.dim() != 4) {
    ctx.fail(ErrorKind::kRuntime, "It is expected input_size equals to 4, but got size %lld",
             static_cast<long long>(input.dim()));
    return false;
  }
  if (output_size.has_value() == scale_factors.has_value()) {
    ctx.fail(ErrorKind::kRuntime, "Must specify exactly one of output_size and scale_factors");
    return false;
  }
  if (output_size.has_value() ? output_size->size() != 2 : scale_factors->size() != 2) {
    ctx.fail(ErrorKind::kRuntime, "It is expected output_size equals to 2");
    return false;
  }
  if (output_size.has_value()) {
    r.height = (*output_size)[0];
    r.width = (*output_size)[1];
  } else {
    r.scale_h = 1 / (*scale_factors)[0];
    r.scale_w = 1 / (*scale_factors)[1];
    r.height = truncate_to_int(static_cast<double>(input.size(2)) * (*scale_factors)[0]);
    r.width = truncate_to_int(static_cast<double>(input.size(3)) * (*scale_factors)[1]);
  }
  if (r.height > 0 && r.width > 0 && input.size(2) > 0 && input.size(3) > 0) return true;
  ctx.fail(
      ErrorKind::kRuntime,
      "Input and output sizes should be greater than 0, but got input (H: %lld, W: %lld) output (H: %lld, W: %lld)",
      static_cast<long long>(input.size(2)), static_cast<long long>(input.size(3)), static_cast<long long>(r.height),
      static_cast<long long>(r.width));
  return false;
}
// Positions are computed in float, as PyTorch does.
inline i64 nearest_source(i64 output, float scale, i64 size) {
  return tsc::min(static_cast<i64>(__builtin_floorf(static_cast<float>(output) * scale)), size - 1);
}
inline Tensor upsample_nearest2d(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                                 const Optional<List<double>>& scale_factors) {
  Resampling r;
  if (!resampling_of(ctx, input, output_size, scale_factors, r)) return {};
  if (!is_floating(input.dtype()) && input.dtype() != DType::kUInt8) {
    return ctx.fail(ErrorKind::kType, "\"upsample_nearest2d\" not implemented for '%s'",
                    scalar_type_name(input.dtype()));
  }
  const auto positions = [&](i64 count, i64 size, double given) {
    const float scale = given > 0 ? static_cast<float>(given) : static_cast<float>(size) / static_cast<float>(count);
    const Tensor result = Tensor::empty(ctx, DType::kInt64, dims(count));
    for (i64 i = 0; ctx.ok() && i < count; ++i) result.data<i64>()[i] = nearest_source(i, scale, size);
    return result;
  };
  const Tensor rows = index_select(ctx, input, 2, positions(r.height, input.size(2), r.scale_h));
  return index_select(ctx, rows, 3, positions(r.width, input.size(3), r.scale_w));
}

// Two neighbours and the weight of the second.
template <class C>
struct Between {
  i64 low, high;
  C weight;
};
template <class C>
Between<C> between(i64 output, i64 outputs, i64 size, double given, bool align_corners) {
  C at;
  if (align_corners) {
    const C scale = outputs > 1 ? static_cast<C>(size - 1) / static_cast<C>(outputs - 1) : C(0);
    at = scale * static_cast<C>(output);
  } else {
    const C scale = given > 0 ? static_cast<C>(given) : static_cast<C>(size) / static_cast<C>(outputs);
    at = tsc::max(scale * (static_cast<C>(output) + C(0.5)) - C(0.5), C(0));
  }
  const i64 low = tsc::min(static_cast<i64>(at), size - 1);
  const C weight = tsc::min(tsc::max(at - static_cast<C>(low), C(0)), C(1));
  return {low, low + (low < size - 1 ? 1 : 0), weight};
}
inline Tensor upsample_bilinear2d(Context& ctx, const Tensor& input, const Optional<List<i64>>& output_size,
                                  bool align_corners, const Optional<List<double>>& scale_factors) {
  Resampling r;
  if (!resampling_of(ctx, input, output_size, scale_factors, r)) return {};
  if (!is_floating(input.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"compute_indices_weights_linear\" not implemented for '%s'",
                    scalar_type_name(input.dtype()));
  }
  const Compute compute = compute_of(input.dtype());
  const Tensor from = contiguous_as(ctx, input, dtype_of_compute(compute));
  const Tensor result =
      Tensor::empty(ctx, dtype_of_compute(compute), dims(input.size(0), input.size(1), r.height, r.width));
  if (!ctx.ok()) return {};
  const i64 height = input.size(2), width = input.size(3);
  with_compute(compute, [&]<class C>() {
    if constexpr (__is_same(C, float) || __is_same(C, double)) {
      C* to = result.data<C>();
      for (i64 plane = 0; plane < input.size(0) * input.size(1); ++plane) {
        const C* image = from.data<C>() + plane * height * width;
        for (i64 y = 0; y < r.height; ++y) {
          const Between<C> h = between<C>(y, r.height, height, r.scale_h, align_corners);
          for (i64 x = 0; x < r.width; ++x) {
            const Between<C> w = between<C>(x, r.width, width, r.scale_w, align_corners);
            const C* top = image + h.low * width;
            const C* bottom = image + h.high * width;
            const C upper = (1 - w.weight) * top[w.low] + w.weight * top[w.high];
            const C lower = (1 - w.weight) * bottom[w.low] + w.weight * bottom[w.high];
            *to++ = (1 - h.weight) * upper + h.weight * lower;
          }
        }
      }
    }
  });
  return converted(ctx, result, input.dtype());
}

inline List<Tensor> meshgrid(Context& ctx, const List<Tensor>& tensors) {
  if (!ctx.ok()) return {};
  if (tensors.empty()) return ctx.fail(ErrorKind::kRuntime, "meshgrid expects a non-empty TensorList");
  Shape shape;
  for (const Tensor& t : tensors) {
    if (t.dim() > 1) {
      return ctx.fail(ErrorKind::kRuntime, "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: %s",
                      SizesText(t.sizes()).text);
    }
    if (t.dtype() != tensors[0].dtype()) {
      return ctx.fail(ErrorKind::kRuntime, "torch.meshgrid expects all tensors to have the same dtype");
    }
    shape.push(t.numel());
  }
  List<Tensor> grids = List<Tensor>::make(ctx, tensors.size());
  for (i64 i = 0; i < tensors.size() && ctx.ok(); ++i) {
    Shape own;
    for (i64 d = 0; d < shape.rank; ++d) own.push(d == i ? shape[d] : 1);
    grids.append(expand_sizes(ctx, reshape_to(ctx, tensors[i], own), shape));
  }
  return grids;
}

inline Tensor one_hot(Context& ctx, const Tensor& self, i64 num_classes = -1) {
  if (!ctx.ok()) return {};
  if (self.dtype() != DType::kInt64) {
    return ctx.fail(ErrorKind::kRuntime, "one_hot is only applicable to index tensor of type LongTensor.");
  }
  const Tensor values = dense(ctx, self);
  if (!ctx.ok()) return {};
  i64 largest = -1;
  for (i64 i = 0; i < values.numel(); ++i) {
    const i64 value = values.data<i64>()[i];
    if (value < 0) return ctx.fail(ErrorKind::kRuntime, "Class values must be non-negative.");
    if (num_classes >= 0 && value >= num_classes) {
      return ctx.fail(ErrorKind::kRuntime, "Class values must be smaller than num_classes.");
    }
    largest = tsc::max(largest, value);
  }
  if (values.numel() == 0 && num_classes <= 0) {
    return ctx.fail(ErrorKind::kRuntime, "Can not infer total number of classes from empty tensor.");
  }
  const i64 classes = num_classes >= 0 ? num_classes : largest + 1;
  Shape sizes(self.sizes());
  sizes.push(classes);
  const Tensor result = filled(ctx, sizes, DType::kInt64, 0);
  for (i64 i = 0; ctx.ok() && i < values.numel(); ++i) {
    result.data<i64>()[i * classes + values.data<i64>()[i]] = 1;
  }
  return result;
}

}  // namespace tsc::ops
