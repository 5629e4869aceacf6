// Views: results share the operand's storage, except where reshape has to copy. In-place twins change the tensor's own
// sizes, so every handle of it sees them.
#pragma once

#include "runtime/ops/loop.h"

namespace tsc::ops {

// Replaces one size of -1 by what the number of elements leaves; false after an error.
inline bool infer_size(Context& ctx, Shape& shape, i64 numel) {
  i64 known = 1, inferred = -1;
  for (i64 d = 0; d < shape.rank; ++d) {
    if (shape[d] == -1 && inferred < 0) {
      inferred = d;
    } else if (shape[d] == -1) {
      ctx.fail(ErrorKind::kRuntime, "only one dimension can be inferred");
      return false;
    } else if (shape[d] < 0) {
      ctx.fail(ErrorKind::kRuntime, "invalid shape dimension %lld", static_cast<long long>(shape[d]));
      return false;
    } else if (!checked_multiply(known, shape[d], known)) {
      ctx.fail(ErrorKind::kShape, "shape '%s' is invalid for input of size %lld", SizesText(shape).text,
               static_cast<long long>(numel));
      return false;
    }
  }
  if (inferred >= 0 && known > 0 && numel % known == 0) {
    shape[inferred] = numel / known;
    return true;
  }
  if (inferred < 0 && known == numel) return true;
  if (inferred >= 0 && known == 0 && numel == 0) {
    ctx.fail(ErrorKind::kRuntime,
             "cannot reshape tensor of 0 elements into shape %s because the unspecified dimension size -1 can be any "
             "value and is ambiguous",
             SizesText(shape).text);
  } else {
    ctx.fail(ErrorKind::kShape, "shape '%s' is invalid for input of size %lld", SizesText(shape).text,
             static_cast<long long>(numel));
  }
  return false;
}

// Strides that show the same elements as `shape` without a copy; false when there are none.
inline bool view_strides(const Tensor& t, const Shape& shape, i64* strides) {
  if (t.numel() == 0) {
    if (same_sizes(t.sizes(), shape)) {
      for (i64 d = 0; d < shape.rank; ++d) strides[d] = t.stride(d);
    } else {
      Tensor::contiguous_strides(shape, strides);
    }
    return true;
  }
  if (t.dim() == 0) {
    for (i64 d = 0; d < shape.rank; ++d) strides[d] = 1;
    return true;
  }
  // Runs of old dimensions that are one in memory, from the innermost out; new dimensions must split such a run.
  i64 d = shape.rank - 1;
  i64 old_numel = 1, new_numel = 1;
  i64 base = t.stride(t.dim() - 1);
  for (i64 o = t.dim() - 1; o >= 0; --o) {
    old_numel *= t.size(o);
    const bool run_ends = o == 0 || (t.size(o - 1) != 1 && t.stride(o - 1) != old_numel * base);
    if (!run_ends) continue;
    while (d >= 0 && (new_numel < old_numel || shape[d] == 1)) {
      strides[d] = new_numel * base;
      new_numel *= shape[d];
      --d;
    }
    if (new_numel != old_numel) return false;
    if (o > 0) {
      base = t.stride(o - 1);
      old_numel = new_numel = 1;
    }
  }
  return d == -1;
}

inline Tensor view(Context& ctx, const Tensor& self, const List<i64>& size) {
  if (!ctx.ok() || !rank_ok(ctx, size.size())) return {};
  Shape shape(size.span());
  if (!infer_size(ctx, shape, self.numel())) return {};
  i64 strides[kMaxRank];
  if (!view_strides(self, shape, strides)) {
    return ctx.fail(ErrorKind::kRuntime,
                    "view size is not compatible with input tensor's size and stride (at least one dimension spans "
                    "across two contiguous subspaces). Use .reshape(...) instead.");
  }
  return self.view(ctx, shape, Sizes(strides, shape.rank));
}

// Complex numbers as pairs of a real and an imaginary part in a last dimension of 2, and back.
inline Tensor view_as_real(Context& ctx, const Tensor& self) {
  if (!ctx.ok()) return {};
  if (!tsc::is_complex(self.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "view_as_real is only supported for complex tensors");
  }
  const i64 rank = self.dim();
  if (!rank_ok(ctx, rank + 1)) return {};
  i64 sizes[kMaxRank], strides[kMaxRank];
  for (i64 d = 0; d < rank; ++d) {
    sizes[d] = self.size(d);
    strides[d] = 2 * self.stride(d);
  }
  sizes[rank] = 2;
  strides[rank] = 1;
  return self.view_as(ctx, real_dtype(self.dtype()), Sizes(sizes, rank + 1), Sizes(strides, rank + 1), 0);
}
inline Tensor view_as_complex(Context& ctx, const Tensor& self) {
  if (!ctx.ok()) return {};
  const DType dtype = complex_dtype(self.dtype());
  const i64 rank = self.dim() - 1;
  if (!is_floating(self.dtype()) || dtype == self.dtype()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar "
                    "type: %s",
                    scalar_type_name(self.dtype()));
  }
  if (rank < 0) return ctx.fail(ErrorKind::kRuntime, "Input tensor must have one or more dimensions");
  if (self.size(rank) != 2) return ctx.fail(ErrorKind::kRuntime, "Tensor must have a last dimension of size 2");
  if (self.stride(rank) != 1) return ctx.fail(ErrorKind::kRuntime, "Tensor must have a last dimension with stride 1");
  i64 strides[kMaxRank];
  bool is_even = self.storage_offset() % 2 == 0;
  for (i64 d = 0; d < rank; ++d) {
    is_even = is_even && self.stride(d) % 2 == 0;
    strides[d] = self.stride(d) / 2;
  }
  if (!is_even) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Tensor must have a storage_offset and strides divisible by 2 for all but last dimension");
  }
  return self.view_as(ctx, dtype, Sizes(self.sizes().data(), rank), Sizes(strides, rank), 0);
}

