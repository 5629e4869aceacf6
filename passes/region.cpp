#include "passes/region.h"

#include <algorithm>
#include <cmath>

#include "compiler/ir/effects.h"

namespace tsc::passes {

using namespace ir;

namespace {

int64_t wrap(int64_t dim, size_t rank) { return dim < 0 ? dim + static_cast<int64_t>(rank) : dim; }

const std::vector<Dim>& dims_of(const Graph& graph, ValueId value) { return graph.value(value).type.tensor.dims; }

Dim product(const std::vector<Dim>& dims) {
  Dim result(1);
  for (const Dim& dim : dims) result = result * dim;
  return result;
}

// An int operand as a size expression.
std::optional<Dim> int_operand(const Graph& graph, const Node& node, std::string_view name) {
  const ValueId id = node.inputs[input_index(node.op, name)];
  if (const auto constant = graph.as_int(id)) return Dim(*constant);
  const auto& ints = graph.value(id).ints;
  if (ints && ints->size() == 1) return (*ints)[0];
  return std::nullopt;
}

// The address of the same elements in the same order under other dims. Groups of operand dims and of output dims with
// equal products correspond; within a group the operand's strides must merge into one.
std::optional<Address> reshape_address(const std::vector<Dim>& from, const Address& operand,
                                       const std::vector<Dim>& to) {
  Address result{operand.root, operand.offset, std::vector<Dim>(to.size(), Dim(0))};
  auto i = static_cast<int64_t>(from.size()) - 1;
  auto o = static_cast<int64_t>(to.size()) - 1;
  for (;;) {
    while (i >= 0 && from[i].is_constant(1)) --i;
    while (o >= 0 && to[o].is_constant(1)) --o;
    if (i < 0 && o < 0) break;
    if (i < 0 || o < 0) return std::nullopt;
    Dim stride = operand.strides[i];
    Dim in_count = from[i];
    Dim out_count = to[o];
    result.strides[o] = stride;
    while (!(in_count == out_count)) {
      const auto more_out = in_count.exact_quotient(out_count);
      if (more_out && !more_out->is_constant(0) && o > 0) {
        result.strides[o - 1] = result.strides[o] * to[o];
        --o;
        out_count = out_count * to[o];
        continue;
      }
      if (i == 0 || !out_count.exact_quotient(in_count)) return std::nullopt;
      if (!from[i - 1].is_constant(1) && !(operand.strides[i - 1] == operand.strides[i] * from[i])) return std::nullopt;
      --i;
      in_count = in_count * from[i];
    }
    --i;
    --o;
  }
  return result;
}

Address permuted(const Address& operand, const std::vector<int64_t>& order) {
  Address result{operand.root, operand.offset, {}};
  for (const int64_t axis : order) result.strides.push_back(operand.strides[axis]);
  return result;
}

std::optional<Address> expand_address(const std::vector<Dim>& from, const Address& operand,
                                      const std::vector<Dim>& to) {
  Address result{operand.root, operand.offset, std::vector<Dim>(to.size(), Dim(0))};
  const size_t lead = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == to[lead + i]) {
      result.strides[lead + i] = operand.strides[i];
    } else if (!from[i].is_constant(1)) {
      return std::nullopt;
    }
  }
  return result;
}

// The first element of a slice or select, counted from the end when negative. A slice's start is clamped to the size;
// a select's index is checked before the region runs.
Dim from_start(const Dim& index, const Dim& size) {
  const auto constant = index.constant();
  return constant && *constant < 0 ? size + index : index;
}

Dim slice_start(const Dim& index, const Dim& size) {
  const Dim start = from_start(index, size);
  const auto constant = start.constant();
  if (constant && *constant == 0) return start;
  if (constant && size.constant()) return Dim(std::clamp<int64_t>(*constant, 0, *size.constant()));
  return Dim::make(Dim::AtomKind::kMax, Dim(0), Dim::make(Dim::AtomKind::kMin, start, size));
}

bool supported_dtype(DType dtype, Floats floats) {
  if (is_half(dtype)) return floats == Floats::kSingleAndHalves;
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kInt64 || dtype == DType::kInt32 ||
         dtype == DType::kBool || dtype == DType::kUInt8;
}

bool is_f32(const Graph& graph, ValueId id) { return graph.value(id).type.tensor.dtype == DType::kFloat32; }

