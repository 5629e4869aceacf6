// Convolutions. One gathers each image's windows into a matrix and multiplies it by the weight;
// a transposed one multiplies first and scatters. One and two spatial dimensions are seen as three with leading ones.
#pragma once

#include "runtime/kernels/conv2d_integer.h"
#include "runtime/ops/contraction.h"
#include "runtime/ops/movement.h"

namespace tsc::ops {

inline constexpr int kSpatial = 3;

struct ConvShape {
  i64 dims = 0;  // spatial dimensions of the operands; the arrays' last entries
  i64 input[kSpatial], output[kSpatial], kernel[kSpatial];
  i64 stride[kSpatial], padding[kSpatial], dilation[kSpatial];
  i64 batch = 0, input_channels = 0, output_channels = 0, groups = 1;
  i64 input_plane() const { return input[0] * input[1] * input[2]; }
  i64 output_plane() const { return output[0] * output[1] * output[2]; }
  i64 taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// An operand per spatial dimension: a list of that many, or of one for all.
inline bool spatial_list(Context& ctx, const char* name, const List<i64>& list, i64 dims, i64 other, i64* to) {
  for (i64 i = 0; i < kSpatial; ++i) to[i] = other;
  if (list.size() != dims && list.size() != 1) {
    ctx.fail(ErrorKind::kRuntime,
             "expected %s to be a single integer value or a list of %lld values to match the "
             "convolution dimensions, but got %s=%s",
             name, static_cast<long long>(dims), name, SizesText(list.span()).text);
    return false;
  }
  for (i64 i = 0; i < dims; ++i) to[kSpatial - dims + i] = list[list.size() == 1 ? 0 : i];
  return true;
}

inline bool conv_dtypes_ok(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias) {
  if (!ctx.ok()) return false;
  if (input.dtype() == weight.dtype() && (!bias.has_value() || bias->dtype() == input.dtype())) return true;
  ctx.fail(ErrorKind::kRuntime, "Input type (%s) and %s type (%s) should be the same", scalar_type_name(input.dtype()),
           input.dtype() != weight.dtype() ? "weight" : "bias",
           scalar_type_name(input.dtype() != weight.dtype() ? weight.dtype() : bias->dtype()));
  return false;
}

inline bool conv_operands_ok(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                             i64 dims, i64 groups, bool transposed) {
  if (!ctx.ok()) return false;
  if (weight.dim() != dims + 2 || input.dim() != dims + 2) {
    ctx.fail(ErrorKind::kRuntime,
             "Expected %lldD (unbatched) or %lldD (batched) input to conv%lldd, but got input of size: %s",
             static_cast<long long>(dims + 1), static_cast<long long>(dims + 2), static_cast<long long>(dims),
             SizesText(input.sizes()).text);
    return false;
  }
  if (groups <= 0) {
    ctx.fail(ErrorKind::kRuntime, "non-positive groups is not supported");
    return false;
  }
  if (weight.size(0) < groups) {
    ctx.fail(ErrorKind::kShape,
             "Given groups=%lld, expected weight to be at least %lld at dimension 0, but got weight of size %s instead",
             static_cast<long long>(groups), static_cast<long long>(groups), SizesText(weight.sizes()).text);
    return false;
  }
  const i64 channels = transposed ? weight.size(0) : weight.size(1) * groups;
  const i64 out_channels = transposed ? weight.size(1) * groups : weight.size(0);
  if (input.size(1) != channels || weight.size(0) % groups != 0) {
    ctx.fail(
        ErrorKind::kShape,
        "Given groups=%lld, weight of size %s, expected input%s to have %lld channels, but got %lld channels instead",
        static_cast<long long>(groups), SizesText(weight.sizes()).text, SizesText(input.sizes()).text,
        static_cast<long long>(channels), static_cast<long long>(input.size(1)));
    return false;
  }
  if (bias.has_value() && (bias->dim() != 1 || bias->size(0) != out_channels)) {
    ctx.fail(ErrorKind::kShape,
             "Given weight of size %s, expected bias to be 1-dimensional with %lld elements, but got bias of size %s "
             "instead",
             SizesText(weight.sizes()).text, static_cast<long long>(out_channels), SizesText(bias->sizes()).text);
    return false;
  }
  return true;
}

inline bool conv_numbers_ok(Context& ctx, const ConvShape& s) {
  for (int i = 0; i < kSpatial; ++i) {
    const char* wrong = s.stride[i] <= 0     ? "non-positive stride is not supported"
                        : s.padding[i] < 0   ? "negative padding is not supported"
                        : s.kernel[i] <= 0   ? "kernel size should be greater than zero"
                        : s.dilation[i] <= 0 ? "dilation should be greater than zero"
                                             : nullptr;
    if (wrong != nullptr) {
      ctx.fail(ErrorKind::kRuntime, "%s", wrong);
      return false;
    }
  }
  return true;
}

// For every tap of the kernel and every position of the windows' grid: `visit(column, plane offset or -1)`, where
// columns count [tap][position] and planes are those that windows slide over.
template <class Visit>
void for_each_tap(const ConvShape& s, const i64* plane, const i64* grid, Visit visit) {
  i64 column = 0;
  i64 tap[kSpatial], at[kSpatial];
  for (tap[0] = 0; tap[0] < s.kernel[0]; ++tap[0]) {
    for (tap[1] = 0; tap[1] < s.kernel[1]; ++tap[1]) {
      for (tap[2] = 0; tap[2] < s.kernel[2]; ++tap[2]) {
        for (at[0] = 0; at[0] < grid[0]; ++at[0]) {
          const i64 d = at[0] * s.stride[0] - s.padding[0] + tap[0] * s.dilation[0];
          for (at[1] = 0; at[1] < grid[1]; ++at[1]) {
            const i64 h = at[1] * s.stride[1] - s.padding[1] + tap[1] * s.dilation[1];
            const bool row = d >= 0 && d < plane[0] && h >= 0 && h < plane[1];
            const i64 row_offset = (d * plane[1] + h) * plane[2];
            for (at[2] = 0; at[2] < grid[2]; ++at[2]) {
              const i64 w = at[2] * s.stride[2] - s.padding[2] + tap[2] * s.dilation[2];
              visit(column++, row && w >= 0 && w < plane[2] ? row_offset + w : -1);
            }
          }
        }
      }
    }
  }
}

// The windows of one image's channels as a matrix [channel][tap][position], zero outside the image.
template <class C>
void gather_windows(const ConvShape& s, const C* image, i64 channels, C* columns) {
  for (i64 c = 0; c < channels; ++c) {
    const C* plane = image + c * s.input_plane();
    for_each_tap(s, s.input, s.output,
                 [&](i64 column, i64 offset) { columns[column] = offset < 0 ? C(0) : plane[offset]; });
    columns += s.taps() * s.output_plane();
  }
}
// The reverse for transposed convolutions: windows slide over the output at the input's positions.
template <class C>
void scatter_windows(const ConvShape& s, const C* columns, i64 channels, C* image) {
  for (i64 c = 0; c < channels; ++c) {
    C* plane = image + c * s.output_plane();
    for_each_tap(s, s.output, s.input, [&](i64 column, i64 offset) {
      if (offset >= 0) plane[offset] = plane[offset] + columns[column];
    });
    columns += s.taps() * s.input_plane();
  }
}

inline Tensor conv_result(Context& ctx, const ConvShape& s, DType dtype) {
  Shape sizes;
  sizes.push(s.batch);
  sizes.push(s.output_channels);
  for (i64 i = 0; i < s.dims; ++i) sizes.push(s.output[kSpatial - s.dims + i]);
  return filled(ctx, sizes, dtype, 0);
}
// One image of a contiguous batch, as [groups][rows][columns].
inline Tensor image_of(Context& ctx, const Tensor& t, i64 image, i64 groups, i64 rows, i64 columns) {
  const i64 sizes[] = {groups, rows, columns}, strides[] = {rows * columns, columns, 1};
  return t.view(ctx, sizes, strides, image * groups * rows * columns);
}

inline Tensor convolve(Context& ctx, const ConvShape& s, const Tensor& x, const Tensor& weight, DType wide) {
  const Tensor result = conv_result(ctx, s, wide);
  if (!ctx.ok() || result.numel() == 0 || x.numel() == 0 || weight.numel() == 0) return result;
  const i64 depth = s.input_channels / s.groups * s.taps();
  const Tensor matrix = image_of(ctx, weight, 0, s.groups, s.output_channels / s.groups, depth);
  const Tensor columns = Tensor::empty(ctx, wide, dims(s.groups, depth, s.output_plane()));
  for (i64 n = 0; n < s.batch && ctx.ok(); ++n) {
    with_compute(compute_of(wide), [&]<class C>() {
      gather_windows(s, x.data<C>() + n * s.input_channels * s.input_plane(), s.input_channels, columns.data<C>());
    });
    const Tensor product = batched_product(ctx, matrix, columns);
    copy_elements(ctx, image_of(ctx, result, n, s.groups, s.output_channels / s.groups, s.output_plane()), product);
  }
  return result;
}
inline Tensor convolve_transposed(Context& ctx, const ConvShape& s, const Tensor& x, const Tensor& weight, DType wide) {
  const Tensor result = conv_result(ctx, s, wide);
  if (!ctx.ok() || result.numel() == 0 || x.numel() == 0 || weight.numel() == 0) return result;
  const i64 rows = s.output_channels / s.groups * s.taps();
  // The weight is [input channels][output channels / groups][taps]: its transpose maps inputs to columns.
  const Tensor matrix = transpose(ctx, image_of(ctx, weight, 0, s.groups, s.input_channels / s.groups, rows), 1, 2);
  for (i64 n = 0; n < s.batch && ctx.ok(); ++n) {
    const Tensor image = image_of(ctx, x, n, s.groups, s.input_channels / s.groups, s.input_plane());
    const Tensor columns = batched_product(ctx, matrix, image);
    if (!ctx.ok()) return {};
    with_compute(compute_of(wide), [&]<class C>() {
      scatter_windows(s, columns.data<C>(), s.output_channels,
                      result.data<C>() + n * s.output_channels * s.output_plane());
    });
  }
  return result;
}

// The sizes of a convolution whose input has a batch dimension, whatever the dtypes; false after an error.
inline bool conv_shape_of(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                          const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation, bool transposed,
                          const List<i64>& output_padding, i64 groups, ConvShape& s) {
  if (!ctx.ok()) return false;
  const i64 dims = weight.dim() - 2;
  if (ctx.ok() && (dims < 1 || dims > kSpatial)) {
    ctx.fail(ErrorKind::kUnsupported, "a convolution's weight has 3, 4 or 5 dimensions, not %lld",
             static_cast<long long>(weight.dim()));
    return false;
  }
  if (!conv_operands_ok(ctx, input, weight, bias, dims, groups, transposed)) return false;
  i64 extra[kSpatial];
  if (!spatial_list(ctx, "stride", stride, dims, 1, s.stride) ||
      !spatial_list(ctx, "padding", padding, dims, 0, s.padding) ||
      !spatial_list(ctx, "dilation", dilation, dims, 1, s.dilation) ||
      !spatial_list(ctx, "output_padding", transposed ? output_padding : List<i64>::of(ctx, i64{0}), dims, 0, extra)) {
    return false;
  }
  s.dims = dims;
  s.groups = groups;
  s.batch = input.size(0);
  s.input_channels = input.size(1);
  s.output_channels = transposed ? weight.size(1) * groups : weight.size(0);
  for (i64 i = 0; i < kSpatial; ++i) {
    const bool real = i >= kSpatial - dims;
    if (real && input.size(2 + i - (kSpatial - dims)) == 0) {
      ctx.fail(ErrorKind::kRuntime, "Only zero batch or zero channel inputs are supported, but got input shape: %s",
               SizesText(input.sizes()).text);
      return false;
    }
    s.input[i] = real ? input.size(2 + i - (kSpatial - dims)) : 1;
    s.kernel[i] = real ? weight.size(2 + i - (kSpatial - dims)) : 1;
  }
  if (!conv_numbers_ok(ctx, s)) return false;
  for (i64 i = 0; i < kSpatial; ++i) {
    const i64 reach = s.dilation[i] * (s.kernel[i] - 1);
    if (transposed) {
      s.output[i] = (s.input[i] - 1) * s.stride[i] - 2 * s.padding[i] + reach + extra[i] + 1;
      if (extra[i] < 0 || (extra[i] >= s.stride[i] && extra[i] >= s.dilation[i])) {
        ctx.fail(ErrorKind::kRuntime, "output padding must be smaller than either stride or dilation");
        return false;
      }
      if (s.output[i] <= 0) {
        ctx.fail(ErrorKind::kShape, "Given input size per channel: %s. Calculated output size per channel is too small",
                 SizesText(Sizes(s.input, kSpatial)).text);
        return false;
      }
      continue;
    }
    const i64 room = s.input[i] + 2 * s.padding[i];
    if (room < reach + 1) {
      ctx.fail(ErrorKind::kShape,
               "Calculated padded input size per channel: (%lld). Kernel size: (%lld). Kernel size can't be greater "
               "than actual input size",
               static_cast<long long>(room), static_cast<long long>(reach + 1));
      return false;
    }
    s.output[i] = (room - reach - 1) / s.stride[i] + 1;
  }
  return true;
}

// The result in PyTorch's order: of lines that of the weight, as images of one row; of images that of one of the two.
inline Tensor in_conv_format(Context& ctx, const Tensor& input, const Tensor& weight, const Tensor& result) {
  if (!ctx.ok() || input.dim() == 5) return result;
  if (input.dim() == 4) return in_format_of(ctx, is_channels_last(input) ? input : weight, result);
  return squeeze_dim(ctx, in_format_of(ctx, unsqueeze(ctx, weight, 2), unsqueeze(ctx, result, 2)), 2);
}

// Every convolution; `input` has a batch dimension.
inline Tensor conv_batched(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                           const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation,
                           bool transposed, const List<i64>& output_padding, i64 groups) {
  ConvShape s;
  if (!conv_dtypes_ok(ctx, input, weight, bias)) return {};
  if (!conv_shape_of(ctx, input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, s))
    return {};
  const Compute compute = compute_of(input.dtype());
  const DType wide = dtype_of_compute(compute);
  const bool dilated = s.dilation[0] > 1 || s.dilation[1] > 1 || s.dilation[2] > 1;
  const bool narrow = is_integral(input.dtype()) && input.dtype() != DType::kInt64;
  if (input.numel() > 0 && (input.dtype() == DType::kBool || (narrow && (transposed || dilated)))) {
    return ctx.fail(ErrorKind::kType, "\"%s\" not implemented for '%s'",
                    transposed ? "slow_conv_transpose"
                    : dilated  ? "slow_conv_dilated"
                               : "slow_conv",
                    scalar_type_name(input.dtype()));
  }
  const Tensor x = contiguous_as(ctx, input, wide), w = contiguous_as(ctx, weight, wide);
  if (!ctx.ok()) return {};
  Tensor result = transposed ? convolve_transposed(ctx, s, x, w, wide) : convolve(ctx, s, x, w, wide);
  if (bias.has_value()) {
    Shape sizes;
    for (i64 d = 0; d < s.dims + 2; ++d) sizes.push(d == 1 ? s.output_channels : 1);
    result = add(ctx, result, reshape_to(ctx, converted(ctx, *bias, wide), sizes), 1);
  }
  return in_conv_format(ctx, input, weight, converted(ctx, result, input.dtype()));
}

inline Tensor convolution(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                          const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation, bool transposed,
                          const List<i64>& output_padding, i64 groups, bool = false, bool = false, bool = false,
                          bool = false) {
  if (ctx.ok() && tsc::is_complex(input.dtype())) {
    return ctx.fail(ErrorKind::kType, "\"slow_conv2d_cpu\" not implemented for '%s'", scalar_type_name(input.dtype()));
  }
  return conv_batched(ctx, input, weight, bias, stride, padding, dilation, transposed, output_padding, groups);
}
// A batch, or one image without a batch dimension.
inline Tensor conv_maybe_batched(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                                 const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation,
                                 bool transposed, const List<i64>& output_padding, i64 groups) {
  if (!ctx.ok()) return {};
  if (input.dim() != weight.dim() - 1) {
    return conv_batched(ctx, input, weight, bias, stride, padding, dilation, transposed, output_padding, groups);
  }
  return squeeze_dim(ctx,
                     conv_batched(ctx, unsqueeze(ctx, input, 0), weight, bias, stride, padding, dilation, transposed,
                                  output_padding, groups),
                     0);
}

// The convolution of a fixed number of spatial dimensions.
template <i64 kDims>
Tensor conv_nd(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
               const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation, i64 groups) {
  if (!ctx.ok()) return {};
  if (weight.dim() != kDims + 2 || (input.dim() != kDims + 1 && input.dim() != kDims + 2)) {
    return ctx.fail(ErrorKind::kRuntime,
                    "Expected %lldD (unbatched) or %lldD (batched) input to conv%lldd, but got input of size: %s",
                    static_cast<long long>(kDims + 1), static_cast<long long>(kDims + 2), static_cast<long long>(kDims),
                    SizesText(input.sizes()).text);
  }
  return conv_maybe_batched(ctx, input, weight, bias, stride, padding, dilation, false, List<i64>(), groups);
}
// Padding by name: "valid" is none; "same" keeps the size, an odd element of padding after the image.
template <i64 kDims>
Tensor conv_nd_padding(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                       const List<i64>& stride, const Str& padding, const List<i64>& dilation, i64 groups) {
  if (!ctx.ok()) return {};
  const List<i64> zero = List<i64>::of(ctx, i64{0});
  if (padding == Str("valid")) return conv_nd<kDims>(ctx, input, weight, bias, stride, zero, dilation, groups);
  if (!(padding == Str("same"))) {
    return ctx.fail(ErrorKind::kRuntime, "Invalid padding string: '%.*s'", static_cast<int>(padding.size()),
                    padding.data());
  }
  for (const i64 step : stride) {
    if (step != 1) return ctx.fail(ErrorKind::kRuntime, "padding='same' is not supported for strided convolutions");
  }
  i64 steps[kSpatial];
  if (weight.dim() != kDims + 2 || !spatial_list(ctx, "dilation", dilation, kDims, 1, steps)) {
    return conv_nd<kDims>(ctx, input, weight, bias, stride, zero, dilation, groups);  // which says what is wrong
  }
  List<i64> pads = List<i64>::make(ctx);
  for (i64 i = kDims - 1; i >= 0; --i) {
    const i64 total = steps[kSpatial - kDims + i] * (weight.size(2 + i) - 1);
    pads.append(total / 2);
    pads.append(total - total / 2);
  }
  return conv_nd<kDims>(ctx, constant_pad_nd(ctx, input, pads, 0), weight, bias, stride, zero, dilation, groups);
}

#define TSC_CONV(dims)                                                                                               \
  inline Tensor conv##dims##d(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, \
                              const List<i64>& stride, const List<i64>& padding, const List<i64>& dilation,          \
                              i64 groups) {                                                                          \
    return conv_nd<dims>(ctx, input, weight, bias, stride, padding, dilation, groups);                               \
  }                                                                                                                  \
  inline Tensor conv##dims##d_padding(Context& ctx, const Tensor& input, const Tensor& weight,                       \
                                      const Optional<Tensor>& bias, const List<i64>& stride, const Str& padding,     \
                                      const List<i64>& dilation, i64 groups) {                                       \
    return conv_nd_padding<dims>(ctx, input, weight, bias, stride, padding, dilation, groups);                       \
  }
