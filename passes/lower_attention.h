// Part of lower_composites.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::passes {

// What nn.TransformerEncoder and nn.MultiheadAttention call in inference, transformer_encoder_layer_fwd and
// native_multi_head_attention, in float32: a product that projects to query, key and value, attention of all heads, a
// product that joins them, and the layer's norms and feed-forward network. Of one input to itself, and where nobody asks
// for the attention's weights. Whether it did.
bool lower_projected_attention(ir::Graph& graph, ir::NodeId id, const std::vector<uint32_t>& uses);

}  // namespace tsc::passes
