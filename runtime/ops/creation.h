// New tensors. A dtype of None means torch's default, float32, or the dtype of the tensor or number given.
#pragma once

#include "runtime/ops/convert.h"

namespace tsc::ops {

using OptionalInt = Optional<i64>;
using OptionalDevice = Optional<Device>;
using OptionalBool = Optional<bool>;

inline DType dtype_or(Context& ctx, const OptionalInt& dtype, DType other) {
  return dtype.has_value() ? checked_dtype(ctx, *dtype) : other;
}

// Writes one value to every element.
inline void fill_elements(Context& ctx, const Tensor& t, const Scalar& value) {
  if (!number_fits(ctx, value, t.dtype()) || t.numel() == 0) return;
  alignas(16) char element[16] = {};
  store_scalar(value, t.dtype(), element);
  const Shape shape(t.sizes());
  LoopBuilder builder(shape);
  builder.add(t);
  builder.order();
  const Loop& loop = builder.finish();
  bool zero = true;
  for (const char byte : element) zero &= byte == 0;
  for_each_row(loop, [&](char* const* at) {
    if (zero && loop.strides[0][0] == t.element_size()) {
      libc::memset(at[0], 0, static_cast<size_t>(loop.sizes[0] * t.element_size()));
    } else {
      copy_row(at[0], loop.strides[0][0], element, 0, t.element_size(), loop.sizes[0]);
    }
  });
}
inline Tensor filled(Context& ctx, Sizes sizes, DType dtype, const Scalar& value) {
  Tensor result = Tensor::empty(ctx, dtype, sizes);
  fill_elements(ctx, result, value);
  return result;
}
inline Tensor filled_like(Context& ctx, const Tensor& self, const OptionalInt& dtype, const OptionalDevice& device,
                          const OptionalInt& format, const Scalar& value) {
  if (!device_ok(ctx, device)) return {};
  Tensor result = empty_in_format(ctx, self, dtype_or(ctx, dtype, self.dtype()), format.value_or(kPreserveFormat));
  fill_elements(ctx, result, value);
  return result;
}

inline Tensor empty(Context& ctx, const List<i64>& size, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                    const OptionalDevice& device = None(), const OptionalBool& = None(),
                    const OptionalInt& memory_format = None()) {
  if (!device_ok(ctx, device)) return {};
  // Defined contents: what a program reads from an empty tensor is zero, not old memory.
  Tensor result = filled(ctx, size.span(), dtype_or(ctx, dtype, DType::kFloat32), 0);
  if (!memory_format.has_value() || *memory_format == kContiguousFormat) return result;
  result = empty_in_format(ctx, result, result.dtype(), *memory_format);
  fill_elements(ctx, result, 0);
  return result;
}
inline Tensor zeros(Context& ctx, const List<i64>& size, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                    const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return filled(ctx, size.span(), dtype_or(ctx, dtype, DType::kFloat32), 0);
}
inline Tensor ones(Context& ctx, const List<i64>& size, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                   const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return filled(ctx, size.span(), dtype_or(ctx, dtype, DType::kFloat32), 1);
}
inline Tensor full(Context& ctx, const List<i64>& size, const Scalar& fill_value, const OptionalInt& dtype = None(),
                   const OptionalInt& = None(), const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return filled(ctx, size.span(), dtype_or(ctx, dtype, fill_value.dtype()), fill_value);
}

inline Tensor zeros_like(Context& ctx, const Tensor& self, const OptionalInt& dtype = None(),
                         const OptionalInt& = None(), const OptionalDevice& device = None(),
                         const OptionalBool& = None(), const OptionalInt& memory_format = None()) {
  return filled_like(ctx, self, dtype, device, memory_format, 0);
}
inline Tensor ones_like(Context& ctx, const Tensor& self, const OptionalInt& dtype = None(),
                        const OptionalInt& = None(), const OptionalDevice& device = None(),
                        const OptionalBool& = None(), const OptionalInt& memory_format = None()) {
  return filled_like(ctx, self, dtype, device, memory_format, 1);
}
inline Tensor empty_like(Context& ctx, const Tensor& self, const OptionalInt& dtype = None(),
                         const OptionalInt& = None(), const OptionalDevice& device = None(),
                         const OptionalBool& = None(), const OptionalInt& memory_format = None()) {
  return filled_like(ctx, self, dtype, device, memory_format, 0);
}
inline Tensor full_like(Context& ctx, const Tensor& self, const Scalar& fill_value, const OptionalInt& dtype = None(),
                        const OptionalInt& = None(), const OptionalDevice& device = None(),
                        const OptionalBool& = None(), const OptionalInt& memory_format = None()) {
  return filled_like(ctx, self, dtype, device, memory_format, fill_value);
}

inline Tensor new_full(Context& ctx, const Tensor& self, const List<i64>& size, const Scalar& fill_value,
                       const OptionalInt& dtype = None(), const OptionalInt& = None(),
                       const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return filled(ctx, size.span(), dtype_or(ctx, dtype, self.dtype()), fill_value);
}
inline Tensor new_zeros(Context& ctx, const Tensor& self, const List<i64>& size, const OptionalInt& dtype = None(),
                        const OptionalInt& layout = None(), const OptionalDevice& device = None(),
                        const OptionalBool& pin_memory = None()) {
  return new_full(ctx, self, size, 0, dtype, layout, device, pin_memory);
}
inline Tensor new_ones(Context& ctx, const Tensor& self, const List<i64>& size, const OptionalInt& dtype = None(),
                       const OptionalInt& layout = None(), const OptionalDevice& device = None(),
                       const OptionalBool& pin_memory = None()) {
  return new_full(ctx, self, size, 1, dtype, layout, device, pin_memory);
}
inline Tensor new_empty(Context& ctx, const Tensor& self, const List<i64>& size, const OptionalInt& dtype = None(),
                        const OptionalInt& layout = None(), const OptionalDevice& device = None(),
                        const OptionalBool& pin_memory = None()) {
  return new_full(ctx, self, size, 0, dtype, layout, device, pin_memory);
}

// fill: the value is a number or a 0-d tensor.
inline Tensor fill_(Context& ctx, const Tensor& self, const Operand& value) {
  if (!writable(ctx, self)) return {};
  if (value.dim() > 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "fill_ only supports 0-dimension value tensor but got tensor with %lld dimensions.",
                    static_cast<long long>(value.dim()));
  }
  if (!value.is_number()) return copy_(ctx, self, value.tensor());
  fill_elements(ctx, self, value.number());
  return self;
}
inline Tensor fill(Context& ctx, const Tensor& self, const Operand& value) {
  return fill_(ctx, empty_preserving(ctx, self, self.dtype()), value);
}
inline Tensor zero_(Context& ctx, const Tensor& self) { return fill_(ctx, self, 0); }
inline Tensor zero(Context& ctx, const Tensor& self) { return fill(ctx, self, 0); }

