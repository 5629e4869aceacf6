// The passes: free functions from graph to graph, one file each. Every pass leaves a graph that `verify` accepts and
// that computes the same; passes.def says what each does beyond that.
#pragma once

#include <span>
#include <string_view>

#include "compiler/ir/graph.h"

namespace tsc::passes {

// Ends the name of the twin that add_general_versions makes of a traced method, for inputs of any rank and dtype.
inline constexpr std::string_view kGeneralVersion = ".general";

#define TSC_PASS(name, contract) void name(ir::Graph& graph);
#include "passes/passes.def"
#undef TSC_PASS

struct Pass {
  std::string_view name;
  void (*run)(ir::Graph&);
  std::string_view contract;
};
std::span<const Pass> all_passes();
const Pass* find_pass(std::string_view name);  // null when there is none of that name

}  // namespace tsc::passes
