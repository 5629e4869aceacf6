#include "compiler/torch/op_list.h"

#include <fmt/format.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <map>
#include <set>

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

}  // namespace

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
