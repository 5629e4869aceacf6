#include "compiler/torch/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/compilation_unit.h>

#include <unordered_map>

#include "compiler/torch/operators.h"
#include "compiler/torch/values.h"

namespace tsc {
namespace {

using Kind = ir::Type::Kind;

// State has copies of constants, which may be written; what is one list, dict or object there, or one storage, stays
// one.
class StateCopies {
 public:
  // The value made of a list of constants: undefined (None) the first time.
  c10::IValue& of(const ir::ConstantList* parts) { return containers_[parts]; }

  at::Tensor copy(const std::shared_ptr<const ir::TensorConstant>& constant) {
    auto& whole = copies_[constant->storage.get()];
    const at::Tensor original = make_tensor(constant);
    if (!whole.defined()) {
      ir::TensorConstant bytes{.name = "",
                               .dtype = ir::DType::kUInt8,
                               .sizes = {static_cast<int64_t>(constant->storage->size)},
                               .strides = {1},
                               .offset = 0,
                               .storage = constant->storage};
      whole = make_tensor(std::make_shared<const ir::TensorConstant>(std::move(bytes))).clone();
    }
    if (constant->storage->size == 0) return original;
    at::Tensor tensor = at::empty({0}, original.options());
    return tensor.set_(whole.storage(), constant->offset, constant->sizes, constant->strides);
  }

 private:
  std::unordered_map<const ir::Storage*, at::Tensor> copies_;
  std::unordered_map<const ir::ConstantList*, c10::IValue> containers_;
};

class Evaluator {
 public:
  Evaluator(const ir::Graph& graph, State* state)
      : graph_(graph), state_(state), unit_(std::make_shared<torch::jit::CompilationUnit>()) {}

  std::vector<c10::IValue> call(const ir::Function& function, std::vector<c10::IValue> inputs) {
    values_.resize(graph_.values.size());
    const ir::Block& body = graph_.block(function.body);
    if (inputs.size() > body.params.size()) {
      throw EvaluationError(
          fmt::format("{} takes {} inputs, not {}", function.name, body.params.size(), inputs.size()));
    }
    for (size_t i = inputs.size(); i < body.params.size(); ++i) {
      if (!function.defaults[i]) throw EvaluationError(fmt::format("{} needs its input {}", function.name, i));
      inputs.push_back(constant(*function.defaults[i], graph_.value(body.params[i]).type));
    }
    return run(function.body, inputs);
  }

  std::vector<c10::IValue> run_node_on(const ir::Node& node, std::vector<c10::IValue> operands) {
    return run_op(node, std::move(operands));
  }

  c10::IValue constant(const ir::Constant& constant, const ir::Type& type, StateCopies* copies = nullptr);

 private:
  c10::IValue container(const ir::ConstantList& parts, const ir::Type& type, StateCopies* copies);
  void bind(ir::ValueId id, c10::IValue value);
  c10::IValue value(ir::ValueId id) {
    const ir::Value& value = graph_.value(id);
    return value.constant ? constant(*value.constant, value.type) : values_[id];
  }
  std::vector<c10::IValue> values(const std::vector<ir::ValueId>& ids) {
    std::vector<c10::IValue> result;
    for (const ir::ValueId id : ids) result.push_back(value(id));
    return result;
  }
  std::vector<c10::IValue> run(ir::BlockId block, const std::vector<c10::IValue>& params);
  void run_node(ir::NodeId id);
  std::vector<c10::IValue> run_loop(const ir::Node& node);
  std::vector<c10::IValue> run_op(const ir::Node& node, std::vector<c10::IValue> operands);
  c10::IValue size_expressions(const ir::Node& node);
  bool is_of_type(const c10::IValue& value, const std::string& text);
  c10::TypePtr torch_type(const ir::Type& type);
  c10::ClassTypePtr class_type(ir::ClassId id);
  c10::EnumTypePtr enum_type(ir::ClassId id);
  const ir::Type& output_type(const ir::Node& node) { return graph_.value(node.outputs[0]).type; }
  size_t field_slot(const c10::IValue& object, const ir::Node& node) {
    return object.toObjectRef().type()->getAttributeSlot(ir::str_attribute(node, "field"));
  }

