// Which values may share memory (tensors' storage, containers, objects), and which memory the program writes.
//
// Flow-insensitive: values that may share memory anywhere in the program are in one class. The inputs and the state of
// a function are in one class together, since callers may know them under several names; where functions call each
// other it is one class for all, with their results. Constant tensors are another class.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::passes {

class AliasClasses {
 public:
  explicit AliasClasses(const ir::Graph& graph);

  bool may_alias(ir::ValueId a, ir::ValueId b) const { return parent_[a] == parent_[b]; }
  // The same number for values that may share memory.
  ir::ValueId class_of(ir::ValueId value) const { return parent_[value]; }
  // That of what callers, and the state, may know of a function's values.
  ir::ValueId class_outside(size_t function) const { return parent_[outside(function)]; }
  // Whether any node writes memory that the value may reach.
  bool is_written(ir::ValueId value) const { return is_written_[parent_[value]]; }

 private:
  ir::ValueId constants() const { return static_cast<ir::ValueId>(graph_.values.size()); }
  ir::ValueId outside(size_t function) const { return constants() + 1 + static_cast<ir::ValueId>(function); }
  bool has_calls() const;
  ir::ValueId root(ir::ValueId value);
  void unite(ir::ValueId a, ir::ValueId b);
  void visit_constants();
  void visit_node(const ir::Node& node);
  void visit_blocks(const ir::Node& node);
  void visit_operation(const ir::Node& node);

  const ir::Graph& graph_;
  std::vector<ir::ValueId>
      parent_;                    // union-find, flat once built; behind the values: constants, each function's outside
  std::vector<bool> is_written_;  // by representative, once built
  ir::ValueId outside_ = 0;       // of the function that is visited
};

}  // namespace tsc::passes