bool has_kernel(const Graph& graph, ValueId id, Floats floats) {
  const DType dtype = graph.value(id).type.tensor.dtype;
  return dtype == DType::kFloat32 || (floats == Floats::kSingleAndHalves && is_half(dtype));
}
const char* only_these(Floats floats) {
  return floats == Floats::kSingle ? "only float32 has a kernel" : "only float32, float16 and bfloat16 have a kernel";
}

// Reasons are whole phrases that --report prints after "runs generic:".
std::string needs_last_dim(const Graph& graph, const Node& node) {
  const auto dim = graph.as_int(node.inputs[input_index(node.op, "dim")]);
  const size_t rank = dims_of(graph, node.inputs[0]).size();
  if (!dim) return "its dim is told at run time";
  if (rank == 0 || wrap(*dim, rank) + 1 != static_cast<int64_t>(rank)) return "only the last dim has a kernel";
  return "";
}

std::string needs_constant(const Graph& graph, const Node& node, std::string_view name) {
  if (graph.as_tensor(node.inputs[input_index(node.op, name)])) return "";
  return "its " + std::string(name) + " is no constant";
}

// An anchor's operands that are floats have one dtype.
std::string needs_floats(const Graph& graph, const Node& node, Floats floats) {
  if (!has_kernel(graph, node.inputs[0], floats)) {
    for (const ValueId id : node.inputs) {
      const Type& type = graph.value(id).type;
      if (type.is_tensor() && type.tensor.dtype == DType::kFloat64) return "float64 has no kernel of this kind";
    }
    return only_these(floats);
  }
  const DType first = graph.value(node.inputs[0]).type.tensor.dtype;
  for (const ValueId id : node.inputs) {
    const Type& type = graph.value(id).type;
    if (!type.is_tensor()) continue;
    if (type.tensor.dtype == DType::kFloat64) return "float64 has no kernel of this kind";
    if (is_half(first) && is_floating(type.tensor.dtype) && type.tensor.dtype != first) return "operands of several dtypes";
  }
  return "";
}

bool known_scalar(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.constant) return true;
  switch (value.type.kind) {
    case Type::Kind::kInt:
      return value.ints.has_value();
    case Type::Kind::kList:
      return value.ints.has_value() || graph.as_ints(id).has_value();
    default:
      return false;
  }
}

// Whether an element of the dtype can be the number; what it can't be is refused on the host.
bool surely_fits(double number, DType dtype) {
  const auto between = [&](double low, double high) { return number >= low && number <= high; };
  switch (dtype) {
    case DType::kUInt8:
      return between(0, 255);
    case DType::kInt32:
      return between(-0x1p31, 0x1p31 - 1);
    case DType::kInt64:
      return between(-0x1p63, 0x1.fffffffffffffp62);
    case DType::kFloat16:
      return !std::isfinite(number) || between(-65504, 65504);
    case DType::kBFloat16:
      return !std::isfinite(number) || between(-0x1.fep127, 0x1.fep127);
    case DType::kFloat32:
      return !std::isfinite(number) || between(-0x1.fffffep127, 0x1.fffffep127);
    default:
      return true;
  }
}

std::string pointwise_obstacle(const Graph& graph, const Node& node) {
  if (node.op == Op::copy_) return "it writes its operand";
  const DTypeRule rule = op_info(node.op).dtype_rule;
  const DType dtype = graph.value(node.outputs[0]).type.tensor.dtype;
  const bool divides =
      node.op == Op::floor_divide || node.op == Op::remainder || node.op == Op::fmod || node.op == Op::div_mode;
  if (divides && !is_floating(dtype)) {
    const auto divisor = graph.as_int(node.inputs[1]);
    if (!divisor || *divisor == 0) return "a division by zero is told at run time";
  }
  const bool takes_no_bool = rule == DTypeRule::kSameNumber || rule == DTypeRule::kPromoteNumber;
  if ((rule == DTypeRule::kSameFloat && !is_floating(dtype)) || (takes_no_bool && dtype == DType::kBool))
    return "an op of this dtype is refused at run time";
  for (const ValueId id : node.inputs) {
    const Type& type = graph.value(id).type;
    const bool is_number = type.is(Type::Kind::kInt) || type.is(Type::Kind::kFloat) || type.is(Type::Kind::kNumber);
    if (is_number && !graph.as_double(id)) return "a number that it needs is told at run time";
  }
  if (is_same(rule)) {
    for (const ValueId id : node.inputs) {
      const auto number = graph.value(id).type.is_tensor() ? std::nullopt : graph.as_double(id);
      if (number && !surely_fits(*number, dtype)) return "a number that does not fit the dtype is refused at run time";
    }
  }
  if (node.op == Op::div_mode && !graph.as_str(node.inputs[2]) && !graph.is_none(node.inputs[2]))
    return "its rounding mode is told at run time";
  return "";
}

