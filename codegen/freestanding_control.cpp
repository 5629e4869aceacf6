// Control flow: branches and loops, and what they carry.
#include <algorithm>
#include <functional>
#include <span>

#include "codegen/freestanding_method.h"

namespace tsc::codegen::freestanding {

// A variable that branches or iterations set; tensors are pointers.
Item MethodEmitter::declare_variable(const Type& t, const std::string& name) {
  Item item;
  if (t.is(Kind::kNone)) {
    item.what = Item::What::kNone;
  } else if (t.is(Kind::kTuple)) {
    item.what = Item::What::kGroup;
    for (size_t i = 0; i < t.elements.size(); ++i) {
      item.parts.push_back(declare_variable(t.elements[i], locals_.unique(fmt::format("{}_{}", name, i))));
    }
    if (std::ranges::any_of(item.parts, [](const Item& part) { return part.what == Item::What::kUnknown; })) return {};
  } else if (has_fixed_size(t)) {
    item = {.what = Item::What::kTensor, .text = {name}};
    body_.line("const {}* {} = nullptr;", cpp_element(t.tensor.dtype), name);
  } else if (is_number(t)) {
    item = number({name}, t.kind);
    body_.line("{} {}{{}};", number_type(t), name);
  }
  return item;
}
// False when one is not what the other is.
bool MethodEmitter::assign(Item& to, const Item& from) {
  if (to.what != from.what || to.parts.size() != from.parts.size()) return false;
  for (size_t i = 0; i < to.parts.size(); ++i) {
    if (!assign(to.parts[i], from.parts[i])) return false;
  }
  if (to.what != Item::What::kTensor && to.what != Item::What::kNumber) return true;
  to.pieces.insert(from.pieces.begin(), from.pieces.end());
  if (to.text.text != from.text.text) {
    const std::string value = from.is_single ? fmt::format("static_cast<double>({})", from.text.text) : from.text.text;
    body_.line("{} = {};", to.text.text, value);
  }
  return true;
}

void MethodEmitter::emit_if(const Node& node) {
  const Item condition = item_of(node.inputs[0]);
  if (condition.what != Item::What::kNumber) {  // refused before; what is inside is looked at all the same
    for (const BlockId block : node.blocks) emit_block(block);
    left_ = false;
    return;
  }
  std::vector<Item> outputs;
  for (const ValueId output : node.outputs) {
    outputs.push_back(declare_variable(type(output), local_name(output)));
    if (outputs.back().what != Item::What::kUnknown) continue;
    refuse_op_result(node, output);
    outputs.back() = stand_in(type(output));
  }
  bool all_left = true;
  const auto branch = [&](BlockId block) {
    emit_block(block);
    if (!left_) {
      ++time_;
      for (size_t i = 0; i < outputs.size(); ++i) {
        const Item result = item_of(graph_.block(block).results[i]);
        touch(result);
        if (result.what == Item::What::kUnknown || outputs[i].what == Item::What::kUnknown) continue;
        if (!assign(outputs[i], result)) refuse_op_result(node, node.outputs[i]);
      }
    }
    all_left = all_left && left_;
  };
  body_.open("if ({})", condition.text.text);
  branch(node.blocks[0]);
  const Block& otherwise = graph_.block(node.blocks[1]);
  if (!otherwise.nodes.empty() || !node.outputs.empty()) {
    body_.middle("} else {");
    branch(node.blocks[1]);
  } else {
    all_left = false;
  }
  body_.close();
  left_ = all_left;
  for (size_t i = 0; i < outputs.size(); ++i) items_[node.outputs[i]] = outputs[i];
}
void MethodEmitter::refuse_op_result(const Node& node, ValueId output) {
  refuse(node, fmt::format("a {} that '{}' gives", type(output).str(), op_info(node.op).name),
         "its type or its sizes are told at run time", "make tensors of one fixed size, numbers, or tuples of them");
}

// Tensors that a loop carries have a place of their own, into which each iteration's result is copied at its end.
void MethodEmitter::emit_loop(const Node& node) {
  const Block& body = graph_.block(node.blocks[0]);
  const Item trips = item_of(node.inputs[0]), first = item_of(node.inputs[1]);
  bool is_known = trips.what == Item::What::kNumber && first.what == Item::What::kNumber;
  const size_t begin = time_;
  std::vector<Item> carried;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Item initial = item_of(node.inputs[i + 2]);
    touch(initial);
    carried.push_back(initial.what == Item::What::kUnknown
                          ? Item{}
                          : carry(type(node.outputs[i]), initial, local_name(body.params[i + 1])));
    if (carried.back().what == Item::What::kUnknown) {
      is_known = false;
      if (initial.what != Item::What::kUnknown) refuse_op_result(node, node.outputs[i]);
    }
    items_[body.params[i + 1]] = carried.back();
  }
  const auto count = graph_.as_int(node.inputs[0]);
  const bool is_counted = !(count && *count == INT64_MAX);
  const bool is_always = graph_.as_bool(node.inputs[1]) == true && graph_.as_bool(body.results[0]) == true;
  const std::string index = locals_.unique("i");
  items_[body.params[0]] = number({index}, Kind::kInt);
  std::string test = "ctx.ok()", go;
  if (!is_always && is_known) {
    go = locals_.unique("go_on");
    body_.line("bool {} = {};", go, first.text.text);
    test = go + " && " + test;
  }
  if (is_counted) test = fmt::format("{} < {} && {}", index, trips.text.within(Precedence::kSum), test);
  body_.open("for ([[maybe_unused]] i64 {0} = 0; {1}; ++{0})", index, test);
  emit_block(node.blocks[0]);
  ++time_;
  if (!left_ && is_known) carry_on(node, body, carried, go);
  body_.close();
  left_ = false;
  // What the loop reads from outside is needed until its last iteration.
  for (Piece& piece : pieces_) {
    if (piece.block.first <= begin && piece.block.last > begin) piece.block.last = std::max(piece.block.last, time_);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) items_[node.outputs[i]] = carried[i];
}

