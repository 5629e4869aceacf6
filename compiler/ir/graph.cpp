#include "compiler/ir/graph.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "compiler/ir/assert.h"

namespace tsc::ir {
namespace {

template <typename T>
const T* get_constant(const Value& value) {
  return value.constant ? std::get_if<T>(&value.constant->value) : nullptr;
}

// The ints that a constant int, or a constant list of ints, stands for.
std::optional<std::vector<Dim>> known_ints(const Constant& constant, const Type& type) {
  if (const auto* value = std::get_if<int64_t>(&constant.value)) return std::vector<Dim>{Dim(*value)};
  const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&constant.value);
  if (!list || !type.is_int_list()) return std::nullopt;
  std::vector<Dim> dims;
  for (const Constant& element : **list) {
    const auto* value = std::get_if<int64_t>(&element.value);
    if (!value) return std::nullopt;
    dims.emplace_back(*value);
  }
  return dims;
}

// Ids of what is reachable from the functions, and their numbers after unreachable ones are dropped.
struct Renumbering {
  std::vector<uint32_t> values, nodes, blocks;
};

constexpr uint32_t kUsed = 0;

void mark_block(const Graph& graph, BlockId id, Renumbering& map) {
  if (id == kNoId) return;
  const Block& block = graph.block(id);
  map.blocks[id] = kUsed;
  for (const ValueId value : block.params) map.values[value] = kUsed;
  for (const ValueId value : block.results) map.values[value] = kUsed;
  for (const NodeId node_id : block.nodes) {
    const Node& node = graph.node(node_id);
    map.nodes[node_id] = kUsed;
    for (const ValueId value : node.inputs) map.values[value] = kUsed;
    for (const ValueId value : node.outputs) map.values[value] = kUsed;
    for (const BlockId inner : node.blocks) mark_block(graph, inner, map);
  }
}

// Turns marks into dense numbers and moves the kept elements to their places.
template <typename T>
void compress(std::vector<T>& elements, std::vector<uint32_t>& map) {
  uint32_t next = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (map[i] == kNoId) continue;
    if (next != i) elements[next] = std::move(elements[i]);
    map[i] = next++;
  }
  elements.resize(next);
}

void rename(std::vector<uint32_t>& ids, const std::vector<uint32_t>& map) {
  for (uint32_t& id : ids) id = map[id];
}
void rename(uint32_t& id, const std::vector<uint32_t>& map) {
  if (id != kNoId) id = map[id];
}

}  // namespace

int64_t TensorConstant::element_count() const {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return count;
}

bool TensorConstant::is_contiguous() const {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] != 1 && strides[i] != expected) return element_count() == 0;
    expected *= sizes[i];
  }
  return true;
}

ValueId Graph::add_param(BlockId block_id, Type type, std::string param_name) {
  const auto id = static_cast<ValueId>(values.size());
  Value& param = values.emplace_back();
  param.type = std::move(type);
  param.name = std::move(param_name);
  param.param_of = block_id;
  blocks[block_id].params.push_back(id);
  return id;
}

ValueId Graph::add_constant(Constant constant, Type type, std::string constant_name) {
  const auto id = static_cast<ValueId>(values.size());
  Value& result = values.emplace_back();
  result.ints = known_ints(constant, type);
  result.type = std::move(type);
  result.name = std::move(constant_name);
  result.constant = std::move(constant);
  return id;
}

ValueId Graph::constant_int(int64_t value) { return add_constant({value}, Type::make(Type::Kind::kInt)); }
ValueId Graph::constant_float(double value) { return add_constant({value}, Type::make(Type::Kind::kFloat)); }
ValueId Graph::constant_bool(bool value) { return add_constant({value}, Type::make(Type::Kind::kBool)); }
ValueId Graph::constant_none() { return add_constant({}, Type::make(Type::Kind::kNone)); }

ValueId Graph::constant_ints(std::span<const int64_t> ints) {
  auto list = std::make_shared<ConstantList>();
  for (const int64_t value : ints) list->push_back({value});
  return add_constant({std::shared_ptr<const ConstantList>(std::move(list))}, Type::list(Type::make(Type::Kind::kInt)));
}

BlockId Graph::add_block(NodeId owner) {
  const auto id = static_cast<BlockId>(blocks.size());
  blocks.emplace_back().owner = owner;
  if (owner != kNoId) nodes[owner].blocks.push_back(id);
  return id;
}

NodeId Graph::make_node(Op op, std::vector<ValueId> inputs, std::vector<Type> output_types, SourceId source_id) {
  const auto id = static_cast<NodeId>(nodes.size());
  Node& result = nodes.emplace_back();
  result.op = op;
  result.inputs = std::move(inputs);
  result.source = source_id;
  for (Type& type : output_types) {
    result.outputs.push_back(static_cast<ValueId>(values.size()));
    Value& output = values.emplace_back();
    output.type = std::move(type);
    output.def = id;
  }
  return id;
}