std::string view_obstacle(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::view:
    case Op::reshape:
    case Op::flatten:
    case Op::unflatten:
    case Op::squeeze:
    case Op::squeeze_dim:
    case Op::unsqueeze:
    case Op::transpose:
    case Op::t:
    case Op::numpy_T:
    case Op::permute:
    case Op::view_as:
    case Op::reshape_as:
    case Op::detach:
    case Op::alias:
    case Op::movedim_int:
    case Op::linear_result:
      return "";
    case Op::linear_rows:
      return is_f32(graph, node.inputs[0]) ? "" : "only float32 has a kernel";
    case Op::expand:
    case Op::expand_as: {
      const auto& from = dims_of(graph, node.inputs[0]);
      const Address dense{node.inputs[0], Dim(0), dense_strides(from)};
      const bool known = expand_address(from, dense, dims_of(graph, node.outputs[0])).has_value();
      return known ? "" : "whether it broadcasts is told at run time";
    }
    case Op::select:
      return graph.as_int(node.inputs[1]) && graph.as_int(node.inputs[2]) ? "" : "its index is told at run time";
    case Op::slice: {
      const auto step = graph.as_int(node.inputs[input_index(node.op, "step")]);
      const ValueId start = node.inputs[input_index(node.op, "start")];
      if (!step || !graph.as_int(node.inputs[1])) return "its step is told at run time";
      return graph.is_none(start) || int_operand(graph, node, "start") ? "" : "its start is told at run time";
    }
    case Op::narrow:
      return graph.as_int(node.inputs[1]) && graph.as_int(node.inputs[2]) ? "" : "its start is told at run time";
    default:
      return "a view of this kind has no address form";
  }
}

std::string reduction_obstacle(const Graph& graph, const Node& node, Floats floats) {
  switch (node.op) {
    case Op::sum:
    case Op::mean:
    case Op::amax:
    case Op::amin: {
      const auto dims = graph.as_ints(node.inputs[input_index(node.op, "dim")]);
      const size_t rank = dims_of(graph, node.inputs[0]).size();
      if (!dims || dims->empty()) return "its dims are told at run time";
      std::vector<int64_t> sorted;
      for (const int64_t dim : *dims) sorted.push_back(wrap(dim, rank));
      std::ranges::sort(sorted);
      for (size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i] != sorted[i - 1] + 1) return "the reduced dims are not adjacent";
      }
      if (!has_kernel(graph, node.outputs[0], floats)) return only_these(floats);
      return needs_floats(graph, node, floats);
    }
    default:
      return "a reduction of this kind has no kernel";
  }
}

std::string window_obstacle(const Graph& graph, const Node& node, Floats floats) {
  if (std::string reason = needs_floats(graph, node, floats); !reason.empty()) return reason;
  const size_t rank = dims_of(graph, node.inputs[0]).size();
  switch (node.op) {
    case Op::conv2d: {
      if (rank != 4) return "only batched images have a kernel";
      for (const char* name : {"stride", "padding", "dilation"}) {
        if (!graph.as_ints(node.inputs[input_index(node.op, name)])) return "its geometry is told at run time";
      }
      const ValueId bias = node.inputs[input_index(node.op, "bias")];
      if (!graph.is_none(bias) && !graph.as_tensor(bias)) return "its bias is no constant";
      return needs_constant(graph, node, "weight");
    }
    case Op::max_pool2d:
    case Op::avg_pool2d:
      if (rank != 4) return "only batched images have a kernel";
      for (const char* name : {"kernel_size", "stride", "padding"}) {
        if (!graph.as_ints(node.inputs[input_index(node.op, name)])) return "its geometry is told at run time";
      }
      if (node.op == Op::max_pool2d && !graph.as_ints(node.inputs[input_index(node.op, "dilation")]))
        return "its geometry is told at run time";
      return "";
    case Op::adaptive_avg_pool2d:
      if (rank != 4) return "only batched images have a kernel";
      return graph.as_ints(node.inputs[1]) ? "" : "its output size is told at run time";
    default:
      return "a window of this kind has no kernel";
  }
}