inline Tensor reshape_to(Context& ctx, const Tensor& self, Shape shape) {
  if (!ctx.ok() || !infer_size(ctx, shape, self.numel())) return {};
  i64 strides[kMaxRank];
  if (view_strides(self, shape, strides)) return self.view(ctx, shape, Sizes(strides, shape.rank));
  const Tensor copy = contiguous_copy(ctx, self, self.dtype());
  Tensor::contiguous_strides(shape, strides);
  return copy.view(ctx, shape, Sizes(strides, shape.rank));
}
inline Tensor reshape(Context& ctx, const Tensor& self, const List<i64>& shape) {
  if (!ctx.ok() || !rank_ok(ctx, shape.size())) return {};
  return reshape_to(ctx, self, Shape(shape.span()));
}
inline Tensor view_as(Context& ctx, const Tensor& self, const Tensor& other) {
  if (!ctx.ok()) return {};
  return view(ctx, self, List<i64>::copy_of(ctx, other.sizes()));
}
inline Tensor reshape_as(Context& ctx, const Tensor& self, const Tensor& other) {
  if (!ctx.ok()) return {};
  return reshape_to(ctx, self, Shape(other.sizes()));
}

// The rows of a linear layer's input, [numel / depth, depth], where its weight is [columns, depth] in float.
inline Tensor linear_rows(Context& ctx, const Tensor& input, i64 depth, i64 columns) {
  if (!ctx.ok()) return {};
  if (input.dim() == 0) {
    return ctx.fail(ErrorKind::kRuntime, "both arguments to linear need to be at least 1D, but they are 0D and 2D");
  }
  if (input.dtype() != DType::kFloat32) {
    return ctx.fail(ErrorKind::kRuntime, "mat1 and mat2 must have the same dtype, but got %s and Float",
                    scalar_type_name(input.dtype()));
  }
  const i64 own_depth = input.size(input.dim() - 1), rows = input.numel() / tsc::max<i64>(own_depth, 1);
  if (own_depth != depth) {
    return ctx.fail(ErrorKind::kShape, "mat1 and mat2 shapes cannot be multiplied (%lldx%lld and %lldx%lld)",
                    static_cast<long long>(rows), static_cast<long long>(own_depth), static_cast<long long>(depth),
                    static_cast<long long>(columns));
  }
  Shape shape;
  shape.push(rows);
  shape.push(depth);
  return reshape_to(ctx, input, shape);
}
// The layer's result for these rows: [..., columns] for an input [..., depth].
inline Tensor linear_result(Context& ctx, const Tensor& rows, const Tensor& input) {
  if (!ctx.ok()) return {};
  if (input.dim() == 0 || rows.dim() != 2)
    return ctx.fail(ErrorKind::kRuntime, "linear_result: expected rows of a matrix");
  Shape shape(input.sizes());
  shape[shape.rank - 1] = rows.size(1);
  return reshape_to(ctx, rows, shape);
}