TSC_CONV(1)
TSC_CONV(2)
TSC_CONV(3)
#undef TSC_CONV
inline Tensor conv_transpose1d(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                               const List<i64>& stride, const List<i64>& padding, const List<i64>& output_padding,
                               i64 groups, const List<i64>& dilation) {
  return conv_maybe_batched(ctx, input, weight, bias, stride, padding, dilation, true, output_padding, groups);
}
inline Tensor conv_transpose2d(Context& ctx, const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias,
                               const List<i64>& stride, const List<i64>& padding, const List<i64>& output_padding,
                               i64 groups, const List<i64>& dilation) {
  return conv_maybe_batched(ctx, input, weight, bias, stride, padding, dilation, true, output_padding, groups);
}

// Convolutions of bytes.

// The weight [O][I / groups][h][w] with its channels innermost, where it mostly lies so already.
inline Tensor channels_last_weight(Context& ctx, const Tensor& weight) {
  if (!ctx.ok()) return {};
  const i64 sizes[] = {weight.size(0), weight.size(2), weight.size(3), weight.size(1)};
  const i64 strides[] = {weight.stride(0), weight.stride(2), weight.stride(3), weight.stride(1)};
  return dense(ctx, weight.view(ctx, sizes, strides, 0));
}

inline void convolve_bytes(Context& ctx, const kernels::Conv2dInteger& p, i64 groups, const uint8_t* padded,
                           const int8_t* weight, int32_t* output) {
  // Windows that stay in the cache, and a part for each thread.
  constexpr i64 kBlockBytes = 128 << 10;
  const i64 fair = (p.out_plane() + ctx.threads() - 1) / ctx.threads();
  const i64 block = tsc::max<i64>(4, (tsc::min(fair, kBlockBytes / p.depth()) + 3) & ~i64{3});
  const i64 blocks = (p.out_plane() + block - 1) / block;
  ctx.parallel_for_scratch(
      groups * blocks, 1, p.is_pointwise() ? 1 : block * p.depth(), [&](i64 first, i64 last, char* scratch) {
        for (i64 item = first; item < last; ++item) {
          const i64 group = item / blocks, begin = item % blocks * block;
          kernels::conv2d_integer(p, padded, group * p.group_channels, weight + group * p.group_outputs * p.depth(),
                                  output + group * p.group_outputs * p.out_plane(), reinterpret_cast<uint8_t*>(scratch),
                                  begin, tsc::min(begin + block, p.out_plane()));
        }
      });
}

