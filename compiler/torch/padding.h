// nn.TransformerEncoder turns a padded batch with a key padding mask into a nested tensor for its layers, and back into
// a padded one, with zeros in the padding. The compiled model has no nested tensors: its layers take the padded batch
// with the mask, which gives the same elements, and the padding is filled at the end.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace tsc {

void replace_nested_tensors(torch::jit::Graph& graph);

}  // namespace tsc