// Matrices with up to two batch dims, each of which is the result's, or 1, perhaps only at run time.
std::string product_obstacle(const Graph& graph, const Node& node, Floats floats) {
  constexpr size_t kMaxRank = 4;
  const auto& out = dims_of(graph, node.outputs[0]);
  if (out.size() > kMaxRank) return "more than two batch dims";
  for (size_t i = 0; i < 2; ++i) {
    if (dims_of(graph, node.inputs[i]).size() < 2) return "a vector operand";
  }
  for (size_t i = 0; i < 2; ++i) {
    const auto& dims = dims_of(graph, node.inputs[i]);
    if (!has_kernel(graph, node.inputs[i], floats)) return only_these(floats);
    for (size_t axis = 0; axis + 2 < dims.size(); ++axis) {
      const Dim& wanted = out[out.size() - dims.size() + axis];
      if (!dims[axis].is_constant(1) && !(dims[axis] == wanted) && !(broadcast(dims[axis], wanted) == wanted))
        return "whether its batches broadcast is told at run time";
    }
  }
  return "";
}

std::string cat_obstacle(const Graph& graph, const Node& node) {
  if (!graph.as_int(node.inputs[1])) return "its dim is told at run time";
  const TensorType& out = graph.value(node.outputs[0]).type.tensor;
  for (const ValueId part : graph.node(graph.value(node.inputs[0]).def).inputs) {
    const TensorType& type = graph.value(part).type.tensor;
    if (type.dtype != out.dtype) return "operands of several dtypes";
    if (type.dims.size() != out.dims.size()) return "an operand without dims";
  }
  return "";
}

std::string attention_obstacle(const Graph& graph, const Node& node, Floats floats) {
  const auto input = [&](const char* name) { return node.inputs[input_index(node.op, name)]; };
  for (const char* name : {"query", "key", "value"}) {
    if (dims_of(graph, input(name)).size() != 4 || !has_kernel(graph, input(name), floats))
      return "only float32 [batch, heads, length, dim] has a kernel";
  }
  const auto& q = dims_of(graph, input("query"));
  for (const char* name : {"key", "value"}) {
    const auto& dims = dims_of(graph, input(name));
    if (!(dims[0] == q[0]) || !(dims[1] == q[1])) return "batches or heads of different number";
  }
  const auto dropout = graph.as_double(input("dropout_p"));
  if (!dropout || *dropout != 0.0) return "dropout is random";
  if (!graph.as_bool(input("is_causal"))) return "is_causal is told at run time";
  const ValueId scale = input("scale");
  if (!graph.is_none(scale) && !graph.as_double(scale)) return "its scale is told at run time";
  const ValueId mask = input("attn_mask");
  if (graph.is_none(mask)) return "";
  const TensorType& type = graph.value(mask).type.tensor;
  const DType computed = graph.value(input("query")).type.tensor.dtype;
  if (type.dtype != computed && type.dtype != DType::kBool) return "a mask of this dtype has no kernel";
  const Dim wanted[4] = {q[0], q[1], q[2], dims_of(graph, input("key"))[2]};
  if (type.dims.size() > 4) return "a mask of too many dims";
  const size_t lead = 4 - type.dims.size();
  for (size_t i = 0; i < type.dims.size(); ++i) {
    if (!type.dims[i].is_constant(1) && !(type.dims[i] == wanted[lead + i]))
      return "whether its mask broadcasts is told at run time";
  }
  return "";
}

std::string softmax_attention_obstacle(const Graph& graph, const Node& node, Floats floats) {
  for (size_t i = 0; i < 3; ++i) {
    if (dims_of(graph, node.inputs[i]).size() != 4 || !has_kernel(graph, node.inputs[i], floats))
      return "only float32 [batch, heads, length, dim] has a kernel";
  }
  const ValueId mask = node.inputs[3];
  if (!graph.is_none(mask) && (!has_kernel(graph, mask, floats) || dims_of(graph, mask).size() > 4))
    return "a mask of this kind has no kernel";
  return "";
}

