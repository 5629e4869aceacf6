// Batched edits of a graph: uses are replaced and nodes taken out in one walk at the end, so that a pass stays linear.
#pragma once

#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::passes {

class Rewriter {
 public:
  explicit Rewriter(ir::Graph& graph) : graph_(graph) {}

  // All uses of `from` become uses of `to`, which may itself be replaced later.
  void replace(ir::ValueId from, ir::ValueId to);
  // The node goes; its outputs must be unused, or replaced.
  void erase(ir::NodeId node) { erased_.insert(node); }
  // `nodes`, in no block yet, come to stand right before `position`.
  void insert_before(ir::NodeId position, std::vector<ir::NodeId> nodes);
  // Names the node's result like the one that it stands for.
  void replace_node(ir::NodeId old_node, ir::NodeId new_node);

  ir::ValueId resolve(ir::ValueId value) const;
  bool is_erased(ir::NodeId node) const { return erased_.contains(node); }
  // Does all of it.
  void apply();

 private:
  void apply_block(ir::BlockId block);

  ir::Graph& graph_;
  std::unordered_map<ir::ValueId, ir::ValueId> replaced_;
  std::unordered_set<ir::NodeId> erased_;
  std::unordered_map<ir::NodeId, std::vector<ir::NodeId>> inserted_;
};

// Calls `visit` for every live node of all functions, in order.
void for_each_live_node(const ir::Graph& graph, const std::function<void(ir::NodeId)>& visit);

// Copies of a block's nodes, blocks inside included, in which `map` says what stands for what: it is given the values
// for the block's parameters, and gets those of everything defined. The copies are in no block.
std::vector<ir::NodeId> clone_nodes(ir::Graph& graph, ir::BlockId block,
                                    std::unordered_map<ir::ValueId, ir::ValueId>& map);

// The defining node when the value is the result of that op in functional form, else null. The pointer is good until
// a node is made.
const ir::Node* defined_by(const ir::Graph& graph, ir::ValueId value, ir::Op op);

// An integer or boolean that is a constant or is known to be one.
std::optional<int64_t> known_int(const ir::Graph& graph, ir::ValueId value);
std::optional<bool> known_bool(const ir::Graph& graph, ir::ValueId value);

// Whether the function may have a general version, which runs where the types of its inputs are not as it assumes: its
// weights must be few, or serve both.
bool can_have_general_version(const ir::Graph& graph, const ir::Function& function);
// Adds a copy of the function as its general version, which knows nothing of the tensors that it takes.
void add_general_version(ir::Graph& graph, ir::FunctionId id);

}  // namespace tsc::passes
