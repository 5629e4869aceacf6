// Part of lower_composites.
#pragma once

#include "compiler/ir/graph.h"

namespace tsc::passes {

// Whether the node is a product with a constant weight that is worth a packed form: the form serves inputs of any rank.
bool multiplies_packed_weight(const ir::Graph& graph, const ir::Node& node);

// Such a product whose input's rank or dtype is told at run time becomes one of the input's rows, a matrix in float.
// Whether it did.
bool lower_linear(ir::Graph& graph, ir::NodeId id);

}  // namespace tsc::passes
