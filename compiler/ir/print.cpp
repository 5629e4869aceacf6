#include "compiler/ir/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "compiler/ir/tensor_data.h"

namespace tsc::ir {
namespace {

constexpr int64_t kMaxPrintedElements = 16;

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

// Shortest text that reads back as the same number, and as a float.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

// `name` with everything dropped that an identifier of the text form can't have.
std::string cleaned(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.') c = '_';
  }
  return result;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// Hands out names: the wished one, or with ".1", ".2", ... behind it; numbers where nothing is wished.
class Namer {
 public:
  std::string name(std::string_view wish) {
    if (wish.empty() || is_number(wish)) return std::to_string(next_number_++);
    const std::string base = cleaned(wish);
    std::string candidate = base;
    for (int& suffix = next_suffix_[base]; !used_.insert(candidate).second;) {
      candidate = base + "." + std::to_string(++suffix);
    }
    return candidate;
  }

 private:
  std::set<std::string> used_;
  std::map<std::string, int> next_suffix_;
  int next_number_ = 0;
};

// A constant's text and the type that the text tells by itself.
struct ConstantText {
  std::string text;
  Type natural;
};

class Printer {
 public:
  explicit Printer(const Graph& graph) : graph_(graph) {}

  std::string module_text() {
    header();
    for (size_t i = 0; i < graph_.functions.size(); ++i) function(static_cast<FunctionId>(i));
    tensor_table();
    return std::move(out_);
  }
  std::string function_text(FunctionId id) {
    function(id);
    return std::move(out_);
  }
  std::string node_text(NodeId id) {
    node(id, 0);
    return std::move(out_);
  }
  std::string operand(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.constant) {
      const ConstantText constant = constant_text(*value.constant, value.type);
      if (constant.natural == value.type) return constant.text;
      return constant.text + " as " + value.type.str();
    }
    const auto found = names_.find(id);
    if (found != names_.end()) return "%" + found->second;
    return "%" + (value.name.empty() ? std::to_string(id) : cleaned(value.name));
  }

 private:
  void header() {
    out_ += "graph " + quoted(graph_.name) + "\n";
    for (const auto& [symbol, value] : graph_.hints) out_ += fmt::format("hint {} = {}\n", symbol, value);
    for (size_t i = 0; i < graph_.classes.size(); ++i) class_line(i);
    for (const StateField& field : graph_.state) {
      out_ += fmt::format("state {}: {} = {}\n", quoted(field.name), field.type.str(),
                          constant_text(field.initial, field.type).text);
    }
  }

  void class_line(size_t index) {
    const ClassType& type = graph_.classes[index];
    out_ += fmt::format("class.{} {}(", index, cleaned(type.name));
    for (size_t i = 0; i < type.field_names.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += fmt::format("{}: {}", cleaned(type.field_names[i]), type.field_types[i].str());
      if (i < type.enum_values.size() && type.enum_values[i]) {
        out_ += " = " + constant_text(*type.enum_values[i], type.field_types[i]).text;
      }
    }
    out_ += ")\n";
  }

  void function(FunctionId id) {
    const Function& function = graph_.functions[id];
    names_.clear();
    namer_ = {};
    name_block(function.body);
    out_ += '\n';
    for (const Constraint& constraint : graph_.constraints) {
      if (constraint.function == id) require_line(constraint);
    }
    if (!function.is_method) out_ += "local ";
    if (function.from_trace) out_ += "traced ";
    out_ += "func " + cleaned(function.name) + "(";
    const std::vector<ValueId>& params = graph_.block(function.body).params;
    for (size_t i = 0; i < params.size(); ++i) {
      if (i > 0) out_ += ", ";
      function_param(function, i, params[i]);
    }
    out_ += ") {\n";
    block_body(function.body, 1, "return");
    out_ += "}\n";
  }

  void require_line(const Constraint& constraint) {
    switch (constraint.kind) {
      case Constraint::Kind::kSize:
        out_ += fmt::format("require size {}, {}: {} = {}", constraint.input, constraint.axis, constraint.lhs.str(),
                            constraint.rhs.str());
        break;
      case Constraint::Kind::kEqual:
        out_ += fmt::format("require equal: {} = {}", constraint.lhs.str(), constraint.rhs.str());
        break;
      case Constraint::Kind::kRank:
        out_ += fmt::format("require rank {}: {}", constraint.input, constraint.value);
        break;
      case Constraint::Kind::kDType:
        out_ += fmt::format("require dtype {}: {}", constraint.input, dtype_name(static_cast<DType>(constraint.value)));
        break;
    }
    out_ += ", " + quoted(constraint.message);
    source(constraint.source);
    out_ += '\n';
  }

  // An input's name is told where it is not the value's.
  void function_param(const Function& function, size_t index, ValueId id) {
    const std::string& name = names_[id];
    out_ += "%" + name;
    const std::string_view natural = is_number(name) ? std::string_view() : std::string_view(name);
    if (index < function.input_names.size() && function.input_names[index] != natural) {
      out_ += " " + quoted(function.input_names[index]);
    }
    out_ += ": " + typed(id);
    if (index < function.defaults.size() && function.defaults[index]) {
      out_ += " = " + constant_text(*function.defaults[index], graph_.value(id).type).text;
    }
  }

