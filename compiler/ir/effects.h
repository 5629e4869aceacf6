// What running a node does besides computing its outputs. The one place that says so.
#pragma once

#include "compiler/ir/graph.h"

namespace tsc::ir {

// Whether the node may write the memory of its input `index`: a tensor's elements, a container, an object.
bool writes_input(const Graph& graph, const Node& node, size_t index);

// Whether the node gives a tensor other sizes, which all that hold the tensor see.
bool moves_sizes(const Node& node);

// Whether the node draws from the random generator. Dropout and recurrent ops do unless they are known not to train.
bool is_random(const Graph& graph, const Node& node);

// Whether the node does more than compute its outputs or fail. Inner blocks do not count; their nodes have effects of
// their own.
bool has_effect(const Graph& graph, const Node& node);

// Whether the node, of numbers, strings or containers, may raise: it runs though nobody uses its outputs. Tensor ops are
// not counted: PyTorch's optimiser drops unused ones too, and models have many.
bool may_fail(const Graph& graph, const Node& node);

// Whether values of the type are handles of memory that a program can write: tensors, containers, objects.
bool holds_memory(const Type& type);

}  // namespace tsc::ir
