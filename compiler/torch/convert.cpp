#include "compiler/torch/convert.h"

#include <fmt/format.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "compiler/torch/custom_operators.h"
#include "compiler/torch/decompose.h"
#include "compiler/torch/op_list.h"
#include "compiler/torch/source.h"

namespace tsc {
namespace {

namespace prim = c10::prim;
namespace attr = c10::attr;

// "x.1" and "x" are the user's x; "17" is nobody's.
std::string user_name(const torch::jit::Value* value) {
  if (!value->hasDebugName()) return {};
  std::string name = value->debugNameBase();
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return {};
  return name;
}

std::string advice_for(const std::string& op) {
  const auto starts = [&](std::string_view prefix) { return op.rfind(prefix, 0) == 0; };
  if (starts("quantized::") || op.find("quantize") != std::string::npos) return "keep this module in float";
  if (starts("aten::save") || starts("aten::from_file")) return "a compiled model reads and writes no files";
  if (starts("prim::PythonOp") || starts("prim::IgnoredPythonOp") || starts("^")) {
    return "it calls back into Python: write it in TorchScript";
  }
  if (starts("prim::rpc") || starts("rpc::")) return "remote calls can't be compiled";
  if (starts("aten::manual_seed")) return "seed through the interface of the compiled model";
  if (starts("prim::CallMethod") || starts("prim::CallFunction")) {
    return "the callee isn't known at compile time: call the submodule by its name";
  }
  if (!starts("aten::") && !starts("prim::")) {
    return std::string(kCustomOperatorAdvice);
  }
  const std::string nearest = nearest_op(op);
  if (!nearest.empty()) return "what is next to it and compiles: " + nearest;
  return "write it with ops of `tsc --list-ops`";
}

}  // namespace

Converter::Converter(const Program& program, ir::Graph& graph, ValueMapper& mapper, Diagnostics& diagnostics)
    : program_(program), graph_(graph), mapper_(mapper), diagnostics_(diagnostics) {
  declare_state();
}

// Fields in the order of their names, which does not change from run to run.
void Converter::declare_state() {
  std::map<std::string, ModuleAttribute> by_name;
  for (const ModuleAttribute& attribute : program_.written) by_name.emplace(program_.path(attribute), attribute);
  for (const auto& [name, attribute] : by_name) {
    const c10::TypePtr declared = attribute.owner->type()->getAttribute(attribute.slot);
    try {
      ValueMapper::Typed initial = mapper_.constant(attribute.value(), declared, name);
      // An in-place op keeps dtype and shape; an assignment need not.
      const bool is_fixed = attribute.value().isTensor() && !program_.reassigned.contains(attribute);
      const ir::Type type = is_fixed ? initial.type : mapper_.type(declared);
      graph_.state.push_back({name, type, std::move(initial.constant)});
      field_types_[name] = type;
      fields_[attribute] = name;
    } catch (const UnsupportedValue& error) {
      diagnostics_.add(make_diagnostic(Error::unsupported_type, error.type, error.why));
    }
  }
}

ir::FunctionId Converter::convert(const MethodGraph& method) {
  const auto id = static_cast<ir::FunctionId>(graph_.functions.size());
  method_ = method.name;
  ir::Function function;
  function.name = method.name;
  function.body = graph_.add_block();
  const auto& arguments = method.function->getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    const c10::Argument& argument = arguments[i];
    function.input_names.push_back(argument.name());
    const Value* value = method.graph->inputs()[i];
    std::optional<ir::Constant> default_value;
    ir::Type type = ir::Type::make(ir::Type::Kind::kAny);
    try {
      type = mapper_.type(value->type());
      if (argument.default_value()) {
        default_value = mapper_.constant(*argument.default_value(), argument.type(), "").constant;
      }
    } catch (const UnsupportedValue& error) {
      Diagnostic diagnostic = make_diagnostic(Error::unsupported_type, error.type, error.why);
      diagnostic.message += fmt::format(" (input '{}' of {})", argument.name(), method.name);
      diagnostics_.add(std::move(diagnostic));
    }
    function.defaults.push_back(std::move(default_value));
    bind(value, graph_.add_param(function.body, std::move(type), argument.name()));
  }
  try {
    for (const Value* output : method.graph->outputs()) mapper_.type(output->type());
  } catch (const UnsupportedValue& error) {
    Diagnostic diagnostic = make_diagnostic(Error::unsupported_type, error.type, error.why);
    diagnostic.message += fmt::format(" (result of {})", method.name);
    diagnostics_.add(std::move(diagnostic));
  }
  convert_block(method.graph->block(), function.body);
  graph_.functions.push_back(std::move(function));
  return id;
}

