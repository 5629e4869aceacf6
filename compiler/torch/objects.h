// Calls of methods that the graph doesn't show as calls of one function: through an interface, and by builtins.
#pragma once

#include "compiler/torch/program.h"

namespace tsc {

// A call through an interface becomes a call of the object's method: of the module that it is known to be, or a choice by
// isinstance among the program's classes that have the interface. True when something changed.
bool inline_interface_calls(const Program& program, torch::jit::Graph& graph);

// `sorted(objects)` and `objects.sort()` by the class's __lt__ become the functions of objects/sort.py.
bool inline_sorting_of_objects(torch::jit::Graph& graph);

torch::jit::GraphFunction* find_graph_method(const c10::ClassTypePtr& type, const std::string& name);

}  // namespace tsc
