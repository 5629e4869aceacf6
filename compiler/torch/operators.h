// Which of LibTorch's operators does a node mean? The inverse of conversion: of all the overloads that the node's row
// accepts, the one that the operands fit.
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <functional>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc {

// Runs the operator on a row's operands; throws EvaluationError when none fits, and what LibTorch throws.
std::vector<c10::IValue> call_operator(ir::Op op, ir::Form form, const std::vector<c10::IValue>& operands);

}  // namespace tsc
