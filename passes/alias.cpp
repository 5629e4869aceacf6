#include "passes/alias.h"

#include <algorithm>
#include <numeric>

#include "compiler/ir/effects.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Whether alias annotations such as "a", "a!" and "b|a" have a set in common.
bool annotations_meet(const std::string& a, const std::string& b) {
  return std::ranges::any_of(a, [&](char c) { return c >= 'a' && c <= 'z' && b.find(c) != std::string::npos; });
}

bool contains_tensor(const Constant& constant) {
  if (std::holds_alternative<std::shared_ptr<const TensorConstant>>(constant.value)) return true;
  const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&constant.value);
  return list && std::ranges::any_of(**list, contains_tensor);
}

}  // namespace

AliasClasses::AliasClasses(const Graph& graph)
    : graph_(graph), parent_(graph.values.size() + 1), is_written_(graph.values.size() + 1, false) {
  std::iota(parent_.begin(), parent_.end(), 0u);
  visit_constants();
  std::vector<ValueId> written;
  for (const Function& function : graph.functions) {
    for (const ValueId param : graph.block(function.body).params) unite(param, outside());
    for (const ValueId result : graph.block(function.body).results) unite(result, outside());
    for_each_node(graph, function.body, [&](NodeId id) {
      const Node& node = graph.node(id);
      visit_node(node);
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (writes_input(graph, node, i)) written.push_back(node.inputs[i]);
      }
    });
  }
  for (const ValueId value : written) is_written_[representative(value)] = true;
}

ValueId AliasClasses::representative(ValueId value) const {
  while (parent_[value] != value) value = parent_[value];
  return value;
}

// Values that hold no memory stay alone.
void AliasClasses::unite(ValueId a, ValueId b) {
  const auto is_memory = [this](ValueId v) { return v == outside() || holds_memory(graph_.value(v).type); };
  if (!is_memory(a) || !is_memory(b)) return;
  a = representative(a);
  b = representative(b);
  // The larger id wins, which is `outside` for its class.
  if (a != b) parent_[std::min(a, b)] = std::max(a, b);
}

void AliasClasses::visit_constants() {
  for (ValueId id = 0; id < graph_.values.size(); ++id) {
    const Value& value = graph_.value(id);
    if (value.constant && contains_tensor(*value.constant)) unite(id, outside());
  }
}

void AliasClasses::visit_node(const Node& node) {
  if (!node.blocks.empty()) return visit_blocks(node);
  visit_operation(node);
}

void AliasClasses::visit_blocks(const Node& node) {
  const size_t skipped = node.op == Op::loop ? 1 : 0;  // the index, and the condition among the results
  const size_t first_input = node.op == Op::loop ? 2 : 0;
  for (const BlockId id : node.blocks) {
    const Block& block = graph_.block(id);
    for (size_t i = skipped; i < block.params.size(); ++i) {
      unite(node.inputs[first_input + i - skipped], block.params[i]);
    }
    for (size_t i = skipped; i < block.results.size(); ++i) {
      unite(block.results[i], node.outputs[i - skipped]);
      if (node.op == Op::loop) {
        unite(block.results[i], block.params[i]);
        unite(node.inputs[first_input + i - skipped], node.outputs[i - skipped]);
      }
    }
  }
}

void AliasClasses::visit_operation(const Node& node) {
  const OpInfo& info = op_info(node.op);
  if (info.schema.empty()) {
    // Containers and objects: what goes in may come out.
    std::vector<ValueId> all = node.inputs;
    all.insert(all.end(), node.outputs.begin(), node.outputs.end());
    const auto first = std::ranges::find_if(all, [this](ValueId v) { return holds_memory(graph_.value(v).type); });
    if (first == all.end()) return;
    for (const ValueId value : all) unite(*first, value);
    const bool leaves = node.op == Op::call || node.op == Op::fork || node.op == Op::wait || node.op == Op::state_get ||
                        node.op == Op::state_set;
    if (leaves) unite(*first, outside());
    return;
  }
  if (node.form == Form::kInPlace) unite(node.inputs[0], node.outputs[0]);
  if (node.form == Form::kOut) {
    const size_t first_destination = node.inputs.size() - node.outputs.size();
    for (size_t i = 0; i < node.outputs.size(); ++i) unite(node.inputs[first_destination + i], node.outputs[i]);
  }
  for (size_t o = 0; o < info.outputs.size() && o < node.outputs.size(); ++o) {
    for (size_t i = 0; i < info.inputs.size() && i < node.inputs.size(); ++i) {
      if (annotations_meet(info.outputs[o].alias, info.inputs[i].alias)) unite(node.inputs[i], node.outputs[o]);
    }
  }
}

}  // namespace tsc::passes
