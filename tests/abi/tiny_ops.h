// The few ops that tiny.cpp uses, for float32 only: they keep the tests of the ABI apart from those of the ops.
#pragma once

#include "runtime/core/object.h"

namespace tsc::ops {

inline Tensor zeros(Context& ctx, const List<i64>& sizes) {
  Tensor result = Tensor::empty(ctx, DType::kFloat32, sizes.span());
  libc::memset(result.bytes(), 0, static_cast<size_t>(result.numel()) * sizeof(float));
  return result;
}

inline float element(const Tensor& tensor, i64 row, i64 column) {
  const i64 inner = tensor.dim() == 0 ? 0 : tensor.stride(tensor.dim() - 1) * column;
  return tensor.data<float>()[(tensor.dim() == 2 ? tensor.stride(0) * row : 0) + inner];
}

// Element by element over vectors and matrices; the right operand's rows repeat when there is one.
template <class Fn>
Tensor zip(Context& ctx, const Tensor& a, const Tensor& b, const Fn& fn) {
  if (!ctx.ok()) return {};
  if (a.dtype() != DType::kFloat32 || b.dtype() != DType::kFloat32 || a.dim() > 2) {
    return ctx.fail(ErrorKind::kType, "expected Float, got %s", scalar_type_name(b.dtype()));
  }
  const i64 columns = a.dim() == 0 ? 1 : a.size(a.dim() - 1);
  if (b.dim() == 0 ? columns != 1 : b.size(b.dim() - 1) != columns) {
    return ctx.fail(ErrorKind::kShape, "The size of tensor a (%lld) must match the size of tensor b (%lld)",
                    static_cast<long long>(columns), static_cast<long long>(b.dim() == 0 ? 1 : b.size(b.dim() - 1)));
  }
  Tensor result = Tensor::empty(ctx, DType::kFloat32, a.sizes());
  if (!ctx.ok() || columns == 0) return result;
  ctx.parallel_for(result.numel(), 1024, [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      result.data<float>()[i] = fn(element(a, i / columns, i % columns), element(b, i / columns, i % columns));
    }
  });
  return result;
}
inline Tensor add(Context& ctx, const Tensor& a, const Tensor& b) {
  return zip(ctx, a, b, [](float x, float y) { return x + y; });
}
inline Tensor mul(Context& ctx, const Tensor& a, const Tensor& b) {
  return zip(ctx, a, b, [](float x, float y) { return x * y; });
}
inline Tensor mul(Context& ctx, const Tensor& a, const Scalar& b) {
  return zip(ctx, a, a, [&](float x, float) { return x * static_cast<float>(b.to_double()); });
}

inline Tensor linear(Context& ctx, const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias) {
  if (!ctx.ok()) return {};
  if (x.dtype() != DType::kFloat32) {
    return ctx.fail(ErrorKind::kType, "linear: expected Float, got %s", scalar_type_name(x.dtype()));
  }
  if (x.dim() != 2 || x.size(1) != weight.size(1)) {
    return ctx.fail(ErrorKind::kShape, "linear: the input's last size must be %lld",
                    static_cast<long long>(weight.size(1)));
  }
  Tensor result = Tensor::empty(ctx, DType::kFloat32, dims(x.size(0), weight.size(0)));
  if (!ctx.ok()) return {};
  for (i64 i = 0; i < result.numel(); ++i) {
    const i64 row = i / weight.size(0), column = i % weight.size(0);
    float sum = bias.has_value() ? bias->data<float>()[column] : 0;
    for (i64 k = 0; k < x.size(1); ++k) sum += element(x, row, k) * element(weight, column, k);
    result.data<float>()[i] = sum;
  }
  return result;
}

inline Str to_str(Context& ctx, i64 value) {
  char digits[24];
  return Str::copy(ctx, digits, libc::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(value)));
}

}  // namespace tsc::ops