void Converter::convert_block(const torch::jit::Block* block, ir::BlockId target) {
  for (const Node* node : block->nodes()) {
    try {
      convert_node(node, target);
    } catch (const UnsupportedValue& error) {
      report(node, make_diagnostic(Error::unsupported_type, error.type, error.why));
      replace_by_uninitialized(node, target);
    }
  }
  for (const Value* output : block->outputs()) {
    const ir::ValueId id = operand(output);
    graph_.block(target).results.push_back(id);
  }
}

void Converter::convert_node(const Node* node, ir::BlockId target) {
  switch (node->kind()) {
    case prim::Constant:
      return convert_constant(node, target);
    case prim::GetAttr:
      return convert_attribute_read(node, target);
    case prim::SetAttr:
      return convert_attribute_write(node, target);
    case prim::If:
      return convert_if(node, target);
    case prim::Loop:
      return convert_loop(node, target);
    default:
      return convert_by_row(node, target);
  }
}

void Converter::convert_constant(const Node* node, ir::BlockId target) {
  const Value* output = node->output();
  if (output->type()->kind() == c10::TypeKind::FunctionType) return;  // of a call, which is inlined or refused
  const auto value = torch::jit::toIValue(output);
  if (!value) throw UnsupportedValue(output->type()->repr_str(), "");
  if (program_.written_constants.contains(node)) {
    auto& field = constant_fields_[node];
    field = fmt::format("constant.{}", constant_fields_.size() - 1);
    ValueMapper::Typed initial = mapper_.constant(*value, output->type(), field);
    graph_.state.push_back({field, initial.type, std::move(initial.constant)});
    return read_state(node, target, field, initial.type);
  }
  ValueMapper::Typed typed = mapper_.constant(*value, output->type(), "");
  bind(output, graph_.add_constant(std::move(typed.constant), std::move(typed.type)));
}

void Converter::read_state(const Node* node, ir::BlockId target, const std::string& field, const ir::Type& type) {
  const ir::NodeId id = graph_.add_node(target, ir::Op::state_get, {}, {type}, source(node));
  graph_.node(id).attributes["field"] = field;
  bind(node->output(), graph_.node(id).outputs[0]);
}

void Converter::convert_attribute_read(const Node* node, ir::BlockId target) {
  const auto attribute = program_.attribute_of(node);
  if (!attribute) {
    const ir::NodeId id = emit(node, target, ir::Op::attr_get, {operand(node->input())});
    graph_.node(id).attributes["field"] = node->s(attr::name);
    return;
  }
  if (attribute->value().isObject() && attribute->value().isModule()) return;  // its own attributes are resolved
  if (const auto field = fields_.find(*attribute); field != fields_.end()) {
    return read_state(node, target, field->second, field_types_.at(field->second));
  }
  const auto [position, is_new] = attribute_constants_.try_emplace(*attribute, ir::kNoId);
  if (is_new) {
    const std::string name = program_.path(*attribute);
    ValueMapper::Typed typed = mapper_.constant(attribute->value(), node->output()->type(), name);
    position->second = graph_.add_constant(std::move(typed.constant), std::move(typed.type), name);
  }
  values_[node->output()] = position->second;
}

void Converter::convert_attribute_write(const Node* node, ir::BlockId target) {
  const ir::ValueId value = operand(node->inputs()[1]);
  const auto attribute = program_.attribute_of(node);
  if (!attribute) {
    const ir::NodeId id = emit(node, target, ir::Op::attr_set, {operand(node->inputs()[0]), value});
    graph_.node(id).attributes["field"] = node->s(attr::name);
    return;
  }
  const auto field = fields_.find(*attribute);
  if (field == fields_.end()) return;  // its initial value has been refused
  const ir::NodeId id = emit(node, target, ir::Op::state_set, {value});
  graph_.node(id).attributes["field"] = field->second;
}

void Converter::convert_if(const Node* node, ir::BlockId target) {
  const ir::NodeId id = emit(node, target, ir::Op::if_, {operand(node->input())});
  for (const torch::jit::Block* branch : node->blocks()) {
    const ir::BlockId block = graph_.add_block(id);
    convert_block(branch, block);
  }
}