  const ir::Graph& graph_;
  State* state_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::vector<c10::IValue> values_;
  std::map<std::string, int64_t, std::less<>> symbols_;  // as the values seen so far tell
  std::map<ir::ClassId, c10::ClassTypePtr> classes_;
  std::map<ir::ClassId, c10::EnumTypePtr> enums_;
};

c10::ClassTypePtr Evaluator::class_type(ir::ClassId id) {
  auto& type = classes_[id];
  if (type != nullptr) return type;
  const ir::ClassType& info = graph_.classes[id];
  type = c10::ClassType::create(c10::QualifiedName(fmt::format("__torch__.class_{}.{}", id, info.name)), unit_);
  const c10::ClassTypePtr result = type;
  for (size_t i = 0; i < info.field_names.size(); ++i) {
    result->addAttribute(info.field_names[i], torch_type(info.field_types[i]));
  }
  return result;
}

c10::EnumTypePtr Evaluator::enum_type(ir::ClassId id) {
  auto& type = enums_[id];
  if (type != nullptr) return type;
  const ir::ClassType& info = graph_.classes[id];
  std::vector<c10::EnumNameValue> members;
  for (size_t i = 0; i < info.field_names.size(); ++i) {
    members.emplace_back(info.field_names[i], constant(*info.enum_values[i], info.field_types[i]));
  }
  const c10::TypePtr member = info.field_types.empty() ? c10::IntType::get() : torch_type(info.field_types[0]);
  type = c10::EnumType::create(c10::QualifiedName(fmt::format("__torch__.class_{}.{}", id, info.name)), member,
                               std::move(members), unit_);
  return type;
}

c10::TypePtr Evaluator::torch_type(const ir::Type& type) {
  const auto element = [&](size_t i) { return torch_type(type.elements[i]); };
  switch (type.kind) {
    case Kind::kTensor:
      return c10::TensorType::get();
    case Kind::kInt:
      return c10::IntType::get();
    case Kind::kFloat:
      return c10::FloatType::get();
    case Kind::kBool:
      return c10::BoolType::get();
    case Kind::kComplex:
      return c10::ComplexType::get();
    case Kind::kNumber:
      return c10::NumberType::get();
    case Kind::kStr:
      return c10::StringType::get();
    case Kind::kNone:
      return c10::NoneType::get();
    case Kind::kDevice:
      return c10::DeviceObjType::get();
    case Kind::kGenerator:
      return c10::GeneratorType::get();
    case Kind::kList:
      return c10::ListType::create(element(0));
    case Kind::kDict:
      return c10::DictType::create(element(0), element(1));
    case Kind::kTuple: {
      std::vector<c10::TypePtr> elements;
      for (const ir::Type& part : type.elements) elements.push_back(torch_type(part));
      return c10::TupleType::create(std::move(elements));
    }
    case Kind::kOptional:
      return c10::OptionalType::create(element(0));
    case Kind::kFuture:
      return element(0);
    case Kind::kClass:
      return class_type(type.class_id);
    case Kind::kEnum:
      return enum_type(type.class_id);
    case Kind::kUnion:
    case Kind::kInterface:
    case Kind::kFunction:
    case Kind::kAny:
      return c10::AnyType::get();
  }
  return c10::AnyType::get();
}

c10::IValue Evaluator::constant(const ir::Constant& constant, const ir::Type& type, StateCopies* copies) {
  if (std::holds_alternative<std::monostate>(constant.value)) return {};
  if (type.is(Kind::kOptional)) return this->constant(constant, type.elements[0], copies);
  if (type.is(Kind::kUnion)) {
    for (const ir::Type& member : type.elements) {
      if (ir::is_of_type(constant, member)) return this->constant(constant, member, copies);
    }
  }
  if (const auto* flag = std::get_if<bool>(&constant.value)) return *flag;
  if (const auto* integer = std::get_if<int64_t>(&constant.value)) {
    if (!type.is(Kind::kEnum)) return *integer;
    return c10::IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(
        enum_type(type.class_id), graph_.classes[type.class_id].field_names[*integer],
        enum_type(type.class_id)->enumNamesValues()[*integer].second));
  }
  if (const auto* real = std::get_if<double>(&constant.value)) return *real;
  if (const auto* complex = std::get_if<std::complex<double>>(&constant.value)) {
    return c10::complex<double>(complex->real(), complex->imag());
  }
  if (const auto* text = std::get_if<std::string>(&constant.value)) {
    if (!type.is(Kind::kDevice)) return *text;
    // The evaluator, like compiled code, has one device.
    const c10::Device device(*text);
    return device.is_cpu() ? device : c10::Device(c10::kCPU);
  }
  if (const auto* tensor = std::get_if<std::shared_ptr<const ir::TensorConstant>>(&constant.value)) {
    return copies != nullptr ? copies->copy(*tensor) : make_tensor(*tensor);
  }
  const ir::ConstantList& parts = *std::get<std::shared_ptr<const ir::ConstantList>>(constant.value);
  if (copies == nullptr || type.is(Kind::kTuple)) return container(parts, type, copies);
  if (copies->of(&parts).isNone()) copies->of(&parts) = container(parts, type, copies);
  return copies->of(&parts);
}

c10::IValue Evaluator::container(const ir::ConstantList& parts, const ir::Type& type, StateCopies* copies) {
  const auto part = [&](size_t i, const ir::Type& part_type) { return this->constant(parts[i], part_type, copies); };
  if (type.is(Kind::kTuple)) {
    std::vector<c10::IValue> elements;
    for (size_t i = 0; i < parts.size(); ++i) elements.push_back(part(i, type.elements[i]));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (type.is(Kind::kDict)) {
    c10::impl::GenericDict dict(torch_type(type.elements[0]), torch_type(type.elements[1]));
    for (size_t i = 0; i + 1 < parts.size(); i += 2)
      dict.insert(part(i, type.elements[0]), part(i + 1, type.elements[1]));
    return dict;
  }
  if (type.is(Kind::kClass)) {
    const ir::ClassType& info = graph_.classes[type.class_id];
    auto object = c10::ivalue::Object::create(c10::StrongTypePtr(unit_, class_type(type.class_id)), parts.size());
    for (size_t i = 0; i < parts.size(); ++i) object->setSlot(i, part(i, info.field_types[i]));
    return object;
  }
  if (!type.is(Kind::kList)) throw EvaluationError("a constant list of type " + type.str());
  c10::impl::GenericList list(torch_type(type.elements[0]));
  for (size_t i = 0; i < parts.size(); ++i) list.push_back(part(i, type.elements[0]));
  return list;
}

// Besides the value, learns the sizes that the value's type names.
void Evaluator::bind(ir::ValueId id, c10::IValue value) {
  const ir::Value& info = graph_.value(id);
  if (info.type.is_tensor() && info.type.tensor.rank_known && value.isTensor() && value.toTensor().defined()) {
    const at::Tensor& tensor = value.toTensor();
    const auto& dims = info.type.tensor.dims;
    if (static_cast<size_t>(tensor.dim()) != dims.size()) {
      throw EvaluationError(fmt::format("a value of type {} has rank {}", info.type.str(), tensor.dim()));
    }
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      if (const auto symbol = dims[axis].symbol_name()) symbols_[*symbol] = tensor.size(static_cast<int64_t>(axis));
    }
  }
  if (info.ints && info.ints->size() == 1 && value.isInt()) {
    if (const auto symbol = info.ints->front().symbol_name()) symbols_[*symbol] = value.toInt();
  }
  if (info.ints && value.isIntList()) {
    const std::vector<int64_t> list = value.toIntVector();
    for (size_t i = 0; i < list.size() && i < info.ints->size(); ++i) {
      if (const auto symbol = (*info.ints)[i].symbol_name()) symbols_[*symbol] = list[i];
    }
  }
  values_[id] = std::move(value);
}

std::vector<c10::IValue> Evaluator::run(ir::BlockId block, const std::vector<c10::IValue>& params) {
  const ir::Block& body = graph_.block(block);
  for (size_t i = 0; i < body.params.size(); ++i) bind(body.params[i], params[i]);
  for (const ir::NodeId node : body.nodes) run_node(node);
  return values(body.results);
}

std::vector<c10::IValue> Evaluator::run_loop(const ir::Node& node) {
  const int64_t count = value(node.inputs[0]).toInt();
  bool condition = value(node.inputs[1]).toBool();
  std::vector<c10::IValue> carried = values({node.inputs.begin() + 2, node.inputs.end()});
  for (int64_t i = 0; i < count && condition; ++i) {
    carried.insert(carried.begin(), c10::IValue(i));
    carried = run(node.blocks[0], carried);
    condition = carried.front().toBool();
    carried.erase(carried.begin());
  }
  return carried;
}

void Evaluator::run_node(ir::NodeId id) {
  const ir::Node& node = graph_.node(id);
  std::vector<c10::IValue> results;
  switch (node.op) {
    case ir::Op::if_:
      results = run(node.blocks[value(node.inputs[0]).toBool() ? 0 : 1], {});
      break;
    case ir::Op::loop:
      results = run_loop(node);
      break;
    case ir::Op::region:
    case ir::Op::group:
      results = run(node.blocks[0], values(node.inputs));
      break;
    case ir::Op::symbolic:
      results = {size_expressions(node)};
      break;
    default:
      try {
        results = run_op(node, values(node.inputs));
      } catch (const c10::Error& error) {
        throw EvaluationError(std::string(ir::op_info(node.op).name) + ": " + error.what_without_backtrace());
      }
  }
  if (results.size() < node.outputs.size()) {
    throw EvaluationError(fmt::format("{} has {} results", ir::op_info(node.op).name, results.size()));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) bind(node.outputs[i], std::move(results[i]));
}

c10::IValue Evaluator::size_expressions(const ir::Node& node) {
  const auto& texts = std::get<std::vector<std::string>>(node.attributes.at("dims"));
  std::vector<int64_t> sizes;
  for (const std::string& text : texts) {
    const auto dim = ir::Dim::parse(text);
    const auto size = dim ? dim->evaluate([&](std::string_view symbol) -> std::optional<int64_t> {
      const auto found = symbols_.find(symbol);
      return found == symbols_.end() ? std::nullopt : std::optional(found->second);
    })
                          : std::nullopt;
    if (!size) throw EvaluationError("the size " + text + " is not known");
    sizes.push_back(*size);
  }
  const ir::Type& type = output_type(node);
  if (type.is(Kind::kInt)) return sizes.at(0);
  if (type.is_tensor()) return at::scalar_tensor(sizes.at(0), at::kLong);
  return sizes;
}

// Whether a value is of a type, as isinstance has it.
bool Evaluator::is_of_type(const c10::IValue& value, const std::string& text) {
  if (text == "list") return value.isList();
  if (text == "tuple") return value.isTuple();
  const std::optional<ir::Type> type = ir::Type::parse(text);
  if (!type) throw EvaluationError("isinstance asks for the type " + text);
  return value.type()->isSubtypeOf(*torch_type(*type));
}

// The equations of PyTorch's documentation of LSTM, GRU and RNN, step by step.
static at::Tensor scan(ir::Op op, const std::vector<c10::IValue>& operands) {
  const at::Tensor gates = operands[0].toTensor(), weight = operands[1].toTensor();
  const bool is_lstm = op == ir::Op::lstm_scan, is_gru = op == ir::Op::gru_scan, reverse = operands.back().toBool();
  at::Tensor h = operands[is_gru ? 3 : 2].toTensor(), c = is_lstm ? operands[3].toTensor() : at::Tensor();
  const int64_t steps = gates.size(0);
  std::vector<at::Tensor> hs(static_cast<size_t>(steps)), cs(static_cast<size_t>(is_lstm ? steps : 0));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t step = reverse ? steps - 1 - i : i;
    const at::Tensor x = gates.select(0, step), y = at::matmul(h, weight.t());
    if (is_lstm) {
      const auto sums = (x + y).chunk(4, 1);
      c = at::sigmoid(sums[1]) * c + at::sigmoid(sums[0]) * at::tanh(sums[2]);
      h = at::sigmoid(sums[3]) * at::tanh(c);
      cs[static_cast<size_t>(step)] = c;
    } else if (is_gru) {
      const auto xs = x.chunk(3, 1), ys = y.chunk(3, 1);
      const at::Tensor fresh = operands[2].isNone() ? ys[2] : ys[2] + operands[2].toTensor();
      const at::Tensor candidate = at::tanh(xs[2] + at::sigmoid(xs[0] + ys[0]) * fresh);
      h = at::lerp(candidate, h, at::sigmoid(xs[1] + ys[1]));
    } else {
      h = at::tanh(x + y);
    }
    hs[static_cast<size_t>(step)] = h;
  }
  return is_lstm ? at::stack({at::stack(hs), at::stack(cs)}) : at::stack(hs);
}

