// Convolutions and poolings: sizes of sliding windows.
#include <algorithm>

#include "compiler/ir/infer_run.h"

namespace tsc::ir::inference {
namespace {

// A list of one entry counts for every axis.
std::optional<std::vector<int64_t>> per_axis(const Rule& rule, size_t operand, size_t axes) {
  auto values = rule.integers(operand);
  if (!values) return std::nullopt;
  if (values->size() == 1) values->assign(axes, values->front());
  if (values->size() != axes) return std::nullopt;
  return values;
}

// floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, with the 1 inside the quotient.
Dim window_count(const Dim& in, const Dim& kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return floor_div(in + 2 * padding - Dim(dilation) * (kernel - 1) - 1 + stride, stride);
}

// With ceil_mode a last window may begin beyond the input, but not beyond it and its left padding.
Dim ceil_window_count(const Dim& in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const Dim rounded_up = floor_div(in + 2 * padding - dilation * (kernel - 1) - 1 + 2 * stride - 1, stride);
  const Dim beginning_inside = floor_div(in + padding - 1 + stride, stride);
  if (padding - dilation * (kernel - 1) + stride - 1 <= 0) return rounded_up;
  return Dim::make(Dim::AtomKind::kMin, rounded_up, beginning_inside);
}

struct Convolution {
  size_t axes;
  std::optional<std::vector<int64_t>> stride, padding, dilation, output_padding;
  std::optional<int64_t> groups;
  bool transposed = false;
  enum class Padding : uint8_t { kGiven, kValid, kSame } padding_mode = Padding::kGiven;
};

std::optional<Convolution> convolution_of(const Rule& rule) {
  Convolution c;
  size_t axes = 0;
  switch (rule.node.op) {
    case Op::conv1d:
    case Op::conv1d_padding:
    case Op::conv_transpose1d:
      axes = 1;
      break;
    case Op::conv2d:
    case Op::conv2d_integer:
    case Op::conv2d_padding:
    case Op::conv_transpose2d:
      axes = 2;
      break;
    case Op::conv3d:
    case Op::conv3d_padding:
      axes = 3;
      break;
    case Op::convolution: {
      const Shape weight = rule.shape(1);
      if (!weight || weight->size() < 3) return std::nullopt;
      axes = weight->size() - 2;
      break;
    }
    default:
      return std::nullopt;
  }
  c.axes = axes;
  c.stride = per_axis(rule, rule.at("stride"), axes);
  c.dilation = per_axis(rule, rule.at("dilation"), axes);
  c.groups = rule.integer(rule.at("groups"));
  const size_t padding = rule.at("padding");
  if (rule.type(padding).is(Type::Kind::kStr)) {
    const auto& constant = rule.graph.value(rule.in(padding)).constant;
    const auto* mode = constant ? std::get_if<std::string>(&constant->value) : nullptr;
    if (!mode) return std::nullopt;
    c.padding_mode = *mode == "same" ? Convolution::Padding::kSame : Convolution::Padding::kValid;
    c.padding = std::vector<int64_t>(axes, 0);
  } else {
    c.padding = per_axis(rule, padding, axes);
  }
  if (rule.node.op == Op::convolution) {
    const auto transposed = rule.boolean(rule.at("transposed"));
    if (!transposed) return std::nullopt;
    c.transposed = *transposed;
  }
  c.transposed |= rule.node.op == Op::conv_transpose1d || rule.node.op == Op::conv_transpose2d;
  if (c.transposed) c.output_padding = per_axis(rule, rule.at("output_padding"), axes);
  return c;
}

Shape convolved(const Rule& rule, const Convolution& c) {
  Shape input = rule.shape(0);
  const Shape weight = rule.shape(1);
  if (!input || !weight || weight->size() != c.axes + 2) return std::nullopt;
  if (input->size() != c.axes + 2 && input->size() != c.axes + 1) return std::nullopt;
  const size_t channel = input->size() - c.axes - 1;
  if (c.groups) {
    const Dim channels = c.transposed ? (*weight)[0] : (*weight)[1] * *c.groups;
    rule.require_equal((*input)[channel], channels,
                       fmt::format("{}: the input must have {} channels", op_info(rule.node.op).name, channels.str()));
    input = rule.shape(0);
  }
  Dims result = *input;
  if (c.transposed)
    result[channel] = c.groups ? (*weight)[1] * *c.groups : rule.fresh(0, channel);
  else
    result[channel] = (*weight)[0];
  for (size_t i = 0; i < c.axes; ++i) {
    Dim& size = result[channel + 1 + i];
    const Dim kernel = (*weight)[i + 2];
    if (c.padding_mode == Convolution::Padding::kSame) continue;
    if (!c.stride || !c.padding || !c.dilation || (*c.stride)[i] <= 0 || (c.transposed && !c.output_padding)) {
      size = rule.fresh(0, channel + 1 + i);
    } else if (c.transposed) {
      size = (size - 1) * (*c.stride)[i] - 2 * (*c.padding)[i] + Dim((*c.dilation)[i]) * (kernel - 1) +
             (*c.output_padding)[i] + 1;
    } else {
      size = window_count(size, kernel, (*c.stride)[i], (*c.padding)[i], (*c.dilation)[i]);
    }
  }
  return result;
}

Shape pooled(const Rule& rule, size_t axes, bool has_dilation) {
  const Shape input = rule.shape(0);
  if (!input || input->size() < axes + 1) return std::nullopt;
  Dims result = *input;
  const size_t first = input->size() - axes;
  const auto kernel = per_axis(rule, rule.at("kernel_size"), axes);
  auto stride = rule.integers(rule.at("stride"));
  stride = stride && stride->empty() ? kernel : per_axis(rule, rule.at("stride"), axes);
  const auto padding = per_axis(rule, rule.at("padding"), axes);
  const auto dilation = has_dilation ? per_axis(rule, rule.at("dilation"), axes) : std::vector<int64_t>(axes, 1);
  const auto ceil_mode = rule.boolean(rule.at("ceil_mode"));
  for (size_t i = 0; i < axes; ++i) {
    Dim& size = result[first + i];
    if (!kernel || !stride || !padding || !dilation || !ceil_mode || (*stride)[i] <= 0)
      size = rule.fresh(0, first + i);
    else if (*ceil_mode)
      size = ceil_window_count(size, (*kernel)[i], (*stride)[i], (*padding)[i], (*dilation)[i]);
    else
      size = window_count(size, (*kernel)[i], (*stride)[i], (*padding)[i], (*dilation)[i]);
  }
  return result;
}

Shape adaptive(const Rule& rule, size_t axes) {
  const Shape input = rule.shape(0);
  if (!input || input->size() < axes + 1) return std::nullopt;
  Dims result = *input;
  const size_t first = input->size() - axes;
  auto wanted = rule.dims(1);
  if (wanted && wanted->size() == 1) wanted->resize(axes, wanted->front());
  for (size_t i = 0; i < axes; ++i)
    result[first + i] = wanted && wanted->size() == axes ? (*wanted)[i] : rule.fresh(0, first + i);
  return result;
}

}  // namespace

bool infer_window(const Rule& rule) {
  if (rule.node.form != Form::kFunctional) return false;
  Shape shape;
  switch (rule.node.op) {
    case Op::max_pool1d:
      shape = pooled(rule, 1, true);
      break;
    case Op::max_pool2d:
    case Op::max_pool2d_with_indices:
      shape = pooled(rule, 2, true);
      break;
    case Op::avg_pool1d:
      shape = pooled(rule, 1, false);
      break;
    case Op::avg_pool2d:
      shape = pooled(rule, 2, false);
      break;
    case Op::adaptive_avg_pool1d:
      shape = adaptive(rule, 1);
      break;
    case Op::adaptive_avg_pool2d:
    case Op::adaptive_max_pool2d:
      shape = adaptive(rule, 2);
      break;
    default: {
      const auto c = convolution_of(rule);
      if (c) shape = convolved(rule, *c);
      const DType dtype = rule.node.op == Op::conv2d_integer    ? DType::kInt32
                          : rule.dtype(1) != DType::kUnknown ? rule.dtype(1)
                                                             : rule.dtype(0);
      rule.set_tensor(0, dtype, shape);
      return true;
    }
  }
  rule.set_tensor(0, rule.dtype(0), shape);
  rule.set_tensor(1, DType::kInt64, shape);
  return true;
}

}  // namespace tsc::ir::inference