// A result that is written to `self`, in place: has its sizes, and a dtype that becomes its own.
inline Tensor in_place_result(Context& ctx, const Tensor& result, const Tensor& self) {
  if (!ctx.ok() || !self.defined() || !result.defined()) return {};
  if (!can_cast(result.dtype(), self.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "result type %s can't be cast to the desired output type %s",
                    scalar_type_name(result.dtype()), scalar_type_name(self.dtype()));
  }
  if (!same_sizes(result.sizes(), self.sizes())) {
    return ctx.fail(ErrorKind::kShape, "output with shape %s doesn't match the broadcast shape %s",
                    SizesText(self.sizes()).text, SizesText(result.sizes()).text);
  }
  return result;
}

inline Tensor flatten(Context& ctx, const Tensor& self, i64 start_dim = 0, i64 end_dim = -1) {
  if (!ctx.ok()) return {};
  const i64 start = wrap_dim(ctx, start_dim, self.dim()), end = wrap_dim(ctx, end_dim, self.dim());
  if (!ctx.ok()) return {};
  if (start > end)
    return ctx.fail(ErrorKind::kRuntime, "flatten() has invalid args: start_dim cannot come after end_dim");
  Shape shape;
  if (self.dim() == 0) {
    shape.push(1);
    return reshape_to(ctx, self, shape);
  }
  if (start == end) return self;
  i64 merged = 1;
  for (i64 d = 0; d < self.dim(); ++d) {
    if (d >= start && d <= end) merged *= self.size(d);
    if (d < start || d > end) shape.push(self.size(d));
    if (d == end) shape.push(merged);
  }
  return reshape_to(ctx, self, shape);
}

inline Tensor unflatten(Context& ctx, const Tensor& self, i64 dim, const List<i64>& sizes) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok() || !rank_ok(ctx, self.dim() + sizes.size())) return {};
  if (sizes.empty()) return ctx.fail(ErrorKind::kRuntime, "unflatten: sizes must be non-empty");
  Shape inner(sizes.span());
  const i64 size = self.dim() == 0 ? 1 : self.size(dim);
  i64 product = 1;
  bool inferred = false;
  for (const i64 s : sizes) {
    inferred |= s == -1;
    product *= s == -1 ? 1 : s;
  }
  if (inferred ? product == 0 || size % product != 0 : product != size) {
    return ctx.fail(ErrorKind::kRuntime,
                    "unflatten: Provided sizes %s don't multiply up to the size of dim %lld (%lld) in the input tensor",
                    SizesText(sizes.span()).text, static_cast<long long>(dim), static_cast<long long>(size));
  }
  if (!infer_size(ctx, inner, size)) return {};
  Shape shape(self.sizes());
  if (shape.rank > 0) shape.erase(dim);
  for (i64 i = 0; i < inner.rank; ++i) shape.insert(dim + i, inner[i]);
  i64 strides[kMaxRank];
  view_strides(self, shape, strides);  // splitting a dimension always works
  return self.view(ctx, shape, Sizes(strides, shape.rank));
}

