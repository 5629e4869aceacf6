// Runs a Graph op by op on LibTorch: the reference for what a graph means. Regions, groups and size expressions are run
// as what they stand for, so that a graph can be compared with itself before and after a pass.
#pragma once

#include <ATen/core/ivalue.h>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc {

// The program raised, an op failed, or an op has no counterpart in LibTorch.
struct EvaluationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An instance's fields by name.
struct State {
  std::map<std::string, c10::IValue, std::less<>> fields;
};
State initial_state(const ir::Graph& graph);

// Calls a function: one input for each parameter, one result. `state` is read and written; null stands for a fresh one.
// Throws EvaluationError. Tensors of the result may share memory with constants of the graph.
std::vector<c10::IValue> evaluate(const ir::Graph& graph, std::string_view function, std::vector<c10::IValue> inputs,
                                  State* state);

// Whether the inputs have the dtypes, ranks and sizes that the function's types and constraints say.
bool takes(const ir::Graph& graph, const ir::Function& function, const std::vector<c10::IValue>& inputs);

// The value of a constant; its tensors share the constant's memory and must not be written.
c10::IValue constant_value(const ir::Graph& graph, ir::ValueId constant);

// One node whose operands are given, without blocks or state.
std::vector<c10::IValue> evaluate_node(const ir::Graph& graph, ir::NodeId node, std::vector<c10::IValue> operands);

}  // namespace tsc
