#include "compiler/ir/effects.h"

#include <algorithm>

#include "compiler/ir/containers.h"

namespace tsc::ir {
namespace {

// Whether the operand of that name, when the op has one, may be something else than `false` or 0.
bool may_be_on(const Graph& graph, const Node& node, std::string_view operand) {
  const auto index = find_input(node.op, operand);
  if (!index || *index >= node.inputs.size()) return false;
  return graph.as_double(node.inputs[*index]) != 0.0;
}

// Normalisation over the batch updates its running statistics.
bool updates_statistics(const Graph& graph, const Node& node, size_t index) {
  const auto mean = find_input(node.op, "running_mean");
  if (!mean || (index != *mean && index != *mean + 1) || graph.is_none(node.inputs[index])) return false;
  return may_be_on(graph, node, "training") || may_be_on(graph, node, "use_input_stats");
}

}  // namespace

bool writes_input(const Graph& graph, const Node& node, size_t index) {
  if (index == 0 && (node.form == Form::kInPlace || has_only_in_place_form(node.op) || mutates_container(node.op))) {
    return true;
  }
  return updates_statistics(graph, node, index);
}

bool moves_sizes(const Node& node) {
  if (node.op == Op::resize_ || node.op == Op::resize_as_ || node.op == Op::write_out_) return true;
  return node.form == Form::kInPlace && op_info(node.op).op_class == OpClass::kView && node.op != Op::detach;
}

bool is_random(const Graph& graph, const Node& node) {
  if (may_be_on(graph, node, "dropout_p")) return true;
  if (!find_input(node.op, "train")) return op_info(node.op).op_class == OpClass::kRandom;
  return may_be_on(graph, node, "train") && (may_be_on(graph, node, "p") || may_be_on(graph, node, "dropout"));
}

bool has_effect(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::raise:
    case Op::call:
    case Op::fork:
    case Op::wait:
      return true;
    case Op::state_get:
    case Op::state_ref:
      return false;
    default:
      break;
  }
  if (op_info(node.op).op_class == OpClass::kEffect || is_random(graph, node)) return true;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (writes_input(graph, node, i)) return true;
  }
  return false;
}

bool may_fail(const Graph& graph, const Node& node) {
  const auto is_text = [&](size_t index) { return graph.value(node.inputs[index]).type.is(Type::Kind::kStr); };
  switch (node.op) {
    case Op::scalar_div:
    case Op::scalar_floordiv:
    case Op::scalar_remainder:
      return graph.as_double(node.inputs[1]).value_or(0) == 0;
    case Op::range_length:
      return graph.as_int(node.inputs[2]).value_or(0) == 0;
    case Op::to_int:
    case Op::to_float:
      return is_text(0);
    case Op::list_getitem: {
      if (graph.value(node.outputs[0]).ints) return false;
      const NodeId def = graph.value(node.inputs[0]).def;
      if (def == kNoId || graph.node(def).op != Op::list) return true;
      const auto size = static_cast<int64_t>(graph.node(def).inputs.size());
      const auto index = graph.as_int(node.inputs[1]);
      return !index || *index >= size || *index < -size;
    }
    case Op::list_unpack:
    case Op::list_index:
    case Op::dict_getitem:
    case Op::str_getitem:
    case Op::str_index:
    case Op::str_rindex:
    case Op::ord:
    case Op::chr:
      return true;
    case Op::scalar_min:
    case Op::scalar_max:
      return node.inputs.size() == 1;  // of an empty list
    case Op::unwrap_optional:
      return graph.value(node.inputs[0]).type.is(Type::Kind::kOptional);
    default:
      return false;
  }
}

bool holds_memory(const Type& type) {
  using Kind = Type::Kind;
  switch (type.kind) {
    case Kind::kTensor:
    case Kind::kList:
    case Kind::kDict:
    case Kind::kClass:
    case Kind::kInterface:
    case Kind::kFuture:
    case Kind::kGenerator:
    case Kind::kAny:
      return true;
    case Kind::kTuple:
    case Kind::kOptional:
    case Kind::kUnion:
      return std::any_of(type.elements.begin(), type.elements.end(), holds_memory);
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kBool:
    case Kind::kComplex:
    case Kind::kNumber:
    case Kind::kStr:
    case Kind::kNone:
    case Kind::kDevice:
    case Kind::kEnum:
    case Kind::kFunction:
      return false;
  }
  return true;
}

}  // namespace tsc::ir