// Sizes and strides of a tensor, to be edited into those of a view.
struct Geometry {
  Shape sizes, strides;
  i64 offset = 0;
  explicit Geometry(const Tensor& t) : sizes(t.sizes()), strides(t.strides()) {}
  void erase(i64 d) {
    sizes.erase(d);
    strides.erase(d);
  }
  void insert(i64 d, i64 size, i64 stride) {
    sizes.insert(d, size);
    strides.insert(d, stride);
  }
  Tensor view_of(Context& ctx, const Tensor& t) const { return t.view(ctx, sizes, strides, offset); }
  // Changes the tensor itself.
  Tensor apply_to(Context& ctx, const Tensor& t) const {
    TensorImpl* impl = t.impl();
    if (!ctx.ok() || !t.defined()) return {};
    if (impl->references == kImmortal) return ctx.fail(ErrorKind::kRuntime, "a constant of the model can't be changed");
    if (!impl->set_rank(sizes.rank)) return {};
    impl->numel = sizes.numel();
    impl->data += offset * t.element_size();
    for (i64 d = 0; d < sizes.rank; ++d) {
      impl->sizes[d] = sizes[d];
      impl->strides[d] = strides[d];
    }
    return t;
  }
};

inline Geometry squeezed(const Tensor& self) {
  Geometry g(self);
  for (i64 d = self.dim() - 1; d >= 0; --d) {
    if (self.size(d) == 1) g.erase(d);
  }
  return g;
}
inline Geometry squeezed(Context& ctx, const Tensor& self, i64 dim) {
  Geometry g(self);
  dim = wrap_dim(ctx, dim, self.dim());
  if (ctx.ok() && self.dim() > 0 && self.size(dim) == 1) g.erase(dim);
  return g;
}
inline Geometry unsqueezed(Context& ctx, const Tensor& self, i64 dim) {
  Geometry g(self);
  dim = wrap_dim(ctx, dim, self.dim() + 1);
  if (!ctx.ok() || !rank_ok(ctx, self.dim() + 1)) return g;
  g.insert(dim, 1, dim < self.dim() ? self.size(dim) * self.stride(dim) : 1);
  return g;
}
inline Geometry transposed(Context& ctx, const Tensor& self, i64 dim0, i64 dim1) {
  Geometry g(self);
  dim0 = wrap_dim(ctx, dim0, self.dim());
  dim1 = wrap_dim(ctx, dim1, self.dim());
  if (!ctx.ok() || self.dim() == 0) return g;
  tsc::swap(g.sizes[dim0], g.sizes[dim1]);
  tsc::swap(g.strides[dim0], g.strides[dim1]);
  return g;
}
inline Geometry matrix_transposed(Context& ctx, const Tensor& self) {
  if (ctx.ok() && self.dim() > 2) {
    ctx.fail(ErrorKind::kRuntime, "t() expects a tensor with <= 2 dimensions, but self is %lldD",
             static_cast<long long>(self.dim()));
  }
  return self.dim() == 2 ? transposed(ctx, self, 0, 1) : Geometry(self);
}

inline Tensor squeeze(Context& ctx, const Tensor& self) { return squeezed(self).view_of(ctx, self); }
inline Tensor squeeze_(Context& ctx, const Tensor& self) { return squeezed(self).apply_to(ctx, self); }
inline Tensor squeeze_dim(Context& ctx, const Tensor& self, i64 dim) {
  return squeezed(ctx, self, dim).view_of(ctx, self);
}
inline Tensor squeeze_dim_(Context& ctx, const Tensor& self, i64 dim) {
  return squeezed(ctx, self, dim).apply_to(ctx, self);
}
inline Tensor unsqueeze(Context& ctx, const Tensor& self, i64 dim) {
  return unsqueezed(ctx, self, dim).view_of(ctx, self);
}
inline Tensor unsqueeze_(Context& ctx, const Tensor& self, i64 dim) {
  return unsqueezed(ctx, self, dim).apply_to(ctx, self);
}
inline Tensor transpose(Context& ctx, const Tensor& self, i64 dim0, i64 dim1) {
  return transposed(ctx, self, dim0, dim1).view_of(ctx, self);
}
inline Tensor transpose_(Context& ctx, const Tensor& self, i64 dim0, i64 dim1) {
  return transposed(ctx, self, dim0, dim1).apply_to(ctx, self);
}
inline Tensor t(Context& ctx, const Tensor& self) { return matrix_transposed(ctx, self).view_of(ctx, self); }
inline Tensor t_(Context& ctx, const Tensor& self) { return matrix_transposed(ctx, self).apply_to(ctx, self); }

