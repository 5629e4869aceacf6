// Where in the user's Python program a node comes from.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include "compiler/ir/graph.h"

namespace tsc {

// Frames innermost first, without those of PyTorch's own call machinery and of decompositions; of what is nearest where
// LibTorch has none for the node itself. `method` is the one that is converted, in which the outermost line stands.
ir::Source source_of(const torch::jit::Node* node, const std::string& method);

}  // namespace tsc
