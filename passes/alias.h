// Which values may share memory (tensors' storage, containers, objects), and which memory the program writes.
//
// Flow-insensitive: values that may share memory anywhere in the program are in one class. Inputs of functions, what
// calls exchange, state and constant tensors are in one class together, since callers and other methods may know them
// under several names.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::passes {

class AliasClasses {
 public:
  explicit AliasClasses(const ir::Graph& graph);

  bool may_alias(ir::ValueId a, ir::ValueId b) const { return representative(a) == representative(b); }
  // Whether any node writes memory that the value may reach.
  bool is_written(ir::ValueId value) const { return is_written_[representative(value)]; }

 private:
  ir::ValueId outside() const { return static_cast<ir::ValueId>(parent_.size() - 1); }
  ir::ValueId representative(ir::ValueId value) const;
  void unite(ir::ValueId a, ir::ValueId b);
  void visit_constants();
  void visit_node(const ir::Node& node);
  void visit_blocks(const ir::Node& node);
  void visit_operation(const ir::Node& node);

  const ir::Graph& graph_;
  std::vector<ir::ValueId> parent_;  // union-find; the last element is everything outside
  std::vector<bool> is_written_;     // by representative, once built
};

}  // namespace tsc::passes
