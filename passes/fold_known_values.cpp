// Integers, booleans, floats, strings and lists of integers whose value is known become constants.
#include <cmath>

#include "compiler/ir/containers.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

const Constant* constant_of(const Graph& graph, ValueId id) {
  const auto& constant = graph.value(id).constant;
  return constant ? &*constant : nullptr;
}

std::optional<double> double_of(const Graph& graph, ValueId id) {
  const Constant* constant = constant_of(graph, id);
  if (constant == nullptr) {
    const auto known = known_int(graph, id);
    return known ? std::optional<double>(static_cast<double>(*known)) : std::nullopt;
  }
  if (const auto* x = std::get_if<double>(&constant->value)) return *x;
  if (const auto* i = std::get_if<int64_t>(&constant->value)) return static_cast<double>(*i);
  if (const auto* b = std::get_if<bool>(&constant->value)) return *b ? 1.0 : 0.0;
  return std::nullopt;
}

// A function of one float, with TorchScript's semantics; nullopt for what raises.
std::optional<double> evaluate(Op op, double a) {
  switch (op) {
    case Op::scalar_neg:
      return -a;
    case Op::scalar_abs:
    case Op::scalar_fabs:
      return std::fabs(a);
    case Op::scalar_round:
      return std::nearbyint(a);  // halves go to the even neighbour
    case Op::scalar_floor:
      return std::floor(a);
    case Op::scalar_ceil:
      return std::ceil(a);
    case Op::scalar_sqrt:
      return a < 0 ? std::nullopt : std::optional<double>(std::sqrt(a));
    case Op::scalar_exp:
      return std::exp(a);
    case Op::scalar_log:
      return a <= 0 ? std::nullopt : std::optional<double>(std::log(a));
    case Op::scalar_sin:
      return std::sin(a);
    case Op::scalar_cos:
      return std::cos(a);
    case Op::scalar_tanh:
      return std::tanh(a);
    case Op::to_float:
      return a;
    case Op::to_int:
      return std::trunc(a);
    default:
      return std::nullopt;
  }
}

std::optional<double> evaluate(Op op, double a, double b) {
  switch (op) {
    case Op::scalar_add:
      return a + b;
    case Op::scalar_sub:
      return a - b;
    case Op::scalar_mul:
      return a * b;
    case Op::scalar_div:
      return b == 0 ? std::nullopt : std::optional<double>(a / b);
    case Op::scalar_floordiv:
      return b == 0 ? std::nullopt : std::optional<double>(std::floor(a / b));
    case Op::scalar_pow:
      return std::pow(a, b);
    case Op::scalar_min:
      return a < b ? a : b;
    case Op::scalar_max:
      return a > b ? a : b;
    default:
      return std::nullopt;
  }
}

std::optional<bool> compare(Op op, double a, double b) {
  switch (op) {
    case Op::scalar_eq:
      return a == b;
    case Op::scalar_ne:
      return a != b;
    case Op::scalar_lt:
      return a < b;
    case Op::scalar_le:
      return a <= b;
    case Op::scalar_gt:
      return a > b;
    case Op::scalar_ge:
      return a >= b;
    default:
      return std::nullopt;
  }
}

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: up to here a double tells integers apart

std::optional<Constant> fold_numbers(const Graph& graph, const Node& node, Type::Kind result) {
  if (node.inputs.empty() || node.inputs.size() > 2) return std::nullopt;
  for (ValueId input : node.inputs) {
    const Type::Kind kind = graph.value(input).type.kind;
    if (kind != Type::Kind::kInt && kind != Type::Kind::kFloat && kind != Type::Kind::kBool) return std::nullopt;
  }
  const auto a = double_of(graph, node.inputs[0]);
  const auto b = node.inputs.size() > 1 ? double_of(graph, node.inputs[1]) : std::nullopt;
  if (!a || (node.inputs.size() > 1 && !b) || std::fabs(*a) > kExactIntegers || (b && std::fabs(*b) > kExactIntegers))
    return std::nullopt;
  if (result == Type::Kind::kBool) {
    const auto truth = node.inputs.size() == 1 && node.op == Op::to_bool ? std::optional<bool>(*a != 0)
                       : b                                               ? compare(node.op, *a, *b)
                                                                         : std::nullopt;
    return truth ? std::optional<Constant>(Constant{*truth}) : std::nullopt;
  }
  const auto value = b ? evaluate(node.op, *a, *b) : evaluate(node.op, *a);
  if (!value) return std::nullopt;
  if (result == Type::Kind::kFloat) return Constant{*value};
  if (result != Type::Kind::kInt || !(std::fabs(*value) < kExactIntegers)) return std::nullopt;
  return Constant{static_cast<int64_t>(*value)};
}

