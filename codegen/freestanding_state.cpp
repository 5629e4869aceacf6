// Attributes that methods write: parts of a block of memory that the caller gives. What a method reads is a copy,
// unless nothing is written while it is needed; what it writes is copied there.
#include <algorithm>
#include <cmath>
#include <functional>

#include "codegen/freestanding_method.h"
#include "compiler/ir/tensor_data.h"

namespace tsc::codegen::freestanding {

namespace {

// Zero in all of its bits.
bool is_plain_zero(const Element& element) {
  if (const double* number = std::get_if<double>(&element)) return *number == 0 && !std::signbit(*number);
  if (const auto* integer = std::get_if<int64_t>(&element)) return *integer == 0;
  return std::holds_alternative<bool>(element) && !std::get<bool>(element);
}

}  // namespace

StateLayout::StateLayout(const Graph& graph, int64_t alignment) : graph_(graph), alignment_(alignment) {
  std::set<std::string> used;
  for (const Function& function : graph.functions) {
    for_each_node(graph, function.body, [&](NodeId id) {
      const Node& node = graph.node(id);
      if (node.op == Op::state_get || node.op == Op::state_set || node.op == Op::state_ref)
        used.insert(str_attribute(node, "field"));
    });
  }
  for (const StateField& field : graph.state) {
    if (!used.contains(field.name)) continue;
    const State before = state_;
    if (const auto item = place(field.type, field.name)) {
      items_[field.name] = *item;
    } else {
      state_ = before;
    }
  }
}

// nullopt where the type has parts that have no fixed place.
std::optional<Item> StateLayout::place(const Type& t, const std::string& name) {
  if (t.is(Kind::kTuple)) {
    Item item{.what = Item::What::kGroup};
    for (size_t i = 0; i < t.elements.size(); ++i) {
      const auto part = place(t.elements[i], fmt::format("{}.{}", name, i));
      if (!part) return {};
      item.parts.push_back(*part);
    }
    return item;
  }
  const bool is_tensor = has_fixed_size(t) && is_c_element(t.tensor.dtype);
  if (!is_tensor && !is_number(t)) return {};
  constexpr int64_t kNumberBytes = 8;
  const int64_t bytes = is_tensor ? count_of(t) * dtype_size(t.tensor.dtype) : kNumberBytes;
  state_.variables.push_back({.name = name, .type = t, .offset = state_.bytes});
  const std::string element = is_tensor ? cpp_element(t.tensor.dtype) : number_type(t);
  Item item{.what = is_tensor ? Item::What::kTensor : Item::What::kNumber,
            .text = {fmt::format("at<{}>(kept, {})", element, state_.bytes)}};
  if (!is_tensor) {
    item.text = {fmt::format("*at<{}>(kept, {})", element, state_.bytes), Precedence::kUnary};
    item.text.kind = t.kind;
  }
  state_.bytes += (bytes + alignment_ - 1) / alignment_ * alignment_;
  return item;
}

const Item* StateLayout::find(const std::string& field) const {
  const auto found = items_.find(field);
  return found == items_.end() ? nullptr : &found->second;
}

const StateField& StateLayout::field(const std::string& name) const {
  return *std::ranges::find(graph_.state, name, &StateField::name);
}

void StateLayout::write_initialiser(ModelContext& model, const std::string& symbol, Writer& out) {
  state_.initialiser = symbol;
  out.blank();
  out.line("extern \"C\" __attribute__((visibility(\"default\")))");
  out.open("int {}(void *state)", symbol);
  out.line("char* const kept = static_cast<char*>(state);");
  out.line("if (!is_aligned(kept, {})) return static_cast<int>(ErrorKind::kInvalidArgument);", alignment_);
  const std::function<void(const Item&, const Type&, const Constant&)> write = [&](const Item& item, const Type& t,
                                                                                   const Constant& value) {
    if (const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&value.value)) {
      for (size_t i = 0; i < item.parts.size(); ++i) write(item.parts[i], t.elements[i], (**list)[i]);
    } else if (const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&value.value)) {
      const std::vector<Element> elements = read_elements(**tensor);
      const bool is_zero = std::ranges::all_of(elements, is_plain_zero);
      if (is_zero) {
        out.line("fill({}, {}, 0);", count_of(t), item.text.text);
        model.headers.insert("runtime/kernels/plain.h");
      } else {
        out.line("copy({}, weights<{}>({}), {});", item.text.text, cpp_element(t.tensor.dtype),
                 model.weights.place(*tensor), count_of(t));
      }
    } else if (const bool* b = std::get_if<bool>(&value.value)) {
      out.line("{} = {};", item.text.text, *b);
    } else if (const int64_t* i = std::get_if<int64_t>(&value.value)) {
      out.line("{} = {};", item.text.text, integer_literal(*i));
    } else {
      out.line("{} = {};", item.text.text, float_literal(std::get<double>(value.value), true));
    }
  };
  for (const auto& [name, item] : items_) write(item, field(name).type, field(name).initial);
  out.line("return static_cast<int>(ErrorKind::kOk);");
  out.close();
}

