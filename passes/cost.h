// What the groups of a region cost: the one place that counts, for the comments of emitted source, --report and
// tsc-bench.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/ir/graph.h"

namespace tsc::passes {

struct Cost {
  // Additions, multiplications, comparisons and functions of an element, one each: a multiply-add is two. What a
  // kernel saves or adds (Winograd's transforms, padded channels) does not count, so that kernels can be compared.
  ir::Dim operations;
  // Elements that must be read and written once, had the machine an endless cache.
  ir::Dim bytes;
};

Cost group_cost(const ir::Graph& graph, const ir::Node& group);

// "236.0 MFLOP", "5.2 MB": three orders of magnitude a unit; bytes by 1024.
std::string format_operations(int64_t operations);
std::string format_bytes(int64_t bytes);
// "236.0 MFLOP, 5.2 MB" at the example's sizes; "" where they are not known, and the part that is 0 is left out.
std::string format_cost(const ir::Graph& graph, const Cost& cost);

}  // namespace tsc::passes