std::string recurrent_obstacle(const Graph& graph, const Node& node) {
  if (node.op != Op::lstm_scan && node.op != Op::gru_scan && node.op != Op::rnn_tanh_scan)
    return "a recurrence of this kind has no kernel";
  for (const ValueId id : node.inputs) {
    if (graph.value(id).type.is_tensor() && !is_f32(graph, id)) return "only float32 has a kernel";
  }
  if (node.op == Op::gru_scan && !graph.is_none(node.inputs[2]) && !graph.as_tensor(node.inputs[2]))
    return "its bias is no constant";
  if (!graph.as_bool(node.inputs.back())) return "its direction is told at run time";
  return needs_constant(graph, node, "hidden_weight");
}

std::string obstacle_by_class(const Graph& graph, const Node& node, Floats floats) {
  switch (op_info(node.op).op_class) {
    case OpClass::kPointwise:
      return pointwise_obstacle(graph, node);
    case OpClass::kView:
      return view_obstacle(graph, node);
    case OpClass::kReduction:
      return reduction_obstacle(graph, node, floats);
    case OpClass::kWindow:
      return window_obstacle(graph, node, floats);
    case OpClass::kContraction: {
      if (std::string reason = needs_floats(graph, node, floats); !reason.empty()) return reason;
      const size_t rank = dims_of(graph, node.inputs[0]).size();
      if (node.op == Op::linear) {
        if (rank == 0) return "a 0-d operand";
        const ValueId bias = node.inputs[2];
        if (dims_of(graph, node.inputs[1]).size() != 2) return "its weight is no matrix";
        if (!graph.is_none(bias) && !graph.as_tensor(bias)) return "its bias is no constant";
        return needs_constant(graph, node, "weight");
      }
      if (node.op == Op::matmul || node.op == Op::bmm || node.op == Op::mm) {
        return product_obstacle(graph, node, floats);
      }
      return "a contraction of this kind has no kernel";
    }
    case OpClass::kNormalisation: {
      if (std::string reason = needs_floats(graph, node, floats); !reason.empty()) return reason;
      if (graph.value(node.outputs[0]).type.tensor.dtype != graph.value(node.inputs[0]).type.tensor.dtype)
        return "a result of another dtype has no kernel";
      if (node.op == Op::softmax || node.op == Op::log_softmax) return needs_last_dim(graph, node);
      if (node.op == Op::layer_norm) {
        const auto shape = graph.as_ints(node.inputs[1]);
        if (!shape || shape->size() != 1) return "only one normalised dim has a kernel";
        for (const char* name : {"weight", "bias"}) {
          const ValueId id = node.inputs[input_index(node.op, name)];
          if (!graph.is_none(id) && !graph.as_tensor(id)) return "its scale is no constant";
        }
        return graph.as_double(node.inputs[4]) ? "" : "its eps is told at run time";
      }
      return "a normalisation of this kind has no kernel";
    }
    case OpClass::kAttention: {
      if (node.op == Op::softmax_attention) return softmax_attention_obstacle(graph, node, floats);
      if (node.op != Op::scaled_dot_product_attention) return "an attention of this kind has no kernel";
      return attention_obstacle(graph, node, floats);
    }
    case OpClass::kMovement:
      if (node.op == Op::embedding) {
        return graph.value(node.inputs[1]).type.tensor.dtype == DType::kInt64 ? needs_constant(graph, node, "weight")
                                                                              : "only int64 indices have a kernel";
      }
      if (node.op == Op::cat) return cat_obstacle(graph, node);
      return "a movement of this kind has no kernel";
    case OpClass::kCreation:
      return node.op == Op::zeros || node.op == Op::ones ? "" : "a creation of this kind has no kernel";
    case OpClass::kQuery:
      return node.op == Op::symbolic ? "" : "it is read on the host";
    case OpClass::kRecurrent:
      return recurrent_obstacle(graph, node);
    case OpClass::kResampling:
    case OpClass::kTransform:
    case OpClass::kRandom:
    case OpClass::kLinalg:
    case OpClass::kSpecial:
    case OpClass::kScan:
    case OpClass::kSort:
    case OpClass::kScalar:
    case OpClass::kContainer:
    case OpClass::kControl:
    case OpClass::kEffect:
      break;
  }
  return "an op of this class runs on the host";
}

}  // namespace

bool is_half(DType dtype) { return dtype == DType::kFloat16 || dtype == DType::kBFloat16; }