// uint8 by int8 as int32; around the image lies the padding value.
inline Tensor conv2d_integer(Context& ctx, const Tensor& input, const Tensor& weight, const List<i64>& stride,
                             const List<i64>& padding, const List<i64>& dilation, i64 groups, i64 padding_value) {
  ConvShape s;
  if (!conv_shape_of(ctx, input, weight, None(), stride, padding, dilation, false, List<i64>(), groups, s)) return {};
  if (s.dims != 2 || input.dtype() != DType::kUInt8 || weight.dtype() != DType::kInt8) {
    return ctx.fail(ErrorKind::kType,
                    "conv2d_integer: the input must be uint8 images and the weight int8, but got %s and %s",
                    dtype_name(input.dtype()), dtype_name(weight.dtype()));
  }
  const kernels::Conv2dInteger p = {.height = s.input[1] + 2 * s.padding[1],
                                    .width = s.input[2] + 2 * s.padding[2],
                                    .channels = s.input_channels,
                                    .group_channels = s.input_channels / groups,
                                    .group_outputs = s.output_channels / groups,
                                    .out_height = s.output[1],
                                    .out_width = s.output[2],
                                    .kernel_height = s.kernel[1],
                                    .kernel_width = s.kernel[2],
                                    .stride_height = s.stride[1],
                                    .stride_width = s.stride[2],
                                    .dilation_height = s.dilation[1],
                                    .dilation_width = s.dilation[2]};
  const Tensor x = dense(ctx, input), w = channels_last_weight(ctx, weight);
  const Tensor result = conv_result(ctx, s, DType::kInt32);
  if (!ctx.ok() || result.numel() == 0 || x.numel() == 0) return result;
  const i64 image_bytes = p.height * p.width * p.channels;
  const Scratch scratch(ctx, static_cast<size_t>(image_bytes));
  if (!ctx.ok()) return {};
  auto* padded = reinterpret_cast<uint8_t*>(scratch.data());
  libc::memset(padded, static_cast<int>(padding_value), static_cast<size_t>(image_bytes));
  const i64 rows = s.input[1], columns = s.input[2], top = s.padding[1], left = s.padding[2];
  for (i64 n = 0; n < s.batch; ++n) {
    const uint8_t* image = x.data<const uint8_t>() + n * p.channels * rows * columns;
    int32_t* output = result.data<int32_t>() + n * s.output_channels * p.out_plane();
    if (p.group_channels == 1) {
      ctx.parallel_for(p.channels, 1, [&](i64 first, i64 last) {
        for (i64 c = first; c < last; ++c) {
          uint8_t* plane = padded + c * p.height * p.width;
          kernels::pad_channels_last(image + c * rows * columns, 1, rows, columns, top, left, p.width, plane, 0, rows);
          for (i64 o = c * p.group_outputs; o < (c + 1) * p.group_outputs; ++o) {
            kernels::conv2d_integer_depthwise(p, plane, w.data<const int8_t>() + o * p.depth(),
                                              output + o * p.out_plane());
          }
        }
      });
    } else {
      ctx.parallel_for(rows, 1, [&](i64 first, i64 last) {
        kernels::pad_channels_last(image, p.channels, rows, columns, top, left, p.width, padded, first, last);
      });
      convolve_bytes(ctx, p, groups, padded, w.data<const int8_t>(), output);
    }
  }
  return result;
}

}  // namespace tsc::ops
