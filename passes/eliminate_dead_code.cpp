// Marks what is needed from effects and functions' results backwards, through blocks slot by slot, and sweeps the rest.
#include <algorithm>

#include "compiler/ir/effects.h"
#include "passes/passes.h"

namespace tsc::passes {

using namespace ir;

namespace {

// The values that stand for one carried value of a loop, or one result of an `if` or a region, live and die together.
// How a node's outputs, blocks' params and results, and operands correspond:
struct Slots {
  size_t first_operand;  // of slot 0
  size_t first_param;
  size_t first_result;
};
Slots slots_of(const Node& node) { return node.op == Op::loop ? Slots{2, 1, 1} : Slots{0, 0, 0}; }

class Marker {
 public:
  explicit Marker(const Graph& graph)
      : graph_(graph),
        block_of_(graph.nodes.size(), kNoId),
        value_is_live_(graph.values.size()),
        node_is_live_(graph.nodes.size()) {}

  void run() {
    for (const Function& function : graph_.functions) {
      index_block(function.body);
      for (const ValueId result : graph_.block(function.body).results) mark_value(result);
    }
    while (!pending_.empty()) {
      const ValueId value = pending_.back();
      pending_.pop_back();
      propagate(value);
    }
  }
  bool is_live(NodeId node) const { return node_is_live_[node]; }
  bool is_live_value(ValueId value) const { return value_is_live_[value]; }

 private:
  void index_block(BlockId id) {
    for (const NodeId node_id : graph_.block(id).nodes) {
      block_of_[node_id] = id;
      for (const BlockId inner : graph_.node(node_id).blocks) index_block(inner);
      const Node& node = graph_.node(node_id);
      if (has_effect(graph_, node) || may_fail(graph_, node)) mark_node(node_id);
    }
  }

  void mark_value(ValueId value) {
    if (value_is_live_[value]) return;
    value_is_live_[value] = true;
    pending_.push_back(value);
  }

  // The node runs, and so does everything around it.
  void mark_node(NodeId id) {
    while (id != kNoId && !node_is_live_[id]) {
      node_is_live_[id] = true;
      const Node& node = graph_.node(id);
      if (node.op == Op::loop) {
        mark_value(node.inputs[0]);
        mark_value(node.inputs[1]);
        const std::vector<ValueId>& results = graph_.block(node.blocks[0]).results;
        if (!results.empty()) mark_value(results[0]);
      } else if (node.op == Op::if_ || node.blocks.empty()) {
        for (const ValueId input : node.inputs) mark_value(input);
      }
      // The block is known before its inner nodes are marked: index_block goes outside in.
      id = graph_.block(block_of_[id]).owner;
    }
  }

  void propagate(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.def != kNoId) {
      mark_node(value.def);
      const Node& node = graph_.node(value.def);
      if (!node.blocks.empty()) mark_slot(node, position(node.outputs, id));
    } else if (value.param_of != kNoId) {
      const Block& block = graph_.block(value.param_of);
      if (block.owner == kNoId) return;
      mark_node(block.owner);
      const Node& node = graph_.node(block.owner);
      const size_t index = position(block.params, id);
      const Slots slots = slots_of(node);
      if (index < slots.first_param) return;  // a loop's index
      const size_t slot = index - slots.first_param;
      mark_value(node.inputs[slots.first_operand + slot]);
      if (node.op == Op::loop) mark_slot(node, slot);
    }
  }

  void mark_slot(const Node& node, size_t slot) {
    const Slots slots = slots_of(node);
    if (node.op == Op::loop) {
      mark_value(node.inputs[slots.first_operand + slot]);
      mark_value(node.outputs[slot]);
    }
    for (const BlockId id : node.blocks) {
      const std::vector<ValueId>& results = graph_.block(id).results;
      if (slots.first_result + slot < results.size()) mark_value(results[slots.first_result + slot]);
    }
  }

  static size_t position(const std::vector<ValueId>& values, ValueId value) {
    return static_cast<size_t>(std::ranges::find(values, value) - values.begin());
  }

  const Graph& graph_;
  std::vector<BlockId> block_of_;
  std::vector<bool> value_is_live_, node_is_live_;
  std::vector<ValueId> pending_;
};

template <typename T>
void erase_at(std::vector<T>& list, size_t index) {
  if (index < list.size()) list.erase(list.begin() + static_cast<ptrdiff_t>(index));
}

// Drops the slots of a node with blocks that nobody needs.
void trim(Graph& graph, const Marker& marker, NodeId id) {
  Node& node = graph.node(id);
  const Slots slots = slots_of(node);
  for (size_t slot = node.outputs.size(); slot-- > 0;) {
    if (marker.is_live_value(node.outputs[slot])) continue;
    erase_at(node.outputs, slot);
    if (node.op == Op::loop) erase_at(node.inputs, slots.first_operand + slot);
    for (const BlockId block : node.blocks) {
      erase_at(graph.block(block).results, slots.first_result + slot);
      if (node.op == Op::loop) erase_at(graph.block(block).params, slots.first_param + slot);
    }
  }
  if (node.op == Op::loop || node.op == Op::if_) return;
  // Regions and groups: parameters that nobody uses.
  for (const BlockId block : node.blocks) {
    std::vector<ValueId>& params = graph.block(block).params;
    for (size_t i = params.size(); i-- > 0;) {
      if (marker.is_live_value(params[i])) continue;
      erase_at(params, i);
      erase_at(node.inputs, i);
    }
  }
}

void sweep(Graph& graph, const Marker& marker, BlockId id) {
  std::erase_if(graph.block(id).nodes, [&](NodeId node) { return !marker.is_live(node); });
  for (const NodeId node : graph.block(id).nodes) {
    if (graph.node(node).blocks.empty()) continue;
    trim(graph, marker, node);
    for (const BlockId inner : graph.node(node).blocks) sweep(graph, marker, inner);
  }
}

}  // namespace

void eliminate_dead_code(Graph& graph) {
  Marker marker(graph);
  marker.run();
  for (const Function& function : graph.functions) sweep(graph, marker, function.body);
}

}  // namespace tsc::passes
