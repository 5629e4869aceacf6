// `torch.add(x, y, out=z)` becomes `tsc.write_out_(z, torch.add(x, y), ...)`: nothing after the import knows of
// overloads with destinations. A destination of other sizes is given the result's, as PyTorch does. `x.logit_()`, which
// has no row, becomes `x.copy_(tsc.in_place_result(torch.logit(x), x))`.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace tsc {

void replace_destinations(torch::jit::Graph& graph);

// The overload without destinations, for one that has them, or that doesn't write its operand, for one that does and
// has no row; null otherwise, and where there is none.
const c10::FunctionSchema* find_functional_twin(const c10::FunctionSchema& schema);

}  // namespace tsc
