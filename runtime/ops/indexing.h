// Reading and writing by index tensors: index_select, gather and scatter, masks, self[i, :, j].
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

}  // namespace tsc::ops
