// Normalisations. Statistics are computed in double, the elements in their own precision (half precision in float).
#pragma once

#include "runtime/ops/pointwise.h"
#include "runtime/ops/reduction.h"

namespace tsc::ops {

// f(row, length, result) for every row, in the compute type of `dtype`, for floating point dtypes.
template <class F>
Tensor map_rows(Context& ctx, const char* name, const Tensor& self, DimMask mask, DType dtype, F f) {
  if (!ctx.ok() || !self.defined()) return {};
  if (!is_floating(dtype)) {
    return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'", name, scalar_type_name(dtype));
  }
  const Compute compute = compute_of(dtype);
  const Rows rows = rows_of(ctx, self, mask, dtype_of_compute(compute));
  if (!ctx.ok()) return {};
  const Tensor result = Tensor::empty(ctx, dtype_of_compute(compute), rows.data.sizes());
  if (!ctx.ok()) return {};
  with_compute(compute, [&]<class C>() {
    if constexpr (__is_same(C, float) || __is_same(C, double)) {
      for (i64 r = 0; r < rows.count; ++r) {
        f(rows.data.template data<C>() + r * rows.length, rows.length, result.data<C>() + r * rows.length);
      }
    }
  });
  return moved_back(ctx, result, self, mask, dtype);
}

inline DType dtype_or_own(Context& ctx, const Tensor& self, const Optional<i64>& dtype) {
  return dtype.has_value() ? checked_dtype(ctx, *dtype) : self.dtype();
}
inline Tensor softmax(Context& ctx, const Tensor& self, i64 dim, const Optional<i64>& dtype = None()) {
  return map_rows(ctx, "softmax", self, one_dim(ctx, dim, self.dim()), dtype_or_own(ctx, self, dtype),
                  []<class C>(const C* row, i64 n, C* to) {
                    if (n == 0) return;
                    const C largest = row[best_index<Largest>(row, n)];
                    for (i64 i = 0; i < n; ++i) to[i] = math::exp(row[i] - largest);
                    const C scale = static_cast<C>(1.0 / row_sum(to, n));
                    for (i64 i = 0; i < n; ++i) to[i] *= scale;
                  });
}
inline Tensor log_softmax(Context& ctx, const Tensor& self, i64 dim, const Optional<i64>& dtype = None()) {
  return map_rows(ctx, "log_softmax", self, one_dim(ctx, dim, self.dim()), dtype_or_own(ctx, self, dtype),
                  []<class C>(const C* row, i64 n, C* to) {
                    if (n == 0) return;
                    const C largest = row[best_index<Largest>(row, n)];
                    const double sum =
                        sum_of(row, n, [largest](C x) { return static_cast<double>(math::exp(x - largest)); });
                    const C log_sum = static_cast<C>(__builtin_log(sum));
                    for (i64 i = 0; i < n; ++i) to[i] = row[i] - largest - log_sum;
                  });
}

// The trailing dimensions that normalized_shape names, or 0 after an error.
inline DimMask normalized_dims(Context& ctx, const char* name, const Tensor& input, const List<i64>& shape,
                               const Optional<Tensor>& weight, const Optional<Tensor>& bias) {
  if (!ctx.ok()) return 0;
  if (shape.empty()) {
    ctx.fail(ErrorKind::kRuntime,
             "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
             "element, but got normalized_shape = []");
    return 0;
  }
  const i64 rank = input.dim(), count = shape.size();
  const bool fits = count <= rank && same_sizes(shape.span(), Sizes(input.sizes().data() + rank - count, count));
  const auto parameter_fits = [&](const Optional<Tensor>& t) {
    return !t.has_value() || same_sizes(t->sizes(), shape.span());
  };
  if (!fits || !parameter_fits(weight) || !parameter_fits(bias)) {
    ctx.fail(ErrorKind::kShape,
             "%s: given normalized_shape=%s, expected input with shape [*, normalized_shape] and "
             "weight and bias of that shape, but got input of size %s",
             name, SizesText(shape.span()).text, SizesText(input.sizes()).text);
    return 0;
  }
  return all_dims(rank) & ~all_dims(rank - count);
}
// Weights and statistics have the input's dtype; beside half precision they may be float32, all of them.
template <class... Parameters>
bool parameter_dtypes_ok(Context& ctx, const Tensor& input, const Parameters&... parameters) {
  DType wanted = input.dtype();
  const auto take_float = [&](const Optional<Tensor>& t) {
    if (t.has_value() && t->dtype() == DType::kFloat32 && is_half(input)) wanted = DType::kFloat32;
  };
  (take_float(parameters), ...);
  const auto fits = [&](const Optional<Tensor>& t) { return !t.has_value() || t->dtype() == wanted; };
  if (!ctx.ok() || (fits(parameters) && ...)) return ctx.ok();
  ctx.fail(ErrorKind::kRuntime, "mixed dtype (CPU): expect parameter to have scalar type of %s",
           scalar_type_name(wanted));
  return false;
}
// x * weight + bias with whatever of them there is.
inline Tensor scaled_and_shifted(Context& ctx, Tensor x, const Optional<Tensor>& weight, const Optional<Tensor>& bias) {
  if (weight.has_value()) x = mul(ctx, x, *weight);
  if (bias.has_value()) x = add(ctx, x, *bias, 1);
  return x;
}

template <class C>
void normalise_row(const C* row, i64 n, C* to, double eps) {
  const double mean = row_sum(row, n) / static_cast<double>(n);
  const double variance = row_variance(row, n, 0.0);
  const C shift = static_cast<C>(mean), scale = static_cast<C>(1.0 / __builtin_sqrt(variance + eps));
  for (i64 i = 0; i < n; ++i) to[i] = (row[i] - shift) * scale;
}
// Statistics and affine part in one precision: half precision is rounded at the end only.
inline DType wide_dtype(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 ? DType::kFloat32 : dtype;
}
inline Optional<Tensor> widened_parameter(Context& ctx, const Optional<Tensor>& t, DType dtype) {
  return t.has_value() ? Optional<Tensor>(converted(ctx, *t, dtype)) : None();
}
inline Tensor layer_norm(Context& ctx, const Tensor& input, const List<i64>& normalized_shape,
                         const Optional<Tensor>& weight = None(), const Optional<Tensor>& bias = None(),
                         double eps = 1e-5, bool = true) {
  const DimMask mask = normalized_dims(ctx, "layer_norm", input, normalized_shape, weight, bias);
  if (!parameter_dtypes_ok(ctx, input, weight, bias)) return {};
  const DType wide = wide_dtype(input.dtype());
  const Tensor x = map_rows(ctx, "LayerNormKernelImpl", converted(ctx, input, wide), mask, wide,
                            [eps]<class C>(const C* row, i64 n, C* to) { normalise_row(row, n, to, eps); });
  return converted(ctx,
                   scaled_and_shifted(ctx, x, widened_parameter(ctx, weight, wide), widened_parameter(ctx, bias, wide)),
                   input.dtype());
}
inline Tensor rms_norm(Context& ctx, const Tensor& input, const List<i64>& normalized_shape,
                       const Optional<Tensor>& weight = None(), const Optional<double>& eps = None()) {
  const DimMask mask = normalized_dims(ctx, "rms_norm", input, normalized_shape, weight, None());
  const DType wide = wide_dtype(input.dtype());
  // The default is the machine epsilon of the dtype to compute in.
  const double epsilon = eps.value_or(real_dtype(wide) == DType::kFloat64 ? 0x1p-52 : 0x1p-23);
  if (ctx.ok() && is_complex(input.dtype())) {
    const Tensor squares = mean_over(ctx, mul(ctx, input, input), mask, true, None());
    const Tensor x = mul(ctx, input, rsqrt(ctx, add(ctx, squares, epsilon, 1)));
    return weight.has_value() ? mul(ctx, x, *weight) : x;
  }
  const Tensor x = map_rows(
      ctx, "rms_norm", converted(ctx, input, wide), mask, wide, [epsilon]<class C>(const C* row, i64 n, C* to) {
        const double sum = sum_of(row, n, [](C v) { return static_cast<double>(v) * static_cast<double>(v); });
        const C scale = static_cast<C>(1.0 / __builtin_sqrt(sum / static_cast<double>(n) + epsilon));
        for (i64 i = 0; i < n; ++i) to[i] = row[i] * scale;
      });
  return converted(ctx, scaled_and_shifted(ctx, x, widened_parameter(ctx, weight, wide), None()), input.dtype());
}

// Per-channel parameters [c] as [1, c, 1, ...].
inline Tensor per_channel(Context& ctx, const Tensor& t, i64 rank) {
  Shape sizes;
  for (i64 d = 0; d < rank; ++d) sizes.push(d == 1 ? t.numel() : 1);
  const Tensor flat = dense(ctx, t);
  i64 strides[kMaxRank];
  Tensor::contiguous_strides(sizes, strides);
  return flat.view(ctx, sizes, Sizes(strides, rank));
}
inline Optional<Tensor> per_channel(Context& ctx, const Optional<Tensor>& t, i64 rank, DType dtype) {
  return t.has_value() ? Optional<Tensor>(per_channel(ctx, converted(ctx, *t, dtype), rank)) : None();
}
inline bool channels_ok(Context& ctx, const char* what, const Optional<Tensor>& t, i64 channels) {
  if (!ctx.ok() || !t.has_value() || t->numel() == channels) return ctx.ok();
  ctx.fail(ErrorKind::kShape, "%s should contain %lld elements not %lld", what, static_cast<long long>(channels),
           static_cast<long long>(t->numel()));
  return false;
}

// Running statistics move towards those of the batch.
inline void update_running(Context& ctx, const Optional<Tensor>& running, const Tensor& batch, double momentum) {
  if (!running.has_value()) return;
  const Tensor moved = add(ctx, mul(ctx, *running, 1 - momentum), mul(ctx, batch, momentum), 1);
  copy_(ctx, *running, moved);
}
inline Tensor batch_norm(Context& ctx, const Tensor& input, const Optional<Tensor>& weight,
                         const Optional<Tensor>& bias, const Optional<Tensor>& running_mean,
                         const Optional<Tensor>& running_var, bool training, double momentum, double eps, bool) {
  if (!ctx.ok()) return {};
  if (input.dim() < 2) {
    return ctx.fail(ErrorKind::kRuntime, "batch_norm: expected an input of at least 2 dimensions, got %lld",
                    static_cast<long long>(input.dim()));
  }
  const i64 rank = input.dim(), channels = input.size(1);
  if (!channels_ok(ctx, "running_mean", running_mean, channels) ||
      !channels_ok(ctx, "running_var", running_var, channels) || !channels_ok(ctx, "weight", weight, channels) ||
      !channels_ok(ctx, "bias", bias, channels) ||
      !parameter_dtypes_ok(ctx, input, weight, bias, running_mean, running_var)) {
    return {};
  }
  if (input.numel() == 0) return clone(ctx, input);
  if (!is_floating(input.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"batch_norm\" not implemented for '%s'", scalar_type_name(input.dtype()));
  }
  const DType wide = wide_dtype(input.dtype());
  const Tensor x = converted(ctx, input, wide);
  const DimMask others = all_dims(rank) & ~DimMask{2};
  const bool use_batch = training || !running_mean.has_value() || !running_var.has_value();
  Tensor mean, variance;
  if (use_batch) {
    mean = mean_over(ctx, x, others, false, None());
    variance = var_over(ctx, x, others, 0, false);
    if (training) {
      update_running(ctx, running_mean, mean, momentum);
      update_running(ctx, running_var, var_over(ctx, x, others, 1, false), momentum);
    }
  } else {
    mean = converted(ctx, *running_mean, wide);
    variance = converted(ctx, *running_var, wide);
  }
  const Tensor scale = rsqrt(ctx, add(ctx, per_channel(ctx, variance, rank), eps, 1));
  const Tensor centred = sub(ctx, x, per_channel(ctx, mean, rank), 1);
  const Tensor result = scaled_and_shifted(ctx, mul(ctx, centred, scale), per_channel(ctx, weight, rank, wide),
                                           per_channel(ctx, bias, rank, wide));
  const Tensor narrow = converted(ctx, result, input.dtype());
  return rank > 3 && is_channels_last(input) ? narrow : contiguous_as(ctx, narrow, input.dtype());
}

inline Tensor group_norm(Context& ctx, const Tensor& input, i64 num_groups, const Optional<Tensor>& weight = None(),
                         const Optional<Tensor>& bias = None(), double eps = 1e-5, bool = true) {
  if (!ctx.ok()) return {};
  if (input.dim() < 2) {
    return ctx.fail(ErrorKind::kRuntime, "Expected at least 2 dimensions for input tensor but received %lld",
                    static_cast<long long>(input.dim()));
  }
  const i64 channels = input.size(1), rank = input.dim();
  if (num_groups <= 0 || channels % num_groups != 0) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Expected number of channels in input to be divisible by num_groups, but got input of shape %s and "
                    "num_groups=%lld",
                    SizesText(input.sizes()).text, static_cast<long long>(num_groups));
  }
  if (!channels_ok(ctx, "weight", weight, channels) || !channels_ok(ctx, "bias", bias, channels) ||
      !parameter_dtypes_ok(ctx, input, weight, bias)) {
    return {};
  }
  const DType wide = wide_dtype(input.dtype());
  const Tensor x = contiguous_as(ctx, input, wide);
  const i64 groups = input.size(0) * num_groups;
  const i64 length = groups == 0 ? 0 : input.numel() / groups;
  const i64 sizes[] = {groups, length}, strides[] = {tsc::max<i64>(length, 1), 1};
  const Tensor rows = map_rows(ctx, "GroupNormKernelImpl", x.view(ctx, sizes, strides), DimMask{2}, wide,
                               [eps]<class C>(const C* row, i64 n, C* to) { normalise_row(row, n, to, eps); });
  if (!ctx.ok()) return {};
  const Tensor shaped = rows.view(ctx, x.sizes(), x.strides());
  return converted(
      ctx, scaled_and_shifted(ctx, shaped, per_channel(ctx, weight, rank, wide), per_channel(ctx, bias, rank, wide)),
      input.dtype());
}