std::vector<c10::IValue> Evaluator::run_op(const ir::Node& node, std::vector<c10::IValue> operands) {
  switch (node.op) {
    case ir::Op::raise:
      throw EvaluationError("raised: " +
                            (operands[0].isString() ? operands[0].toStringRef() : std::string("an exception")));
    case ir::Op::uninitialized:
      return {c10::IValue()};
    case ir::Op::print:
    case ir::Op::warn:
      return {};
    case ir::Op::state_get:
      return {state_->fields.at(ir::str_attribute(node, "field"))};
    case ir::Op::state_set:
      state_->fields[ir::str_attribute(node, "field")] = operands[0];
      return {};
    case ir::Op::lstm_scan:
    case ir::Op::gru_scan:
    case ir::Op::rnn_tanh_scan:
      return {scan(node.op, operands)};
    case ir::Op::reorder:
    case ir::Op::annotate:
    case ir::Op::unchecked_cast:
    case ir::Op::wait:
      return {operands[0]};
    case ir::Op::unwrap_optional:
      if (operands[0].isNone()) throw EvaluationError("unwrapping null optional");
      return {operands[0]};
    case ir::Op::is_:
      return {operands[0].is(operands[1])};
    case ir::Op::isnot:
      return {!operands[0].is(operands[1])};
    case ir::Op::isinstance:
      for (const std::string& type : std::get<std::vector<std::string>>(node.attributes.at("types"))) {
        if (is_of_type(operands[0], type)) return {true};
      }
      return {false};
    case ir::Op::list: {
      c10::impl::GenericList list(torch_type(output_type(node).elements[0]));
      for (c10::IValue& operand : operands) list.push_back(std::move(operand));
      return {list};
    }
    case ir::Op::list_unpack: {
      std::vector<c10::IValue> parts = operands[0].toListRef().vec();
      if (parts.size() != node.outputs.size()) {
        throw EvaluationError(
            fmt::format("Expected {} elements in a list but found {}", node.outputs.size(), parts.size()));
      }
      return parts;
    }
    case ir::Op::tuple:
      return {c10::ivalue::Tuple::create(std::move(operands))};
    case ir::Op::tuple_unpack: {
      const auto& parts = operands[0].toTupleRef().elements();
      return std::vector<c10::IValue>(parts.begin(), parts.end());
    }
    case ir::Op::tuple_index: {
      const auto& parts = operands[0].toTupleRef().elements();
      const int64_t size = static_cast<int64_t>(parts.size());
      const int64_t index = operands[1].toInt() < 0 ? operands[1].toInt() + size : operands[1].toInt();
      if (index < 0 || index >= size) throw EvaluationError("Tuple index out of range");
      return {parts[index]};
    }
    case ir::Op::tuple_slice: {
      const auto& parts = operands[0].toTupleRef().elements();
      const auto begin = ir::int_attribute(node, "begin").value();
      const auto end = ir::int_attribute(node, "end").value();
      return {c10::ivalue::Tuple::create(std::vector<c10::IValue>(parts.begin() + begin, parts.begin() + end))};
    }
    case ir::Op::dict: {
      const ir::Type& type = output_type(node);
      c10::impl::GenericDict dict(torch_type(type.elements[0]), torch_type(type.elements[1]));
      for (size_t i = 0; i + 1 < operands.size(); i += 2) dict.insert_or_assign(operands[i], operands[i + 1]);
      return {dict};
    }
    case ir::Op::object_new: {
      const c10::ClassTypePtr type = class_type(output_type(node).class_id);
      return {c10::ivalue::Object::create(c10::StrongTypePtr(unit_, type), type->numAttributes())};
    }
    case ir::Op::attr_get:
      return {operands[0].toObjectRef().getSlot(field_slot(operands[0], node))};
    case ir::Op::attr_set:
      operands[0].toObject()->setSlot(field_slot(operands[0], node), operands[1]);
      return {};
    case ir::Op::enum_name:
      return {operands[0].toEnumHolder()->name()};
    case ir::Op::enum_value:
      return {operands[0].toEnumHolder()->value()};
    case ir::Op::call:
      for (const ir::Function& function : graph_.functions) {
        if (function.name == ir::str_attribute(node, "function")) {
          // The callee may be this very function: its values are its own.
          std::vector<c10::IValue> saved = values_;
          auto results = call(function, std::move(operands));
          values_ = std::move(saved);
          return results;
        }
      }
      throw EvaluationError("no function " + ir::str_attribute(node, "function"));
    default: {
      auto results = call_operator(node.op, node.form, operands);
      if (node.op == ir::Op::conj) results[0] = results[0].toTensor().resolve_conj();  // ours is a copy
      return results;
    }
  }
}

}  // namespace

