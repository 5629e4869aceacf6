// Indexing by several tensors and by masks: self[i, :, j], nonzero, masked_select.
#pragma once

#include "runtime/ops/indexing.h"

namespace tsc::ops {

// Of a mask: how many are set in each of the parts that threads get, and where each part begins among all.
inline constexpr i64 kMaskPart = 1 << 14;
inline i64 count_set(const bool* mask, i64 n) {
  i64 count = 0;
  for (i64 i = 0; i < n; ++i) count += mask[i];
  return count;
}
// Calls `visit(first element, last, number of those set before)` for the parts of a mask that has any set, after `made`
// got the number of all.
template <class Made, class Visit>
void for_each_mask_part(Context& ctx, const bool* mask, i64 n, Made made, Visit visit) {
  const i64 parts = (n + kMaskPart - 1) / kMaskPart;
  const Scratch scratch(ctx, static_cast<size_t>(parts + 1) * sizeof(i64));
  if (!ctx.ok()) return;
  i64* before = reinterpret_cast<i64*>(scratch.data());
  const auto end_of = [&](i64 part) { return tsc::min((part + 1) * kMaskPart, n); };
  ctx.parallel_for(parts, 8, [&](i64 first, i64 last) {
    for (i64 p = first; p < last; ++p) before[p + 1] = count_set(mask + p * kMaskPart, end_of(p) - p * kMaskPart);
  });
  before[0] = 0;
  for (i64 p = 0; p < parts; ++p) before[p + 1] += before[p];
  made(before[parts]);
  if (!ctx.ok()) return;
  ctx.parallel_for(parts, 4, [&](i64 first, i64 last) {
    for (i64 p = first; p < last; ++p) {
      if (before[p + 1] > before[p]) visit(p * kMaskPart, end_of(p), before[p]);
    }
  });
}
inline Tensor nonzero(Context& ctx, const Tensor& self) {
  const Tensor set = contiguous_as(ctx, self, DType::kBool);
  if (!ctx.ok()) return {};
  const bool* mask = set.data<bool>();
  const i64 rank = self.dim();
  Tensor result;
  const auto make = [&](i64 count) { result = Tensor::empty(ctx, DType::kInt64, dims(count, rank)); };
  for_each_mask_part(ctx, mask, set.numel(), make, [&](i64 begin, i64 end, i64 before) {
    i64* to = result.data<i64>() + before * rank;
    if (rank == 0) return;
    // The coordinates of `begin`, then row by row along the last dimension.
    i64 at[kMaxRank];
    for (i64 d = rank - 1, rest = begin; d >= 0; --d) {
      at[d] = rest % self.size(d);
      rest /= self.size(d);
    }
    const i64 length = self.size(rank - 1);
    while (begin < end) {
      const i64 first = at[rank - 1], last = tsc::min(length, first + end - begin);
      const bool* row = mask + begin - first;
      for (i64 i = first; i < last; ++i) {
        if (!row[i]) continue;
        for (i64 d = 0; d < rank - 1; ++d) to[d] = at[d];
        to[rank - 1] = i;
        to += rank;
      }
      begin += last - first;
      at[rank - 1] = 0;
      for (i64 d = rank - 2; d >= 0 && ++at[d] == self.size(d); --d) at[d] = 0;
    }
  });
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
  // A row-major result in the order of an elementwise op on self and the indices, which is PyTorch's.
  Tensor ordered(const Tensor& result) const {
    Shape strides(result_);
    LoopBuilder builder(result_);
    for (i64 k = -1; k < count_ && k + 1 < kMaxLoopOperands; ++k) {
      i64 at = 0, d = 0;
      for (i64 r = 0; r < result_.rank; ++r) {
        const bool is_common = r >= first_ && r < first_ + common_.rank;
        while (k < 0 && !is_common && is_indexed(d)) ++d;
        strides[r] = k < 0 ? (is_common ? 0 : self_.stride(d++)) : is_common ? strides_[k][at++] : 0;
      }
      builder.add(result.bytes(), result_, strides, 1);
    }
    builder.order();
    i64 new_strides[kMaxRank];
    builder.new_strides(new_strides);
    bool is_row_major = true;
    for (i64 d = 0; d < result_.rank; ++d) is_row_major &= result_[d] == 1 || new_strides[d] == result.stride(d);
    if (is_row_major) return result;
    const Tensor moved = Tensor::empty_strided(ctx_, result.dtype(), result_, Sizes(new_strides, result_.rank));
    copy_elements(ctx_, moved, result);
    return moved;
  }
  // Calls `visit(n, offset, count, step)` for runs of elements of the result, of its rows from `begin` to `end`:
  // `count` of them from place n on, which in self are at `offset` and then `step` apart.
  i64 rows() const { return row_length() == 0 ? 0 : result_.numel() / row_length(); }
  i64 row_length() const { return inner_.rank == 0 ? 1 : inner_.numel(); }
  template <class Visit>
  void for_each(i64 begin, i64 end, Visit visit) const {
    const i64 count = common_.numel(), length = row_length();
    i64 n = begin * length;
    for (i64 row = begin; row < end;) {
      const i64 first = row % count, last = tsc::min(count, first + end - row);
      i64 outer = 0;
      for (i64 d = outer_.rank - 1, rest = row / count; d >= 0; --d) {
        outer += rest % outer_[d] * outer_strides_[d];
        rest /= outer_[d];
      }
      const i64* offsets = offsets_.data<i64>();
      if (inner_.rank == 0) {
        for (i64 c = first; c < last; ++c) visit(n++, outer + offsets[c], 1, 1);
      } else {
        for (i64 c = first; c < last; ++c, n += length) for_each_inner(n, outer + offsets[c], visit);
      }
      row += last - first;
    }
  }

 private:
  static constexpr i64 kMaxIndices = 16;
  template <class Visit>
  void for_each_inner(i64 n, i64 offset, Visit visit) const {
    const i64 last = inner_.rank - 1, length = inner_[last], step = inner_strides_[last];
    i64 at[kMaxRank] = {};
    for (;;) {
      visit(n, offset, length, step);
      n += length;
      i64 d = last - 1;
      for (; d >= 0; --d) {
        offset += inner_strides_[d];
        if (++at[d] < inner_[d]) break;
        offset -= inner_strides_[d] * inner_[d];
        at[d] = 0;
      }
      if (d < 0) return;
    }
  }

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
    bool placed = false;
    for (i64 d = 0; d <= self_.dim(); ++d) {
      if (result_.rank == first_ && !placed) {
        for (i64 c = 0; c < common_.rank; ++c) push(common_[c]);
        placed = true;
      }
      if (d == self_.dim() || is_indexed(d)) continue;
      push(self_.size(d));
      if (self_.size(d) == 1) continue;
      if (!placed) {
        outer_.push(self_.size(d));
        outer_strides_.push(self_.stride(d));
      } else if (inner_.rank > 0 && inner_strides_[inner_.rank - 1] == self_.stride(d) * self_.size(d)) {
        inner_[inner_.rank - 1] *= self_.size(d);
        inner_strides_[inner_.rank - 1] = self_.stride(d);
      } else {
        inner_.push(self_.size(d));
        inner_strides_.push(self_.stride(d));
      }
    }
    const bool empty = result_.numel() == 0;
    for (i64 k = 0; k < count_ && ctx_.ok(); ++k) {
      const Tensor expanded = expand_sizes(ctx_, tensors_[k], common_);
      if (ctx_.ok()) strides_[k] = Shape(expanded.strides());
      // Without results no index is read, so none is refused, unless there is nothing that it could mean.
      if (self_.size(dims_[k]) == 0 && expanded.numel() > 0) {
        ctx_.fail(ErrorKind::kIndex, "index is out of bounds for dimension with size 0");
      }
      tensors_[k] = empty ? expanded : checked_indices(ctx_, expanded, self_.size(dims_[k]), Wrap::kNegative, "index");
    }
    if (!ctx_.ok() || empty) return;
    if (count_ == 1 && self_.stride(dims_[0]) == 1 && !may_overlap(self_, tensors_[0])) {
      offsets_ = tensors_[0];
      return;
    }
    offsets_ = Tensor::empty(ctx_, DType::kInt64, dims(common_.numel()));
    if (!ctx_.ok()) return;
    i64* const offsets = offsets_.data<i64>();
    ctx_.parallel_for(offsets_.numel(), kGrain, [&](i64 begin, i64 end) {
      if (count_ == 0) libc::memset(offsets + begin, 0, sizeof(i64) * static_cast<size_t>(end - begin));
      for (i64 k = 0; k < count_; ++k) {
        const i64 stride = self_.stride(dims_[k]), *index = tensors_[k].data<i64>();
        for (i64 c = begin; c < end; ++c) offsets[c] = (k == 0 ? 0 : offsets[c]) + index[c] * stride;
      }
    });
  }
  bool is_indexed(i64 d) const {
    for (i64 k = 0; k < count_; ++k) {
      if (dims_[k] == d) return true;
    }
    return false;
  }
  void push(i64 size) {
    if (rank_ok(ctx_, result_.rank + 1)) result_.push(size);
  }