std::string region_obstacle(const Graph& graph, const Node& node, Floats floats) {
  if (node.op == Op::symbolic) return "";
  if (node.form != Form::kFunctional) return "it writes its operand";
  if (!node.blocks.empty()) return "control flow runs on the host";
  if (is_random(graph, node)) return "it draws random numbers";
  for (const ValueId id : node.outputs) {
    const Type& type = graph.value(id).type;
    if (!type.is_tensor()) return "an op of this class runs on the host";
    if (!type.is_ranked_tensor()) return "the dtype or the rank of its result is told at run time";
    if (!supported_dtype(type.tensor.dtype, floats))
      return std::string(dtype_torch_name(type.tensor.dtype)) + " has no kernels";
  }
  for (const ValueId id : node.inputs) {
    const Value& value = graph.value(id);
    if (value.type.is_tensor()) {
      if (!value.type.is_ranked_tensor()) return "the dtype or the rank of an operand is told at run time";
      if (!supported_dtype(value.type.tensor.dtype, floats)) {
        return std::string(dtype_torch_name(value.type.tensor.dtype)) + " has no kernels";
      }
    } else if (value.type.is(Type::Kind::kList) && value.type.elements[0].is_tensor()) {
      if (node.op != Op::cat || value.def == kNoId || graph.node(value.def).op != Op::list)
        return "a list of run-time length";
      for (const ValueId element : graph.node(value.def).inputs) {
        if (!graph.value(element).type.is_ranked_tensor())
          return "the dtype or the rank of an operand is told at run time";
      }
    } else if (!known_scalar(graph, id) && op_info(node.op).op_class != OpClass::kView) {
      return "a number that it needs is told at run time";
    }
  }
  return obstacle_by_class(graph, node, floats);
}

// An image has at least one row and one column. Where it is a result of other windows it has them, when they do.
static std::vector<SizePair> image_requirements(const Graph& graph, const Node& node) {
  std::vector<SizePair> pairs;
  for (const size_t axis : {2, 3}) {
    const Dim& size = dims_of(graph, node.inputs[0])[axis];
    if (size.symbol_name()) pairs.push_back({Dim::make(Dim::AtomKind::kMax, size, Dim(1)), size});
  }
  return pairs;
}
// The image must hold the window: the result has at least one row and one column. An image that has one of each and
// borders as wide as the window reaches needs no other check.
static std::vector<SizePair> window_requirements(const Graph& graph, const Node& node, int64_t height, int64_t width) {
  const auto& out = dims_of(graph, node.outputs[0]);
  const auto padding = *graph.as_ints(node.inputs[input_index(node.op, "padding")]);
  const auto dilation = node.op == Op::avg_pool2d ? std::vector<int64_t>{1}
                                                  : *graph.as_ints(node.inputs[input_index(node.op, "dilation")]);
  std::vector<SizePair> pairs = image_requirements(graph, node);
  if (dilation[0] * (height - 1) > 2 * padding[0])
    pairs.push_back({Dim::make(Dim::AtomKind::kMax, out[2], Dim(1)), out[2]});
  if (dilation.back() * (width - 1) > 2 * padding.back())
    pairs.push_back({Dim::make(Dim::AtomKind::kMax, out[3], Dim(1)), out[3]});
  return pairs;
}