Item MethodEmitter::carry(const Type& t, const Item& initial, const std::string& name) {
  Item item;
  if (initial.what == Item::What::kTensor && has_fixed_size(t)) {
    item = {.what = Item::What::kTensor, .text = {name}};
    item.pieces = {add_piece(t, name)};
    body_.line("copy({}, {}, {});", name, initial.text.text, count_of(t));
  } else if (initial.what == Item::What::kNumber && is_number(t)) {
    item = number({name}, t.kind);
    const std::string value =
        initial.is_single ? fmt::format("static_cast<double>({})", initial.text.text) : initial.text.text;
    body_.line("{} {} = {};", number_type(t), name, value);
  } else if (initial.what == Item::What::kGroup && t.is(Kind::kTuple) && t.elements.size() == initial.parts.size()) {
    item.what = Item::What::kGroup;
    for (size_t i = 0; i < initial.parts.size(); ++i) {
      item.parts.push_back(carry(t.elements[i], initial.parts[i], locals_.unique(fmt::format("{}_{}", name, i))));
      if (item.parts.back().what == Item::What::kUnknown) return {};
    }
  } else if (initial.what == Item::What::kNone && t.is(Kind::kNone)) {
    item.what = Item::What::kNone;
  }
  return item;
}

// All carried values change at once: results that are others of them, or made of others, are set aside first.
void MethodEmitter::carry_on(const Node& node, const Block& body, std::vector<Item>& carried, const std::string& go) {
  std::vector<std::pair<const Item*, Item>> moves;
  std::vector<Type> types;
  const std::function<bool(const Item&, const Item&, const Type&)> collect = [&](const Item& to, const Item& from,
                                                                                 const Type& t) {
    if (to.what != from.what || to.parts.size() != from.parts.size()) return false;
    for (size_t i = 0; i < to.parts.size(); ++i) {
      if (!collect(to.parts[i], from.parts[i], t.elements[i])) return false;
    }
    if ((to.what == Item::What::kTensor || to.what == Item::What::kNumber) && to.text.text != from.text.text) {
      moves.emplace_back(&to, from);
      types.push_back(t);
    }
    return true;
  };
  for (size_t i = 0; i < carried.size(); ++i) {
    const Item result = item_of(body.results[i + 1]);
    if (result.what == Item::What::kUnknown) return;
    touch(result);
    if (!collect(carried[i], result, type(node.outputs[i]))) refuse_op_result(node, node.outputs[i]);
  }
  if (!go.empty()) {
    const Item next = item_of(body.results[0]);
    if (next.what == Item::What::kUnknown) return;
    body_.line("{} = {};", go, next.text.text);
  }
  // A result in a place that another move writes before this one is due.
  for (size_t i = 0; i < moves.size(); ++i) {
    Item& from = moves[i].second;
    const bool is_overwritten = std::ranges::any_of(std::span(moves).first(i), [&](const auto& earlier) {
      if (from.what == Item::What::kNumber) return from.text.text.find(earlier.first->text.text) != std::string::npos;
      return std::ranges::any_of(earlier.first->pieces, [&](size_t piece) { return from.pieces.contains(piece); });
    });
    if (!is_overwritten) continue;
    const std::string aside = locals_.unique("next_" + moves[i].first->text.text);
    if (from.what == Item::What::kNumber) {
      body_.line("const {} {} = {};", number_type(types[i]), aside,
                 from.is_single ? fmt::format("static_cast<double>({})", from.text.text) : from.text.text);
      from.is_single = false;
    } else {
      add_piece(types[i], aside);
      body_.line("copy({}, {}, {});", aside, from.text.text, count_of(types[i]));
    }
    from.text = {aside};
  }
  for (size_t i = 0; i < moves.size(); ++i) {
    const auto& [to, from] = moves[i];
    if (from.what == Item::What::kTensor) {
      body_.line("copy({}, {}, {});", to->text.text, from.text.text, count_of(types[i]));
    } else {
      body_.line("{} = {};", to->text.text,
                 from.is_single ? fmt::format("static_cast<double>({})", from.text.text) : from.text.text);
    }
  }
}

}  // namespace tsc::codegen::freestanding
