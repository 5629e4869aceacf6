#include <algorithm>

#include "passes/passes.h"
#include "passes/region.h"

namespace tsc::passes {

using namespace ir;

namespace {

// What a kernel asks of the layout of its first operand.
enum class Need : uint8_t {
  kNothing,  // any strides
  kRows,     // the last dim contiguous, the others one stride: rows of a matrix
  kLast,     // the last dim contiguous
  kDense,    // row-major without gaps
};

Need need_of(const Node& node, size_t operand) {
  switch (op_info(node.op).op_class) {
    case OpClass::kPointwise: case OpClass::kCreation:
      return Need::kNothing;
    case OpClass::kContraction:
      return node.op == Op::linear ? (operand == 0 ? Need::kRows : Need::kDense) : Need::kNothing;
    case OpClass::kRecurrent:
      return Need::kLast;
    case OpClass::kAttention:
      return operand < 3 ? Need::kLast : Need::kNothing;
    case OpClass::kMovement:
      return node.op == Op::cat ? Need::kNothing : Need::kDense;
    default:
      return Need::kDense;
  }
}

bool satisfies(const Graph& graph, ValueId value, const Address& address, Need need) {
  const auto& dims = graph.value(value).type.tensor.dims;
  switch (need) {
    case Need::kNothing:
      return true;
    case Need::kDense:
      return is_dense(graph, value, address);
    case Need::kLast:
      return dims.empty() || dims.back().is_constant(1) || address.strides.back().is_constant(1);
    case Need::kRows:
      return row_stride(graph, value, address).has_value();
  }
  return false;
}

}  // namespace

void insert_copies(Graph& graph) {
  std::vector<BlockId> bodies;
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) {
      if (graph.node(id).op == Op::region) bodies.push_back(graph.node(id).blocks[0]);
    });
  }
  for (const BlockId body : bodies) {
    const auto addresses = region_addresses(graph, body);
    std::vector<NodeId> nodes;
    for (const NodeId id : std::vector<NodeId>(graph.block(body).nodes)) {
      for (size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
        const ValueId input = graph.node(id).inputs[i];
        const auto address = addresses.find(input);
        if (address == addresses.end()) continue;
        if (is_view(graph.node(id))) {
          // A view that is its own root has no address: a reshape of elements that do not lie in order.
          if (addresses.at(graph.node(id).outputs[0]).root != graph.node(id).outputs[0]) continue;
        } else if (graph.value(input).constant || satisfies(graph, input, address->second, need_of(graph.node(id), i))) {
          continue;
        }
        const NodeId copy = graph.make_node(Op::contiguous, {input, graph.constant_int(0)}, {graph.value(input).type},
                                            graph.node(id).source);
        nodes.push_back(copy);
        graph.node(id).inputs[i] = graph.node(copy).outputs[0];
      }
      nodes.push_back(id);
    }
    graph.block(body).nodes = nodes;
  }
}

}  // namespace tsc::passes
