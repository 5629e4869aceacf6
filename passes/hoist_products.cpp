#include <set>

#include "passes/alias.h"
#include "passes/lower_linear.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

//   for i in range(x.size(d)): ... linear(x.select(d, i), w, b)
// becomes
//   y = linear(x, w, b)
//   for i in range(x.size(d)): ... y.select(d, i)
// One product of all steps reads the weight once; a product for each step, of a few rows, reads it each time.
class Hoister {
 public:
  explicit Hoister(Graph& graph) : graph_(graph), aliases_(graph), rewriter_(graph) {}

  void run() {
    std::vector<NodeId> loops;
    for_each_live_node(graph_, [&](NodeId id) {
      if (graph_.node(id).op == Op::loop) loops.push_back(id);
    });
    for (const NodeId loop : loops) hoist_from(loop);
    rewriter_.apply();
  }

 private:
  void hoist_from(NodeId loop) {
    const Block body = graph_.block(graph_.node(loop).blocks[0]);
    const auto trips = graph_.value(graph_.node(loop).inputs[0]).ints;
    // A loop that may end early may not need all steps.
    if (!trips || trips->size() != 1 || known_bool(graph_, body.results[0]) != true) return;
    std::set<ValueId> made_in_loop(body.params.begin(), body.params.end());
    for (const NodeId id : body.nodes) {
      hoist(loop, id, trips->front(), made_in_loop);
      made_in_loop.insert(graph_.node(id).outputs.begin(), graph_.node(id).outputs.end());
    }
  }

  void hoist(NodeId loop, NodeId id, const Dim& trips, const std::set<ValueId>& made_in_loop) {
    const Node product = graph_.node(id);
    if (!multiplies_packed_weight(graph_, product)) return;
    const Node* select = defined_by(graph_, product.inputs[0], Op::select);
    if (select == nullptr) return;
    const ValueId steps = select->inputs[0], index = select->inputs[2];
    const SourceId source = select->source;
    const auto axis = known_int(graph_, select->inputs[1]);
    const Type type = graph_.value(steps).type;
    if (!axis || !type.is_ranked_tensor() || type.tensor.dtype != DType::kFloat32) return;
    const auto rank = static_cast<int64_t>(type.tensor.dims.size());
    const int64_t dim = *axis < 0 ? *axis + rank : *axis;
    if (dim < 0 || dim >= rank - 1 || !(type.tensor.dims[static_cast<size_t>(dim)] == trips)) return;
    if (made_in_loop.contains(steps) || aliases_.is_written(steps)) return;
    const auto weight = graph_.as_tensor(product.inputs[1]);
    if (!type.tensor.dims.back().is_constant(weight->sizes[1])) return;  // it would fail, when it comes to it

    std::vector<Dim> dims = type.tensor.dims;
    dims.back() = Dim(weight->sizes[0]);
    const NodeId all = graph_.make_node(Op::linear, {steps, product.inputs[1], product.inputs[2]},
                                        {Type::make_tensor(DType::kFloat32, std::move(dims))}, product.source);
    rewriter_.insert_before(loop, {all});
    const NodeId step = graph_.make_node(Op::select, {graph_.node(all).outputs[0], graph_.constant_int(dim), index},
                                         {graph_.value(product.outputs[0]).type}, source);
    rewriter_.replace_node(id, step);
  }

  Graph& graph_;
  const AliasClasses aliases_;
  Rewriter rewriter_;
};

}  // namespace

void hoist_products(Graph& graph) { Hoister(graph).run(); }

}  // namespace tsc::passes