inline Tensor permute_dims(Context& ctx, const Tensor& self, Sizes dims) {
  if (!ctx.ok()) return {};
  if (dims.size() != self.dim()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                    "desired ordering of dimensions i.e. input.dim() = %lld is not equal to len(dims) = %lld",
                    static_cast<long long>(self.dim()), static_cast<long long>(dims.size()));
  }
  Geometry g(self);
  uint64_t seen = 0;
  for (i64 d = 0; d < self.dim(); ++d) {
    const i64 from = wrap_dim(ctx, dims[d], self.dim());
    if (!ctx.ok()) return {};
    if (seen >> from & 1) return ctx.fail(ErrorKind::kRuntime, "permute(): duplicate dims are not allowed.");
    seen |= uint64_t{1} << from;
    g.sizes[d] = self.size(from);
    g.strides[d] = self.stride(from);
  }
  return g.view_of(ctx, self);
}
inline Tensor permute(Context& ctx, const Tensor& self, const List<i64>& dims) {
  return permute_dims(ctx, self, dims.span());
}
inline Tensor numpy_T(Context& ctx, const Tensor& self) {
  Shape reversed;
  for (i64 d = self.dim() - 1; d >= 0; --d) reversed.push(d);
  return permute_dims(ctx, self, reversed);
}
inline Tensor movedim(Context& ctx, const Tensor& self, const List<i64>& source, const List<i64>& destination) {
  if (!ctx.ok()) return {};
  if (source.size() != destination.size()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "movedim: Invalid source or destination dims: source (%s dims) should contain the same number of "
                    "dims as destination (%s dims)",
                    SizesText(source.span()).text, SizesText(destination.span()).text);
  }
  i64 order[kMaxRank];
  bool taken[kMaxRank] = {};
  for (i64 d = 0; d < self.dim(); ++d) order[d] = -1;
  for (i64 i = 0; i < source.size(); ++i) {
    const i64 from = wrap_dim(ctx, source[i], self.dim()), to = wrap_dim(ctx, destination[i], self.dim());
    if (!ctx.ok()) return {};
    if (self.dim() == 0) continue;
    if (taken[from] || order[to] >= 0) {
      return ctx.fail(ErrorKind::kRuntime, "movedim: repeated dim in `source` or `destination`");
    }
    taken[from] = true;
    order[to] = from;
  }
  i64 next = 0;
  for (i64 d = 0; d < self.dim(); ++d) {
    if (order[d] >= 0) continue;
    while (taken[next]) ++next;
    order[d] = next++;
  }
  return permute_dims(ctx, self, Sizes(order, self.dim()));
}
inline Tensor movedim_int(Context& ctx, const Tensor& self, i64 source, i64 destination) {
  if (!ctx.ok()) return {};
  return movedim(ctx, self, List<i64>::of(ctx, source), List<i64>::of(ctx, destination));
}