// Ranges. The number of elements is computed in double, as PyTorch does; for integers exactly.
inline Tensor range_tensor(Context& ctx, const Scalar& start, const Scalar& end, const Scalar& step,
                           const OptionalInt& dtype, const OptionalDevice& device) {
  if (!device_ok(ctx, device)) return {};
  const bool fraction = start.is_float() || end.is_float() || step.is_float();
  const DType type = dtype_or(ctx, dtype, fraction ? DType::kFloat32 : DType::kInt64);
  const double from = start.to_double(), to = end.to_double(), by = step.to_double();
  if (!ctx.ok()) return {};
  if (type == DType::kBool || tsc::is_complex(type)) {
    return ctx.fail(ErrorKind::kType, "\"arange_cpu\" not implemented for '%s'", scalar_type_name(type));
  }
  if (by == 0) return ctx.fail(ErrorKind::kRuntime, "step must be nonzero");
  if (!(from - from == 0) || !(to - to == 0)) {
    return ctx.fail(ErrorKind::kRuntime, "unsupported range: %g -> %g", from, to);
  }
  if (by > 0 ? to < from : to > from) {
    return ctx.fail(ErrorKind::kRuntime, "upper bound and lower bound inconsistent with step sign");
  }
  const bool integers = is_integral(type);
  const i64 first = scalar_as<i64>(start), delta = scalar_as<i64>(step), last = scalar_as<i64>(end);
  double count = __builtin_ceil((to - from) / by);
  if (integers && !fraction) {
    const i64 span = last - first;
    count = static_cast<double>((span - (delta > 0 ? 1 : -1)) / delta + 1);
    if (span == 0) count = 0;
  } else if (integers) {
    count = __builtin_ceil(static_cast<double>(last - first) / static_cast<double>(delta));
    if (delta == 0) return ctx.fail(ErrorKind::kRuntime, "step must be nonzero");
  }
  if (!(count >= 0) || count > 0x1p62) return ctx.fail(ErrorKind::kRuntime, "invalid size, possible overflow?");
  const i64 n = static_cast<i64>(count);
  Tensor result = Tensor::empty(ctx, type, dims(n));
  for (i64 i = 0; i < n && ctx.ok(); i += kChunk) {
    const i64 m = tsc::min(kChunk, n - i);
    char* const to_bytes = result.bytes() + i * result.element_size();
    if (integers) {
      i64 values[kChunk];
      for (i64 k = 0; k < m; ++k) values[k] = first + (i + k) * delta;
      store_elements(values, to_bytes, type, result.element_size(), m);
    } else {
      double values[kChunk];
      for (i64 k = 0; k < m; ++k) values[k] = from + static_cast<double>(i + k) * by;
      store_elements(values, to_bytes, type, result.element_size(), m);
    }
  }
  return result;
}
inline Tensor arange(Context& ctx, const Scalar& start, const Scalar& end, const Scalar& step,
                     const OptionalInt& dtype = None(), const OptionalInt& = None(),
                     const OptionalDevice& device = None(), const OptionalBool& = None()) {
  return range_tensor(ctx, start, end, step, dtype, device);
}
inline Tensor arange_end(Context& ctx, const Scalar& end, const OptionalInt& dtype = None(),
                         const OptionalInt& = None(), const OptionalDevice& device = None(),
                         const OptionalBool& = None()) {
  return range_tensor(ctx, 0, end, 1, dtype, device);
}
inline Tensor arange_start(Context& ctx, const Scalar& start, const Scalar& end, const OptionalInt& dtype = None(),
                           const OptionalInt& = None(), const OptionalDevice& device = None(),
                           const OptionalBool& = None()) {
  return range_tensor(ctx, start, end, 1, dtype, device);
}

