#include "compiler/torch/operators.h"

#include <fmt/format.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <map>
#include <optional>

#include "compiler/torch/evaluate.h"
#include "compiler/torch/own_operators.h"

namespace tsc {
namespace {

using torch::jit::Operator;
using OperatorPtr = std::shared_ptr<Operator>;

enum class Strictness { kExact, kConvert };

bool has_tensor(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    if (result.type()->kind() == c10::TypeKind::TensorType) return true;
  }
  return false;
}

bool has_out(const c10::FunctionSchema& schema) {
  for (const c10::Argument& argument : schema.arguments()) {
    if (argument.is_out()) return true;
  }
  return false;
}

std::string full_name(const Operator& op) {
  const auto& name = op.schema().operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

// All overloads that mean the row in this form.
std::vector<OperatorPtr> find_candidates(ir::Op op, ir::Form form) {
  const ir::OpInfo& row = ir::op_info(op);
  std::vector<OperatorPtr> candidates;
  std::vector<std::string> bases;
  for (const std::string_view name : row.aten_names) {
    std::string base(name.substr(0, name.find('.')));
    if (form == ir::Form::kInPlace && !base.ends_with('_')) base += "_";
    if (std::find(bases.begin(), bases.end(), base) == bases.end()) bases.push_back(std::move(base));
  }
  for (const std::string& base : bases) {
    for (const OperatorPtr& candidate : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(base))) {
      const auto match = ir::find_aten(full_name(*candidate));
      if (!match || match->op != op || match->form != form) continue;
      if (has_out(candidate->schema())) continue;
      if (row.op_class == ir::OpClass::kScalar && has_tensor(candidate->schema())) continue;
      candidates.push_back(candidate);
    }
  }
  return candidates;
}

const std::vector<OperatorPtr>& candidates_of(ir::Op op, ir::Form form) {
  static std::map<std::pair<ir::Op, ir::Form>, std::vector<OperatorPtr>> cache;
  define_own_operators();
  const auto [position, is_new] = cache.try_emplace({op, form});
  if (is_new) position->second = find_candidates(op, form);
  return position->second;
}

bool is_number(const c10::IValue& value) { return value.isScalar(); }

std::optional<c10::IValue> fit(const c10::IValue& value, const c10::TypePtr& type, Strictness strictness);

std::optional<c10::IValue> fit_list(const c10::IValue& value, const c10::TypePtr& type, Strictness strictness) {
  const c10::TypePtr element = type->containedType(0);
  if (element->kind() == c10::TypeKind::VarType) return value.isList() ? std::optional(value) : std::nullopt;
  if (!value.isList()) {
    // "int[2] stride=1": one number stands for all.
    const bool may_repeat = strictness == Strictness::kConvert && (value.isInt() || value.isDouble());
    if (!may_repeat) return std::nullopt;
    const auto single = fit(value, element, strictness);
    if (!single) return std::nullopt;
    c10::impl::GenericList list(element);
    list.push_back(*single);
    return c10::IValue(list);
  }
  if (value.type()->containedType(0)->isSubtypeOf(*element)) {
    if (*value.type()->containedType(0) == *element) return value;
  } else if (strictness == Strictness::kExact && !value.toListRef().empty()) {
    return std::nullopt;
  }
  c10::impl::GenericList list(element);
  for (const c10::IValue& part : value.toListRef()) {
    const auto fitted = fit(part, element, strictness);
    if (!fitted) return std::nullopt;
    list.push_back(*fitted);
  }
  return c10::IValue(list);
}

// The value as an operand of that type; nullopt when it doesn't fit.
std::optional<c10::IValue> fit(const c10::IValue& value, const c10::TypePtr& type, Strictness strictness) {
  const auto when = [&](bool fits) { return fits ? std::optional(value) : std::nullopt; };
  const bool converts = strictness == Strictness::kConvert;
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return when(value.isTensor());
    case c10::TypeKind::OptionalType:
      if (value.isNone()) return value;
      return fit(value, type->expectRef<c10::OptionalType>().getElementType(), strictness);
    case c10::TypeKind::IntType:
      if (converts && value.isBool()) return c10::IValue(static_cast<int64_t>(value.toBool()));
      if (converts && value.isTensor() && value.toTensor().numel() == 1)
        return c10::IValue(value.toTensor().item().toLong());
      return when(value.isInt());
    case c10::TypeKind::FloatType:
      if (converts && value.isInt()) return c10::IValue(static_cast<double>(value.toInt()));
      return when(value.isDouble());
    case c10::TypeKind::BoolType:
      return when(value.isBool());
    case c10::TypeKind::ComplexType:
      if (converts && is_number(value)) return c10::IValue(value.toScalar().toComplexDouble());
      return when(value.isComplexDouble());
    case c10::TypeKind::NumberType:
      if (converts && value.isTensor() && value.toTensor().numel() == 1) return c10::IValue(value.toTensor().item());
      // A bool is a number where no overload is for bools.
      return when(is_number(value) && (converts || !value.isBool()));
    case c10::TypeKind::StringType:
      return when(value.isString());
    case c10::TypeKind::DeviceObjType:
      return when(value.isDevice());
    case c10::TypeKind::ListType:
      return fit_list(value, type, strictness);
    case c10::TypeKind::DictType:
      if (!value.isGenericDict()) return std::nullopt;
      if (type->containedType(0)->kind() == c10::TypeKind::VarType) return value;
      return when(value.type()->containedType(0)->isSubtypeOf(*type->containedType(0)));
    case c10::TypeKind::NoneType:
      return when(value.isNone());
    case c10::TypeKind::GeneratorType:
      return when(value.isGenerator());
    case c10::TypeKind::AnyEnumType:
      return when(value.isEnum());
    default:
      return value;  // type variables, Any
  }
}