// Texts of strings and devices, which only compare, join and tell their kind.
std::optional<Constant> fold_texts(const Graph& graph, const Node& node) {
  const auto text = [&](size_t i) -> const std::string* {
    const Constant* constant = i < node.inputs.size() ? constant_of(graph, node.inputs[i]) : nullptr;
    return constant ? std::get_if<std::string>(&constant->value) : nullptr;
  };
  const std::string *a = text(0), *b = text(1);
  switch (node.op) {
    case Op::device:
      return Constant{std::string("cpu")};  // compiled code knows one device
    case Op::device_type:
      return a ? std::optional<Constant>(Constant{a->substr(0, a->find(':'))}) : std::nullopt;
    case Op::scalar_eq:
      return a && b ? std::optional<Constant>(Constant{*a == *b}) : std::nullopt;
    case Op::scalar_ne:
      return a && b ? std::optional<Constant>(Constant{*a != *b}) : std::nullopt;
    case Op::str_add:
      return a && b ? std::optional<Constant>(Constant{*a + *b}) : std::nullopt;
    default:
      return std::nullopt;
  }
}

// The types that an isinstance asks for, against one that is known.
std::optional<Constant> fold_isinstance(const Graph& graph, const Node& node) {
  const auto found = node.attributes.find("types");
  if (node.op != Op::isinstance || found == node.attributes.end()) return std::nullopt;
  const auto* texts = std::get_if<std::vector<std::string>>(&found->second);
  const Type& type = graph.value(node.inputs[0]).type;
  using Kind = Type::Kind;
  if (texts == nullptr || type.is(Kind::kOptional) || type.is(Kind::kUnion) || type.is(Kind::kAny) ||
      type.is(Kind::kNumber) || type.is(Kind::kInterface))
    return std::nullopt;
  const std::string own = type.is_tensor() ? Type::make_tensor().str() : type.str();
  for (const std::string& text : *texts)
    if (text == own || (text == "list" && type.is(Kind::kList)) || (text == "tuple" && type.is(Kind::kTuple)))
      return Constant{true};
  // Whether a list is a list of something is told by its elements' types, which may differ in what is known of them.
  if (!type.elements.empty() || type.is(Kind::kClass)) return std::nullopt;
  for (const std::string& text : *texts)
    if (text.find("optional") != std::string::npos || text.find("union") != std::string::npos) return std::nullopt;
  return Constant{false};
}

std::optional<Constant> fold(const Graph& graph, const ContainerClasses& containers, const Node& node, ValueId output) {
  const Value& value = graph.value(output);
  switch (value.type.kind) {
    case Type::Kind::kInt:
      if (const auto known = known_int(graph, output)) return Constant{*known};
      return fold_numbers(graph, node, value.type.kind);
    case Type::Kind::kBool:
      if (const auto known = known_bool(graph, output)) return Constant{*known};
      if (const auto known = fold_isinstance(graph, node)) return known;
      if (const auto known = fold_texts(graph, node)) return known;
      return fold_numbers(graph, node, value.type.kind);
    case Type::Kind::kFloat:
      return fold_numbers(graph, node, value.type.kind);
    case Type::Kind::kStr:
    case Type::Kind::kDevice:
      return fold_texts(graph, node);
    case Type::Kind::kList: {
      if (!value.type.is_int_list() || containers.is_mutated(output)) return std::nullopt;
      const auto ints = graph.as_ints(output);
      if (!ints) return std::nullopt;
      auto list = std::make_shared<ConstantList>();
      for (int64_t i : *ints) list->push_back({i});
      return Constant{std::shared_ptr<const ConstantList>(std::move(list))};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

void fold_known_values(Graph& graph) {
  const ContainerClasses containers(graph);
  const std::vector<uint32_t> uses = graph.use_counts();
  Rewriter rewriter(graph);
  for_each_live_node(graph, [&](NodeId id) {
    for (size_t i = 0; i < graph.node(id).outputs.size(); ++i) {
      const ValueId output = graph.node(id).outputs[i];
      if (output >= uses.size() || uses[output] == 0) continue;
      auto constant = fold(graph, containers, graph.node(id), output);
      if (!constant) continue;
      Type type = graph.value(output).type;
      rewriter.replace(output, graph.add_constant(std::move(*constant), std::move(type)));
    }
  });
  rewriter.apply();
}

}  // namespace tsc::passes