NodeId Graph::add_node(BlockId block_id, Op op, std::vector<ValueId> inputs, std::vector<Type> output_types,
                       SourceId source_id) {
  const NodeId id = make_node(op, std::move(inputs), std::move(output_types), source_id);
  blocks[block_id].nodes.push_back(id);
  return id;
}

void Graph::insert_before(NodeId node_id, NodeId position) {
  const BlockId block_id = block_of(position);
  TSC_ASSERT(block_id != kNoId, "node {} is in no block", position);
  std::vector<NodeId>& list = blocks[block_id].nodes;
  list.insert(std::find(list.begin(), list.end(), position), node_id);
}

void Graph::insert_after(NodeId node_id, NodeId position) {
  const BlockId block_id = block_of(position);
  TSC_ASSERT(block_id != kNoId, "node {} is in no block", position);
  std::vector<NodeId>& list = blocks[block_id].nodes;
  list.insert(std::find(list.begin(), list.end(), position) + 1, node_id);
}

// Blocks of removed nodes are edited too, which nobody sees.
void Graph::replace_uses(ValueId from, ValueId to) {
  for (Block& each : blocks) {
    std::replace(each.results.begin(), each.results.end(), from, to);
    for (const NodeId id : each.nodes) std::replace(nodes[id].inputs.begin(), nodes[id].inputs.end(), from, to);
  }
}

void Graph::remove(NodeId node_id) {
  const BlockId block_id = block_of(node_id);
  TSC_ASSERT(block_id != kNoId, "node {} is in no block", node_id);
  std::erase(blocks[block_id].nodes, node_id);
}

BlockId Graph::block_of(NodeId node_id) const {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::vector<NodeId>& list = blocks[i].nodes;
    if (std::find(list.begin(), list.end(), node_id) != list.end()) return static_cast<BlockId>(i);
  }
  return kNoId;
}

bool is_of_type(const Constant& c, const Type& type) {
  const auto is_member = [&](const Type& wanted) { return is_of_type(c, wanted); };
  switch (type.kind) {
    case Type::Kind::kUnion:
      return std::ranges::any_of(type.elements, is_member);
    case Type::Kind::kOptional:
      return std::holds_alternative<std::monostate>(c.value) || is_of_type(c, type.elements[0]);
    case Type::Kind::kNone:
      return std::holds_alternative<std::monostate>(c.value);
    case Type::Kind::kBool:
      return std::holds_alternative<bool>(c.value);
    case Type::Kind::kInt:
      return std::holds_alternative<int64_t>(c.value);
    case Type::Kind::kFloat:
      return std::holds_alternative<double>(c.value);
    case Type::Kind::kComplex:
      return std::holds_alternative<std::complex<double>>(c.value);
    case Type::Kind::kStr:
      return std::holds_alternative<std::string>(c.value);
    case Type::Kind::kTensor:
      return std::holds_alternative<std::shared_ptr<const TensorConstant>>(c.value);
    default:
      break;
  }
  const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&c.value);
  if (list == nullptr || type.elements.empty()) return false;
  if (type.is(Type::Kind::kTuple) && (*list)->size() != type.elements.size()) return false;
  for (size_t i = 0; i < (*list)->size(); ++i) {
    if (!is_of_type((**list)[i], type.elements[i % type.elements.size()])) return false;
  }
  return true;
}

std::vector<uint32_t> Graph::use_counts() const {
  std::vector<uint32_t> counts(values.size());
  const auto count_block = [&](auto& self, BlockId block_id) -> void {
    for (const NodeId id : blocks[block_id].nodes) {
      for (const ValueId input : nodes[id].inputs) ++counts[input];
      for (const BlockId inner : nodes[id].blocks) self(self, inner);
    }
    for (const ValueId result : blocks[block_id].results) ++counts[result];
  };
  for (const Function& function : functions) {
    if (function.body != kNoId) count_block(count_block, function.body);
  }
  return counts;
}

void Graph::compact() {
  Renumbering map{std::vector<uint32_t>(values.size(), kNoId), std::vector<uint32_t>(nodes.size(), kNoId),
                  std::vector<uint32_t>(blocks.size(), kNoId)};
  for (const Function& function : functions) mark_block(*this, function.body, map);
  compress(values, map.values);
  compress(nodes, map.nodes);
  compress(blocks, map.blocks);
  for (Function& function : functions) rename(function.body, map.blocks);
  for (Value& each : values) {
    rename(each.def, map.nodes);
    rename(each.param_of, map.blocks);
  }
  for (Node& each : nodes) {
    rename(each.inputs, map.values);
    rename(each.outputs, map.values);
    rename(each.blocks, map.blocks);
  }
  for (Block& each : blocks) {
    rename(each.params, map.values);
    rename(each.nodes, map.nodes);
    rename(each.results, map.values);
    rename(each.owner, map.nodes);
  }
}

