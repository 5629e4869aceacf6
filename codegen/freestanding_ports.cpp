// Inputs and outputs.
#include <algorithm>

#include "codegen/freestanding_method.h"

namespace tsc::codegen::freestanding {

void MethodEmitter::take_inputs() {
  const auto& params = graph_.block(function_.body).params;
  for (size_t i = 0; i < params.size(); ++i) {
    const std::string wish = i < function_.input_names.size() ? function_.input_names[i] : "x";
    items_[params[i]] = take_input(type(params[i]), wish);
  }
}
Item MethodEmitter::take_input(const Type& t, const std::string& wish) {
  if (t.is(Kind::kTuple)) {
    Item item{.what = Item::What::kGroup};
    for (size_t i = 0; i < t.elements.size(); ++i)
      item.parts.push_back(take_input(t.elements[i], fmt::format("{}_{}", wish, i)));
    return item;
  }
  if (t.is_tensor()) {
    if (!t.is_ranked_tensor()) {
      refuse_input(wish, "its dtype and sizes are not known",
                   fmt::format("say them, as in --input '{}: f32[1, 16]', or trace the model", wish));
      return {};
    }
    if (!has_fixed_size(t)) {
      refuse_input(wish, fmt::format("its sizes are not fixed: {}", t.str()),
                   fmt::format("give a number for each, as in --input '{}: f32[1, 16]'", wish));
      return {};
    }
    if (!is_c_element(t.tensor.dtype)) {
      refuse_input(wish, fmt::format("C has no type for {}", dtype_torch_name(t.tensor.dtype)),
                   "convert it in the caller");
      return {};
    }
  } else if (!is_number(t)) {
    refuse_input(wish, fmt::format("its type is {}", t.str()), "take tensors, numbers and tuples of them");
    return {};
  }
  method_.inputs.push_back({.name = locals_.unique(wish), .type = t});
  return {.what = t.is_tensor() ? Item::What::kTensor : Item::What::kNumber, .text = {method_.inputs.back().name}};
}

// As the user calls it; "" where he has no name for it. TorchScript numbers what a variable holds after its first
// value: `x0` is `x`, but where an input or another output has that name.
std::string MethodEmitter::users_name(const Value& value) const {
  if (value.name.empty() || std::isdigit(static_cast<unsigned char>(value.name[0])) != 0) return "";
  const std::string name = value.name.substr(0, value.name.find('.'));
  const std::string stem = name.substr(0, name.find_last_not_of("0123456789") + 1);
  const auto is_named = [&](const auto& other) { return other.name == stem; };
  if (stem == name || !std::ranges::any_of(graph_.values, is_named)) return name;
  const bool is_taken = std::ranges::any_of(method_.inputs, is_named) || std::ranges::any_of(method_.outputs, is_named);
  return is_taken ? "" : stem;
}

// The outputs are told by the type of the result. A tensor that a region of the body itself makes is made in its
// place.
void MethodEmitter::take_outputs(ValueId result) {
  std::vector<ValueId> leaves;
  collect_outputs(result, leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Value& value = graph_.value(leaves[i]);
    std::string wish = users_name(value);
    if (wish.empty()) wish = leaves.size() == 1 ? "y" : fmt::format("y{}", i);
    method_.outputs.push_back({.name = locals_.unique(wish), .type = value.type, .is_output = true});
    if (!value.type.is_tensor() || value.def == kNoId || graph_.node(value.def).op != Op::region) continue;
    const auto& nodes = graph_.block(function_.body).nodes;
    if (std::ranges::find(nodes, value.def) != nodes.end()) made_in_place_.try_emplace(leaves[i], i);
  }
}
void MethodEmitter::collect_outputs(ValueId id, std::vector<ValueId>& leaves) {
  const Value& value = graph_.value(id);
  const bool is_made =
      value.def != kNoId && (graph_.node(value.def).op == Op::tuple || graph_.node(value.def).op == Op::list);
  if (is_made) {
    for (const ValueId part : graph_.node(value.def).inputs) collect_outputs(part, leaves);
    return;
  }
  const bool is_known = value.type.is_tensor() ? has_fixed_size(value.type) && is_c_element(value.type.tensor.dtype)
                                               : is_number(value.type);
  if (is_known) return leaves.push_back(id);
  if (value.type.is(Kind::kNone)) return;
  refused_ = true;
  Diagnostic diagnostic = make_diagnostic(Error::not_freestanding, fmt::format("a result of {}", function_.name),
                                          fmt::format("it is a {}", value.type.str()),
                                          "return tensors of fixed sizes, numbers, and tuples of them");
  if (value.def != kNoId) diagnostic.frames = graph_.source(graph_.node(value.def)).frames;
  diagnostics_.add(diagnostic);
}
void MethodEmitter::give_outputs(ValueId result) {
  size_t next = 0;
  give_output(result, next);
}
void MethodEmitter::give_output(ValueId id, size_t& next) {
  const Value& value = graph_.value(id);
  if (value.def != kNoId && (graph_.node(value.def).op == Op::tuple || graph_.node(value.def).op == Op::list)) {
    for (const ValueId part : graph_.node(value.def).inputs) give_output(part, next);
    return;
  }
  if (value.type.is(Kind::kNone) || next >= method_.outputs.size()) return;
  const Port& port = method_.outputs[next++];
  const auto place = made_in_place_.find(id);
  if (place != made_in_place_.end() && place->second == next - 1) return;
  const Item item = item_of(id);
  touch(item);
  if (item.what == Item::What::kTensor) body_.line("copy({}, {}, {});", port.name, item.text.text, count_of(port.type));
  if (item.what == Item::What::kNumber) body_.line("*{} = {};", port.name, item.text.text);
}

}  // namespace tsc::codegen::freestanding
