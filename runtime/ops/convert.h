// Conversions and copies of whole tensors. Conversions return the operand itself when nothing changes.
#pragma once

#include "runtime/ops/loop.h"

namespace tsc::ops {

// PyTorch's MemoryFormat codes.
enum MemoryFormat : i64 { kContiguousFormat = 0, kPreserveFormat = 1, kChannelsLast = 2, kChannelsLast3d = 3 };

// A dtype that a program names by its code; kUnknown and an error when the library has none such.
inline DType checked_dtype(Context& ctx, i64 code) {
  if (code >= 0 && code < 16 && element_size(static_cast<DType>(code)) > 0) return static_cast<DType>(code);
  ctx.fail(ErrorKind::kUnsupported, "dtype %lld is not supported", static_cast<long long>(code));
  return DType::kUnknown;
}
inline bool device_ok(Context& ctx, const Device& device) {
  if (device.type != Device::Type::kCpu) ctx.fail(ErrorKind::kUnsupported, "this library runs on the cpu only");
  return ctx.ok();
}
inline bool device_ok(Context& ctx, const Optional<Device>& device) {
  return !device.has_value() || device_ok(ctx, *device);
}

// Images [n][c][...][w] with the channels innermost, uninitialised.
inline Tensor empty_channels_last(Context& ctx, DType dtype, Sizes sizes) {
  const i64 rank = sizes.size();
  Shape strides(sizes);
  strides[1] = 1;
  i64 next = tsc::max<i64>(1, sizes[1]);
  for (i64 d = rank - 1; d >= 2; --d) {
    strides[d] = next;
    next *= tsc::max<i64>(1, sizes[d]);
  }
  strides[0] = next;
  return Tensor::empty_strided(ctx, dtype, sizes, strides);
}
// An uninitialised tensor shaped as `like` in a memory format.
inline Tensor empty_in_format(Context& ctx, const Tensor& like, DType dtype, i64 format) {
  if (!ctx.ok() || !like.defined()) return {};
  if (format == kPreserveFormat) return empty_preserving(ctx, like, dtype);
  if (format == kContiguousFormat) return Tensor::empty(ctx, dtype, like.sizes());
  const i64 rank = format == kChannelsLast ? 4 : 5;
  if (like.dim() != rank) {
    return ctx.fail(ErrorKind::kRuntime, "required rank %lld tensor to use channels_last%s format",
                    static_cast<long long>(rank), rank == 4 ? "" : "_3d");
  }
  return empty_channels_last(ctx, dtype, like.sizes());
}

inline bool is_in_format(const Tensor& t, i64 format) {
  if (format == kPreserveFormat) return true;
  if (format == kContiguousFormat) return t.is_contiguous();
  const i64 rank = format == kChannelsLast ? 4 : 5;
  if (t.dim() != rank) return false;
  i64 expected = 1;
  const auto fits = [&](i64 d) {
    const bool ok = t.size(d) == 1 || t.stride(d) == expected;
    expected *= t.size(d);
    return ok;
  };
  bool ok = fits(1);
  for (i64 d = rank - 1; d >= 2; --d) ok = fits(d) && ok;
  return fits(0) && ok;
}

// Whether images [n][c][...][w] lie with their channels innermost, as PyTorch tells from the order of the strides;
// where the sizes leave it open, they don't.
inline bool is_channels_last(const Tensor& t) {
  const i64 rank = t.dim();
  if (rank < 4 || rank > 5 || t.numel() == 0 || t.stride(1) == 0) return false;
  i64 least = 0;
  for (i64 i = 0; i < rank; ++i) {
    const i64 d = i == 0 ? 1 : i == rank - 1 ? 0 : rank - i;
    if (t.stride(d) < least || (d == 0 && least == t.stride(1))) return false;
    least = t.stride(d) * t.size(d);
  }
  return true;
}
// A new row-major result, in the order that PyTorch gives it: with its channels innermost, as an image's.
inline Tensor in_format_of(Context& ctx, const Tensor& image, const Tensor& result) {
  if (!ctx.ok() || result.dim() != image.dim() || !is_channels_last(image)) return result;
  const Tensor ordered = empty_channels_last(ctx, result.dtype(), result.sizes());
  copy_elements(ctx, ordered, result);
  return ordered;
}
// A new row-major result, in the order of a tensor of its sizes.
inline Tensor in_order_of(Context& ctx, const Tensor& like, const Tensor& result) {
  if (!ctx.ok() || like.is_contiguous()) return result;
  const Tensor ordered = empty_preserving(ctx, like, result.dtype());
  copy_elements(ctx, ordered, result);
  return ordered;
}

inline Tensor convert_to(Context& ctx, const Tensor& self, DType dtype, bool copy, const Optional<i64>& memory_format) {
  if (!ctx.ok() || !self.defined()) return {};
  const i64 format = memory_format.value_or(kPreserveFormat);
  if (!copy && self.dtype() == dtype && is_in_format(self, format)) return self;
  Tensor result = empty_in_format(ctx, self, dtype, format);
  copy_elements(ctx, result, self);
  return result;
}

inline Tensor to_dtype(Context& ctx, const Tensor& self, i64 dtype, bool = false, bool copy = false,
                       const Optional<i64>& memory_format = None()) {
  return convert_to(ctx, self, checked_dtype(ctx, dtype), copy, memory_format);
}
inline Tensor to_device(Context& ctx, const Tensor& self, const Device& device, i64 dtype, bool = false,
                        bool copy = false, const Optional<i64>& memory_format = None()) {
  if (!device_ok(ctx, device)) return {};
  return convert_to(ctx, self, checked_dtype(ctx, dtype), copy, memory_format);
}
inline Tensor to_prim_dtype(Context& ctx, const Tensor& self, const Optional<i64>& dtype = None(), bool = false,
                            bool copy = false) {
  return convert_to(ctx, self, dtype.has_value() ? checked_dtype(ctx, *dtype) : self.dtype(), copy, None());
}
inline Tensor to_prim_device(Context& ctx, const Tensor& self, const Optional<Device>& device,
                             const Optional<i64>& dtype = None(), bool non_blocking = false, bool copy = false) {
  if (!device_ok(ctx, device)) return {};
  return to_prim_dtype(ctx, self, dtype, non_blocking, copy);
}
inline Tensor to_other(Context& ctx, const Tensor& self, const Tensor& other, bool = false, bool copy = false,
                       const Optional<i64>& memory_format = None()) {
  return convert_to(ctx, self, other.dtype(), copy, memory_format);
}
inline Tensor type_as(Context& ctx, const Tensor& self, const Tensor& other) {
  return convert_to(ctx, self, other.dtype(), false, None());
}
inline Tensor clone(Context& ctx, const Tensor& self, const Optional<i64>& memory_format = None()) {
  return convert_to(ctx, self, self.dtype(), true, memory_format);
}
inline Tensor contiguous(Context& ctx, const Tensor& self, i64 memory_format = kContiguousFormat) {
  if (memory_format == kPreserveFormat) {
    return ctx.fail(ErrorKind::kRuntime, "preserve memory format is unsupported by the contiguous operator");
  }
  return convert_to(ctx, self, self.dtype(), false, memory_format);
}

// self[...] = src, broadcast and converted. Memory may overlap in any way.
inline Tensor copy_(Context& ctx, const Tensor& self, const Tensor& src, bool = false) {
  if (!ctx.ok() || !self.defined() || !src.defined()) return {};
  Shape shape(self.sizes());
  if (!broadcast(ctx, shape, src.sizes())) return {};
  if (!same_sizes(shape, self.sizes())) {
    return ctx.fail(ErrorKind::kShape, "output with shape %s doesn't match the broadcast shape %s",
                    SizesText(self.sizes()).text, SizesText(shape).text);
  }
  if (same_elements(self, src) && self.dtype() == src.dtype()) return self;
  if (!destination_ok(ctx, self)) return {};
  const Tensor from = may_overlap(self, src) ? contiguous_copy(ctx, src, src.dtype()) : src;
  if (ctx.ok()) copy_elements(ctx, self, from);
  return self;
}

}  // namespace tsc::ops
