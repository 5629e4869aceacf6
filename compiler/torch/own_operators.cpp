#include "compiler/torch/own_operators.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <cmath>

namespace tsc {
namespace {

// self * factor + addend, rounded once: products of floats are exact in double.
at::Tensor fma(const at::Tensor& self, const at::Tensor& factor, const at::Tensor& addend) {
  return (self.to(at::kDouble) * factor.to(at::kDouble) + addend.to(at::kDouble)).to(at::result_type(self, factor));
}

// The scale and the zero point of bytes that stand for the elements, as dynamically quantised modules choose them.
std::tuple<at::Tensor, at::Tensor> choose_qparams(const at::Tensor& self, bool reduce_range) {
  const at::Tensor with_zero = at::cat({self.flatten(), at::zeros({1}, self.options())});
  const auto [scale, zero_point] = at::_choose_qparams_per_tensor(with_zero, reduce_range);
  return {at::scalar_tensor(scale, at::kFloat), at::scalar_tensor(zero_point, at::kInt)};
}

// The product of uint8 rows with int8 rows, as int32. Sums of so many products of bytes are exact in double.
at::Tensor linear_integer(const at::Tensor& input, const at::Tensor& weight) {
  return at::linear(input.to(at::kDouble), weight.to(at::kDouble)).to(at::kInt);
}

// The convolution of a uint8 image with an int8 weight, as int32; around the image lies the padding value.
at::Tensor conv2d_integer(const at::Tensor& input, const at::Tensor& weight, at::IntArrayRef stride,
                          at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups, int64_t padding_value) {
  const at::Tensor image = at::constant_pad_nd(input, {padding[1], padding[1], padding[0], padding[0]}, padding_value);
  const at::Tensor no_bias;
  return at::conv2d(image.to(at::kDouble), weight.to(at::kDouble), no_bias, stride, at::IntArrayRef({0, 0}), dilation,
                    groups)
      .to(at::kInt);
}

// Any tensor whose last size is `depth` as a matrix of its rows; what fails says that a weight has `columns` of them.
at::Tensor linear_rows(const at::Tensor& input, int64_t depth, int64_t columns) {
  TORCH_CHECK(input.dim() > 0 && input.size(-1) == depth && input.scalar_type() == at::kFloat,
              "mat1 and mat2 shapes cannot be multiplied (", input.sizes(), " and ", depth, "x", columns, ")");
  return input.reshape({input.numel() / depth, depth});
}

// Rows of a product, in the shape of the input that linear_rows took.
at::Tensor linear_result(const at::Tensor& rows, const at::Tensor& input) {
  std::vector<int64_t> sizes = input.sizes().vec();
  sizes.back() = rows.size(1);
  return rows.reshape(sizes);
}

// Attention as programs spell it: a query all of whose scores are minus infinity gets NaN.
at::Tensor softmax_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const std::optional<at::Tensor>& mask, double scale) {
  const at::Tensor scores = at::matmul(query, key.transpose(-2, -1)) * scale;
  return at::matmul(at::softmax(mask ? scores + *mask : scores, -1), value);
}

// A result that is written to `self`, in place.
at::Tensor in_place_result(const at::Tensor& result, const at::Tensor& self) {
  TORCH_CHECK(c10::canCast(result.scalar_type(), self.scalar_type()), "result type ", result.scalar_type(),
              " can't be cast to the desired output type ", self.scalar_type());
  TORCH_CHECK(self.sizes() == result.sizes(), "output with shape ", self.sizes(), " doesn't match the broadcast shape ",
              result.sizes());
  return result.alias();
}

// A result into the destination of an `.out` overload, which takes its sizes.
at::Tensor write_out_(const at::Tensor& self, const at::Tensor& result, bool exact) {
  if (exact) {
    TORCH_CHECK(self.scalar_type() == result.scalar_type(), "Expected out tensor to have dtype ", result.dtype(),
                ", but got ", self.dtype(), " instead");
  } else {
    TORCH_CHECK(c10::canCast(result.scalar_type(), self.scalar_type()), "result type ", result.scalar_type(),
                " can't be cast to the desired output type ", self.scalar_type());
  }
  if (self.sizes() != result.sizes()) self.resize_(result.sizes());
  self.copy_(result);
  return self;
}

// Weights of bytes as a matrix [outputs][size] of whole numbers over the power of two that comes with them: the largest
// that leaves 16 bits for every weight, and for every sum of weights at one place.
std::pair<at::Tensor, int> byte_weights(const at::Tensor& places, const at::Tensor& weights, int64_t size) {
  at::Tensor sums = at::zeros({places.size(0), size}, at::kDouble);
  double largest = 0;
  for (int64_t output = 0; output < places.size(0); ++output) {
    for (int64_t tap = 0; tap < places.size(1); ++tap) {
      const int64_t place = places[output][tap].item<int64_t>();
      if (place < 0) continue;
      sums[output][place] += weights[output][tap];
      largest = std::max(largest, sums[output][place].item<double>());
    }
  }
  int precision = 1;
  while (precision < 22 && static_cast<int64_t>(0.5 + std::ldexp(largest, precision + 1)) < 1 << 15) ++precision;
  const at::Tensor scaled = sums * std::ldexp(1.0, precision);
  return {(scaled + at::where(scaled < 0, -0.5, 0.5)).trunc(), precision};
}
at::Tensor resample_bytes(const at::Tensor& input, int64_t dim, const at::Tensor& places, const at::Tensor& weights) {
  const auto [matrix, precision] = byte_weights(places, weights, input.size(dim));
  const at::Tensor sums = at::matmul(input.movedim(dim, -1).to(at::kDouble), matrix.t());  // exact
  const at::Tensor rounded = (sums * std::ldexp(1.0, -precision) + 0.5).floor();
  return rounded.clamp(0, 255).to(at::kByte).movedim(-1, dim);
}

// Each output along `dim` as a sum of weighted elements: places and weights are [outputs][taps], and a place of -1 is
// none.
at::Tensor resample(const at::Tensor& input, int64_t dim, const at::Tensor& places, const at::Tensor& weights) {
  if (input.scalar_type() == at::kByte) return resample_bytes(input, dim, places, weights);
  std::vector<int64_t> sizes = input.sizes().vec(), along(sizes.size(), 1);
  const int64_t axis = at::maybe_wrap_dim(dim, input.dim());
  sizes[axis] = along[axis] = places.size(0);
  at::Tensor result = at::zeros(sizes, input.options());
  for (int64_t tap = 0; tap < places.size(1); ++tap) {
    const at::Tensor at = places.select(1, tap), is_reached = (at >= 0).view(along);
    const at::Tensor part = input.index_select(axis, at.clamp_min(0)) * weights.select(1, tap).view(along);
    result = result + at::where(is_reached, part, at::zeros_like(part));
  }
  return result;
}

}  // namespace

