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
    : graph_(graph), parent_(graph.values.size() + 1 + graph.functions.size()), is_written_(parent_.size(), false) {
  std::iota(parent_.begin(), parent_.end(), 0u);
  visit_constants();
  std::vector<ValueId> written;
  const bool is_shared = has_calls();
  for (size_t f = 0; f < graph.functions.size(); ++f) {
    const Function& function = graph.functions[f];
    outside_ = outside(is_shared ? 0 : f);
    for (const ValueId param : graph.block(function.body).params) unite(param, outside_);
    if (is_shared) {
      for (const ValueId result : graph.block(function.body).results) unite(result, outside_);
    }
    for_each_node(graph, function.body, [&](NodeId id) {
      const Node& node = graph.node(id);
      visit_node(node);
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (writes_input(graph, node, i)) written.push_back(node.inputs[i]);
      }
    });
  }
  for (ValueId value = 0; value < parent_.size(); ++value) parent_[value] = root(value);
  for (const ValueId value : written) is_written_[parent_[value]] = true;
}

bool AliasClasses::has_calls() const {
  bool found = false;
  for (const Function& function : graph_.functions) {
    for_each_node(graph_, function.body, [&](NodeId id) {
      const Op op = graph_.node(id).op;
      found = found || op == Op::call || op == Op::fork || op == Op::wait;
    });
  }
  return found;
}

ValueId AliasClasses::root(ValueId value) {
  while (parent_[value] != value) value = parent_[value] = parent_[parent_[value]];
  return value;
}

// Values that hold no memory stay alone.
void AliasClasses::unite(ValueId a, ValueId b) {
  const auto is_memory = [this](ValueId v) { return v >= graph_.values.size() || holds_memory(graph_.value(v).type); };
  if (!is_memory(a) || !is_memory(b)) return;
  a = root(a);
  b = root(b);
  if (a != b) parent_[std::min(a, b)] = std::max(a, b);
}

void AliasClasses::visit_constants() {
  for (ValueId id = 0; id < graph_.values.size(); ++id) {
    const Value& value = graph_.value(id);
    if (value.constant && contains_tensor(*value.constant)) unite(id, constants());
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
    if (leaves) unite(*first, outside_);
    return;
  }
  if (node.form == Form::kInPlace) unite(node.inputs[0], node.outputs[0]);
  for (size_t o = 0; o < info.outputs.size() && o < node.outputs.size(); ++o) {
    for (size_t i = 0; i < info.inputs.size() && i < node.inputs.size(); ++i) {
      if (annotations_meet(info.outputs[o].alias, info.inputs[i].alias)) unite(node.inputs[i], node.outputs[o]);
    }
  }
}

}  // namespace tsc::passes