// Whether the attribute keeps what the node reads for as long as it is needed: by regions, which leave no name for it,
// and before it is written again.
bool MethodEmitter::is_read_before_written(const Node& get) const {
  const ValueId value = get.outputs[0];
  const std::string field = str_attribute(get, "field");
  std::vector<NodeId> loops, loops_of_get;
  bool is_seen = false, is_written = false, is_safe = true;
  const std::function<void(BlockId)> walk = [&](BlockId block) {
    for (const NodeId id : graph_.block(block).nodes) {
      const Node& node = graph_.node(id);
      if (node.outputs == get.outputs && node.op == Op::state_get) {
        is_seen = true;
        loops_of_get = loops;
      }
      is_safe = is_safe && std::ranges::find(node.inputs, value) == node.inputs.end();
      if (node.op == Op::region) {
        for_each_node(graph_, node.blocks[0], [&](NodeId inner) {
          const auto& inputs = graph_.node(inner).inputs;
          if (is_written && std::ranges::find(inputs, value) != inputs.end()) is_safe = false;
        });
        continue;
      }
      if (node.op == Op::state_set && str_attribute(node, "field") == field) {
        is_written = is_written || is_seen;
        // A loop that reads it once writes it in each iteration.
        if (is_seen && !std::ranges::all_of(loops, [&](NodeId loop) {
              return std::ranges::find(loops_of_get, loop) != loops_of_get.end();
            }))
          is_safe = false;
      }
      if (node.op == Op::loop) loops.push_back(id);
      for (const BlockId inner : node.blocks) walk(inner);
      if (node.op == Op::loop) loops.pop_back();
    }
    const auto& results = graph_.block(block).results;
    is_safe = is_safe && std::ranges::find(results, value) == results.end();
  };
  walk(function_.body);
  return is_safe;
}

void MethodEmitter::refuse_state(const Node& node, const std::string& field) {
  refuse(node, fmt::format("the attribute '{}'", field),
         fmt::format("a method writes it, and it begins as {}", state_.field(field).type.str()),
         "begin with tensors of fixed sizes, numbers, or tuples of them");
}

void MethodEmitter::emit_state_get(const Node& node) {
  const std::string field = str_attribute(node, "field");
  const Item* place = state_.find(field);
  if (place == nullptr) return refuse_state(node, field);
  method_.uses_state = true;
  const ValueId output = node.outputs[0];
  const bool is_direct = place->what == Item::What::kTensor && is_read_before_written(node);
  items_[output] = is_direct ? *place : own(*place, type(output), local_name(output));
}

// The attribute's memory, of which all that reads it makes a copy.
void MethodEmitter::emit_state_ref(const Node& node) {
  const std::string field = str_attribute(node, "field");
  const Item* place = state_.find(field);
  if (place == nullptr || place->what != Item::What::kTensor) return refuse_state(node, field);
  method_.uses_state = true;
  items_[node.outputs[0]] = *place;
}

// A copy, whose place is another's when it is no longer needed.
Item MethodEmitter::own(const Item& item, const Type& t, const std::string& name) {
  Item copy{.what = item.what};
  if (item.what == Item::What::kTensor) {
    copy.text = {name};
    copy.pieces = {add_piece(t, name)};
    body_.line("copy({}, {}, {});", name, item.text.text, count_of(t));
  } else if (item.what == Item::What::kNumber) {
    body_.line("const {} {} = {};", number_type(t), name, item.text.text);
    copy = number({name}, t.kind);
  }
  for (size_t i = 0; i < item.parts.size(); ++i)
    copy.parts.push_back(own(item.parts[i], t.elements[i], locals_.unique(fmt::format("{}_{}", name, i))));
  return copy;
}

void MethodEmitter::emit_state_set(const Node& node) {
  const std::string field = str_attribute(node, "field");
  const Type &kept = state_.field(field).type, &given = type(node.inputs[0]);
  const Item* place = state_.find(field);
  if (place == nullptr) return refuse_state(node, field);
  method_.uses_state = true;
  body_.line("if (!ctx.ok()) return ctx.status();");
  if (!store(*place, item_of(node.inputs[0]), kept, given)) {
    refuse(node, fmt::format("what the attribute '{}' is given", field),
           fmt::format("it is {}, and the attribute begins as {}", given.str(), kept.str()),
           "give it tensors of the dtype and the sizes that it begins with");
  }
}

// False where one is not what the other is.
bool MethodEmitter::store(const Item& to, const Item& from, const Type& to_type, const Type& from_type) {
  if (to.what != from.what || to.parts.size() != from.parts.size()) return false;
  if (to.what == Item::What::kGroup) {
    if (!from_type.is(Kind::kTuple)) return false;
    for (size_t i = 0; i < to.parts.size(); ++i) {
      if (!store(to.parts[i], from.parts[i], to_type.elements[i], from_type.elements[i])) return false;
    }
  } else if (to.what == Item::What::kTensor) {
    const bool is_same = has_fixed_size(from_type) && from_type.tensor.dtype == to_type.tensor.dtype &&
                         from_type.tensor.dims == to_type.tensor.dims;
    if (!is_same) return false;
    body_.line("copy({}, {}, {});", to.text.text, from.text.text, count_of(to_type));
  } else {
    if (!from_type.is(to_type.kind)) return false;
    body_.line("{} = {};", to.text.text,
               from.is_single ? fmt::format("static_cast<double>({})", from.text.text) : from.text.text);
  }
  return true;
}

}  // namespace tsc::codegen::freestanding
