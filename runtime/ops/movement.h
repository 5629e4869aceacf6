// Ops that move elements about: concatenation, padding, repetition. Most copy elements by their
// size alone, whatever the dtype.
#pragma once

#include "runtime/ops/advanced_indexing.h"

namespace tsc::ops {

// The conjugates of complex numbers; other tensors are their own. PyTorch's conj is a view that shares what is written
// (compiler/conjugates.h refuses such programs), ours is a copy.
inline Tensor conj(Context& ctx, const Tensor& self) {
  if (!tsc::is_complex(self.dtype())) return self;
  const Tensor result = convert_to(ctx, self, self.dtype(), true, None());
  if (!ctx.ok() || result.numel() == 0) return result;
  const Tensor parts = view_as_real(ctx, result);
  neg_(ctx, select(ctx, parts, -1, 1));
  return result;
}
inline Tensor conj_physical(Context& ctx, const Tensor& self) { return conj(ctx, self); }
inline Tensor conj_physical_(Context& ctx, const Tensor& self) {
  if (ctx.ok() && tsc::is_complex(self.dtype())) neg_(ctx, select(ctx, view_as_real(ctx, self), -1, 1));
  return self;
}

// Other sizes for the same tensor, row-major. Elements stay where they lie in memory; new ones are what is found there.
inline Tensor resize(Context& ctx, const Tensor& self, Sizes sizes) {
  i64 bytes;
  if (!ctx.ok() || !self.defined() || !Tensor::check_sizes(ctx, sizes, self.dtype(), bytes) || !writable(ctx, self)) {
    return {};
  }
  if (same_sizes(self.sizes(), sizes)) return self;
  TensorImpl* impl = self.impl();
  Storage* storage = impl->storage;
  if (storage->kind != Storage::Kind::kOwned || (storage->device != nullptr && storage->device->is_callers)) {
    return ctx.fail(ErrorKind::kRuntime,
                    "the memory of an input can't be resized: the caller's tensor keeps its sizes");
  }
  const i64 begin = impl->data - static_cast<char*>(storage->data);
  if (begin + bytes > static_cast<i64>(storage->bytes)) {
    if (storage->references > 1 && storage->bytes > 0) {
      return ctx.fail(ErrorKind::kRuntime,
                      "memory that several tensors share can't be resized: clone() the tensor first");
    }
    Storage* wider = Storage::allocate(ctx, static_cast<size_t>(begin + bytes));
    if (wider == nullptr) return {};
    storage->reach(false);
    __builtin_memcpy(wider->data, storage->data, storage->bytes);
    impl->data = static_cast<char*>(wider->data) + begin;
    impl->storage = wider;
    storage->drop();
  }
  Geometry geometry(self);
  geometry.sizes = Shape(sizes);
  geometry.strides = Shape(sizes);
  Tensor::contiguous_strides(sizes, geometry.strides.items);
  return geometry.apply_to(ctx, self);
}
inline Tensor resize_(Context& ctx, const Tensor& self, const List<i64>& size,
                      const Optional<i64>& memory_format = None()) {
  if (memory_format.value_or(kContiguousFormat) != kContiguousFormat) {
    return ctx.fail(ErrorKind::kRuntime, "resize_: only the contiguous memory format is supported");
  }
  return resize(ctx, self, size.span());
}
inline Tensor resize_as_(Context& ctx, const Tensor& self, const Tensor& the_template,
                         const Optional<i64>& memory_format = None()) {
  if (memory_format.value_or(kContiguousFormat) != kContiguousFormat) {
    return ctx.fail(ErrorKind::kRuntime, "resize_as_: only the contiguous memory format is supported");
  }
  return resize(ctx, self, the_template.sizes());
}

// A result into the destination of an `.out` overload, which takes its sizes; some kernels want exactly their dtype.
inline Tensor write_out_(Context& ctx, const Tensor& self, const Tensor& result, bool exact) {
  if (!ctx.ok() || !self.defined() || !result.defined()) return {};
  if (exact && self.dtype() != result.dtype()) {
    return ctx.fail(ErrorKind::kRuntime, "Expected out tensor to have dtype %s, but got %s instead",
                    scalar_type_name(result.dtype()), scalar_type_name(self.dtype()));
  }
  if (!can_cast(result.dtype(), self.dtype())) {
    return ctx.fail(ErrorKind::kRuntime, "result type %s can't be cast to the desired output type %s",
                    scalar_type_name(result.dtype()), scalar_type_name(self.dtype()));
  }
  if (!resize(ctx, self, result.sizes()).defined()) return {};
  return copy_(ctx, self, result);
}

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
  if (!ctx.ok()) return {};
  bool by_rows = dim > 0 && result.numel() > 0;
  for (i64 i = 0; i < tensors.size(); ++i) {
    by_rows = by_rows && tensors[i].dtype() == result.dtype() && tensors[i].is_contiguous();
  }
  const Blocks b(result, dim);
  if (by_rows && b.size * b.inner >= 256) {  // in the order of the result; narrow rows are copied as elements are
    ctx.parallel_for(b.outer, kGrain / (b.size * b.inner) + 1, [&](i64 begin, i64 end) {
      char* to = result.bytes() + begin * b.size * b.inner;
      for (i64 row = begin; row < end; ++row) {
        for (i64 i = 0; i < tensors.size(); ++i) {
          if (is_skipped(tensors[i])) continue;
          const i64 bytes = tensors[i].size(dim) * b.inner;
          copy_bytes(to, tensors[i].bytes() + row * bytes, bytes);
          to += bytes;
        }
      }
    });
    return result;
  }
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

// How often each element of a dimension is repeated, from the one at `place` on, again and again.
struct Repeats {
  const i64* each;
  i64 each_step, place, size;

