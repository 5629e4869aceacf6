#include <algorithm>
#include <cmath>

#include "compiler/ir/containers.h"
#include "compiler/ir/tensor_data.h"
#include "passes/lower_attention.h"
#include "passes/lower_linear.h"
#include "passes/lower_recurrent.h"
#include "passes/passes.h"

namespace tsc::passes {

using namespace ir;

namespace {

std::vector<double> numbers(const TensorConstant& tensor) {
  std::vector<double> result;
  for (const Element& element : read_elements(tensor)) result.push_back(std::get<double>(element));
  return result;
}

// One float per channel as a constant of dims [C, 1, 1, ...] that broadcasts over an image.
ValueId channel_constant(Graph& graph, const std::string& name, const std::vector<double>& values, size_t rank) {
  std::vector<Element> elements(values.begin(), values.end());
  std::vector<int64_t> sizes(rank - 1, 1);
  sizes[0] = static_cast<int64_t>(values.size());
  std::vector<Dim> dims;
  for (const int64_t size : sizes) dims.emplace_back(size);
  return graph.add_constant({make_tensor_constant(name, DType::kFloat32, sizes, elements)},
                            Type::make_tensor(DType::kFloat32, dims), name);
}

// Inference of batch_norm: y = (x - mean) / sqrt(var + eps) * weight + bias = x * scale + shift, per channel, with
// scale = weight / sqrt(var + eps) and shift = bias - mean * scale computed in double and rounded once.
bool lower_batch_norm(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const auto input = [&](const char* name) { return node.inputs[input_index(Op::batch_norm, name)]; };
  const Type type = graph.value(node.outputs[0]).type;
  const auto mean = graph.as_tensor(input("running_mean")), variance = graph.as_tensor(input("running_var"));
  if (!mean || !variance || graph.as_bool(input("training")) != false) return false;
  if (!type.is_ranked_tensor() || type.tensor.dtype != DType::kFloat32 || type.tensor.dims.size() < 2) return false;
  const auto weight = graph.as_tensor(input("weight")), bias = graph.as_tensor(input("bias"));
  if ((!weight && !graph.is_none(input("weight"))) || (!bias && !graph.is_none(input("bias")))) return false;
  const auto eps = graph.as_double(input("eps"));
  if (!eps) return false;
  std::vector<double> scale = numbers(*variance), shift = numbers(*mean);
  const std::vector<double> gain = weight ? numbers(*weight) : std::vector<double>(scale.size(), 1.0);
  const std::vector<double> offset = bias ? numbers(*bias) : std::vector<double>(scale.size(), 0.0);
  for (size_t c = 0; c < scale.size(); ++c) {
    scale[c] = gain[c] / std::sqrt(scale[c] + *eps);
    shift[c] = offset[c] - shift[c] * scale[c];
  }
  const size_t rank = type.tensor.dims.size();
  const ValueId scale_value = channel_constant(graph, weight ? weight->name : "scale", scale, rank);
  const ValueId shift_value = channel_constant(graph, bias ? bias->name : "shift", shift, rank);
  const NodeId product = graph.make_node(Op::mul, {input("input"), scale_value}, {type}, node.source);
  graph.insert_before(product, id);
  const NodeId sum = graph.make_node(Op::add, {graph.node(product).outputs[0], shift_value, graph.constant_int(1)}, {type}, node.source);
  graph.insert_before(sum, id);
  graph.replace_uses(node.outputs[0], graph.node(sum).outputs[0]);
  graph.remove(id);
  return true;
}

// `list_unpack(chunk(x))` and its kin as one slice or select per part, when the sizes are known: parts of a tensor
// become addresses. The list must have no other use.
bool lower_parts(Graph& graph, NodeId id, const std::vector<uint32_t>& uses) {
  const Node unpack = graph.node(id);
  const NodeId def = graph.value(unpack.inputs[0]).def;
  if (def == kNoId || uses[unpack.inputs[0]] != 1) return false;
  const Node parts = graph.node(def);
  if (parts.op != Op::chunk && parts.op != Op::split && parts.op != Op::split_with_sizes && parts.op != Op::unbind) return false;
  const ValueId x = parts.inputs[0];
  const Type type = graph.value(x).type;
  if (!type.is_ranked_tensor()) return false;
  const auto given = graph.as_int(parts.inputs[input_index(parts.op, "dim")]);
  if (!given) return false;
  const int64_t axis = *given < 0 ? *given + static_cast<int64_t>(type.tensor.dims.size()) : *given;
  const auto size = type.tensor.dims[axis].constant();
  if (!size) return false;
  const auto count = static_cast<int64_t>(unpack.outputs.size());
  std::vector<int64_t> lengths;
  if (parts.op == Op::chunk) {
    const auto chunks = graph.as_int(parts.inputs[1]);
    if (!chunks || *chunks <= 0) return false;
    const int64_t length = (*size + *chunks - 1) / *chunks;
    for (int64_t begin = 0; begin < *size && length > 0; begin += length) lengths.push_back(std::min(length, *size - begin));
  } else if (parts.op == Op::split) {
    const auto length = graph.as_int(parts.inputs[1]);
    if (!length || *length <= 0) return false;
    for (int64_t begin = 0; begin < *size; begin += *length) lengths.push_back(std::min(*length, *size - begin));
  } else if (parts.op == Op::split_with_sizes) {
    const auto sizes = graph.as_ints(parts.inputs[1]);
    if (!sizes) return false;
    int64_t sum = 0;
    for (const int64_t length : *sizes) sum += length;
    if (sum != *size) return false;
    lengths = *sizes;
  } else {
    lengths.assign(static_cast<size_t>(*size), 1);
  }
  if (static_cast<int64_t>(lengths.size()) != count) return false;
  int64_t begin = 0;
  for (int64_t i = 0; i < count; ++i) {
    Type part = type;
    NodeId made;
    if (parts.op == Op::unbind) {
      part.tensor.dims.erase(part.tensor.dims.begin() + axis);
      made = graph.make_node(Op::select, {x, graph.constant_int(axis), graph.constant_int(i)}, {part}, parts.source);
    } else {
      part.tensor.dims[axis] = Dim(lengths[i]);
      made = graph.make_node(Op::slice, {x, graph.constant_int(axis), graph.constant_int(begin), graph.constant_int(begin + lengths[i]),
                                         graph.constant_int(1)}, {part}, parts.source);
    }
    begin += lengths[i];
    graph.value(graph.node(made).outputs[0]).name = graph.value(unpack.outputs[i]).name;
    graph.insert_before(made, id);
    graph.replace_uses(unpack.outputs[i], graph.node(made).outputs[0]);
  }
  graph.remove(id);
  graph.remove(def);
  return true;
}

// stack(x...) is cat of x with a new dim of size 1. A list that somebody appends to has other elements than it began with.
bool lower_stack(Graph& graph, NodeId id, const ContainerClasses& containers) {
  const Node node = graph.node(id);
  if (containers.is_mutated(node.inputs[0])) return false;
  const Type out = graph.value(node.outputs[0]).type;
  const NodeId list = graph.value(node.inputs[0]).def;
  const auto given = graph.as_int(node.inputs[1]);
  if (list == kNoId || graph.node(list).op != Op::list || !given || !out.is_ranked_tensor()) return false;
  const int64_t axis = *given < 0 ? *given + static_cast<int64_t>(out.tensor.dims.size()) : *given;
  std::vector<ValueId> parts;
  for (const ValueId x : std::vector<ValueId>(graph.node(list).inputs)) {
    Type type = graph.value(x).type;
    if (!type.is_ranked_tensor() || type.tensor.dtype != out.tensor.dtype) return false;
    type.tensor.dims.insert(type.tensor.dims.begin() + axis, Dim(1));
    const NodeId made = graph.make_node(Op::unsqueeze, {x, graph.constant_int(axis)}, {type}, node.source);
    graph.insert_before(made, id);
    parts.push_back(graph.node(made).outputs[0]);
  }
  const NodeId made_list = graph.make_node(Op::list, parts, {graph.value(node.inputs[0]).type}, node.source);
  graph.insert_before(made_list, id);
  const NodeId cat = graph.make_node(Op::cat, {graph.node(made_list).outputs[0], graph.constant_int(axis)}, {out}, node.source);
  graph.insert_before(cat, id);
  graph.replace_uses(node.outputs[0], graph.node(cat).outputs[0]);
  graph.remove(id);
  return true;
}

}  // namespace

void lower_composites(Graph& graph) {
  std::vector<NodeId> nodes;
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) { nodes.push_back(id); });
  }
  const std::vector<uint32_t> uses = graph.use_counts();
  const ContainerClasses containers(graph);
  for (const NodeId id : nodes) {
    switch (graph.node(id).op) {
      case Op::batch_norm:
        lower_batch_norm(graph, id);
        break;
      case Op::linear:
        lower_linear(graph, id);
        break;
      case Op::lstm:
      case Op::gru:
      case Op::rnn_tanh:
        lower_recurrent(graph, id, containers);
        break;
      case Op::lstm_cell:
      case Op::gru_cell:
        lower_recurrent_cell(graph, id, containers);
        break;
      case Op::transformer_encoder_layer_fwd:
      case Op::native_multi_head_attention:
        lower_projected_attention(graph, id, uses);
        break;
      case Op::list_unpack:
        lower_parts(graph, id, uses);
        break;
      case Op::stack:
        lower_stack(graph, id, containers);
        break;
      default:
        break;
    }
  }
}

}  // namespace tsc::passes
