// Batch normalisation with constant statistics after a convolution or linear with constant weights goes into these.
#include <cmath>

#include "compiler/ir/tensor_data.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

double as_double(const Element& element) {
  if (const auto* x = std::get_if<double>(&element)) return *x;
  if (const auto* i = std::get_if<int64_t>(&element)) return static_cast<double>(*i);
  return 0;
}

std::optional<std::vector<double>> numbers(const Graph& graph, ValueId value) {
  const auto tensor = graph.as_tensor(value);
  if (!tensor || !is_floating(tensor->dtype)) return std::nullopt;
  std::vector<double> result;
  for (const Element& element : read_elements(*tensor)) result.push_back(as_double(element));
  return result;
}

// y = (x - mean) / sqrt(var + eps) * gain + offset = x * scale + shift, by channel, with
// scale = gain / sqrt(var + eps) and shift = offset - mean * scale.
struct Affine {
  std::vector<double> scale, shift;
};

std::optional<Affine> affine_of(const Graph& graph, const Node& norm) {
  const auto operand = [&](const char* name) { return norm.inputs[input_index(Op::batch_norm, name)]; };
  if (known_bool(graph, operand("training")) != false) return std::nullopt;
  const auto mean = numbers(graph, operand("running_mean")), variance = numbers(graph, operand("running_var"));
  const auto eps = graph.as_double(operand("eps"));
  if (!mean || !variance || !eps) return std::nullopt;
  const size_t channels = mean->size();
  auto gain = std::optional(std::vector<double>(channels, 1.0)),
       offset = std::optional(std::vector<double>(channels, 0.0));
  if (!graph.is_none(operand("weight"))) gain = numbers(graph, operand("weight"));
  if (!graph.is_none(operand("bias"))) offset = numbers(graph, operand("bias"));
  if (!gain || !offset || gain->size() != channels || offset->size() != channels || variance->size() != channels)
    return std::nullopt;
  Affine affine;
  for (size_t c = 0; c < channels; ++c) {
    affine.scale.push_back((*gain)[c] / std::sqrt((*variance)[c] + *eps));
    affine.shift.push_back((*offset)[c] - (*mean)[c] * affine.scale[c]);
  }
  return affine;
}

// The axis of the weight that counts output channels; nullopt when the channels are no whole axis, or the op is none
// that a normalisation over axis 1 can go into.
std::optional<size_t> channel_axis(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::conv1d:
    case Op::conv2d:
    case Op::conv3d:
      return 0;
    case Op::conv_transpose1d:
    case Op::conv_transpose2d:
      if (known_int(graph, node.inputs[input_index(node.op, "groups")]) != 1) return std::nullopt;
      return 1;
    case Op::linear: {
      const Type& output = graph.value(node.outputs[0]).type;
      const bool is_matrix = output.is_tensor() && output.tensor.rank_known && output.tensor.dims.size() == 2;
      return is_matrix ? std::optional<size_t>(0) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

ValueId add_constant(Graph& graph, std::shared_ptr<const TensorConstant> tensor) {
  std::vector<Dim> dims(tensor->sizes.begin(), tensor->sizes.end());
  const std::string name = tensor->name;
  const DType dtype = tensor->dtype;
  return graph.add_constant({std::move(tensor)}, Type::make_tensor(dtype, std::move(dims)), name);
}

// (x * W + b) * scale + shift = x * (W scale) + (b scale + shift), computed in double and rounded once.
bool fold(Graph& graph, NodeId norm_id, Rewriter& rewriter, const std::vector<uint32_t>& uses) {
  const Node norm = graph.node(norm_id);
  const ValueId input = norm.inputs[0];
  const NodeId def = graph.value(input).def;
  if (def == kNoId || uses[input] != 1 || graph.node(def).form != Form::kFunctional || rewriter.is_erased(def))
    return false;
  const Node source = graph.node(def);
  const auto axis = channel_axis(graph, source);
  if (!axis) return false;
  const auto weight = graph.as_tensor(source.inputs[1]);
  const bool has_bias = !graph.is_none(source.inputs[2]);
  const auto bias = has_bias ? numbers(graph, source.inputs[2]) : std::vector<double>();
  if (!weight || !is_floating(weight->dtype) || !bias) return false;
  const auto affine = affine_of(graph, norm);
  const size_t channels = static_cast<size_t>(weight->sizes[*axis]);
  if (!affine || affine->scale.size() != channels || (has_bias && bias->size() != channels)) return false;

  std::vector<Element> shifted;
  for (size_t c = 0; c < channels; ++c)
    shifted.push_back((has_bias ? (*bias)[c] * affine->scale[c] : 0.0) + affine->shift[c]);

  std::vector<ValueId> inputs = source.inputs;
  inputs[1] = add_constant(graph, scale_channels(*weight, *axis, affine->scale));
  // The normalisation's offset is where most of the new bias comes from; it gives the name.
  const auto offset = graph.as_tensor(norm.inputs[input_index(Op::batch_norm, "bias")]);
  const auto old_bias = graph.as_tensor(source.inputs[2]);
  const std::string bias_name = old_bias ? old_bias->name : offset ? offset->name : weight->name + ".shift";
  inputs[2] = add_constant(graph, make_tensor_constant(bias_name, weight->dtype, {static_cast<int64_t>(channels)}, shifted));
  const Type type = graph.value(norm.outputs[0]).type;
  const NodeId folded = graph.make_node(source.op, std::move(inputs), {type}, source.source);
  graph.value(graph.node(folded).outputs[0]).name = graph.value(input).name;
  rewriter.insert_before(norm_id, {folded});
  rewriter.replace(norm.outputs[0], graph.node(folded).outputs[0]);
  rewriter.erase(norm_id);
  rewriter.erase(def);
  // Nobody reads the old weight any more. It goes at once, or a large model would be in memory twice.
  if (uses[source.inputs[1]] == 1) graph.value(source.inputs[1]).constant = Constant{};
  return true;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  const std::vector<uint32_t> uses = graph.use_counts();
  Rewriter rewriter(graph);
  std::vector<NodeId> norms;
  for_each_live_node(graph, [&](NodeId id) {
    if (graph.node(id).op == Op::batch_norm && graph.node(id).form == Form::kFunctional) norms.push_back(id);
  });
  for (NodeId id : norms) fold(graph, id, rewriter, uses);
  rewriter.apply();
}

}  // namespace tsc::passes
