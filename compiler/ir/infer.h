// What is known ahead of time of every value: dtype, rank and sizes of tensors, and the values of integers that shapes
// depend on.
//
// `infer` interprets each function abstractly, forward. It refines Value::type and Value::ints and nothing else of the
// program; facts hold for every call that does not fail. Running it again after a rewrite finds the same facts or more,
// under the same names. Where a call would fail unless two sizes of the inputs are equal, they are taken as equal, and
// Graph::constraints tells what the entry has to check.
#pragma once

#include <span>

#include "compiler/ir/graph.h"

namespace tsc::ir {

void infer(Graph& graph);

// torch.result_type of tensors and numbers, none among them left out: the dtype in which they meet. kUnknown where a
// rank or a dtype that matters is unknown.
DType result_type(const Graph& graph, std::span<const ValueId> operands);

}  // namespace tsc::ir