  Context& ctx_;
  const Tensor& self_;
  Tensor tensors_[kMaxIndices];
  i64 dims_[kMaxIndices];
  i64 count_ = 0;
  Shape strides_[kMaxIndices];
  Shape common_;  // of all indices
  Shape result_;
  Shape outer_, outer_strides_, inner_, inner_strides_;  // self's other dimensions, before and after the indices'
  Tensor offsets_;                                       // of all indices together, in elements
  i64 first_ = 0;                                        // where the indices' dimensions begin in the result
};

inline Tensor index(Context& ctx, const Tensor& self, const List<Optional<Tensor>>& indices) {
  const Indexing indexing(ctx, self, indices);
  if (!ctx.ok()) return {};
  const Tensor result = Tensor::empty(ctx, self.dtype(), indexing.shape());
  if (!ctx.ok() || result.numel() == 0) return result;
  with_bytes(self.element_size(), [&]<class T>() {
    ctx.parallel_for(indexing.rows(), kGrain / tsc::max<i64>(indexing.row_length(), 1) + 1, [&](i64 begin, i64 end) {
      char* const to = result.bytes();
      const char* const from = self.bytes();
      indexing.for_each(begin, end, [=](i64 n, i64 offset, i64 count, i64 step) __attribute__((always_inline)) {
        if (step == 1 && count > 1) {
          __builtin_memcpy(to + n * sizeof(T), from + offset * sizeof(T), count * sizeof(T));
        } else {
          for (i64 i = 0; i < count; ++i) move_element<T>(to, n + i, from, offset + i * step);
        }
      });
    });
  });
  return indexing.ordered(result);
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
  i64 extent = 0;
  Tensor::extent_bytes(self.sizes(), self.strides(), bytes, extent);
  // Each of a few threads goes over all indices and writes what lies in its part of self: of those that name one
  // element the last one wins, as on one thread.
  const i64 parts = from.numel() > kGrain && self.numel() > 0 ? tsc::min<i64>(ctx.threads(), 4) : 1;
  with_store(self.dtype(), accumulate ? Store::kAdd : Store::kAssign, [&](auto put) {
    ctx.parallel_for(parts, 1, [&, to = self.bytes(), data = from.bytes()](i64 begin, i64 end) {
      const i64 low = extent / bytes * begin / parts, reach = extent / bytes * end / parts - low;
      alignas(16) char spare[16] = {};
      indexing.for_each(0, indexing.rows(),
                        [=, &spare](i64 n, i64 offset, i64 count, i64 step) __attribute__((always_inline)) {
                          const bool is_own = static_cast<uint64_t>(offset - low) < static_cast<uint64_t>(reach);
                          if (count == 1) {
                            put(is_own ? to : spare, is_own ? offset : 0, data, n);
                          } else if (!is_own) {
                            return;
                          } else if (step == 1 && !accumulate) {
                            copy_bytes(to + offset * bytes, data + n * bytes, count * bytes);
                          } else {
                            for (i64 i = 0; i < count; ++i) put(to, offset + i * step, data, n + i);
                          }
                        });
    });
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
  Tensor result;
  const bool* set = chosen.data<bool>();
  const auto make = [&](i64 count) { result = Tensor::empty(ctx, self.dtype(), dims(count)); };
  for_each_mask_part(ctx, set, chosen.numel(), make, [&](i64 begin, i64 end, i64 at) {
    with_bytes(self.element_size(), [&]<class T>() {
      const bool* const chosen_here = set;
      const char* const from = elements.bytes();
      char* to = result.bytes() + at * static_cast<i64>(sizeof(T));
      for (i64 i = begin; i < end; ++i) {
        if (!chosen_here[i]) continue;
        move_element<T>(to, 0, from, i);
        to += sizeof(T);
      }
    });
  });
  return result;
}

}  // namespace tsc::ops
