// Decisions that depend on the target: how a region's images lie in memory, and which kernel each anchor uses.
#pragma once

#include "codegen/kernel_table.h"
#include "codegen/target.h"
#include "compiler/ir/graph.h"

namespace tsc::codegen {

KernelTarget kernel_target(const Target& target);

// Sizes at the example, or usual ones.
Conv2dShape conv2d_shape(const ir::Graph& graph, const ir::Node& node);

// The pass, with the regions that the target has.
void outline_regions(ir::Graph& graph, const Target& target);

// In every region: chooses a kernel for each convolution, gives images between convolutions, pointwise ops and poolings
// the blocked layout, and inserts `reorder` nodes where plain and blocked meet. Runs before groups are made.
void assign_layouts(ir::Graph& graph, const Target& target);

// The kernel of a node that `select_kernels` or `assign_layouts` has given one; reads the node's attributes.
KernelChoice kernel_of(const ir::Node& node);

// In every region: chooses a kernel for each contraction.
void select_kernels(ir::Graph& graph, const Target& target);

}  // namespace tsc::codegen
