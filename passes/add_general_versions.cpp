#include <unordered_map>

#include "passes/lower_linear.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

// A general version keeps its weights as PyTorch has them, beside the packed ones, but for those of linear layers and
// embeddings, which serve both. Models with more of the others do without it: inputs of another rank or dtype than the
// example's are refused there.
constexpr int64_t kMaxWeightBytes = 4 << 20;

int64_t weight_bytes(const Graph& graph, const Function& function) {
  int64_t bytes = 0;
  for_each_node(graph, function.body, [&](NodeId id) {
    if (graph.node(id).op == Op::embedding || multiplies_packed_weight(graph, graph.node(id))) return;
    for (const ValueId input : graph.node(id).inputs) {
      if (const auto tensor = graph.as_tensor(input)) bytes += tensor->element_count() * dtype_size(tensor->dtype);
    }
  });
  return bytes;
}

bool wants_general_version(const Graph& graph, const Function& function) {
  if (!function.from_trace) return false;
  bool typed = false;
  for (const ValueId param : graph.block(function.body).params) {
    const Type& type = graph.value(param).type;
    if (!type.is_tensor()) return false;
    typed = typed || type.tensor.rank_known;
  }
  return typed && can_have_general_version(graph, function);
}

// The type as a program declares it.
Type without_facts(Type type) {
  if (type.is_tensor()) return Type::make_tensor();
  for (Type& element : type.elements) element = without_facts(element);
  return type;
}

// Forgets what the example, or who compiles, said of a block's values.
void forget(Graph& graph, const std::vector<NodeId>& nodes) {
  const auto forget_value = [&](ValueId id) {
    graph.value(id).type = without_facts(graph.value(id).type);
    graph.value(id).ints.reset();
  };
  for (const NodeId id : nodes) {
    for (const ValueId output : graph.node(id).outputs) forget_value(output);
    for (const BlockId block : graph.node(id).blocks) {
      for (const ValueId param : graph.block(block).params) forget_value(param);
      forget(graph, graph.block(block).nodes);
    }
  }
}

}  // namespace

bool can_have_general_version(const Graph& graph, const Function& function) {
  return function.is_method && weight_bytes(graph, function) <= kMaxWeightBytes;
}

void add_general_version(Graph& graph, FunctionId id) {
  Function general = graph.functions[id];
  const BlockId example = general.body;
  general.name += kGeneralVersion;
  general.is_method = false;
  general.from_trace = false;
  general.body = graph.add_block();
  std::unordered_map<ValueId, ValueId> map;
  const std::vector<ValueId> params = graph.block(example).params;
  for (const ValueId param : params) {
    map[param] = graph.add_param(general.body, without_facts(graph.value(param).type), graph.value(param).name);
  }
  graph.block(general.body).nodes = clone_nodes(graph, example, map);
  const std::vector<ValueId> results = graph.block(example).results;
  for (const ValueId result : results) {
    graph.block(general.body).results.push_back(map.contains(result) ? map.at(result) : result);
  }
  forget(graph, graph.block(general.body).nodes);
  graph.functions.push_back(general);
}

void add_general_versions(Graph& graph) {
  const auto count = static_cast<FunctionId>(graph.functions.size());
  for (FunctionId f = 0; f < count; ++f) {
    if (wants_general_version(graph, graph.functions[f])) add_general_version(graph, f);
  }
}

}  // namespace tsc::passes