inline Tensor expand_sizes(Context& ctx, const Tensor& self, Sizes size) {
  if (!ctx.ok() || !rank_ok(ctx, size.size())) return {};
  if (size.size() < self.dim()) {
    return ctx.fail(ErrorKind::kRuntime,
                    "expand(torch.%sTensor{%s}, size=%s): the number of sizes provided (%lld) must be greater or equal "
                    "to the number of dimensions in the tensor (%lld)",
                    scalar_type_name(self.dtype()), SizesText(self.sizes()).text, SizesText(size).text,
                    static_cast<long long>(size.size()), static_cast<long long>(self.dim()));
  }
  Shape sizes(size), strides;
  strides.rank = sizes.rank;
  for (i64 d = sizes.rank - 1, s = self.dim() - 1; d >= 0; --d, --s) {
    const i64 own = s >= 0 ? self.size(s) : 1;
    strides[d] = s >= 0 ? self.stride(s) : d + 1 < sizes.rank ? sizes[d + 1] * strides[d + 1] : 1;
    if (sizes[d] == -1 && s >= 0) sizes[d] = own;
    if (sizes[d] < 0) {
      return ctx.fail(ErrorKind::kRuntime,
                      "The expanded size of the tensor (%lld) isn't allowed in a leading, non-existing dimension %lld",
                      static_cast<long long>(sizes[d]), static_cast<long long>(d));
    }
    if (sizes[d] == own) continue;
    if (own != 1) {
      return ctx.fail(ErrorKind::kShape,
                      "The expanded size of the tensor (%lld) must match the existing size (%lld) at non-singleton "
                      "dimension %lld.  Target sizes: %s.  Tensor sizes: %s",
                      static_cast<long long>(sizes[d]), static_cast<long long>(own), static_cast<long long>(d),
                      SizesText(size).text, SizesText(self.sizes()).text);
    }
    strides[d] = 0;
  }
  return self.view(ctx, sizes, strides);
}
inline Tensor expand(Context& ctx, const Tensor& self, const List<i64>& size, bool = false) {
  return expand_sizes(ctx, self, size.span());
}
inline Tensor expand_as(Context& ctx, const Tensor& self, const Tensor& other) {
  return expand_sizes(ctx, self, other.sizes());
}

inline Tensor select(Context& ctx, const Tensor& self, i64 dim, i64 index) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kIndex, "select() cannot be applied to a 0-dim tensor.");
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim);
  if (index < -size || index >= size) {
    return ctx.fail(ErrorKind::kIndex, "select(): index %lld out of range for tensor of size %s at dimension %lld",
                    static_cast<long long>(index), SizesText(self.sizes()).text, static_cast<long long>(dim));
  }
  Geometry g(self);
  g.offset = (index < 0 ? index + size : index) * self.stride(dim);
  g.erase(dim);
  return g.view_of(ctx, self);
}

inline Tensor slice(Context& ctx, const Tensor& self, i64 dim = 0, const Optional<i64>& start = None(),
                    const Optional<i64>& end = None(), i64 step = 1) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "slice() cannot be applied to a 0-dim tensor.");
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (step <= 0) return ctx.fail(ErrorKind::kRuntime, "slice step must be positive");
  const i64 size = self.size(dim);
  const auto place = [&](i64 i) { return tsc::min(tsc::max<i64>(i < 0 ? i + size : i, 0), size); };
  const i64 from = start.has_value() ? place(*start) : 0;
  const i64 to = tsc::max(end.has_value() ? place(*end) : size, from);
  Geometry g(self);
  g.offset = from * self.stride(dim);
  g.sizes[dim] = to == from ? 0 : (to - from - 1) / step + 1;
  if (!checked_multiply(self.stride(dim), step, g.strides[dim])) g.strides[dim] = 0;  // then there is one element
  return g.view_of(ctx, self);
}

inline Tensor narrow(Context& ctx, const Tensor& self, i64 dim, i64 start, i64 length) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "narrow() cannot be applied to a 0-dim tensor.");
  if (length < 0) return ctx.fail(ErrorKind::kRuntime, "narrow(): length must be non-negative.");
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim);
  if (start < -size || start > size) {
    return ctx.fail(ErrorKind::kIndex, "start out of range (expected to be in range of [%lld, %lld], but got %lld)",
                    static_cast<long long>(-size), static_cast<long long>(size), static_cast<long long>(start));
  }
  if (start < 0) start += size;
  if (length > size - start) {
    return ctx.fail(ErrorKind::kRuntime, "start (%lld) + length (%lld) exceeds dimension size (%lld).",
                    static_cast<long long>(start), static_cast<long long>(length), static_cast<long long>(size));
  }
  return slice(ctx, self, dim, start, start + length, 1);
}

inline Tensor detach(Context& ctx, const Tensor& self) { return self.alias(ctx); }
inline Tensor detach_(Context&, const Tensor& self) { return self; }
inline Tensor alias(Context& ctx, const Tensor& self) { return self.alias(ctx); }