  TSC_INLINE i64 next() {
    const i64 count = each[place * each_step];
    place = place + 1 == size ? 0 : place + 1;
    return count;
  }
};
// Fills [to, end) with the elements, each as often as `repeats` says.
template <class T>
[[gnu::noinline]] void repeat_elements(char* to, char* const end, const char* element, Repeats repeats) {
  constexpr i64 kBytes = sizeof(T), kBlock = 32;
  for (; to != end; element += kBytes) {
    // By blocks while there is room: the next element's copies come over what is too much.
    char block[kBlock], *const stop = to + repeats.next() * kBytes;
    TSC_UNROLL
    for (i64 k = 0; k < kBlock; k += kBytes) __builtin_memcpy(block + k, element, kBytes);
    for (; to < stop && end - to >= kBlock; to += kBlock) __builtin_memcpy(to, block, kBlock);
    TSC_NO_VECTORIZE
    for (; to < stop; to += kBytes) __builtin_memcpy(to, element, kBytes);
    to = stop;
  }
}
inline void repeat_rows(char* to, char* const end, const char* row, i64 bytes, Repeats repeats) {
  for (; to != end; row += bytes) {
    for (char* const stop = to + repeats.next() * bytes; to != stop; to += bytes) copy_bytes(to, row, bytes);
  }
}
// Every element `repeats[i]` times along a dimension; without one, of the flattened tensor.
inline Tensor repeat_interleave_tensor(Context& ctx, const Tensor& self, const Tensor& repeats,
                                       const Optional<i64>& dim = None(), const Optional<i64>& output_size = None()) {
  if (!ctx.ok()) return {};
  if (dim.has_value() && self.dim() == 0) {
    return ctx.fail(ErrorKind::kIndex, "Dimension specified as %lld but tensor has no dimensions",
                    static_cast<long long>(*dim));
  }
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
  const i64* const each = counts.data<i64>();
  const bool is_same = counts.numel() == 1;  // count of all elements
  const i64 each_step = is_same ? 0 : 1;
  const auto count = [=](i64 i) { return each[i * each_step]; };
  i64 total = 0;
  for (i64 i = 0; i < (is_same ? tsc::min<i64>(size, 1) : size); ++i) {
    if (count(i) < 0) return ctx.fail(ErrorKind::kRuntime, "repeats can not be negative");
    if (!checked_add(total, count(i), total))
      return ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
  }
  if (is_same && !checked_multiply(total, size, total)) {
    return ctx.fail(ErrorKind::kRuntime, "Storage size calculation overflowed");
  }
  if (output_size.has_value() && *output_size != total) {
    return ctx.fail(ErrorKind::kRuntime, "allocated size does not match required size");
  }
  const Tensor from = dense(ctx, source);
  Shape sizes(source.sizes());
  if (sizes.rank == 0) sizes.push(1);
  sizes[axis] = total;
  const Tensor result = Tensor::empty(ctx, self.dtype(), sizes);
  const Tensor ends = is_same ? Tensor() : Tensor::empty(ctx, DType::kInt64, dims(size));
  if (!ctx.ok() || result.numel() == 0) return result;
  // Where the copies of i begin in the result.
  for (i64 i = 0, sum = 0; i < ends.numel(); ++i) ends.data<i64>()[i] = sum += count(i);
  const auto begin_of = [&](i64 i) { return is_same ? i * count(0) : i == 0 ? 0 : ends.data<i64>()[i - 1]; };
  const Blocks b(from, axis);
  const auto place_of = [&](i64 n) {  // of the copies of element n
    return result.bytes() + (n / size * total + begin_of(n % size)) * b.inner;
  };
  ctx.parallel_for(b.outer * size, kGrain * size / (total * b.inner + 1) + 1, [&](i64 first, i64 last) {
    char *const to = place_of(first), *const end = place_of(last);
    const char* const elements = from.bytes() + first * b.inner;
    const Repeats repeats_from = {each, each_step, first % size, size};
    if (b.inner == self.element_size()) {
      with_bytes(b.inner, [&]<class T>() { repeat_elements<T>(to, end, elements, repeats_from); });
    } else {
      repeat_rows(to, end, elements, b.inner, repeats_from);
    }
  });
  return result;
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
// A tensor of `sizes` whose element [i, j, ...] is self[place(0, i), place(1, j), ...]: padding, rolling. Where a place
// is negative, it is `value`.
template <class Place>
Tensor taken_from_places(Context& ctx, const Tensor& self, const Shape& sizes, const Scalar& value, Place place) {
  const Tensor result = Tensor::empty(ctx, self.dtype(), sizes);
  if (!ctx.ok() || result.numel() == 0) return result;
  if (sizes.rank == 0) return copied(ctx, self);
  // Of each index of each dimension, how many bytes it goes into self.
  constexpr i64 kNowhere = INT64_MIN;
  i64 all = 0, begin[kMaxRank];
  for (i64 d = 0; d < sizes.rank; ++d) {
    begin[d] = all;
    all += sizes[d];
  }
  const i64 bytes = self.element_size(), last = sizes.rank - 1, length = sizes[last];
  const Tensor table = Tensor::empty(ctx, DType::kInt64, dims(all + 2 * length + 1));
  if (!ctx.ok() || !number_fits(ctx, value, self.dtype())) return {};
  i64* const offsets = table.data<i64>();
  for (i64 d = 0; d <= last; ++d) {
    for (i64 i = 0; i < sizes[d]; ++i) {
      const i64 from = place(d, i);
      offsets[begin[d] + i] = from < 0 ? kNowhere : from * self.stride(d) * bytes;
    }
  }
  // A row's stretches: where each begins, and whether it is constant, or its elements are adjacent in self (and many,
  // so that copying them as one is worth a call), or others of self's.
  enum Kind : i64 { kConstant, kAdjacent, kOthers };
  constexpr i64 kMany = 8;
  const i64* const columns = offsets + begin[last];
  i64 *const stretches = offsets + all, *const kinds = stretches + length + 1, stretch_count = 0;
  for (i64 i = 0; i < length;) {
    const bool nowhere = columns[i] == kNowhere;
    i64 end = i + 1;
    while (end < length && columns[end] == (nowhere ? kNowhere : columns[end - 1] + bytes)) ++end;
    const Kind kind = nowhere ? kConstant : end - i < kMany ? kOthers : kAdjacent;
    if (kind != kOthers || stretch_count == 0 || kinds[stretch_count - 1] != kOthers) {
      kinds[stretch_count] = kind;
      stretches[stretch_count++] = i;
    }
    i = end;
  }
  stretches[stretch_count] = length;
  alignas(16) char constant[16] = {};
  store_scalar(value, self.dtype(), constant);
  const i64 lines = last > 0 ? sizes[last - 1] : 1;
  ctx.parallel_for(result.numel() / length, kGrain / length + 1, [&](i64 first_row, i64 last_row) {
    with_bytes(bytes, [&]<class T>() {
      const i64* const places = columns;  // a copy that no store can change
      for (i64 row = first_row; row < last_row;) {
        // The rows of one plane, which differ by their index in the last dimension but one.
        const char* plane = self.bytes();
        bool somewhere = true;
        for (i64 d = last - 2, rest = row / lines; d >= 0; --d) {
          const i64 offset = offsets[begin[d] + rest % sizes[d]];
          rest /= sizes[d];
          somewhere &= offset != kNowhere;
          plane += offset == kNowhere ? 0 : offset;
        }
        const i64 end_line = tsc::min(lines, row % lines + last_row - row);
        for (i64 line = row % lines; line < end_line; ++line, ++row) {
          char* const to = result.bytes() + row * length * bytes;
          const i64 offset = last > 0 ? offsets[begin[last - 1] + line] : 0;
          if (!somewhere || offset == kNowhere) {
            for (i64 i = 0; i < length; ++i) move_element<T>(to, i, constant, 0);
            continue;
          }
          const char* const from = plane + offset;
          for (i64 s = 0; s < stretch_count; ++s) {
            const i64 i = stretches[s], end = stretches[s + 1];
            if (kinds[s] == kAdjacent) {
              copy_bytes(to + i * bytes, from + columns[i], (end - i) * bytes);
            } else if (kinds[s] == kConstant) {
              for (i64 k = i; k < end; ++k) move_element<T>(to, k, constant, 0);
            } else {
              TSC_NO_VECTORIZE
              for (i64 k = i; k < end; ++k) move_element<T>(to, k, from + places[k], 0);
            }
          }
        }
      }
    });
  });
  return result;
}
inline Tensor constant_pad_nd(Context& ctx, const Tensor& self, const List<i64>& pad, const Scalar& value = 0) {
  Shape sizes;
  if (!ctx.ok() || !pad_sizes(ctx, self, pad, sizes)) return {};
  for (i64 i = 0; i < pad.size() / 2; ++i) {
    const i64 cropped = tsc::max<i64>(-pad[2 * i], 0) + tsc::max<i64>(-pad[2 * i + 1], 0);
    if (cropped > self.size(self.dim() - 1 - i)) {
      return ctx.fail(ErrorKind::kRuntime, "narrow(): length must be non-negative.");
    }
  }
  const Tensor padded = taken_from_places(ctx, self, sizes, value, [&](i64 d, i64 k) {
    const i64 pair = self.dim() - 1 - d, place = pair < pad.size() / 2 ? k - pad[2 * pair] : k;
    return place < self.size(d) ? place : -1;
  });
  return in_format_of(ctx, self, padded);
}
// Padding whose elements come from the tensor: along a padded dimension, source(k, size) is where place k is from.
template <class Source>
Tensor pad_from_self(Context& ctx, const Tensor& self, const List<i64>& pad, Source source) {
  Shape sizes;
  if (!ctx.ok() || !pad_sizes(ctx, self, pad, sizes)) return {};
  return taken_from_places(ctx, self, sizes, 0, [&](i64 d, i64 k) {
    const i64 pair = self.dim() - 1 - d;
    return pair < pad.size() / 2 ? source(k - pad[2 * pair], self.size(d)) : k;
  });
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
  bool leaves_any = circular;
  for (i64 i = 0; i < count; ++i) {
    leaves_any = leaves_any || self.size(self.dim() - 1 - i) + pad[2 * i] + pad[2 * i + 1] > 0;
  }
  if (!leaves_any) {
    return ctx.fail(ErrorKind::kRuntime, "Padding leaves nothing in any dimension of input %s",
                    SizesText(self.sizes()).text);
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
    if (ctx.ok() && cuts && rest.size(dim) == 0 && before + after + self.size(dim) > 0) {
      return ctx.fail(ErrorKind::kRuntime, "Padding leaves nothing to repeat at dimension %lld of input %s",
                      static_cast<long long>(dim), SizesText(self.sizes()).text);
    }
  }
  const Tensor padded = pad_from_self(ctx, rest, grown, [&](i64 k, i64 size) {
    if (circular) return (k % size + size) % size;
    if (reflect) return k < 0 ? -k : k >= size ? 2 * (size - 1) - k : k;
    return tsc::min(tsc::max<i64>(k, 0), size - 1);
  });
  return circular ? padded : in_format_of(ctx, self, padded);
}

inline Tensor flip(Context& ctx, const Tensor& self, const List<i64>& dims) {
  if (!ctx.ok()) return {};
  const DimMask mask = dim_mask(ctx, dims.span(), self.dim());
  const Tensor result = empty_preserving(ctx, self, self.dtype());
  if (!ctx.ok() || result.numel() == 0) return result;
  // A view from the other ends, with strides that go back.
  const Shape shape(self.sizes());
  Shape strides(self.strides());
  const char* first = self.bytes();
  for (i64 d = 0; d < self.dim(); ++d) {
    if ((mask >> d & 1) == 0) continue;
    first += (self.size(d) - 1) * self.stride(d) * self.element_size();
    strides[d] = -strides[d];
  }
  LoopBuilder builder(shape);
  builder.add(result);
  builder.add(const_cast<char*>(first), self.sizes(), strides, self.element_size());
  builder.order();
  parallel_loop(ctx, builder.finish(), [&](const Loop& loop) { copy_loop(loop, self.element_size()); });
  return result;
}
// The last `shift` along a dimension come first: 0 <= shift < size.
inline Tensor rolled(Context& ctx, const Tensor& self, i64 shift, i64 dim) {
  const Tensor result = Tensor::empty(ctx, self.dtype(), self.sizes());
  if (!ctx.ok()) return {};
  const i64 size = self.size(dim);
  copy_elements(ctx, slice(ctx, result, dim, 0, shift, 1), slice(ctx, self, dim, size - shift, size, 1));
  copy_elements(ctx, slice(ctx, result, dim, shift, size, 1), slice(ctx, self, dim, 0, size - shift, 1));
  return result;
}
inline Tensor roll(Context& ctx, const Tensor& self, const List<i64>& shifts, const List<i64>& dims) {
  if (!ctx.ok()) return {};
  if (dims.empty() && shifts.size() == 1) {
    const List<i64> first = List<i64>::make(ctx, 1);
    first.append(0);
    if (!ctx.ok()) return {};
    const Tensor flat = reshape_to(ctx, self, Shape(tsc::dims(self.numel())));
    return reshape_to(ctx, roll(ctx, flat, shifts, first), Shape(self.sizes()));
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
  i64 shift[kMaxRank] = {};
  for (i64 i = 0; i < shifts.size(); ++i) {
    const i64 d = wrap_dim(ctx, dims[i], self.dim());
    if (!ctx.ok()) return {};
    if (self.size(d) > 0) shift[d] = (shift[d] + shifts[i] % self.size(d) + self.size(d)) % self.size(d);
  }
  if (shifts.size() == 1) {
    const i64 d = wrap_dim(ctx, dims[0], self.dim());
    return rolled(ctx, self, shift[d], d);
  }
  return taken_from_places(ctx, self, Shape(self.sizes()), 0,
                           [&](i64 d, i64 k) { return k >= shift[d] ? k - shift[d] : k - shift[d] + self.size(d); });
}

// Clears the elements above (lower = true) or below a diagonal.
inline Tensor triangle(Context& ctx, const Tensor& self, i64 diagonal, bool lower) {
  if (!ctx.ok()) return {};
  if (self.dim() < 2) {
    return ctx.fail(ErrorKind::kRuntime, "tri%s: input tensor must have at least 2 dimensions", lower ? "l" : "u");
  }
  const bool is_copied = !self.is_contiguous();
  const Tensor result = is_copied ? copy_dense(ctx, self) : Tensor::empty(ctx, self.dtype(), self.sizes());
  if (!ctx.ok() || result.numel() == 0) return result;
  const i64 rows = self.size(self.dim() - 2), columns = self.size(self.dim() - 1), bytes = self.element_size();
  const i64 reach = tsc::min(tsc::max(diagonal, -rows), columns);
  char* const to = result.bytes();
  const char* const from = is_copied ? to : self.bytes();
  ctx.parallel_for(result.numel() / columns, kGrain / columns + 1, [=](i64 begin, i64 end) {
    for (i64 r = begin; r < end; ++r) {
      // Columns from `edge` on lie above the diagonal.
      const i64 edge = tsc::min(tsc::max<i64>(r % rows + reach + (lower ? 1 : 0), 0), columns);
      const i64 row = r * columns * bytes, middle = row + edge * bytes, next = row + columns * bytes;
      const i64 kept = lower ? row : middle, cleared = lower ? middle : row;
      if (!is_copied) copy_bytes(to + kept, from + kept, lower ? middle - row : next - middle);
      libc::memset(to + cleared, 0, static_cast<size_t>(lower ? next - middle : middle - row));
    }
  });
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
  const Tensor moved = dense(ctx, transpose(ctx, reshape_to(ctx, self, split), 1, 2));
  return in_format_of(ctx, self, reshape_to(ctx, moved, Shape(self.sizes())));
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
  return in_format_of(ctx, self, reshape_to(ctx, dense(ctx, moved), sizes));
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