std::vector<SizePair> region_requirements(const Graph& graph, const Node& node) {
  const auto dims = [&](size_t i) -> const std::vector<Dim>& { return dims_of(graph, node.inputs[i]); };
  switch (node.op) {
    case Op::linear:
    case Op::linear_rows:
      return {{dims(0).back(), node.op == Op::linear ? dims(1).back() : dims_of(graph, node.outputs[0])[1]}};
    case Op::matmul:
    case Op::bmm:
    case Op::mm:
      return {{dims(0).back(), dims(1)[dims(1).size() - 2]}};
    case Op::conv2d: {
      auto pairs =
          window_requirements(graph, node, dims(1)[2].constant().value_or(1), dims(1)[3].constant().value_or(1));
      pairs.push_back({dims(0)[1], dims(1)[1] * Dim(*graph.as_int(node.inputs[input_index(node.op, "groups")]))});
      return pairs;
    }
    case Op::max_pool2d:
    case Op::avg_pool2d: {
      const auto kernel = *graph.as_ints(node.inputs[1]);
      return window_requirements(graph, node, kernel[0], kernel.back());
    }
    case Op::adaptive_avg_pool2d:
      return image_requirements(graph, node);
    case Op::view:
    case Op::reshape:
    case Op::unflatten:
    case Op::view_as:
    case Op::reshape_as:
      return {{product(dims(0)), product(dims_of(graph, node.outputs[0]))}};
    case Op::narrow: {
      const Dim& size = dims(0)[wrap(*graph.as_int(node.inputs[1]), dims(0).size())];
      const auto length = int_operand(graph, node, "length");
      if (!length) return {};
      const Dim end = from_start(*int_operand(graph, node, "start"), size) + *length;
      return {{Dim::make(Dim::AtomKind::kMin, end, size), end}};
    }
    case Op::layer_norm:
      return {{dims(0).back(), Dim((*graph.as_ints(node.inputs[1]))[0])}};
    case Op::lstm_scan:
    case Op::gru_scan:
    case Op::rnn_tanh_scan: {
      const Dim &steps = dims(0)[0], &batch = dims(0)[1], &hidden = dims(1)[1];
      std::vector<SizePair> pairs = {{Dim::make(Dim::AtomKind::kMax, steps, Dim(1)), steps}};
      for (const char* name : {"h0", "c0"}) {
        if (node.op != Op::lstm_scan && name == std::string_view("c0")) continue;
        const auto& state = dims(input_index(node.op, name));
        pairs.push_back({state[0], batch});
        pairs.push_back({state[1], hidden});
      }
      return pairs;
    }
    case Op::scaled_dot_product_attention:
      return {{dims(0)[3], dims(1)[3]}, {dims(1)[2], dims(2)[2]}};
    case Op::softmax_attention: {
      Dim keys = dims(1)[2];
      if (!graph.is_none(node.inputs[3]) && !dims(3).empty()) keys = broadcast(keys, dims(3).back());
      return {{dims(0)[3], dims(1)[3]}, {keys, dims(2)[2]}};
    }
    case Op::cat: {
      std::vector<SizePair> pairs;
      const auto& out = dims_of(graph, node.outputs[0]);
      const int64_t axis = wrap(*graph.as_int(node.inputs[1]), out.size());
      for (const ValueId part : graph.node(graph.value(node.inputs[0]).def).inputs) {
        for (size_t i = 0; i < out.size(); ++i) {
          if (static_cast<int64_t>(i) != axis) pairs.push_back({dims_of(graph, part)[i], out[i]});
        }
      }
      return pairs;
    }
    default:
      return {};
  }
}

bool is_view(const Node& node) { return op_info(node.op).op_class == OpClass::kView; }

std::vector<Dim> dense_strides(const std::vector<Dim>& dims) {
  std::vector<Dim> strides(dims.size(), Dim(1));
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

bool is_dense(const Graph& graph, ValueId value, const Address& address) {
  const auto& dims = dims_of(graph, value);
  const auto dense = dense_strides(dims);
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!dims[i].is_constant(1) && !(address.strides[i] == dense[i])) return false;
  }
  return true;
}

std::optional<Dim> row_stride(const Graph& graph, ValueId value, const Address& address) {
  const auto& dims = dims_of(graph, value);
  if (dims.empty()) return std::nullopt;
  if (!dims.back().is_constant(1) && !address.strides.back().is_constant(1)) return std::nullopt;
  std::optional<Dim> inner;  // stride of the innermost of the merged dims
  Dim count(1);              // elements of the dims merged so far
  for (size_t i = dims.size() - 1; i-- > 0;) {
    if (dims[i].is_constant(1)) continue;
    if (!inner) {
      inner = address.strides[i];
    } else if (!(address.strides[i] == *inner * count)) {
      return std::nullopt;
    }
    count = count * dims[i];
  }
  return inner ? *inner : dims.back();
}

