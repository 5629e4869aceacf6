#include "compiler/ir/op.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "compiler/ir/assert.h"

namespace tsc::ir {
namespace {

// Splits at `separator` where no bracket, parenthesis or quote is open.
std::vector<std::string_view> split_outside_brackets(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  bool is_quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == separator && depth == 0) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "int[2]" says that one int may stand for a list of two: the count, or 0.
int take_list_size(std::string& type) {
  const size_t open = type.find('[');
  if (open == std::string::npos || open + 1 >= type.size() ||
      !std::isdigit(static_cast<unsigned char>(type[open + 1]))) {
    return 0;
  }
  const int size = type[open + 1] - '0';
  type.erase(open + 1, 1);
  return size;
}

// "Tensor(a -> *)" has the alias set "a"; what it becomes after the op is of no use here.
std::string take_alias(std::string& type) {
  if (type.starts_with("Dict(")) return {};
  const size_t open = type.find('(');
  if (open == std::string::npos) return {};
  const size_t close = type.find(')', open);
  std::string alias = type.substr(open + 1, close - open - 1);
  type.erase(open, close - open + 1);
  if (const size_t arrow = alias.find(" ->"); arrow != std::string::npos) alias.resize(arrow);
  return alias;
}

std::string expand_default(std::string_view text, int list_size) {
  if (list_size == 0 || text == "None" || text.starts_with('[')) return std::string(text);
  std::string list = "[";
  for (int i = 0; i < list_size; ++i) list += (i == 0 ? "" : ", ") + std::string(text);
  return list + "]";
}

// "int[2] stride=1", "Tensor(a!) self", "Tensor values" or, for results, "Tensor".
Parameter parse_parameter(std::string_view text) {
  Parameter parameter;
  const std::vector<std::string_view> sides = split_outside_brackets(text, '=');
  std::string_view declaration = sides[0];
  std::string_view type = declaration;
  const std::vector<std::string_view> words = split_outside_brackets(declaration, ' ');
  if (words.size() > 1) {
    parameter.name = words.back();
    type = trim(declaration.substr(0, declaration.size() - words.back().size()));
  }
  parameter.type = type;
  parameter.alias = take_alias(parameter.type);
  const int list_size = take_list_size(parameter.type);
  if (sides.size() > 1) parameter.default_value = expand_default(sides[1], list_size);
  return parameter;
}

std::vector<Parameter> parse_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  for (std::string_view part : split_outside_brackets(text, ',')) {
    part = trim(part);
    if (!part.empty() && part != "*") parameters.push_back(parse_parameter(part));
  }
  return parameters;
}

// "conv2d(Tensor input, ...) -> Tensor" or "-> (Tensor values, Tensor indices)" or "-> ()".
void parse_schema(OpInfo& info) {
  if (info.schema.empty()) return;
  const size_t open = info.schema.find('(');
  const size_t arrow = info.schema.rfind(") -> ");
  TSC_ASSERT(open != std::string_view::npos && arrow != std::string_view::npos, "schema of {}", info.name);
  info.inputs = parse_parameters(info.schema.substr(open + 1, arrow - open - 1));
  std::string_view results = info.schema.substr(arrow + 5);
  if (results.starts_with('(')) results = results.substr(1, results.size() - 2);
  info.outputs = parse_parameters(results);
}

OpInfo make_info(Op op, std::string_view token, OpClass op_class, DTypeRule dtype_rule, ShapeRule shape_rule,
                 std::string_view schema, std::string_view overloads) {
  // C++ keywords have an underscore in the enumeration, and so have names that the in-place form would take.
  if (token.ends_with('_')) token.remove_suffix(1);
  OpInfo info{op, token, op_class, dtype_rule, shape_rule, schema, {}, {}, {}};
  for (const std::string_view name : split_outside_brackets(overloads, ' ')) {
    if (!name.empty()) info.aten_names.push_back(name);
  }
  parse_schema(info);
  return info;
}

struct OpTable {
  std::vector<OpInfo> rows;
  std::unordered_map<std::string_view, Op> by_name;
  std::unordered_map<std::string_view, Op> by_aten_name;
  std::unordered_map<std::string_view, Op> by_wildcard;  // "aten::len" of "aten::len.*"
};

OpTable make_table() {
  OpTable table;
  table.rows.push_back(
      {Op::kInvalid, "invalid", OpClass::kControl, DTypeRule::kNone, ShapeRule::kNone, "", {}, {}, {}});
#define TSC_OP(name, op_class, dtype_rule, shape_rule, schema, overloads)                         \
  table.rows.push_back(make_info(Op::name, #name, OpClass::k##op_class, DTypeRule::k##dtype_rule, \
                                 ShapeRule::k##shape_rule, schema, overloads));
#include "compiler/ir/ops.def"
#undef TSC_OP
  for (const OpInfo& row : table.rows) {
    if (row.op == Op::kInvalid) continue;
    TSC_ASSERT(table.by_name.emplace(row.name, row.op).second, "op {} has two rows", row.name);
    for (const std::string_view aten_name : row.aten_names) {
      auto& names = aten_name.ends_with(".*") ? table.by_wildcard : table.by_aten_name;
      const std::string_view key = aten_name.ends_with(".*") ? aten_name.substr(0, aten_name.size() - 2) : aten_name;
      TSC_ASSERT(names.emplace(key, row.op).second, "two rows accept {}", aten_name);
    }
  }
  return table;
}

const OpTable& op_table() {
  static const OpTable table = make_table();
  return table;
}

std::optional<Op> find_exact(const std::string& aten_name) {
  const auto& names = op_table().by_aten_name;
  const auto found = names.find(aten_name);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

bool returns_tensor(Op op) {
  const OpInfo& info = op_info(op);
  return !info.outputs.empty() && info.outputs[0].type == "Tensor";
}

}  // namespace

const OpInfo& op_info(Op op) {
  TSC_ASSERT(op < Op::kCount, "op {} out of range", static_cast<int>(op));
  return op_table().rows[static_cast<size_t>(op)];
}

std::span<const OpInfo> all_ops() { return std::span(op_table().rows).subspan(1); }

std::optional<Op> find_op(std::string_view name) {
  const auto& names = op_table().by_name;
  const auto found = names.find(name);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

std::optional<AtenMatch> find_aten(std::string_view aten_name) {
  const size_t dot = aten_name.find('.');
  const std::string base(aten_name.substr(0, dot));
  const std::string overload(dot == std::string_view::npos ? std::string_view() : aten_name.substr(dot + 1));
  if (const auto op = find_exact(std::string(aten_name))) {
    const bool is_named_in_place = base.ends_with('_') && !base.ends_with("__") && returns_tensor(*op);
    const bool writes_self = is_named_in_place || has_only_in_place_form(*op);
    return AtenMatch{*op, writes_self ? Form::kInPlace : Form::kFunctional};
  }
  if (base.ends_with('_') && !base.ends_with("__")) {
    std::string twin = base.substr(0, base.size() - 1);
    if (dot != std::string_view::npos) twin += "." + overload;
    if (const auto op = find_exact(twin); op && returns_tensor(*op)) return AtenMatch{*op, Form::kInPlace};
    return std::nullopt;
  }
  const auto wildcard = op_table().by_wildcard.find(base);
  if (wildcard == op_table().by_wildcard.end()) return std::nullopt;
  return AtenMatch{wildcard->second, Form::kFunctional};
}

uint32_t input_index(Op op, std::string_view name) {
  const std::optional<uint32_t> index = find_input(op, name);
  TSC_ASSERT(index, "op {} has no operand {}", op_info(op).name, name);
  return *index;
}

std::optional<uint32_t> find_input(Op op, std::string_view name) {
  const std::vector<Parameter>& inputs = op_info(op).inputs;
  const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Parameter& p) { return p.name == name; });
  if (found == inputs.end()) return std::nullopt;
  return static_cast<uint32_t>(found - inputs.begin());
}

bool has_only_in_place_form(Op op) {
  const OpInfo& info = op_info(op);
  return returns_tensor(op) && !info.inputs.empty() && info.inputs[0].alias.ends_with('!');
}

}  // namespace tsc::ir
