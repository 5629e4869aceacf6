// Ops that the op table doesn't have, said in ops that it has: TorchScript functions in decompositions/*.py, named
// after the op ("huber_loss" for aten::huber_loss, "std_mean__correction" for aten::std_mean.correction).
#pragma once

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/ir/ir.h>

#include "compiler/ir/op.h"

namespace tsc {

// All decompositions, parsed. A function whose name begins with "reduce_" is a part of others.
const torch::jit::CompilationUnit& decompositions();

// Inlines a decomposition for every node that has one and no row. True when there was any.
bool decompose(torch::jit::Graph& graph);

// Replaces the node by the function's graph. A function returns one value: None where the node has no output, a tuple where
// it has several.
void inline_function(torch::jit::Node* node, torch::jit::GraphFunction* function);

// Whether a function stems from the decompositions, and so means nothing to the user.
bool is_decomposition(const torch::jit::Function* function);

// The row of the op table that an overload, or a node, belongs to.
std::optional<ir::AtenMatch> find_row(const c10::FunctionSchema& schema);
std::optional<ir::AtenMatch> find_row(const torch::jit::Node* node);

// The decomposition of an overload; null when there is none.
torch::jit::GraphFunction* find_decomposition(const c10::FunctionSchema& schema);

// The full name of an overload, or of a node's op: "aten::add.Tensor", "prim::If".
std::string full_op_name(const c10::FunctionSchema& schema);
std::string full_op_name(const torch::jit::Node* node);

}  // namespace tsc
