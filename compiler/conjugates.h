// PyTorch's conj() is a view: what is written to it or to its operand is seen in both. Here it is a copy, which nobody
// can tell from the view unless one is written and the other used after that.
#pragma once

#include "compiler/ir/graph.h"

namespace tsc {

// Refuses programs that can tell. Throws CompileError.
void refuse_written_conjugates(const ir::Graph& graph);

}  // namespace tsc