void Converter::convert_loop(const Node* node, ir::BlockId target) {
  std::vector<ir::ValueId> inputs;
  for (const Value* input : node->inputs()) inputs.push_back(operand(input));
  const ir::NodeId id = emit(node, target, ir::Op::loop, std::move(inputs));
  const ir::BlockId block = graph_.add_block(id);
  const torch::jit::Block* body = node->blocks()[0];
  for (const Value* param : body->inputs()) {
    bind(param, graph_.add_param(block, mapper_.type(param->type()), user_name(param)));
  }
  convert_block(body, block);
}

// The second operand when it is a constant tensor without dims, as traces keep the program's numbers, and LibTorch's
// executor makes it a number again: in arithmetic, where a number has less say in the result's dtype than a tensor.
std::optional<ir::ValueId> Converter::number_operand(const Node* node, const ir::AtenMatch& match) {
  const bool is_arithmetic =
      match.op == ir::Op::add || match.op == ir::Op::sub || match.op == ir::Op::mul || match.op == ir::Op::div;
  if (!is_arithmetic || match.form != ir::Form::kFunctional) return std::nullopt;
  const Value* operand = node->inputs()[1];
  const auto value = torch::jit::toIValue(operand);
  if (!value || !value->isTensor() || program_.written_constants.contains(operand->node())) return std::nullopt;
  const at::Tensor& tensor = value->toTensor();
  if (!tensor.defined() || tensor.dim() != 0) return std::nullopt;
  if (tensor.is_floating_point()) return graph_.constant_float(tensor.item().toDouble());
  const bool is_integer = at::isIntegralType(tensor.scalar_type(), /*includeBool=*/false);
  return is_integer ? std::optional(graph_.constant_int(tensor.item().toLong())) : std::nullopt;
}

void Converter::convert_by_row(const Node* node, ir::BlockId target) {
  const auto match = find_row(node);
  if (!match) {
    const std::string name = full_op_name(node);
    report(node, make_diagnostic_at(graph_.sources[source(node)], name, Error::unsupported_op, name, advice_for(name)));
    return replace_by_uninitialized(node, target);
  }
  std::vector<ir::ValueId> operands = adapt_operands(node, *match);
  if (const auto number = number_operand(node, *match)) operands[1] = *number;
  const ir::NodeId id = emit(node, target, match->op, std::move(operands));
  graph_.node(id).form = match->form;
  if (node->kind() == prim::TupleSlice) {
    graph_.node(id).attributes["begin"] = node->i(attr::beg);
    graph_.node(id).attributes["end"] = node->i(attr::end);
  }
  if (node->kind() == prim::isinstance) {
    std::vector<std::string> types;
    for (const c10::TypePtr& type : node->tys(attr::types)) {
      const bool any_list = type->kind() == c10::TypeKind::AnyListType;
      const bool any_tuple = type->kind() == c10::TypeKind::AnyTupleType;
      types.push_back(any_list ? "list" : any_tuple ? "tuple" : mapper_.type(type).str());
    }
    graph_.node(id).attributes["types"] = std::move(types);
  }
}

// The row's operands by name, or by position where the overload calls them otherwise. What the overload doesn't have
// gets the row's default; what only the overload has must be its default and is dropped.
std::vector<ir::ValueId> Converter::adapt_operands(const Node* node, const ir::AtenMatch& match) {
  const ir::OpInfo& row = ir::op_info(match.op);
  const auto* schema = node->maybeSchema();
  std::vector<ir::ValueId> operands;
  if (row.schema.empty() || schema == nullptr || schema->is_vararg()) {
    for (const Value* input : node->inputs()) operands.push_back(operand(input));
    return operands;
  }
  const auto& arguments = schema->arguments();
  std::vector<bool> used(arguments.size(), false);
  const auto named = [&](const std::string& name) -> std::optional<size_t> {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].name() == name) return i;
    }
    return std::nullopt;
  };
  const auto is_in_row = [&](const std::string& name) {
    return std::any_of(row.inputs.begin(), row.inputs.end(), [&](const ir::Parameter& p) { return p.name == name; });
  };
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    std::optional<size_t> index = named(row.inputs[i].name);
    if (!index && i < arguments.size() && !is_in_row(arguments[i].name())) index = i;
    if (index) {
      used[*index] = true;
      operands.push_back(operand(node->inputs()[*index]));
    } else {
      operands.push_back(default_operand(row.inputs[i]));
    }
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (used[i]) continue;
    const auto given = torch::jit::toIValue(node->inputs()[i]);
    const auto& default_value = arguments[i].default_value();
    if (given && default_value && *given == *default_value) continue;
    if (given && given->isNone()) continue;
    const std::string name = full_op_name(node);
    report(node, make_diagnostic_at(graph_.sources[source(node)], name, Error::unsupported_op,
                                    fmt::format("{} with {}", name, arguments[i].name()), "leave it at its default"));
  }
  return operands;
}

