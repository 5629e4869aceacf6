// Tensor ops whose operands are all constants are run once, by LibTorch. Run after `infer`, which tells how large a
// result is: one of more than 1 MiB and more than four times its operands is left to the run time. A view of a constant
// stays a view of its storage. What may be written later is not folded.
#pragma once

#include "compiler/ir/graph.h"

namespace tsc {

void fold_constants(ir::Graph& graph);

}  // namespace tsc