  std::string typed(ValueId id) const {
    const Value& value = graph_.value(id);
    std::string text = value.type.str();
    if (!value.ints) return text;
    text += '<';
    for (size_t i = 0; i < value.ints->size(); ++i) {
      if (i > 0) text += ", ";
      text += (*value.ints)[i].str();
    }
    return text + '>';
  }

  // Names follow the order of the text, so that parsing keeps them.
  void name_block(BlockId id) {
    for (const ValueId param : graph_.block(id).params) names_[param] = namer_.name(graph_.value(param).name);
    for (const NodeId node_id : graph_.block(id).nodes) name_node(node_id);
  }
  void name_node(NodeId id) {
    for (const ValueId output : graph_.node(id).outputs) names_[output] = namer_.name(graph_.value(output).name);
    for (const BlockId inner : graph_.node(id).blocks) name_block(inner);
  }

  void block_body(BlockId id, int depth, std::string_view terminator) {
    const Block& block = graph_.block(id);
    for (const NodeId node_id : block.nodes) node(node_id, depth);
    if (block.results.empty()) return;
    indent(depth);
    out_ += terminator;
    separated_operands(block.results);
    out_ += '\n';
  }

  void separated_operands(const std::vector<ValueId>& ids) {
    for (size_t i = 0; i < ids.size(); ++i) out_ += (i > 0 ? ", " : " ") + operand(ids[i]);
  }

  void node(NodeId id, int depth) {
    const Node& node = graph_.node(id);
    indent(depth);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += operand(node.outputs[i]) + ": " + typed(node.outputs[i]);
    }
    if (!node.outputs.empty()) out_ += " = ";
    out_ += op_info(node.op).name;
    if (node.form == Form::kInPlace) out_ += "_";
    separated_operands(node.inputs);
    attributes(node);
    for (size_t i = 0; i < node.blocks.size(); ++i) block(node.blocks[i], depth, i == 0);
    if (!node.blocks.empty()) {
      indent(depth);
      out_ += "}";
    }
    source(node.source);
    out_ += '\n';
  }

  void block(BlockId id, int depth, bool is_first) {
    if (!is_first) {
      indent(depth);
      out_ += "} else";
    }
    const std::vector<ValueId>& params = graph_.block(id).params;
    for (size_t i = 0; i < params.size(); ++i) {
      out_ += (i == 0 ? " do (" : ", ") + operand(params[i]) + ": " + typed(params[i]);
    }
    out_ += params.empty() ? " {\n" : ") {\n";
    block_body(id, depth + 1, "yield");
  }