void define_own_operators() {
  static const auto library = [] {
    torch::Library result(torch::Library::DEF, "tsc", std::nullopt, __FILE__, __LINE__);
    result.def("fma(Tensor self, Tensor factor, Tensor addend) -> Tensor", &fma);
    result.def("choose_qparams(Tensor self, bool reduce_range) -> (Tensor scale, Tensor zero_point)", &choose_qparams);
    result.def("linear_integer(Tensor input, Tensor weight) -> Tensor", &linear_integer);
    result.def(
        "conv2d_integer(Tensor input, Tensor weight, int[2] stride, int[2] padding, int[2] dilation, int groups, "
        "int padding_value) -> Tensor",
        &conv2d_integer);
    result.def("linear_rows(Tensor(a) input, int depth, int columns) -> Tensor(a)", &linear_rows);
    result.def("softmax_attention(Tensor query, Tensor key, Tensor value, Tensor? mask, float scale) -> Tensor", &softmax_attention);
    result.def("resample(Tensor input, int dim, Tensor places, Tensor weights) -> Tensor", &resample);
    result.def(
        "sample_grid(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> "
        "Tensor",
        &at::grid_sampler);
    result.def("write_out_(Tensor(a!) self, Tensor result, bool exact) -> Tensor(a!)", &write_out_);
    result.def("in_place_result(Tensor(a) result, Tensor self) -> Tensor(a)", &in_place_result);
    result.def("linear_result(Tensor(a) rows, Tensor input) -> Tensor(a)", &linear_result);
    return result;
  }();
  static const auto vision = [] {
    torch::Library result(torch::Library::DEF, std::string(kVisionNamespace), std::nullopt, __FILE__, __LINE__);
    // Those that don't compile are here, too, so that LibTorch reads files where only training reaches them.
    result.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    result.def("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    result.def("box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor");
    const std::string regions = "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width";
    result.def(("roi_align" + regions + ", int sampling_ratio, bool aligned) -> Tensor").c_str());
    result.def(("qroi_align" + regions + ", int sampling_ratio, bool aligned) -> Tensor").c_str());
    result.def(("roi_pool" + regions + ") -> (Tensor, Tensor)").c_str());
    result.def(("ps_roi_align" + regions + ", int sampling_ratio) -> (Tensor, Tensor)").c_str());
    result.def(("ps_roi_pool" + regions + ") -> (Tensor, Tensor)").c_str());
    result.def(
        "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h, int "
        "stride_w, "
        "int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask) -> "
        "Tensor");
    return result;
  }();
}

}  // namespace tsc
