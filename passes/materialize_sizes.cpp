#include <functional>
#include <map>
#include <set>

#include "passes/passes.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Symbols that a function's tensor inputs bind: a dim that is exactly the symbol.
std::set<std::string> bound_symbols(const Graph& graph, const Function& function) {
  std::set<std::string> bound;
  for (const ValueId param : graph.block(function.body).params) {
    const Type& type = graph.value(param).type;
    if (!type.is_tensor() || !type.tensor.rank_known) continue;
    for (const Dim& dim : type.tensor.dims) {
      if (const auto name = dim.symbol_name()) bound.insert(*name);
    }
  }
  return bound;
}

class Materializer {
 public:
  Materializer(Graph& graph, const Function& function) : graph_(graph), function_(function) {
    bound_ = bound_symbols(graph, function);
  }

  void run() {
    // Collected first: making nodes moves those that a walk refers to.
    std::vector<NodeId> nodes;
    for_each_node(graph_, function_.body, [&](NodeId id) { nodes.push_back(id); });
    for (const NodeId id : nodes) {
      for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
        const ValueId replacement = materialize(graph_.node(id).inputs[i]);
        graph_.node(id).inputs[i] = replacement;
      }
      for (const BlockId block : std::vector<BlockId>(graph_.node(id).blocks)) replace_results(block);
    }
    replace_results(function_.body);
    Block& body = graph_.block(function_.body);
    body.nodes.insert(body.nodes.begin(), created_.begin(), created_.end());
  }

 private:
  void replace_results(BlockId block) {
    for (size_t i = 0; i < graph_.block(block).results.size(); ++i) {
      const ValueId replacement = materialize(graph_.block(block).results[i]);
      graph_.block(block).results[i] = replacement;
    }
  }

  bool is_candidate(const Value& value) const {
    if (value.constant || value.param_of != kNoId || !value.ints || value.def == kNoId) return false;
    if (graph_.node(value.def).op == Op::symbolic || graph_.node(value.def).op == Op::size_dim) return false;
    if (!value.type.is(Type::Kind::kInt) && !value.type.is_int_list()) return false;
    for (const Dim& dim : *value.ints) {
      for (const std::string& symbol : dim.symbols()) {
        if (!bound_.contains(symbol)) return false;
      }
    }
    return true;
  }

  // The `symbolic` node's value that stands for `id`, or `id` itself.
  ValueId materialize(ValueId id) {
    const Value value = graph_.value(id);
    if (!is_candidate(value)) return id;
    std::vector<std::string> dims;
    std::string key = value.type.str();
    for (const Dim& dim : *value.ints) {
      dims.push_back(dim.str());
      key += " " + dims.back();
    }
    const auto [found, inserted] = made_.try_emplace(key, kNoId);
    if (!inserted) return found->second;
    const NodeId node = graph_.make_node(Op::symbolic, {}, {value.type}, graph_.node(value.def).source);
    graph_.node(node).attributes["dims"] = dims;
    created_.push_back(node);
    const ValueId result = graph_.node(node).outputs[0];
    graph_.value(result).ints = value.ints;
    graph_.value(result).name = value.name;
    return found->second = result;
  }

  Graph& graph_;
  const Function& function_;
  std::set<std::string> bound_;
  std::map<std::string, ValueId> made_;
  std::vector<NodeId> created_;
};

}  // namespace

void materialize_sizes(Graph& graph) {
  for (size_t i = 0; i < graph.functions.size(); ++i) {
    const Function function = graph.functions[i];
    Materializer(graph, function).run();
  }
}

}  // namespace tsc::passes
