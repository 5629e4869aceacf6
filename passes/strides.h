// Where strides count: `reshape`, `flatten` and `contiguous` copy what does not lie in order, and share what does.
// Where something writes such memory, the strides must be PyTorch's; elsewhere nobody can tell them.
#pragma once

#include <set>

#include "passes/alias.h"

namespace tsc::passes {

// The classes of memory whose strides count. Results of most ops have their operands' order of dimensions, so that
// those of the operands count as well.
std::set<ir::ValueId> classes_by_strides(const ir::Graph& graph, const AliasClasses& aliases);

// Constants that do not lie in order become permutations of ones that do where their strides count: emitted constants
// are dense.
void keep_strides_of_constants(ir::Graph& graph);

}  // namespace tsc::passes