State initial_state(const ir::Graph& graph) {
  State state;
  Evaluator evaluator(graph, nullptr);
  StateCopies copies;
  for (const ir::StateField& field : graph.state) {
    state.fields[field.name] = evaluator.constant(field.initial, field.type, &copies);
  }
  return state;
}

std::vector<c10::IValue> evaluate(const ir::Graph& graph, std::string_view function, std::vector<c10::IValue> inputs,
                                  State* state) {
  const at::AutoGradMode no_gradients(false);
  State fresh;
  if (state == nullptr) {
    fresh = initial_state(graph);
    state = &fresh;
  }
  for (const ir::Function& candidate : graph.functions) {
    if (candidate.name == function) return Evaluator(graph, state).call(candidate, std::move(inputs));
  }
  throw EvaluationError(fmt::format("the graph has no function {}", function));
}

bool takes(const ir::Graph& graph, const ir::Function& function, const std::vector<c10::IValue>& inputs) {
  const auto& params = graph.block(function.body).params;
  std::map<std::string, int64_t, std::less<>> symbols;
  std::vector<std::pair<ir::Dim, int64_t>> sizes;
  for (size_t i = 0; i < params.size() && i < inputs.size(); ++i) {
    const ir::TensorType& type = graph.value(params[i]).type.tensor;
    if (!graph.value(params[i]).type.is_tensor() || !inputs[i].isTensor()) continue;
    const at::Tensor& tensor = inputs[i].toTensor();
    if (type.dtype != ir::DType::kUnknown && static_cast<int>(type.dtype) != static_cast<int>(tensor.scalar_type())) return false;
    if (!type.rank_known) continue;
    if (static_cast<size_t>(tensor.dim()) != type.dims.size()) return false;
    for (size_t axis = 0; axis < type.dims.size(); ++axis) {
      const int64_t size = tensor.size(static_cast<int64_t>(axis));
      if (const auto name = type.dims[axis].symbol_name()) symbols.try_emplace(*name, size);
      sizes.emplace_back(type.dims[axis], size);
    }
  }
  const auto value = [&](const ir::Dim& dim) {
    return dim.evaluate([&](std::string_view name) -> std::optional<int64_t> {
      const auto found = symbols.find(name);
      return found == symbols.end() ? std::nullopt : std::optional(found->second);
    });
  };
  for (const auto& [dim, size] : sizes) {
    if (value(dim).value_or(size) != size) return false;
  }
  for (const ir::Constraint& c : graph.constraints) {
    const bool is_equal = c.kind == ir::Constraint::Kind::kEqual && &graph.functions[c.function] == &function;
    if (is_equal && value(c.lhs) != value(c.rhs)) return false;
  }
  return true;
}

c10::IValue constant_value(const ir::Graph& graph, ir::ValueId constant) {
  const ir::Value& value = graph.value(constant);
  return Evaluator(graph, nullptr).constant(*value.constant, value.type);
}

std::vector<c10::IValue> evaluate_node(const ir::Graph& graph, ir::NodeId node, std::vector<c10::IValue> operands) {
  const at::AutoGradMode no_gradients(false);
  State state;
  return Evaluator(graph, &state).run_node_on(graph.node(node), std::move(operands));
}

}  // namespace tsc
