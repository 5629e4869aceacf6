// What is put into a list, tuple or dict that nobody writes is taken from where it came; casts that tell nothing go.
#include "compiler/ir/containers.h"
#include "passes/passes.h"
#include "passes/rewrite.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Equal when it may take the place of the other in any use: the same kind, or a tensor with facts of its own.
bool fits(const Type& declared, const Type& actual) {
  if (declared.is_tensor() && actual.is_tensor()) return true;
  if (declared.kind != actual.kind || declared.class_id != actual.class_id) return false;
  if (declared.elements.size() != actual.elements.size()) return false;
  for (size_t i = 0; i < declared.elements.size(); ++i)
    if (!fits(declared.elements[i], actual.elements[i])) return false;
  return true;
}

// An optional where the thing itself is at hand is no loss: readers of optionals take both.
bool may_stand_for(const Type& declared, const Type& actual) {
  if (fits(declared, actual)) return true;
  return declared.is(Type::Kind::kOptional) && (actual.is(Type::Kind::kNone) || fits(declared.elements[0], actual));
}

class Forwarder {
 public:
  explicit Forwarder(Graph& graph) : graph_(graph), containers_(graph), rewriter_(graph) {}

  void run() {
    std::vector<NodeId> nodes;
    for_each_live_node(graph_, [&](NodeId id) { nodes.push_back(id); });
    for (NodeId id : nodes) visit(id);
    rewriter_.apply();
  }

 private:
  // The elements of a list or tuple that nobody writes.
  std::optional<std::vector<ValueId>> elements(ValueId value) {
    value = rewriter_.resolve(value);
    const Type& type = graph_.value(value).type;
    if (type.is(Type::Kind::kTuple)) return graph_.as_elements(value);
    if (!type.is(Type::Kind::kList) || (value < known_values_ && containers_.is_mutated(value))) return std::nullopt;
    return graph_.as_elements(value);
  }

  void forward(const Node& node, size_t output, ValueId element) {
    if (may_stand_for(graph_.value(node.outputs[output]).type, graph_.value(element).type))
      rewriter_.replace(node.outputs[output], element);
  }

  void forward_all(const Node& node) {
    const auto parts = elements(node.inputs[0]);
    if (!parts || parts->size() != node.outputs.size()) return;
    for (size_t i = 0; i < parts->size(); ++i) forward(node, i, (*parts)[i]);
  }

  void forward_one(const Node& node) {
    auto index = known_int(graph_, rewriter_.resolve(node.inputs[1]));
    if (!index) return;
    const auto parts = elements(node.inputs[0]);
    if (!parts) return;
    if (*index < 0) *index += static_cast<int64_t>(parts->size());
    if (*index >= 0 && *index < static_cast<int64_t>(parts->size()))
      forward(node, 0, (*parts)[static_cast<size_t>(*index)]);
  }

  // The last of equal keys counts; a key that is not constant might be any.
  void forward_entry(const Node& node) {
    const ValueId dict = rewriter_.resolve(node.inputs[0]);
    const Node* def = defined_by(graph_, dict, Op::dict);
    if (def == nullptr || containers_.is_mutated(dict)) return;
    const auto key = key_text(node.inputs[1]);
    if (!key) return;
    std::optional<ValueId> found;
    for (size_t i = 0; i + 1 < def->inputs.size(); i += 2) {
      const auto other = key_text(def->inputs[i]);
      if (!other) return;
      if (*other == *key) found = def->inputs[i + 1];
    }
    if (found) forward(node, 0, *found);
  }

  std::optional<std::string> key_text(ValueId value) const {
    value = rewriter_.resolve(value);
    if (const auto text = graph_.as_str(value)) return "\"" + *text;
    if (graph_.value(value).type.is(Type::Kind::kInt))
      if (const auto number = graph_.as_int(value)) return std::to_string(*number);
    return std::nullopt;
  }

  void drop_cast(const Node& node) {
    const ValueId operand = rewriter_.resolve(node.inputs[0]);
    const Type declared = graph_.value(node.outputs[0]).type, actual = graph_.value(operand).type;
    if (fits(declared, actual)) return rewriter_.replace(node.outputs[0], operand);
    // A constant of optional type that holds something is a constant of the type itself.
    const auto& constant = graph_.value(operand).constant;
    const bool holds = constant && !std::holds_alternative<std::monostate>(constant->value);
    if (actual.is(Type::Kind::kOptional) && holds && fits(declared, actual.elements[0])) {
      const Constant copy = *constant;
      const Type type = actual.elements[0];
      const std::string name = graph_.value(operand).name;
      rewriter_.replace(node.outputs[0], graph_.add_constant(copy, type, name));
    }
  }

  void visit(NodeId id) {
    const Node node = graph_.node(id);
    switch (node.op) {
      case Op::list_unpack:
      case Op::tuple_unpack:
        return forward_all(node);
      case Op::list_getitem:
      case Op::tuple_index:
        return forward_one(node);
      case Op::dict_getitem:
        return forward_entry(node);
      case Op::unchecked_cast:
      case Op::unwrap_optional:
      case Op::annotate:
        return drop_cast(node);
      default:
        return;
    }
  }

  Graph& graph_;
  const ContainerClasses containers_;
  Rewriter rewriter_;
  const size_t known_values_ = graph_.values.size();
};

}  // namespace

void forward_containers(Graph& graph) { Forwarder(graph).run(); }

}  // namespace tsc::passes