inline Tensor eye(Context& ctx, i64 n, const OptionalInt& dtype = None(), const OptionalInt& = None(),
                  const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  if (n < 0)
    return ctx.fail(ErrorKind::kRuntime, "n must be greater or equal to 0, got %lld", static_cast<long long>(n));
  Tensor result = filled(ctx, dims(n, n), dtype_or(ctx, dtype, DType::kFloat32), 0);
  if (!ctx.ok()) return {};
  for (i64 i = 0; i < n; ++i) store_scalar(1, result.dtype(), result.bytes() + i * (n + 1) * result.element_size());
  return result;
}

// Counted from both ends, so that the last element is `end` itself.
inline Tensor linspace(Context& ctx, const Scalar& start, const Scalar& end, i64 steps,
                       const OptionalInt& dtype = None(), const OptionalInt& = None(),
                       const OptionalDevice& device = None(), const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  if (steps < 0) return ctx.fail(ErrorKind::kRuntime, "number of steps must be non-negative");
  const DType type = dtype_or(ctx, dtype, DType::kFloat32);
  if (type == DType::kBool) return ctx.fail(ErrorKind::kType, "\"linspace_cpu\" not implemented for 'Bool'");
  Tensor result = Tensor::empty(ctx, type, dims(steps));
  if (!ctx.ok()) return {};
  // Whole numbers are counted between whole numbers.
  const bool is_whole = !is_floating(type) && !is_complex(type);
  const double from = is_whole ? static_cast<double>(start.to_int()) : start.to_double();
  const double to = is_whole ? static_cast<double>(end.to_int()) : end.to_double();
  const double by = steps > 1 ? (to - from) / static_cast<double>(steps - 1) : 0;
  for (i64 i = 0; i < steps; ++i) {
    const double value =
        i < steps / 2 || steps == 1 ? from + by * static_cast<double>(i) : to - by * static_cast<double>(steps - 1 - i);
    store_elements(&value, result.bytes() + i * result.element_size(), type, 0, 1);
  }
  return result;
}