inline Tensor diagonal(Context& ctx, const Tensor& self, i64 offset = 0, i64 dim1 = 0, i64 dim2 = 1) {
  if (!ctx.ok()) return {};
  dim1 = wrap_dim(ctx, dim1, self.dim());
  dim2 = wrap_dim(ctx, dim2, self.dim());
  if (!ctx.ok()) return {};
  if (dim1 == dim2) {
    return ctx.fail(ErrorKind::kRuntime, "diagonal dimensions cannot be identical %lld, %lld",
                    static_cast<long long>(dim1), static_cast<long long>(dim2));
  }
  const i64 rows = tsc::min(offset, i64{0}), columns = tsc::max(offset, i64{0});
  const i64 length = tsc::max<i64>(tsc::min(self.size(dim1) + rows, self.size(dim2) - columns), 0);
  Geometry g(self);
  if (length > 0) g.offset = columns * self.stride(dim2) - rows * self.stride(dim1);
  const i64 stride = self.stride(dim1) + self.stride(dim2);
  g.erase(tsc::max(dim1, dim2));
  g.erase(tsc::min(dim1, dim2));
  g.insert(g.sizes.rank, length, stride);
  return g.view_of(ctx, self);
}

inline Geometry strided(Context& ctx, const Tensor& self, const List<i64>& size, const List<i64>& stride,
                        const Optional<i64>& storage_offset) {
  Geometry g(self);
  if (!ctx.ok() || !self.defined() || !rank_ok(ctx, size.size())) return g;
  if (size.size() != stride.size()) {
    ctx.fail(ErrorKind::kRuntime, "mismatch in length of strides and shape");
    return g;
  }
  g.sizes = Shape(size.span());
  g.strides = Shape(stride.span());
  const i64 offset = storage_offset.value_or(self.storage_offset());
  const Storage* storage = self.impl()->storage;
  const i64 first = static_cast<i64>(self.bytes() - static_cast<const char*>(storage->data));
  i64 bytes = 0, numel_bytes = 0, last = 0;
  if (!Tensor::check_sizes(ctx, g.sizes, self.dtype(), numel_bytes)) return g;
  const bool reachable = offset >= 0 && Tensor::extent_bytes(g.sizes, g.strides, self.element_size(), bytes) &&
                         checked_multiply(offset, self.element_size(), last) && checked_add(last, bytes, last) &&
                         last <= static_cast<i64>(storage->bytes);
  if (!reachable && g.sizes.numel() != 0) {
    ctx.fail(ErrorKind::kRuntime,
             "setStorage: sizes %s, strides %s, storage offset %lld, and itemsize %lld are out of bounds for storage "
             "of size %lld",
             SizesText(g.sizes).text, SizesText(g.strides).text, static_cast<long long>(offset),
             static_cast<long long>(self.element_size()), static_cast<long long>(storage->bytes));
    return g;
  }
  g.offset = reachable ? offset - first / self.element_size() : 0;
  return g;
}
inline Tensor as_strided(Context& ctx, const Tensor& self, const List<i64>& size, const List<i64>& stride,
                         const Optional<i64>& storage_offset = None()) {
  return strided(ctx, self, size, stride, storage_offset).view_of(ctx, self);
}
inline Tensor as_strided_(Context& ctx, const Tensor& self, const List<i64>& size, const List<i64>& stride,
                          const Optional<i64>& storage_offset = None()) {
  return strided(ctx, self, size, stride, storage_offset).apply_to(ctx, self);
}

// Lists of views.

