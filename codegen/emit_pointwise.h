// The pointwise part of a group as C++: a list of expressions over generic values, one per node.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::codegen {

struct PointwiseLine {
  std::string name;        // of the local: "relu"
  std::string expression;  // "math::relu(sum)"
};

// How a node's operand reads: `tensor` gives the C++ of a tensor operand, a generic value of the operand's dtype.
struct PointwiseOperands {
  std::function<std::string(ir::ValueId)> tensor;
  std::string vector;  // the type parameter whose lanes all values have: "V"
};

// The expression of one pointwise node, e.g. "math::add(a, math::mul(splat<V>(2.0f), b))". Operands are converted to
// the dtype in which PyTorch computes. Aborts (our bug) on a node that region_obstacle lets through but nobody can say.
std::string pointwise_expression(const ir::Graph& graph, const ir::Node& node, const PointwiseOperands& operands);

}  // namespace tsc::codegen
