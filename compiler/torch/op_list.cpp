#include "compiler/torch/op_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "compiler/torch/decompose.h"
#include "compiler/torch/destinations.h"
#include "compiler/torch/own_operators.h"
#include "compiler/torch/quantized.h"

namespace tsc {
namespace {

using c10::FunctionSchema;

// In the words of the list's first lines.
std::string_view class_name(ir::OpClass op_class) {
  switch (op_class) {
    case ir::OpClass::kPointwise:
      return "pointwise";
    case ir::OpClass::kSpecial:
      return "special function";
    case ir::OpClass::kReduction:
      return "reduction";
    case ir::OpClass::kScan:
      return "scan";
    case ir::OpClass::kView:
      return "view";
    case ir::OpClass::kContraction:
      return "contraction";
    case ir::OpClass::kLinalg:
      return "linear algebra";
    case ir::OpClass::kWindow:
      return "window";
    case ir::OpClass::kNormalisation:
      return "normalisation";
    case ir::OpClass::kAttention:
      return "attention";
    case ir::OpClass::kRecurrent:
      return "recurrent";
    case ir::OpClass::kTransform:
      return "transform";
    case ir::OpClass::kMovement:
      return "movement";
    case ir::OpClass::kResampling:
      return "resampling";
    case ir::OpClass::kCreation:
      return "creation";
    case ir::OpClass::kRandom:
      return "random";
    case ir::OpClass::kSort:
      return "sort";
    case ir::OpClass::kQuery:
      return "query";
    case ir::OpClass::kScalar:
      return "scalar";
    case ir::OpClass::kContainer:
      return "container";
    case ir::OpClass::kControl:
    case ir::OpClass::kEffect:
      return "effect";
  }
  return "";
}

// How the overload is compiled; empty when it isn't.
std::string_view how(const FunctionSchema& schema) {
  if (const auto row = find_row(schema)) return class_name(ir::op_info(row->op).op_class);
  if (find_decomposition(schema) != nullptr) return "other ops";
  if (schema.name().starts_with("quantized::")) return has_quantized_function(schema) ? "quantised" : "";
  const FunctionSchema* twin = find_functional_twin(schema);
  return twin == nullptr || twin == &schema ? "" : how(*twin);
}

// Letters that are put in, left out or replaced to make one text of the other (V. Levenshtein, 1965).
size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] != to[j]);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_op(const std::string& op) {
  const std::string name = op.substr(0, op.find('.'));
  std::map<std::pair<size_t, std::string>, std::set<std::string>> near;  // distance and operator: its overloads
  for (const auto& candidate : torch::jit::getAllOperators()) {
    const FunctionSchema& schema = candidate->schema();
    if (!schema.name().starts_with("aten::") || schema.name().ends_with('_') != name.ends_with('_')) continue;
    const size_t distance = edit_distance(name, schema.name());
    const bool has_destination = schema.overload_name().ends_with("out");
    if (distance <= 1 && !has_destination && !how(schema).empty())
      near[{distance, schema.name()}].insert(full_op_name(schema));
  }
  if (near.empty()) return {};
  return fmt::format("{}", fmt::join(near.begin()->second, ", "));
}

std::string op_list() {
  define_own_operators();
  // By name: the overloads, and how they are compiled.
  std::map<std::string, std::pair<std::set<std::string>, std::set<std::string>>> ops;
  size_t count = 0;
  for (const auto& op : torch::jit::getAllOperators()) {
    const FunctionSchema& schema = op->schema();
    const std::string& name = schema.name();
    if (name.starts_with("tsc::")) continue;
    const std::string_view answer = how(schema);
    if (answer.empty()) continue;
    auto& [overloads, ways] = ops[name];
    count += overloads.insert(schema.overload_name()).second;
    ways.emplace(answer);
  }
  std::string text = fmt::format(
      "# PyTorch's operators that tsc compiles\n\n"
      "Written by `tsc --list-ops`: {} overloads of {} operators. An operator that is not in this list "
      "is\n"
      "refused by name, with the Python line. Pointwise work, reductions, contractions, windows and normalisation "
      "fuse\n"
      "where dtypes and ranks are known; the other classes run one by one; \"other ops\" means that the operator is "
      "said\n"
      "in operators of this list.\n\n"
      "| operator | overloads | compiled as |\n|---|---|---|\n",
      count, ops.size());
  for (const auto& [name, entry] : ops) {
    std::string overloads, ways;
    for (const std::string& overload : entry.first)
      overloads += (overloads.empty() ? "" : ", ") + (overload.empty() ? "(default)" : overload);
    for (const std::string& way : entry.second) ways += (ways.empty() ? "" : ", ") + way;
    text += fmt::format("| {} | {} | {} |\n", name, overloads, ways);
  }
  return text;
}

}  // namespace tsc
