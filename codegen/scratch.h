// Bytes of scratch memory that a kernel asks for, from the sizes in its node: what runtime/kernels/ computes when it is
// called, known when the memory of a freestanding program is planned. That program sees when it runs that it was
// enough.
#pragma once

#include "codegen/kernel_table.h"
#include "codegen/target.h"
#include "compiler/ir/graph.h"
#include "passes/region.h"

namespace tsc::codegen {

// Of a product, a convolution or attention whose sizes are constants; 0 for kernels without.
int64_t scratch_bytes(const Target& target, const ir::Graph& graph, const ir::Node& node,
                      const std::map<ir::ValueId, passes::Address>& addresses);

}  // namespace tsc::codegen
