// Part of lower_composites.
#pragma once

#include "compiler/ir/containers.h"
#include "compiler/ir/graph.h"

namespace tsc::passes {

// An LSTM, GRU or tanh network with constant float weights becomes, for each layer and direction, a product with the
// input of all steps and a scan over them, where the input's dtype and rank are known. Whether it did.
bool lower_recurrent(ir::Graph& graph, ir::NodeId id, const ir::ContainerClasses& containers);

// lstm_cell and gru_cell of the same kind: a product, and a scan of one step.
bool lower_recurrent_cell(ir::Graph& graph, ir::NodeId id, const ir::ContainerClasses& containers);

}  // namespace tsc::passes
