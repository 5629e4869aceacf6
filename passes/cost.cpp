#include "passes/cost.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace tsc::passes {

using namespace ir;

namespace {

const std::vector<Dim>& dims_of(const Graph& graph, ValueId value) { return graph.value(value).type.tensor.dims; }

Dim product(const std::vector<Dim>& dims) {
  Dim result(1);
  for (const Dim& dim : dims) result = result * dim;
  return result;
}

Dim elements(const Graph& graph, ValueId value) { return product(dims_of(graph, value)); }

Dim bytes_of(const Graph& graph, ValueId value) {
  return elements(graph, value) * Dim(dtype_size(graph.value(value).type.tensor.dtype));
}

ValueId operand(const Node& node, std::string_view name) { return node.inputs[input_index(node.op, name)]; }

// A bias is added to each element of the result.
Dim bias_operations(const Graph& graph, const Node& node) {
  const auto bias = find_input(node.op, "bias");
  return bias && !graph.is_none(node.inputs[*bias]) ? elements(graph, node.outputs[0]) : Dim(0);
}

Dim window_operations(const Graph& graph, const Node& node) {
  const Dim results = elements(graph, node.outputs[0]);
  if (const auto weight = find_input(node.op, "weight")) {
    const std::vector<Dim>& sizes = dims_of(graph, node.inputs[*weight]);
    const Dim products = product({sizes.begin() + 1, sizes.end()});  // of one result
    return Dim(2) * results * products + bias_operations(graph, node);
  }
  if (!find_input(node.op, "kernel_size")) return elements(graph, node.inputs[0]);  // adaptive: each pixel once
  const std::vector<int64_t> kernel = graph.as_ints(operand(node, "kernel_size")).value_or(std::vector<int64_t>());
  Dim window(1);
  // One number stands for both sides of the window.
  for (const int64_t side : kernel) window = window * Dim(kernel.size() == 1 ? side * side : side);
  return results * window;
}

// Scores, their softmax, and the sum of values that they weigh.
Dim attention_operations(const Graph& graph, const Node& node) {
  const std::vector<Dim>& query = dims_of(graph, operand(node, "query"));
  const std::vector<Dim>& key = dims_of(graph, operand(node, "key"));
  const Dim scores = product({query.begin(), query.end() - 1}) * key[key.size() - 2];
  constexpr int64_t kSoftmax = 5;
  return scores * (Dim(2) * (query.back() + dims_of(graph, operand(node, "value")).back()) + Dim(kSoftmax));
}

// Of a scan: the product with the hidden state, and about ten operations of the cell for each gate.
Dim recurrent_operations(const Graph& graph, const Node& node) {
  constexpr int64_t kCell = 10;
  return elements(graph, node.inputs[0]) * (Dim(2) * dims_of(graph, node.inputs[1])[1] + Dim(kCell));
}

Dim operations_of(const Graph& graph, const Node& node) {
  switch (op_info(node.op).op_class) {
    case OpClass::kPointwise:
      return elements(graph, node.outputs[0]);
    case OpClass::kReduction:
    case OpClass::kScan:
      return elements(graph, node.inputs[0]);
    case OpClass::kContraction:
      return Dim(2) * elements(graph, node.outputs[0]) * dims_of(graph, node.inputs[0]).back() +
             bias_operations(graph, node);
    case OpClass::kWindow:
      return window_operations(graph, node);
    case OpClass::kNormalisation: {
      // Softmax: maximum, difference, exp, sum, quotient. Others: mean, difference, square, its mean, scale, weight,
      // bias.
      const bool softmax = node.op == Op::softmax || node.op == Op::log_softmax;
      return Dim(softmax ? 5 : 7) * elements(graph, node.inputs[0]);
    }
    case OpClass::kAttention:
      return attention_operations(graph, node);
    case OpClass::kRecurrent:
      return recurrent_operations(graph, node);
    case OpClass::kLinalg:
    case OpClass::kSpecial:
    case OpClass::kTransform:
    case OpClass::kMovement:
    case OpClass::kResampling:
    case OpClass::kView:
    case OpClass::kCreation:
    case OpClass::kRandom:
    case OpClass::kSort:
    case OpClass::kQuery:
    case OpClass::kScalar:
    case OpClass::kContainer:
    case OpClass::kControl:
    case OpClass::kEffect:
      break;
  }
  return {};
}

}  // namespace

Cost group_cost(const Graph& graph, const Node& group) {
  Cost cost;
  std::set<ValueId> seen;
  const auto read = [&](const Node& node, ValueId id) {
    if (!graph.value(id).type.is_tensor() || !seen.insert(id).second) return;
    // Of a table that an op picks rows from, only those.
    const bool picks = node.op == Op::embedding && id == node.inputs[0];
    cost.bytes = cost.bytes + bytes_of(graph, picks ? node.outputs[0] : id);
  };
  for (const NodeId member : graph.block(group.blocks[0]).nodes) {
    const Node& node = graph.node(member);
    cost.operations = cost.operations + operations_of(graph, node);
    for (const ValueId input : node.inputs) {
      const Value& value = graph.value(input);
      if (!value.type.is(Type::Kind::kList) || value.def == kNoId) {
        read(node, input);
        continue;
      }
      for (const ValueId element : graph.node(value.def).inputs) read(node, element);
    }
    seen.insert(node.outputs.begin(), node.outputs.end());  // stays in registers
  }
  for (const ValueId output : group.outputs) cost.bytes = cost.bytes + bytes_of(graph, output);
  return cost;
}

std::string format_operations(int64_t operations) {
  const auto count = static_cast<double>(operations);
  if (operations < 1000) return fmt::format("{} FLOP", operations);
  if (operations < 1'000'000) return fmt::format("{:.1f} kFLOP", count / 1e3);
  if (operations < 1'000'000'000) return fmt::format("{:.1f} MFLOP", count / 1e6);
  return fmt::format("{:.1f} GFLOP", count / 1e9);
}

std::string format_bytes(int64_t bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (bytes < (1 << 20)) return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1024);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20));
}

std::string format_cost(const Graph& graph, const Cost& cost) {
  const auto operations = graph.hint(cost.operations), bytes = graph.hint(cost.bytes);
  if (!operations || !bytes) return "";
  return (*operations == 0 ? "" : format_operations(*operations) + ", ") + format_bytes(*bytes);
}

}  // namespace tsc::passes