bool Graph::is_none(ValueId id) const { return get_constant<std::monostate>(values[id]) != nullptr; }

std::optional<int64_t> Graph::as_int(ValueId id) const {
  const Value& v = values[id];
  if (const auto* number = get_constant<int64_t>(v)) return *number;
  if (const auto* flag = get_constant<bool>(v)) return *flag ? 1 : 0;
  if (v.type.is(Type::Kind::kInt) && v.ints && v.ints->size() == 1) return (*v.ints)[0].constant();
  return std::nullopt;
}

std::optional<double> Graph::as_double(ValueId id) const {
  if (const auto* number = get_constant<double>(values[id])) return *number;
  if (const auto number = as_int(id)) return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<bool> Graph::as_bool(ValueId id) const {
  if (const auto* flag = get_constant<bool>(values[id])) return *flag;
  return std::nullopt;
}

std::optional<std::string> Graph::as_str(ValueId id) const {
  if (const auto* text = get_constant<std::string>(values[id])) return *text;
  return std::nullopt;
}

std::optional<std::vector<int64_t>> Graph::as_ints(ValueId id) const {
  const Value& v = values[id];
  std::vector<int64_t> result;
  if (v.ints && v.type.is(Type::Kind::kList)) {
    for (const Dim& dim : *v.ints) {
      const auto number = dim.constant();
      if (!number) return std::nullopt;
      result.push_back(*number);
    }
    return result;
  }
  if (const auto* list = get_constant<std::shared_ptr<const ConstantList>>(v)) {
    for (const Constant& element : **list) {
      const auto* number = std::get_if<int64_t>(&element.value);
      if (!number) return std::nullopt;
      result.push_back(*number);
    }
    return result;
  }
  if (v.def == kNoId || nodes[v.def].op != Op::list) return std::nullopt;
  for (const ValueId element : nodes[v.def].inputs) {
    const auto number = as_int(element);
    if (!number) return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

std::shared_ptr<const TensorConstant> Graph::as_tensor(ValueId id) const {
  const auto* tensor = get_constant<std::shared_ptr<const TensorConstant>>(values[id]);
  return tensor ? *tensor : nullptr;
}

std::optional<std::vector<ValueId>> Graph::as_elements(ValueId id) {
  const NodeId def = values[id].def;
  if (def != kNoId) {
    const Op op = nodes[def].op;
    if (op == Op::list || op == Op::tuple) return nodes[def].inputs;
    return std::nullopt;
  }
  const auto* constant = get_constant<std::shared_ptr<const ConstantList>>(values[id]);
  const Type type = values[id].type;
  const bool is_list = type.is(Type::Kind::kList);
  if (!constant || (!is_list && !type.is(Type::Kind::kTuple))) return std::nullopt;
  const std::shared_ptr<const ConstantList> list = *constant;  // add_constant moves the values
  std::vector<ValueId> elements;
  elements.reserve(list->size());
  for (size_t i = 0; i < list->size(); ++i) {
    Type element = is_list ? type.elements[0] : type.elements[i];
    // The list's type tells what all of its tensors have in common.
    if (const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&(*list)[i].value); tensor && element.is_tensor())
      element = Type::make_tensor((*tensor)->dtype, std::vector<Dim>((*tensor)->sizes.begin(), (*tensor)->sizes.end()));
    elements.push_back(add_constant((*list)[i], std::move(element)));
  }
  return elements;
}

Dim Graph::fresh_symbol() { return Dim::symbol("u" + std::to_string(next_symbol_++)); }

void Graph::reserve_symbol(std::string_view symbol) {
  if (!symbol.starts_with('u')) return;
  uint32_t number = 0;
  const char* end = symbol.data() + symbol.size();
  const auto [rest, error] = std::from_chars(symbol.data() + 1, end, number);
  if (error == std::errc() && rest == end && number != UINT32_MAX) next_symbol_ = std::max(next_symbol_, number + 1);
}

std::optional<int64_t> Graph::hint(const Dim& dim) const {
  return dim.evaluate([this](std::string_view symbol) -> std::optional<int64_t> {
    const auto found = hints.find(symbol);
    if (found == hints.end()) return std::nullopt;
    return found->second;
  });
}

std::optional<int64_t> int_attribute(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return std::nullopt;
  const auto* value = std::get_if<int64_t>(&found->second);
  return value ? std::optional(*value) : std::nullopt;
}

std::string str_attribute(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return {};
  const auto* value = std::get_if<std::string>(&found->second);
  return value ? *value : std::string();
}

void for_each_node(const Graph& graph, BlockId block, const std::function<void(NodeId)>& visit) {
  const std::vector<NodeId> ids = graph.block(block).nodes;  // `visit` may edit the block
  for (const NodeId id : ids) {
    visit(id);
    const std::vector<BlockId> inner = graph.node(id).blocks;
    for (const BlockId each : inner) for_each_node(graph, each, visit);
  }
}

}  // namespace tsc::ir
