#include "compiler/ir/containers.h"

#include <numeric>
#include <utility>

namespace tsc::ir {

bool may_be_container(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kList:
    case Type::Kind::kDict:
    case Type::Kind::kAny:
    case Type::Kind::kClass:
    case Type::Kind::kInterface:
    case Type::Kind::kFuture:
      return true;
    case Type::Kind::kOptional:
    case Type::Kind::kUnion:
    case Type::Kind::kTuple:
      for (const Type& element : type.elements)
        if (may_be_container(element)) return true;
      return false;
    case Type::Kind::kTensor:
    case Type::Kind::kInt:
    case Type::Kind::kFloat:
    case Type::Kind::kBool:
    case Type::Kind::kComplex:
    case Type::Kind::kNumber:
    case Type::Kind::kStr:
    case Type::Kind::kNone:
    case Type::Kind::kDevice:
    case Type::Kind::kGenerator:
    case Type::Kind::kEnum:
    case Type::Kind::kFunction:
      return false;
  }
  return true;
}

bool mutates_container(Op op) {
  switch (op) {
    case Op::list_append:
    case Op::list_extend:
    case Op::list_insert:
    case Op::list_pop:
    case Op::list_remove:
    case Op::list_clear:
    case Op::list_reverse:
    case Op::list_setitem:
    case Op::list_delitem:
    case Op::list_iadd:
    case Op::list_imul:
    case Op::list_sort:
    case Op::dict_setitem:
    case Op::dict_pop:
    case Op::dict_pop_default:
    case Op::dict_popitem:
    case Op::dict_setdefault:
    case Op::dict_update:
    case Op::dict_delete:
    case Op::dict_clear:
    case Op::attr_set:
      return true;
    default:
      return false;
  }
}

namespace {

// Ops whose result may be their operand 0 itself.
bool passes_container_on(Op op) {
  return op == Op::annotate || op == Op::unchecked_cast || op == Op::unwrap_optional || op == Op::list_iadd ||
         op == Op::list_imul || op == Op::list_append || op == Op::list_setitem;
}

// Ops that only read the containers among their operands, and keep no reference to them. A reader of elements hands out
// what is inside, which escaped when it was put there.
bool only_reads(Op op) {
  switch (op) {
    case Op::list:
    case Op::tuple:
    case Op::dict:
    case Op::object_new:
    case Op::attr_set:
    case Op::state_set:
    case Op::fork:
    case Op::call:
    case Op::dict_make:
      return false;
    default:
      return true;
  }
}

}  // namespace

ContainerClasses::ContainerClasses(const Graph& graph)
    : parent_(graph.values.size() + 1), mutated_(graph.values.size() + 1, false) {
  std::iota(parent_.begin(), parent_.end(), 0u);
  for (const Function& function : graph.functions) {
    if (function.body == kNoId) continue;
    const Block& body = graph.block(function.body);
    for (ValueId param : body.params)
      if (may_be_container(graph.value(param).type)) unite(param, escaped());
    for (ValueId result : body.results)
      if (may_be_container(graph.value(result).type)) unite(result, escaped());
    for_each_node(graph, function.body, [&](NodeId id) { visit_node(graph, graph.node(id)); });
  }
  std::vector<bool> by_class(parent_.size(), false);
  for (ValueId v = 0; v < parent_.size(); ++v)
    if (mutated_[v]) by_class[representative(v)] = true;
  mutated_ = std::move(by_class);
}

ValueId ContainerClasses::representative(ValueId value) const {
  while (parent_[value] != value) value = parent_[value];
  return value;
}

void ContainerClasses::unite(ValueId a, ValueId b) {
  a = representative(a);
  b = representative(b);
  if (a == b) return;
  if (a > b) std::swap(a, b);
  // The first value stands for its class, but for the class of what escaped.
  if (b == escaped())
    parent_[a] = b;
  else
    parent_[b] = a;
}

void ContainerClasses::visit_node(const Graph& graph, const Node& node) {
  const auto is_container = [&](ValueId v) { return may_be_container(graph.value(v).type); };
  const auto unite_containers = [&](ValueId a, ValueId b) {
    if (is_container(a) || is_container(b)) unite(a, b);
  };
  if (node.op == Op::if_) {
    for (BlockId block : node.blocks)
      for (size_t i = 0; i < graph.block(block).results.size(); ++i)  // none after a raise
        unite_containers(graph.block(block).results[i], node.outputs[i]);
    return;
  }
  if (node.op == Op::loop) {
    const Block& body = graph.block(node.blocks[0]);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      unite_containers(node.inputs[i + 2], body.params[i + 1]);
      if (i + 1 < body.results.size()) unite_containers(body.results[i + 1], body.params[i + 1]);
      unite_containers(body.params[i + 1], node.outputs[i]);
    }
    return;
  }
  if (mutates_container(node.op)) mutated_[node.inputs[0]] = true;
  // What is stored into a container or an object, or handed to a function, is out of sight.
  const bool stores = !only_reads(node.op);
  const bool writes = mutates_container(node.op);
  for (size_t i = stores ? 0 : 1; i < node.inputs.size(); ++i)
    if (is_container(node.inputs[i]) && (stores || writes)) unite(node.inputs[i], escaped());
  if (passes_container_on(node.op)) {
    for (ValueId output : node.outputs) unite_containers(node.inputs[0], output);
    return;
  }
  // What comes out of one is an unseen object, unless the op makes a new one.
  const OpClass op_class = op_info(node.op).op_class;
  const bool makes_new = node.op == Op::list || node.op == Op::dict || node.op == Op::list_slice ||
                         node.op == Op::list_add || node.op == Op::list_mul || node.op == Op::list_copy ||
                         node.op == Op::list_sorted || node.op == Op::broadcast_sizes || node.op == Op::dict_keys || node.op == Op::dict_values ||
                         node.op == Op::dict_items || node.op == Op::dict_copy || node.op == Op::dict_make;
  const bool hands_out =
      (op_class == OpClass::kContainer && !makes_new) || op_class == OpClass::kControl || op_class == OpClass::kEffect;
  if (!hands_out) return;
  for (ValueId output : node.outputs)
    if (is_container(output)) unite(output, escaped());
}

}  // namespace tsc::ir
