#include "passes/lower_linear.h"

#include "compiler/ir/tensor_data.h"

namespace tsc::passes {

using namespace ir;

bool multiplies_packed_weight(const Graph& graph, const Node& node) {
  constexpr int64_t kWorthwhile = 4096;  // elements
  if (node.op != Op::linear || node.form != Form::kFunctional) return false;
  const auto weight = graph.as_tensor(node.inputs[1]);
  if (!weight || weight->dtype != DType::kFloat32 || weight->sizes.size() != 2 || weight->element_count() < kWorthwhile) return false;
  if (graph.is_none(node.inputs[2])) return true;
  const auto bias = graph.as_tensor(node.inputs[2]);
  return bias && bias->dtype == DType::kFloat32 && bias->sizes == std::vector<int64_t>{weight->sizes[0]};
}

// linear(x, weight, bias) = linear_result(linear(linear_rows(x), weight, bias), x)
bool lower_linear(Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  const Type& input = graph.value(node.inputs[0]).type;
  if (!multiplies_packed_weight(graph, node) || !input.is_tensor()) return false;
  if (input.is_ranked_tensor() && input.tensor.dtype != DType::kUnknown) return false;
  const auto weight = graph.as_tensor(node.inputs[1]);
  const int64_t columns = weight->sizes[0], depth = weight->sizes[1];
  const Dim count = graph.fresh_symbol();
  const auto make = [&](Op op, std::vector<ValueId> inputs, Type type) {
    const NodeId made = graph.make_node(op, std::move(inputs), {std::move(type)}, node.source);
    graph.insert_before(made, id);
    return graph.node(made).outputs[0];
  };
  const ValueId rows = make(Op::linear_rows, {node.inputs[0], graph.constant_int(depth), graph.constant_int(columns)},
                            Type::make_tensor(DType::kFloat32, {count, Dim(depth)}));
  const ValueId product =
      make(Op::linear, {rows, node.inputs[1], node.inputs[2]}, Type::make_tensor(DType::kFloat32, {count, Dim(columns)}));
  Type type = graph.value(node.outputs[0]).type;
  type.tensor.dtype = DType::kFloat32;
  const ValueId result = make(Op::linear_result, {product, node.inputs[0]}, std::move(type));
  graph.value(result).name = graph.value(node.outputs[0]).name;
  graph.replace_uses(node.outputs[0], result);
  graph.remove(id);
  return true;
}

}  // namespace tsc::passes