inline Tensor scalar_tensor(Context& ctx, const Scalar& s, const OptionalInt& dtype = None(),
                            const OptionalInt& = None(), const OptionalDevice& device = None(),
                            const OptionalBool& = None()) {
  if (!device_ok(ctx, device)) return {};
  return filled(ctx, Sizes(), dtype_or(ctx, dtype, DType::kFloat32), s);
}

// torch.tensor of numbers and (nested) lists. As PyTorch's interpreter has it, numbers get the default dtype first, so
// that torch.tensor(0.1, dtype=torch.float64) is 0.1 rounded to float32.

template <class T>
struct ListLevel {
  using Item = T;
  static void shape_of(const T&, Shape&) {}
  static bool copy(Context&, const T& value, const Shape&, i64, Item*& to) {
    *to++ = value;
    return true;
  }
};
template <class T>
struct ListLevel<List<T>> {
  using Item = typename ListLevel<T>::Item;
  static void shape_of(const List<T>& list, Shape& shape) {
    shape.push(list.size());
    if (list.size() > 0) {
      ListLevel<T>::shape_of(list[0], shape);
    } else {
      ListLevel<T>::shape_of(T(), shape);
    }
  }
  static bool copy(Context& ctx, const List<T>& list, const Shape& shape, i64 depth, Item*& to) {
    if (list.size() != shape[depth]) {
      ctx.fail(ErrorKind::kValue, "Expected sequence of length %lld at dim %lld (got %lld)",
               static_cast<long long>(shape[depth]), static_cast<long long>(depth),
               static_cast<long long>(list.size()));
      return false;
    }
    for (const T& item : list) {
      if (!ListLevel<T>::copy(ctx, item, shape, depth + 1, to)) return false;
    }
    return true;
  }
};
// Whether lists of it are tensors. Those of mixed numbers, which TorchScript types as unions, are not.
template <class T>
inline constexpr bool kIsElement =
    __is_same(T, i64) || __is_same(T, double) || __is_same(T, bool) || __is_same(T, Complex<double>);
template <class T>
inline constexpr DType kDefaultDType = __is_same(T, double)            ? DType::kFloat32
                                       : __is_same(T, Complex<double>) ? DType::kComplex64
                                                                       : dtype_of<T>;
template <class T>
Tensor tensor(Context& ctx, const List<T>& data, const OptionalInt& dtype = None(),
              const OptionalDevice& device = None(), bool = false) {
  using Item = typename ListLevel<List<T>>::Item;
  if (!device_ok(ctx, device)) return {};
  if constexpr (!kIsElement<Item>) {
    return ctx.fail(ErrorKind::kRuntime, "torch.tensor: expected a list of Float, Complex, Int, or Bool");
  } else {
    Shape shape;
    ListLevel<List<T>>::shape_of(data, shape);
    const DType type = dtype_or(ctx, dtype, kDefaultDType<Item>);
    const Tensor items = Tensor::empty(ctx, dtype_of<Item>, shape);
    if (!ctx.ok()) return {};
    Item* to = items.template data<Item>();
    if (!ListLevel<List<T>>::copy(ctx, data, shape, 0, to)) return {};
    return converted(ctx, converted(ctx, items, kDefaultDType<Item>), type);
  }
}
inline Tensor tensor_scalar(Context& ctx, const Scalar& t, const OptionalInt& dtype = None(),
                            const OptionalDevice& device = None(), bool = false) {
  if (!device_ok(ctx, device)) return {};
  return converted(ctx, filled(ctx, Sizes(), t.dtype(), t), dtype_or(ctx, dtype, t.dtype()));
}
inline Tensor as_tensor(Context& ctx, const Tensor& data, const OptionalInt& dtype = None(),
                        const OptionalDevice& device = None()) {
  if (!device_ok(ctx, device)) return {};
  return convert_to(ctx, data, dtype_or(ctx, dtype, data.dtype()), false, None());
}
inline Tensor as_tensor(Context& ctx, const Scalar& t, const OptionalInt& dtype = None(),
                        const OptionalDevice& device = None()) {
  return tensor_scalar(ctx, t, dtype, device);
}
template <class T>
Tensor as_tensor(Context& ctx, const List<T>& data, const OptionalInt& dtype = None(),
                 const OptionalDevice& device = None()) {
  return tensor(ctx, data, dtype, device);
}

}  // namespace tsc::ops