  void attributes(const Node& node) {
    if (node.attributes.empty()) return;
    std::string_view separator = " {";
    for (const auto& [name, value] : node.attributes) {
      out_ += fmt::format("{}{}=", separator, name);
      std::visit([this](const auto& v) { attribute_value(v); }, value);
      separator = ", ";
    }
    out_ += "}";
  }
  void attribute_value(int64_t value) { out_ += std::to_string(value); }
  void attribute_value(double value) { out_ += float_text(value); }
  void attribute_value(const std::string& value) { out_ += quoted(value); }
  template <typename T>
  void attribute_value(const std::vector<T>& list) {
    // An empty list of strings would read as one of ints.
    if (list.empty() && std::is_same_v<T, std::string>) out_ += "strings ";
    out_ += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ", ";
      attribute_value(list[i]);
    }
    out_ += ']';
  }

  void source(SourceId id) {
    const Source& source = graph_.sources[id];
    if (source.frames.empty()) return;
    const SourceFrame& frame = source.frames[0];
    const size_t slash = frame.file.find_last_of('/');
    const std::string file = slash == std::string::npos ? frame.file : frame.file.substr(slash + 1);
    out_ += fmt::format("  # {}:{}", file, frame.line);
  }

  void indent(int depth) { out_.append(static_cast<size_t>(depth) * 2, ' '); }

  // `type` tells a list from a tuple from a dict, and a device from a string.
  ConstantText constant_text(const Constant& constant, const Type& type) {
    using Kind = Type::Kind;
    const Type& inner = type.is(Kind::kOptional) ? type.elements[0] : type;
    const auto& value = constant.value;
    if (std::holds_alternative<std::monostate>(value)) return {"none", Type::make(Kind::kNone)};
    if (const auto* v = std::get_if<bool>(&value)) return {*v ? "true" : "false", Type::make(Kind::kBool)};
    if (const auto* v = std::get_if<int64_t>(&value)) return {std::to_string(*v), Type::make(Kind::kInt)};
    if (const auto* v = std::get_if<double>(&value)) return {float_text(*v), Type::make(Kind::kFloat)};
    if (const auto* v = std::get_if<std::complex<double>>(&value)) {
      return {fmt::format("complex({}, {})", float_text(v->real()), float_text(v->imag())), Type::make(Kind::kComplex)};
    }
    if (const auto* v = std::get_if<std::string>(&value)) {
      if (inner.is(Kind::kDevice)) return {"device(" + quoted(*v) + ")", inner};
      return {quoted(*v), Type::make(Kind::kStr)};
    }
    if (const auto* v = std::get_if<std::shared_ptr<const TensorConstant>>(&value)) {
      const std::vector<Dim> dims((*v)->sizes.begin(), (*v)->sizes.end());
      return {"@" + tensor_name(*v), Type::make_tensor((*v)->dtype, dims)};
    }
    const ConstantList& list = *std::get<std::shared_ptr<const ConstantList>>(value);
    if (inner.is(Kind::kDict)) return dict_text(list, inner);
    return sequence_text(list, inner);
  }

  ConstantText sequence_text(const ConstantList& list, const Type& type) {
    const bool is_tuple = type.is(Type::Kind::kTuple);
    const Type any = Type::make(Type::Kind::kAny);
    ConstantText result;
    std::vector<Type> types;
    result.text = is_tuple ? "(" : "[";
    for (size_t i = 0; i < list.size(); ++i) {
      const size_t at = is_tuple ? i : 0;
      const ConstantText element = constant_text(list[i], at < type.elements.size() ? type.elements[at] : any);
      result.text += (i > 0 ? ", " : "") + element.text;
      types.push_back(element.natural);
    }
    result.text += is_tuple ? ")" : "]";
    result.natural = is_tuple ? Type::make(Type::Kind::kTuple, types) : Type::list(natural_element_type(types));
    return result;
  }

  ConstantText dict_text(const ConstantList& list, const Type& type) {
    ConstantText result;
    std::vector<Type> keys, values;
    result.text = list.empty() ? "{:" : "{";
    for (size_t i = 0; i + 1 < list.size(); i += 2) {
      const ConstantText key = constant_text(list[i], type.elements[0]);
      const ConstantText value = constant_text(list[i + 1], type.elements[1]);
      result.text += (i > 0 ? ", " : "") + key.text + ": " + value.text;
      keys.push_back(key.natural);
      values.push_back(value.natural);
    }
    result.text += "}";
    result.natural = Type::make(Type::Kind::kDict, {natural_element_type(keys), natural_element_type(values)});
    return result;
  }

  std::string tensor_name(const std::shared_ptr<const TensorConstant>& tensor) {
    const auto found = tensor_names_.find(tensor.get());
    if (found != tensor_names_.end()) return found->second;
    tensors_.push_back(tensor.get());
    return tensor_names_[tensor.get()] = tensor_namer_.name(tensor->name);
  }

  void tensor_table() {
    if (!tensors_.empty()) out_ += '\n';
    for (const TensorConstant* tensor : tensors_) {
      out_ += fmt::format("tensor @{}: {}[{}]", tensor_names_[tensor], dtype_name(tensor->dtype),
                          fmt::join(tensor->sizes, ", "));
      if (!tensor->is_contiguous()) out_ += fmt::format(" strides [{}]", fmt::join(tensor->strides, ", "));
      out_ += " = " + contents(*tensor) + "\n";
    }
  }

  static std::string contents(const TensorConstant& tensor) {
    if (tensor.hash_of_missing) return fmt::format("hash {:#018x}", *tensor.hash_of_missing);
    if (tensor.element_count() > kMaxPrintedElements) return fmt::format("hash {:#018x}", hash_elements(tensor));
    std::string text = "[";
    for (const Element& element : read_elements(tensor)) {
      if (text.size() > 1) text += ", ";
      text += std::visit([](const auto& v) { return element_text(v); }, element);
    }
    return text + "]";
  }
  static std::string element_text(bool value) { return value ? "true" : "false"; }
  static std::string element_text(int64_t value) { return std::to_string(value); }
  static std::string element_text(double value) { return float_text(value); }
  static std::string element_text(const std::complex<double>& value) {
    return fmt::format("complex({}, {})", float_text(value.real()), float_text(value.imag()));
  }

  const Graph& graph_;
  std::string out_;
  std::map<ValueId, std::string> names_;  // of the current function's values
  Namer namer_, tensor_namer_;
  std::map<const TensorConstant*, std::string> tensor_names_;
  std::vector<const TensorConstant*> tensors_;  // in order of first use
};

}  // namespace

Type natural_element_type(const std::vector<Type>& elements) {
  using Kind = Type::Kind;
  if (elements.empty()) return Type::make(Kind::kNone);
  if (std::all_of(elements.begin(), elements.end(), [](const Type& type) { return type.is_tensor(); })) {
    return Type::make_tensor();
  }
  const bool is_uniform =
      std::all_of(elements.begin(), elements.end(), [&](const Type& type) { return type == elements[0]; });
  return is_uniform ? elements[0] : Type::make(Kind::kAny);
}

std::string print(const Graph& graph) { return Printer(graph).module_text(); }
std::string print_function(const Graph& graph, FunctionId function) { return Printer(graph).function_text(function); }
std::string print_node(const Graph& graph, NodeId node) { return Printer(graph).node_text(node); }
std::string print_value(const Graph& graph, ValueId value) { return Printer(graph).operand(value); }

}  // namespace tsc::ir