// A default as the schema writes it: None, True, 1, 0.5, "none", [1, 1], [].
ir::ValueId Converter::default_operand(const ir::Parameter& parameter) {
  const std::string text = parameter.default_value.value_or("None");
  if (text == "None") return graph_.constant_none();
  if (text == "True" || text == "False") return graph_.constant_bool(text == "True");
  if (text.front() == '"') {
    return graph_.add_constant({text.substr(1, text.size() - 2)}, ir::Type::make(ir::Type::Kind::kStr));
  }
  if (text.front() == '[') {
    std::vector<int64_t> values;
    for (size_t begin = 1; begin + 1 < text.size();) {
      size_t end = std::min(text.find(',', begin), text.size() - 1);
      values.push_back(std::stoll(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return graph_.constant_ints(values);
  }
  int64_t integer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  const bool is_integer = error == std::errc{} && end == text.data() + text.size();
  if (is_integer && parameter.type.find("float") == std::string::npos) return graph_.constant_int(integer);
  return graph_.constant_float(std::stod(text));
}

ir::NodeId Converter::emit(const Node* node, ir::BlockId target, ir::Op op, std::vector<ir::ValueId> inputs) {
  std::vector<ir::Type> types;
  for (const Value* output : node->outputs()) types.push_back(mapper_.type(output->type()));
  const ir::NodeId id = graph_.add_node(target, op, std::move(inputs), std::move(types), source(node));
  for (size_t i = 0; i < node->outputs().size(); ++i) bind(node->outputs()[i], graph_.node(id).outputs[i]);
  return id;
}

void Converter::bind(const Value* value, ir::ValueId id) {
  values_[value] = id;
  if (graph_.value(id).name.empty()) graph_.value(id).name = user_name(value);
}

ir::ValueId Converter::operand(const Value* value) {
  if (const auto found = values_.find(value); found != values_.end()) return found->second;
  // Modules and functions have no value in the IR; whoever takes one at run time can't be compiled.
  throw UnsupportedValue(value->type()->repr_str(), ": a module or function that is chosen or passed at run time");
}

// Consecutive nodes of one line share their source.
ir::SourceId Converter::source(const Node* node) {
  ir::Source found = source_of(node, method_);
  if (found.frames.empty() && found.module_path.empty()) return 0;
  const auto same = [](const ir::Source& a, const ir::Source& b) {
    return a.module_path == b.module_path &&
           std::equal(a.frames.begin(), a.frames.end(), b.frames.begin(), b.frames.end(),
                      [](const ir::SourceFrame& x, const ir::SourceFrame& y) {
                        return x.file == y.file && x.line == y.line && x.function == y.function;
                      });
  };
  const auto key =
      found.frames.empty() ? std::pair{std::string(), 0} : std::pair{found.frames[0].file, found.frames[0].line};
  auto& candidates = sources_[key];
  for (const ir::SourceId id : candidates) {
    if (same(graph_.sources[id], found)) return id;
  }
  graph_.sources.push_back(std::move(found));
  candidates.push_back(static_cast<ir::SourceId>(graph_.sources.size() - 1));
  return candidates.back();
}

void Converter::report(const Node* node, Diagnostic diagnostic) {
  if (diagnostic.frames.empty()) diagnostic.frames = graph_.sources[source(node)].frames;
  diagnostics_.add(std::move(diagnostic));
}

// Lets conversion go on after a refusal, to find the others.
void Converter::replace_by_uninitialized(const Node* node, ir::BlockId target) {
  for (const Value* output : node->outputs()) {
    const ir::NodeId id =
        graph_.add_node(target, ir::Op::uninitialized, {}, {ir::Type::make(ir::Type::Kind::kAny)}, source(node));
    values_[output] = graph_.node(id).outputs[0];
  }
}

}  // namespace tsc