std::optional<Address> view_address(const Graph& graph, const Node& node, const Address& operand) {
  const auto& from = dims_of(graph, node.inputs[0]);
  const auto& to = dims_of(graph, node.outputs[0]);
  const size_t rank = from.size();
  std::vector<int64_t> order(rank);
  for (size_t i = 0; i < rank; ++i) order[i] = static_cast<int64_t>(i);
  switch (node.op) {
    case Op::detach:
    case Op::alias:
      return operand;
    case Op::transpose: {
      const auto a = graph.as_int(node.inputs[1]), b = graph.as_int(node.inputs[2]);
      if (!a || !b) return std::nullopt;
      if (rank > 0) std::swap(order[wrap(*a, rank)], order[wrap(*b, rank)]);
      return permuted(operand, order);
    }
    case Op::t:
    case Op::numpy_T:
      std::ranges::reverse(order);
      return permuted(operand, order);
    case Op::permute: {
      const auto axes = graph.as_ints(node.inputs[1]);
      if (!axes) return std::nullopt;
      for (size_t i = 0; i < rank; ++i) order[i] = wrap((*axes)[i], rank);
      return permuted(operand, order);
    }
    case Op::movedim_int: {
      const auto source = graph.as_int(node.inputs[1]), target = graph.as_int(node.inputs[2]);
      if (!source || !target) return std::nullopt;
      const int64_t axis = wrap(*source, rank);
      order.erase(order.begin() + axis);
      order.insert(order.begin() + wrap(*target, rank), axis);
      return permuted(operand, order);
    }
    case Op::expand:
    case Op::expand_as:
      return expand_address(from, operand, to);
    case Op::select: {
      const int64_t axis = wrap(*graph.as_int(node.inputs[1]), rank);
      Address result = operand;
      result.offset =
          operand.offset + from_start(*int_operand(graph, node, "index"), from[axis]) * operand.strides[axis];
      result.strides.erase(result.strides.begin() + axis);
      return result;
    }
    case Op::slice:
    case Op::narrow: {
      const int64_t axis = wrap(*graph.as_int(node.inputs[1]), rank);
      const Dim start =
          graph.is_none(node.inputs[2]) ? Dim(0) : slice_start(*int_operand(graph, node, "start"), from[axis]);
      const Dim step = node.op == Op::slice ? Dim(*graph.as_int(node.inputs[input_index(node.op, "step")])) : Dim(1);
      Address result = operand;
      result.offset = operand.offset + start * operand.strides[axis];
      result.strides[axis] = operand.strides[axis] * step;
      return result;
    }
    default:  // view, reshape, flatten, squeeze, ...: the same elements in the same order
      if (is_dense(graph, node.inputs[0], operand)) return Address{operand.root, operand.offset, dense_strides(to)};
      return reshape_address(from, operand, to);
  }
}

std::map<ValueId, Address> region_addresses(const Graph& graph, BlockId body) {
  std::map<ValueId, Address> addresses;
  const auto own = [&](ValueId id) {
    const Type& type = graph.value(id).type;
    if (type.is_tensor() && type.tensor.rank_known)
      addresses.try_emplace(id, Address{id, Dim(0), dense_strides(type.tensor.dims)});
  };
  for_each_node(graph, body, [&](NodeId id) {
    const Node& node = graph.node(id);
    for (const ValueId input : node.inputs) own(input);
    if (is_view(node)) {
      if (auto address = view_address(graph, node, addresses.at(node.inputs[0]))) {
        addresses.insert_or_assign(node.outputs[0], std::move(*address));
        return;
      }
    }
    for (const ValueId output : node.outputs) own(output);
  });
  return addresses;
}

int64_t channel_axis(const Node& anchor, int64_t rank) {
  return op_info(anchor.op).op_class == OpClass::kWindow ? 1 : rank - 1;
}

EpilogueOperand classify_epilogue_operand(const Graph& graph, const Node& anchor,
                                          const std::map<ValueId, Address>& addresses, ValueId operand) {
  const auto& out = dims_of(graph, anchor.outputs[0]);
  const auto& dims = dims_of(graph, operand);
  const auto address = addresses.find(operand);
  if (address == addresses.end() || dims.size() > out.size()) return EpilogueOperand::kNone;
  const bool dense = is_dense(graph, operand, address->second);
  if (dims == out) return dense ? EpilogueOperand::kSame : EpilogueOperand::kNone;
  const auto axis = channel_axis(anchor, static_cast<int64_t>(out.size()));
  const size_t lead = out.size() - dims.size();
  bool scalar = true;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].is_constant(1)) continue;
    scalar = false;
    if (static_cast<int64_t>(lead + i) != axis || !(dims[i] == out[lead + i]) || !dense) return EpilogueOperand::kNone;
  }
  return scalar ? EpilogueOperand::kScalar : EpilogueOperand::kChannel;
}

}  // namespace tsc::passes
