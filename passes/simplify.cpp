#include <functional>
#include <string>

#include "compiler/ir/infer.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

constexpr int kMaxRounds = 16;  // each unrolls or splices one more level; the rest is left as it is

// Of all that a pass may change; types are in it since they are what the next round goes by.
size_t fingerprint(const Graph& graph) {
  size_t hash = graph.constraints.size();
  const auto mix = [&](size_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15u; };
  const std::hash<std::string> text;
  for_each_live_node(graph, [&](NodeId id) {
    const Node& node = graph.node(id);
    mix(static_cast<size_t>(node.op) * 4 + static_cast<size_t>(node.form));
    for (ValueId input : node.inputs) mix(graph.is_constant(input) ? text(graph.value(input).type.str()) : input);
    for (ValueId output : node.outputs) mix(output + text(graph.value(output).type.str()));
    for (BlockId block : node.blocks)
      for (ValueId result : graph.block(block).results) mix(graph.is_constant(result) ? 1 : result);
  });
  for (const Function& function : graph.functions)
    for (ValueId result : graph.block(function.body).results) mix(graph.is_constant(result) ? 1 : result);
  return hash;
}

}  // namespace

// What infer finds out folds branches, which lets infer find out more. Writes become functional as soon as types allow,
// since a tensor that is written can be believed less.
void simplify(Graph& graph) {
  size_t before = 0;
  for (int round = 0; round < kMaxRounds; ++round) {
    infer(graph);
    functionalize(graph);
    infer(graph);
    fold_known_values(graph);
    forward_containers(graph);
    fold_control_flow(graph);
    simplify_tensor_ops(graph);
    fold_batch_norm(graph);
    eliminate_common_subexpressions(graph);
    eliminate_dead_code(graph);
    const size_t after = fingerprint(graph);
    if (after == before) break;
    before = after;
  }
  infer(graph);
  graph.compact();
}

}  // namespace tsc::passes
