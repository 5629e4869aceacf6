// For targets whose state is values: an attribute is given the elements of a tensor, not the tensor, so no copy need be
// made for it.
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

void drop_state_copies(Graph& graph) {
  for_each_live_node(graph, [&](NodeId id) {
    Node& set = graph.node(id);
    if (set.op != Op::state_set) return;
    if (const Node* copy = defined_by(graph, set.inputs[0], Op::clone)) set.inputs[0] = copy->inputs[0];
  });
}

}  // namespace tsc::passes
