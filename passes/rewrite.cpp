#include "passes/rewrite.h"

#include <utility>

namespace tsc::passes {

using namespace ir;

void Rewriter::replace(ValueId from, ValueId to) {
  to = resolve(to);
  if (from == to) return;
  replaced_[from] = to;
  // The user's name goes with the value, unless what takes its place has one, or is an input or a constant.
  Value& target = graph_.value(to);
  if (target.name.empty() && target.def != kNoId) target.name = graph_.value(from).name;
}

void Rewriter::insert_before(NodeId position, std::vector<NodeId> nodes) {
  auto& list = inserted_[position];
  list.insert(list.end(), nodes.begin(), nodes.end());
}

void Rewriter::replace_node(NodeId old_node, NodeId new_node) {
  insert_before(old_node, {new_node});
  const std::vector<ValueId> from = graph_.node(old_node).outputs, to = graph_.node(new_node).outputs;
  for (size_t i = 0; i < from.size() && i < to.size(); ++i) {
    graph_.value(to[i]).ints = graph_.value(from[i]).ints;
    replace(from[i], to[i]);
  }
  erase(old_node);
}

ValueId Rewriter::resolve(ValueId value) const {
  for (auto it = replaced_.find(value); it != replaced_.end(); it = replaced_.find(value)) value = it->second;
  return value;
}

void Rewriter::apply_block(BlockId block) {
  std::vector<NodeId> kept;
  for (const NodeId id : graph_.block(block).nodes) {
    if (auto it = inserted_.find(id); it != inserted_.end())
      kept.insert(kept.end(), it->second.begin(), it->second.end());
    if (!erased_.contains(id)) kept.push_back(id);
  }
  for (const NodeId id : kept) {
    for (ValueId& input : graph_.node(id).inputs) input = resolve(input);
    for (const BlockId inner : graph_.node(id).blocks) apply_block(inner);
  }
  graph_.block(block).nodes = std::move(kept);
  for (ValueId& result : graph_.block(block).results) result = resolve(result);
}

void Rewriter::apply() {
  if (replaced_.empty() && erased_.empty() && inserted_.empty()) return;
  for (const Function& function : graph_.functions)
    if (function.body != kNoId) apply_block(function.body);
  replaced_.clear();
  erased_.clear();
  inserted_.clear();
}

void for_each_live_node(const Graph& graph, const std::function<void(NodeId)>& visit) {
  for (const Function& function : graph.functions)
    if (function.body != kNoId) for_each_node(graph, function.body, visit);
}

std::vector<NodeId> clone_nodes(Graph& graph, BlockId block, std::unordered_map<ValueId, ValueId>& map) {
  const auto mapped = [&](ValueId v) {
    auto it = map.find(v);
    return it == map.end() ? v : it->second;
  };
  std::vector<NodeId> copies;
  const std::vector<NodeId> originals = graph.block(block).nodes;
  for (const NodeId original : originals) {
    const Node source = graph.node(original);
    std::vector<ValueId> inputs;
    for (ValueId input : source.inputs) inputs.push_back(mapped(input));
    std::vector<Type> types;
    for (ValueId output : source.outputs) types.push_back(graph.value(output).type);
    const NodeId copy = graph.make_node(source.op, std::move(inputs), std::move(types), source.source);
    graph.node(copy).form = source.form;
    graph.node(copy).attributes = source.attributes;
    for (size_t i = 0; i < source.outputs.size(); ++i) {
      const ValueId output = graph.node(copy).outputs[i];
      graph.value(output).name = graph.value(source.outputs[i]).name;
      map[source.outputs[i]] = output;
    }
    for (const BlockId inner : source.blocks) {
      const BlockId inner_copy = graph.add_block(copy);
      const std::vector<ValueId> params = graph.block(inner).params;
      for (ValueId param : params) {
        const Value value = graph.value(param);
        map[param] = graph.add_param(inner_copy, value.type, value.name);
      }
      std::vector<NodeId> nodes = clone_nodes(graph, inner, map);
      graph.block(inner_copy).nodes = std::move(nodes);
      const std::vector<ValueId> results = graph.block(inner).results;
      for (ValueId result : results) graph.block(inner_copy).results.push_back(mapped(result));
    }
    copies.push_back(copy);
  }
  return copies;
}

const Node* defined_by(const Graph& graph, ValueId value, Op op) {
  const NodeId def = graph.value(value).def;
  if (def == kNoId) return nullptr;
  const Node& node = graph.node(def);
  return node.op == op && node.form == Form::kFunctional ? &node : nullptr;
}

std::optional<int64_t> known_int(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.ints && value.ints->size() == 1 && !value.type.is(Type::Kind::kList)) return value.ints->front().constant();
  return graph.as_int(id);
}

std::optional<bool> known_bool(const Graph& graph, ValueId id) {
  if (!graph.value(id).type.is(Type::Kind::kBool)) return std::nullopt;
  const auto value = known_int(graph, id);
  return value ? std::optional<bool>(*value != 0) : std::nullopt;
}

}  // namespace tsc::passes
