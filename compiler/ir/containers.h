// Which lists and dicts may be one object at run time, and which of them the program writes.
//
// Flow-insensitive: values that may hold the same container are in one class. Whatever the analysis loses sight of
// (inputs, elements of other containers, attributes) is in the class of escaped containers.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::ir {

class ContainerClasses {
 public:
  explicit ContainerClasses(const Graph& graph);

  // A representative of the value's class; equal for values that may be the same object.
  ValueId representative(ValueId value) const;
  bool is_mutated(ValueId value) const { return mutated_[representative(value)]; }
  bool is_escaped(ValueId value) const { return representative(value) == representative(escaped()); }

 private:
  ValueId escaped() const { return static_cast<ValueId>(parent_.size() - 1); }
  void unite(ValueId a, ValueId b);
  void visit_node(const Graph& graph, const Node& node);
  std::vector<ValueId> parent_;
  std::vector<bool> mutated_;
};

// Lists, dicts, and what may hold one of them without a copy (optional, union, any, class).
bool may_be_container(const Type& type);
// Ops that write the container that is their operand 0.
bool mutates_container(Op op);

}  // namespace tsc::ir