// Operands in the overload's order; nullopt when they don't fit it.
std::optional<torch::jit::Stack> arrange(const ir::OpInfo& row, const c10::FunctionSchema& schema,
                                         const std::vector<c10::IValue>& operands, Strictness strictness) {
  const auto& arguments = schema.arguments();
  torch::jit::Stack stack;
  if (row.schema.empty()) {
    if (operands.size() > arguments.size()) return std::nullopt;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (i >= operands.size() && !arguments[i].default_value()) return std::nullopt;
      const auto fitted =
          fit(i < operands.size() ? operands[i] : *arguments[i].default_value(), arguments[i].type(), strictness);
      if (!fitted) return std::nullopt;
      stack.push_back(*fitted);
    }
    return stack;
  }
  const auto row_position = [&](const std::string& name) -> std::optional<size_t> {
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      if (row.inputs[i].name == name) return i;
    }
    return std::nullopt;
  };
  const auto is_argument = [&](const std::string& name) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [&](const auto& argument) { return argument.name() == name; });
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::optional<size_t> position = row_position(arguments[i].name());
    if (!position && i < row.inputs.size() && !is_argument(row.inputs[i].name)) position = i;
    if (position && *position >= operands.size()) return std::nullopt;
    if (!position && !arguments[i].default_value()) return std::nullopt;
    const auto fitted =
        fit(position ? operands[*position] : *arguments[i].default_value(), arguments[i].type(), strictness);
    if (!fitted) return std::nullopt;
    stack.push_back(*fitted);
  }
  return stack;
}

// "aten::format(str self, ...)": the operator takes the number of operands from the stack.
bool counts_operands(const c10::FunctionSchema& schema) {
  return schema.is_vararg() && schema.name() != "prim::tolist";
}

}  // namespace

std::vector<c10::IValue> call_operator(ir::Op op, ir::Form form, const std::vector<c10::IValue>& operands) {
  const ir::OpInfo& row = ir::op_info(op);
  const auto& candidates = candidates_of(op, form);
  for (const Strictness strictness : {Strictness::kExact, Strictness::kConvert}) {
    for (const OperatorPtr& candidate : candidates) {
      std::optional<torch::jit::Stack> stack;
      if (candidate->schema().is_vararg()) {
        stack = operands;
        if (counts_operands(candidate->schema())) stack->push_back(static_cast<int64_t>(operands.size()));
      } else {
        stack = arrange(row, candidate->schema(), operands, strictness);
      }
      if (!stack) continue;
      candidate->getOperation()(*stack);
      return *std::move(stack);
    }
  }
  std::string types;
  for (const c10::IValue& operand : operands) types += (types.empty() ? "" : ", ") + operand.type()->repr_str();
  throw EvaluationError(fmt::format("no operator of PyTorch is {}({})", row.name, types));
}

}  // namespace tsc
