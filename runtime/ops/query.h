// Questions about a tensor, and the value of a tensor of one element.
#pragma once

#include "runtime/core/object.h"
#include "runtime/ops/convert.h"

namespace tsc::ops {

inline List<i64> size(Context& ctx, const Tensor& self) { return List<i64>::copy_of(ctx, self.sizes()); }
inline i64 dim_entry(Context& ctx, Sizes entries, i64 dim) {
  if (!ctx.ok()) return 0;
  if (entries.empty()) {
    ctx.fail(ErrorKind::kIndex, "Dimension specified as %lld but tensor has no dimensions",
             static_cast<long long>(dim));
    return 0;
  }
  const i64 d = wrap_dim(ctx, dim, entries.size());
  return d < 0 ? 0 : entries[d];
}
inline i64 size_dim(Context& ctx, const Tensor& self, i64 dim) { return dim_entry(ctx, self.sizes(), dim); }
inline List<i64> stride(Context& ctx, const Tensor& self) { return List<i64>::copy_of(ctx, self.strides()); }
inline i64 stride_dim(Context& ctx, const Tensor& self, i64 dim) { return dim_entry(ctx, self.strides(), dim); }
inline i64 dim(Context&, const Tensor& self) { return self.dim(); }
inline i64 numel(Context&, const Tensor& self) { return self.numel(); }
inline i64 len_tensor(Context& ctx, const Tensor& t) {
  if (t.dim() > 0 || !ctx.ok()) return t.size(0);
  ctx.fail(ErrorKind::kType, "len() of a 0-d tensor");
  return 0;
}
inline i64 dtype(Context&, const Tensor& a) { return static_cast<i64>(a.dtype()); }
inline Device device(Context&, const Tensor&) { return {}; }
inline i64 layout(Context&, const Tensor&) { return 0; }  // strided
inline Str device_type(Context&, const Device& self) {
  return self.type == Device::Type::kCuda ? Str("cuda") : Str("cpu");
}
inline Optional<i64> device_index(Context&, const Device& self) {
  return self.index < 0 ? Optional<i64>() : Optional<i64>(i64{self.index});
}
inline Device device_named(Context& ctx, const Str& name) {
  if (name == "cpu") return {};
  if (name == "cpu:0") return {.type = Device::Type::kCpu, .index = 0};
  ctx.fail(ErrorKind::kUnsupported, "the only device is cpu, not %.*s",
           static_cast<int>(tsc::min<i64>(name.size(), 64)), name.data());
  return {};
}
inline Device device_numbered(Context& ctx, const Str& name, i64 index) {
  Device device = device_named(ctx, name);
  device.index = static_cast<int8_t>(index);
  return device;
}
inline bool is_floating_point(Context&, const Tensor& self) { return is_floating(self.dtype()); }
inline bool is_complex(Context&, const Tensor& self) { return tsc::is_complex(self.dtype()); }
inline bool is_contiguous(Context&, const Tensor& self, i64 memory_format = kContiguousFormat) {
  const bool channels_last = memory_format == kChannelsLast || memory_format == kChannelsLast3d;
  return channels_last ? is_in_format(self, memory_format) : self.is_contiguous();
}
inline bool requires_grad(Context&, const Tensor&) { return false; }
inline bool is_cuda(Context&, const Tensor&) { return false; }
inline bool is_nested(Context&, const Tensor&) { return false; }
inline bool is_mkldnn(Context&, const Tensor&) { return false; }
inline bool is_quantized(Context&, const Tensor&) { return false; }
inline bool is_sparse(Context&, const Tensor&) { return false; }
inline bool is_meta(Context&, const Tensor&) { return false; }
inline bool is_cpu(Context&, const Tensor&) { return true; }

inline Scalar item(Context& ctx, const Tensor& self) {
  if (!ctx.ok()) return 0;
  if (self.numel() == 1) return load_scalar(self.bytes(), self.dtype());
  ctx.fail(ErrorKind::kRuntime, "a Tensor with %lld elements cannot be converted to Scalar",
           static_cast<long long>(self.numel()));
  return 0;
}
inline i64 tensor_to_int(Context& ctx, const Tensor& a) {
  const Scalar value = item(ctx, a);
  return value.is_float() ? truncate_to_int(value.to_double()) : value.to_int();
}
inline double tensor_to_float(Context& ctx, const Tensor& a) { return item(ctx, a).to_double(); }
inline Complex<double> tensor_to_complex(Context& ctx, const Tensor& a) { return item(ctx, a).to_complex(); }
inline bool tensor_to_bool(Context& ctx, const Tensor& a) {
  if (ctx.ok() && a.numel() != 1) {
    ctx.fail(ErrorKind::kRuntime, a.numel() == 0 ? "Boolean value of Tensor with no values is ambiguous"
                                                 : "Boolean value of Tensor with more than one value is ambiguous");
  }
  return item(ctx, a).to_bool();
}

// A number as a 0-d tensor: int64, float64, bool or complex128.
inline Tensor num_to_tensor(Context& ctx, const Scalar& a) {
  const DType dtype = a.is_float() ? DType::kFloat64 : a.is_complex() ? DType::kComplex128 : a.dtype();
  Tensor result = Tensor::empty(ctx, dtype, Sizes());
  if (ctx.ok()) store_scalar(a, dtype, result.bytes());
  return result;
}

// Same sizes and the same elements; a NaN equals nothing.
inline bool equal(Context& ctx, const Tensor& self, const Tensor& other) {
  if (!ctx.ok() || !same_sizes(self.sizes(), other.sizes())) return false;
  const DType common = promote(self.dtype(), other.dtype());
  const DType wide = dtype_of_compute(compute_of(common));
  const Tensor a = contiguous_as(ctx, converted(ctx, self, common), wide);
  const Tensor b = contiguous_as(ctx, converted(ctx, other, common), wide);
  bool same = ctx.ok();
  with_compute(compute_of(wide), [&]<class C>() {
    for (i64 i = 0; same && i < a.numel(); ++i) same = a.data<C>()[i] == b.data<C>()[i];
  });
  return same;
}

// tolist: as deep a list as T says.
template <class T>
struct ToList {
  static T of(Context&, const Tensor& t) {
    const Scalar value = load_scalar(t.bytes(), t.dtype());
    if constexpr (__is_same(T, bool)) {
      return value.to_bool();
    } else if constexpr (__is_same(T, i64)) {
      return value.to_int();
    } else if constexpr (__is_same(T, double)) {
      return value.to_double();
    } else {
      return value.to_complex();
    }
  }
};
template <class T>
struct ToList<List<T>> {
  static List<T> of(Context& ctx, const Tensor& t) {
    List<T> list = List<T>::make(ctx, t.size(0));
    for (i64 i = 0; i < t.size(0) && ctx.ok(); ++i) {
      list.append(ToList<T>::of(ctx, t.view(ctx, Sizes(t.sizes().data() + 1, t.dim() - 1),
                                            Sizes(t.strides().data() + 1, t.dim() - 1), i * t.stride(0))));
    }
    return list;
  }
};
template <class T>
inline constexpr i64 kListDepth = 0;
template <class T>
inline constexpr i64 kListDepth<List<T>> = 1 + kListDepth<T>;
// The type of the elements of nested lists.
template <class T>
struct ListElement {
  using Type = T;
};
template <class T>
struct ListElement<List<T>> : ListElement<T> {};
// T is the program's type; the operands that tell its depth and elements are in it.
template <class T>
T tolist(Context& ctx, const Tensor& t, i64, i64) {
  using Element = typename ListElement<T>::Type;
  if (!ctx.ok()) return T();
  if (t.dim() != kListDepth<T>) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Output annotation list dimension and runtime tensor dimension must match for tolist()");
  }
  const bool fits = __is_same(Element, bool)     ? t.dtype() == DType::kBool
                    : __is_same(Element, i64)    ? t.dtype() == DType::kInt64
                    : __is_same(Element, double) ? is_floating(t.dtype())
                                                 : tsc::is_complex(t.dtype());
  if (!fits) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Output annotation element type and runtime tensor element type must match for tolist()");
  }
  return ToList<T>::of(ctx, t);
}

}  // namespace tsc::ops