inline List<Tensor> split_with_sizes(Context& ctx, const Tensor& self, const List<i64>& split_sizes, i64 dim = 0) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "split expects at least a 1-dimensional tensor");
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim);
  i64 sum = 0;
  bool valid = true;
  for (const i64 s : split_sizes) valid &= s >= 0 && checked_add(sum, s, sum);
  if (!valid || sum != size) {
    return ctx.fail(ErrorKind::kRuntime,
                    "split_with_sizes expects split_sizes to sum exactly to %lld (input tensor's size at dimension "
                    "%lld), but got split_sizes=%s",
                    static_cast<long long>(size), static_cast<long long>(dim), SizesText(split_sizes.span()).text);
  }
  List<Tensor> parts = List<Tensor>::make(ctx, split_sizes.size());
  i64 start = 0;
  for (const i64 length : split_sizes) {
    parts.append(slice(ctx, self, dim, start, start + length, 1));
    start += length;
  }
  return parts;
}

inline List<Tensor> split(Context& ctx, const Tensor& self, i64 split_size, i64 dim = 0) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "split expects at least a 1-dimensional tensor");
  if (split_size < 0) {
    return ctx.fail(ErrorKind::kRuntime, "split expects split_size be non-negative, but got split_size=%lld",
                    static_cast<long long>(split_size));
  }
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim);
  if (split_size == 0 && size != 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "split_size can only be 0 if dimension size is 0, but got dimension size of %lld",
                    static_cast<long long>(size));
  }
  const i64 count = split_size == 0 ? 1 : tsc::max<i64>((size - 1 + split_size) / split_size, 1);
  List<Tensor> parts = List<Tensor>::make(ctx, count);
  for (i64 i = 0; i < count && ctx.ok(); ++i) {
    parts.append(slice(ctx, self, dim, i * split_size, tsc::min((i + 1) * split_size, size), 1));
  }
  return parts;
}

inline List<Tensor> chunk(Context& ctx, const Tensor& self, i64 chunks, i64 dim = 0) {
  if (!ctx.ok()) return {};
  if (self.dim() == 0) return ctx.fail(ErrorKind::kRuntime, "chunk expects at least a 1-dimensional tensor");
  if (chunks <= 0) {
    return ctx.fail(ErrorKind::kRuntime, "chunk expects `chunks` to be greater than 0, got: %lld",
                    static_cast<long long>(chunks));
  }
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim), each = (size + chunks - 1) / chunks;
  if (each > 0 || size > 0) return split(ctx, self, each, dim);
  List<i64> sizes = List<i64>::make(ctx, chunks);
  for (i64 i = 0; i < chunks && ctx.ok(); ++i) sizes.append(0);
  return split_with_sizes(ctx, self, sizes, dim);
}

inline List<Tensor> unbind(Context& ctx, const Tensor& self, i64 dim = 0) {
  if (!ctx.ok()) return {};
  dim = wrap_dim(ctx, dim, self.dim());
  if (!ctx.ok()) return {};
  if (self.dim() == 0) {
    return ctx.fail(ErrorKind::kIndex, "Dimension specified as %lld but tensor has no dimensions",
                    static_cast<long long>(dim));
  }
  List<Tensor> parts = List<Tensor>::make(ctx, self.size(dim));
  for (i64 i = 0; i < self.size(dim) && ctx.ok(); ++i) parts.append(select(ctx, self, dim, i));
  return parts;
}

inline Tensor unfold(Context& ctx, const Tensor& self, i64 dimension, i64 size, i64 step) {
  if (!ctx.ok()) return {};
  const i64 dim = wrap_dim(ctx, dimension, self.dim());
  if (!ctx.ok()) return {};
  const i64 extent = self.dim() == 0 ? 1 : self.size(dim);
  if (size > extent || size < 0) {
    return ctx.fail(ErrorKind::kRuntime, "maximum size for tensor at dimension %lld is %lld but size is %lld",
                    static_cast<long long>(dim), static_cast<long long>(extent), static_cast<long long>(size));
  }
  if (step <= 0) return ctx.fail(ErrorKind::kRuntime, "step is %lld but must be > 0", static_cast<long long>(step));
  Geometry g(self);
  const i64 stride = self.dim() == 0 ? 1 : self.stride(dim);
  if (self.dim() > 0) {
    g.sizes[dim] = (extent - size) / step + 1;
    g.strides[dim] = stride * step;
  }
  g.insert(g.sizes.rank, size, stride);
  return g.view_of(ctx, self);
}

}  // namespace tsc::ops