// A group per channel; without input statistics, batch_norm with the running ones.
inline Tensor instance_norm(Context& ctx, const Tensor& input, const Optional<Tensor>& weight,
                            const Optional<Tensor>& bias, const Optional<Tensor>& running_mean,
                            const Optional<Tensor>& running_var, bool use_input_stats, double momentum, double eps,
                            bool cudnn_enabled) {
  if (!ctx.ok()) return {};
  if (!use_input_stats) {
    if (!running_mean.has_value() || !running_var.has_value()) {
      return ctx.fail(ErrorKind::kRuntime,
                      "Expected running_mean and running_var to be defined when use_input_stats is false");
    }
    return batch_norm(ctx, input, weight, bias, running_mean, running_var, false, momentum, eps, cudnn_enabled);
  }
  if (input.dim() < 2) return ctx.fail(ErrorKind::kRuntime, "instance_norm: expected at least 2 dimensions");
  if (!parameter_dtypes_ok(ctx, input, weight, bias, running_mean, running_var)) return {};
  if (running_mean.has_value() || running_var.has_value()) {
    if (input.size(0) == 0) {
      return ctx.fail(ErrorKind::kIndex, "instance_norm: there is no instance to take running statistics of");
    }
    // The statistics of all instances, averaged.
    const DimMask inner = all_dims(input.dim()) & ~DimMask{3};
    const Tensor means = mean_over(ctx, input, inner, false, None()), variances = var_over(ctx, input, inner, 1, false);
    update_running(ctx, running_mean, mean_over(ctx, means, DimMask{1}, false, None()), momentum);
    update_running(ctx, running_var, mean_over(ctx, variances, DimMask{1}, false, None()), momentum);
  }
  return group_norm(ctx, input, input.size(1), weight, bias, eps, cudnn_enabled);
}

}  // namespace tsc::ops
