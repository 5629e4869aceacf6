#include "passes/strides.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "compiler/ir/effects.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

std::set<ValueId> classes_by_strides(const Graph& graph, const AliasClasses& aliases) {
  std::set<ValueId> written;
  std::vector<NodeId> nodes;
  for (const Function& function : graph.functions) {
    if (function.body == kNoId) continue;
    for_each_node(graph, function.body, [&](NodeId id) {
      const Node& node = graph.node(id);
      nodes.push_back(id);
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const bool is_tensor = graph.value(node.inputs[i]).type.is_tensor();
        if (is_tensor && writes_input(graph, node, i)) written.insert(aliases.class_of(node.inputs[i]));
      }
    });
  }
  std::set<ValueId> result;
  for (const NodeId id : nodes) {
    const Node& node = graph.node(id);
    const bool may_copy =
        node.op == Op::reshape || node.op == Op::reshape_as || node.op == Op::flatten || node.op == Op::contiguous;
    if (may_copy && written.contains(aliases.class_of(node.outputs[0])))
      result.insert(aliases.class_of(node.outputs[0]));
  }
  for (size_t size = 0; size != result.size();) {
    size = result.size();
    // What one function leaves in the state another one finds there.
    bool is_outside = false;
    for (size_t f = 0; f < graph.functions.size(); ++f) is_outside |= result.contains(aliases.class_outside(f));
    for (size_t f = 0; is_outside && f < graph.functions.size(); ++f) result.insert(aliases.class_outside(f));
    for (const NodeId id : nodes) {
      const Node& node = graph.node(id);
      if (!node.blocks.empty() || op_info(node.op).op_class == OpClass::kContraction) continue;
      const auto counts = [&](ValueId v) { return result.contains(aliases.class_of(v)); };
      if (std::ranges::none_of(node.outputs, counts)) continue;
      for (const ValueId input : node.inputs) {
        if (graph.value(input).type.is_tensor()) result.insert(aliases.class_of(input));
      }
    }
  }
  return result;
}

namespace {

// The dims in the order in which the elements lie, outermost first; nothing where they have gaps or lie twice.
std::optional<std::vector<int64_t>> order_of_elements(const TensorConstant& tensor) {
  std::vector<int64_t> order(tensor.sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int64_t d) { return std::pair(-tensor.strides[static_cast<size_t>(d)], d); });
  int64_t expected = 1;
  for (size_t i = order.size(); i-- > 0;) {
    const auto d = static_cast<size_t>(order[i]);
    if (tensor.sizes[d] != 1 && tensor.strides[d] != expected) return std::nullopt;
    expected *= tensor.sizes[d];
  }
  return order;
}

// permute(the same elements with their dims in that order)
NodeId permuted(Graph& graph, ValueId constant, const TensorConstant& tensor, const std::vector<int64_t>& order) {
  auto dense = std::make_shared<TensorConstant>(tensor);
  const Type type = graph.value(constant).type;
  Type dense_type = type;
  std::vector<int64_t> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto d = static_cast<size_t>(order[i]);
    dense->sizes[i] = tensor.sizes[d];
    dense->strides[i] = tensor.strides[d];
    dense_type.tensor.dims[i] = type.tensor.dims[d];
    back[d] = static_cast<int64_t>(i);
  }
  const ValueId value = graph.add_constant({std::shared_ptr<const TensorConstant>(dense)}, dense_type, tensor.name);
  return graph.make_node(Op::permute, {value, graph.constant_ints(back)}, {type}, 0);
}

}  // namespace

void keep_strides_of_constants(Graph& graph) {
  const AliasClasses aliases(graph);
  const std::set<ValueId> by_strides = classes_by_strides(graph, aliases);
  if (by_strides.empty()) return;
  std::vector<NodeId> nodes;
  for (const Function& function : graph.functions) {
    if (function.body != kNoId) for_each_node(graph, function.body, [&](NodeId id) { nodes.push_back(id); });
  }
  for (const NodeId id : nodes) {
    for (size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
      const ValueId input = graph.node(id).inputs[i];
      const auto* constant =
          graph.value(input).constant
              ? std::get_if<std::shared_ptr<const TensorConstant>>(&graph.value(input).constant->value)
              : nullptr;
      if (constant == nullptr || !by_strides.contains(aliases.class_of(input)) || (*constant)->is_contiguous())
        continue;
      const std::shared_ptr<const TensorConstant> tensor = *constant;
      const auto order = order_of_elements(*tensor);
      if (!order || !graph.value(input).type.tensor.rank_known) continue;
      const NodeId permute = permuted(graph, input, *tensor, *order);
      graph.insert_before(permute, id);
      graph.node(id).inputs[i] = graph.node(permute).outputs[0];
    }
  }
}

}  // namespace tsc::passes
