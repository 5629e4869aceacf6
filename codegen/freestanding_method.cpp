#include "codegen/freestanding_method.h"

#include <algorithm>

#include "codegen/emit_launch.h"
#include "codegen/planned_region.h"

namespace tsc::codegen::freestanding {

namespace {

// Ops of these classes are refused whatever their operands are.
bool is_never_there(OpClass op_class) {
  return op_class == OpClass::kSpecial || op_class == OpClass::kLinalg || op_class == OpClass::kTransform ||
         op_class == OpClass::kRandom;
}

}  // namespace

MethodEmitter::MethodEmitter(ModelContext& model, const Function& function, const std::string& model_name,
                             const StateLayout& state, Diagnostics& diagnostics, Writer& regions)
    : model_(model),
      graph_(model.graph),
      function_(function),
      state_(state),
      diagnostics_(diagnostics),
      regions_(regions) {
  method_.symbol = model_name + "_" + identifier(function.name);
  for (const char* taken : kReservedNames) locals_.unique(taken);
}

bool MethodEmitter::run(Writer& out) {
  const Block& body = graph_.block(function_.body);
  model_.method = function_.name;
  model_.scratch_bytes = 0;
  take_inputs();
  take_outputs(body.results[0]);
  emit_block(function_.body);
  if (!left_) give_outputs(body.results[0]);
  if (refused_) return false;
  write(out);
  return true;
}

// What can't be.

void MethodEmitter::refuse(const Node& node, const std::string& what, const std::string& reason,
                           const std::string& advice) {
  refused_ = true;
  diagnostics_.add(make_diagnostic_at(graph_.source(node), std::string(op_info(node.op).name), Error::not_freestanding,
                                      what, reason, advice));
  for (const ValueId output : node.outputs) items_[output] = stand_in(type(output));
}
// For what was refused, where its type tells enough to look at what follows.
Item MethodEmitter::stand_in(const Type& t) const {
  if (has_fixed_size(t)) return {.what = Item::What::kTensor, .text = {"refused"}};
  if (is_number(t)) return number({"refused"}, t.kind);
  if (t.is(Kind::kNone)) return {.what = Item::What::kNone};
  if (!t.is(Kind::kTuple)) return {};
  Item item{.what = Item::What::kGroup};
  for (const Type& element : t.elements) {
    item.parts.push_back(stand_in(element));
    if (item.parts.back().what == Item::What::kUnknown) return {};
  }
  return item;
}
void MethodEmitter::refuse_op(const Node& node) {
  std::string reason = generic_reason(model_, node);
  if (op_info(node.op).op_class == OpClass::kContainer || op_info(node.op).op_class == OpClass::kScalar) {
    reason = "only tuples and lists of a fixed length, and numbers, are known when it is compiled";
  }
  const bool is_fixed =
      !node.outputs.empty() && std::ranges::all_of(node.outputs, [&](ValueId id) { return has_fixed_size(type(id)); });
  if (is_fixed && region_obstacle(model_.options.target, graph_, node).empty())
    reason = "it shares the memory of a tensor that is written in place where others see it";
  refuse(node, fmt::format("op '{}'", op_info(node.op).name), reason,
         "write it in ops that docs/firmware.md lists, or leave it to the caller");
}
void MethodEmitter::refuse_input(const std::string& name, const std::string& reason, const std::string& advice) {
  refused_ = true;
  diagnostics_.add(
      make_diagnostic(Error::not_freestanding, fmt::format("input '{}' of {}", name, function_.name), reason, advice));
}

// Memory and values.

size_t MethodEmitter::add_piece(const Type& t, const std::string& name) {
  pieces_.push_back({.element = cpp_element(t.tensor.dtype),
                     .name = name,
                     .comment = shape_comment(graph_, t),
                     .block = {.bytes = count_of(t) * dtype_size(t.tensor.dtype), .first = time_, .last = time_}});
  return pieces_.size() - 1;
}
// The value is needed now.
void MethodEmitter::touch(const Item& item) {
  for (const size_t piece : item.pieces) pieces_[piece].block.last = std::max(pieces_[piece].block.last, time_);
  for (const Item& part : item.parts) touch(part);
}

// Values.

std::string MethodEmitter::local_name(ValueId id) {
  const Value& value = graph_.value(id);
  const bool is_named = !value.name.empty() && std::isdigit(static_cast<unsigned char>(value.name[0])) == 0;
  std::string wish = is_named             ? value.name
                     : value.def == kNoId ? "value"
                                          : std::string(op_info(graph_.node(value.def).op).name);
  if (!is_named && value.def != kNoId && graph_.node(value.def).op == Op::region) wish = "h";
  if (!is_named && value.def != kNoId && graph_.node(value.def).op == Op::if_) wish = "chosen";
  return locals_.unique(wish.substr(0, wish.find('.')));
}

Item MethodEmitter::item_of(ValueId id) {
  if (const auto found = items_.find(id); found != items_.end()) return found->second;
  const Value& value = graph_.value(id);
  TSC_ASSERT(value.constant.has_value(), "value %{} is used before it is made", value.name);
  return constant_item(*value.constant, value.type);
}
Item MethodEmitter::constant_item(const Constant& constant, const Type& t) {
  if (std::holds_alternative<std::monostate>(constant.value)) return {.what = Item::What::kNone};
  if (const auto* tensor = std::get_if<std::shared_ptr<const TensorConstant>>(&constant.value)) {
    return {.what = Item::What::kTensor,
            .text = {fmt::format("weights<{}>({})", cpp_element((*tensor)->dtype), model_.weights.place(*tensor))}};
  }
  if (const auto* list = std::get_if<std::shared_ptr<const ConstantList>>(&constant.value)) {
    Item item{.what = Item::What::kGroup};
    for (size_t i = 0; i < (*list)->size(); ++i) {
      item.parts.push_back(constant_item((**list)[i], t.is(Kind::kTuple)   ? t.elements[i]
                                                      : t.elements.empty() ? t
                                                                           : t.elements[0]));
    }
    return item;
  }
  if (const bool* b = std::get_if<bool>(&constant.value)) return number({*b ? "true" : "false"}, Kind::kBool);
  if (const int64_t* i = std::get_if<int64_t>(&constant.value)) return number({integer_literal(*i)}, Kind::kInt);
  if (const double* d = std::get_if<double>(&constant.value)) return number({float_literal(*d, true)}, Kind::kFloat);
  return {.what = Item::What::kNone};  // a string: of a raise, or refused where it is used
}
Item MethodEmitter::number(Expression text, Kind kind) {
  text.kind = kind;
  return {.what = Item::What::kNumber, .text = std::move(text)};
}

// Statements.

void MethodEmitter::emit_block(BlockId block) {
  left_ = false;
  for (const NodeId id : graph_.block(block).nodes) {
    ++time_;
    emit_node(graph_.node(id));
    if (left_) return;
  }
}

void MethodEmitter::emit_node(const Node& node) {
  for (const ValueId output : node.outputs) items_[output] = Item{};
  switch (node.op) {
    case Op::region:
      return emit_region_call(node);
    case Op::if_:
      return emit_if(node);
    case Op::loop:
      return emit_loop(node);
    case Op::raise:
      body_.line("ctx.fail(ErrorKind::kRaised, \"\");  // {}", source_comment(graph_.source(node)));
      body_.line("return ctx.status();");
      left_ = true;
      return;
    default:
      break;
  }
  for (const ValueId input : node.inputs) {
    const Item item = item_of(input);
    if (item.what == Item::What::kUnknown) {  // what it needs was refused
      if (is_never_there(op_info(node.op).op_class)) refuse_op(node);
      return;
    }
    touch(item);
  }
  switch (node.op) {
    case Op::uninitialized:
      items_[node.outputs[0]] = declare_variable(type(node.outputs[0]), local_name(node.outputs[0]));
      return;
    case Op::tuple:
    case Op::list: {
      Item item{.what = Item::What::kGroup};
      for (const ValueId input : node.inputs) item.parts.push_back(item_of(input));
      items_[node.outputs[0]] = item;
      return;
    }
    case Op::tuple_unpack:
    case Op::list_unpack: {
      const Item item = item_of(node.inputs[0]);
      if (item.what != Item::What::kGroup || item.parts.size() != node.outputs.size()) return refuse_op(node);
      for (size_t i = 0; i < node.outputs.size(); ++i) items_[node.outputs[i]] = item.parts[i];
      return;
    }
    case Op::tuple_index:
    case Op::list_getitem: {
      const Item item = item_of(node.inputs[0]);
      const auto index = graph_.as_int(node.inputs[1]);
      const auto count = static_cast<int64_t>(item.parts.size());
      if (item.what != Item::What::kGroup || !index || *index >= count || *index < -count) return refuse_op(node);
      items_[node.outputs[0]] = item.parts[static_cast<size_t>(*index < 0 ? *index + count : *index)];
      return;
    }
    case Op::annotate:
    case Op::unchecked_cast:
    case Op::unwrap_optional:
      if (item_of(node.inputs[0]).what == Item::What::kNone && !type(node.outputs[0]).is(Kind::kNone))
        return refuse_op(node);
      items_[node.outputs[0]] = item_of(node.inputs[0]);
      return;
    case Op::item:
    case Op::tensor_to_int:
    case Op::tensor_to_float:
    case Op::tensor_to_bool:
      return emit_element(node);
    case Op::state_get:
      return emit_state_get(node);
    case Op::state_set:
      return emit_state_set(node);
    case Op::state_ref:
      return emit_state_ref(node);
    default:
      break;
  }
  if (emit_view(node) || emit_write(node)) return;
  if (op_info(node.op).op_class == OpClass::kScalar && emit_number(node)) return;
  if (node.op == Op::symbolic) {  // its sizes are constants by now, or something was refused
    if (!refused_) refuse_op(node);
    return;
  }
  if (emit_plain(node)) return;
  if (node.outputs.size() == 1 && type(node.outputs[0]).is(Kind::kStr)) {  // of a raise, or refused where it is used
    items_[node.outputs[0]] = {.what = Item::What::kNone};
    return;
  }
  refuse_op(node);
}

// Regions.

bool MethodEmitter::has_open_sizes(const Node& region) const {
  bool found = false;
  for_each_node(graph_, region.blocks[0], [&](NodeId id) {
    const Node& node = graph_.node(id);
    for (const ValueId output : node.outputs)
      found = found || (type(output).is_tensor() && !has_fixed_size(type(output)));
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.value(input);
      if (value.type.is_tensor() && !value.constant) found = found || !has_fixed_size(value.type);
    }
  });
  return found;
}

void MethodEmitter::emit_region_call(const Node& node) {
  bool is_known = true;
  for_each_node(graph_, node.blocks[0], [&](NodeId id) {
    for (const ValueId input : graph_.node(id).inputs) {
      if (const auto found = items_.find(input); found != items_.end() && found->second.what == Item::What::kUnknown)
        is_known = false;
    }
  });
  if (!is_known) return;
  if (has_open_sizes(node)) {
    return refuse(node, "a tensor here", "its size is told by numbers that the program computes, or is 0",
                  "make all sizes follow from those of the inputs");
  }
  PlannedRegion emitter(model_, node, region_name(graph_, function_.body, node, identifier(function_.name)));
  const RegionCall call = emitter.run(regions_);
  std::string operands;
  if (emitter.memory_bytes() > 0) {
    pieces_.push_back({.element = "",
                       .name = locals_.unique(call.function + "_memory"),
                       .comment = "",
                       .block = {.bytes = emitter.memory_bytes(), .first = time_, .last = time_}});
    operands += ", " + pieces_.back().name;
  }
  for (const ValueId input : call.inputs) {
    const Item item = item_of(input);
    touch(item);
    operands += ", " + item.text.text;
  }
  for (const ValueId output : call.outputs) {
    Item item{.what = Item::What::kTensor};
    if (const auto place = made_in_place_.find(output); place != made_in_place_.end()) {
      item.text = {method_.outputs[place->second].name};
    } else {
      item.text = {local_name(output)};
      item.pieces = {add_piece(type(output), item.text.text)};
    }
    operands += ", " + item.text.text;
    items_[output] = item;
  }
  body_.line("{}(ctx{});", call.function, operands);
}

// The function.

void MethodEmitter::write(Writer& out) {
  const int64_t alignment = model_.options.target.alignment();
  std::vector<PlannedBlock> blocks;
  for (const Piece& piece : pieces_) blocks.push_back(piece.block);
  const int64_t planned = plan_memory(blocks, alignment);
  method_.arena_bytes = planned + (model_.scratch_bytes + alignment - 1) / alignment * alignment;
  out.blank();
  out.comment(fmt::format("{}({}): {} bytes of memory, of which {} are for kernels.", function_.name,
                          fmt::join(function_.input_names, ", "), method_.arena_bytes, method_.arena_bytes - planned));
  out.line("extern \"C\" __attribute__((visibility(\"default\")))");
  out.open("int {}", signature(method_));
  if (method_.arena_bytes > 0) {
    out.line("char* const memory = static_cast<char*>(arena);");
    out.line("if (!is_aligned(memory, {})) return static_cast<int>(ErrorKind::kInvalidArgument);", alignment);
  } else {
    out.line("static_cast<void>(arena);");
  }
  if (method_.uses_state) {
    out.line("char* const kept = static_cast<char*>(state);");
    out.line("if (!is_aligned(kept, {})) return static_cast<int>(ErrorKind::kInvalidArgument);", alignment);
  }
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.element.empty()) {
      out.line("char* const {} = memory + {};", piece.name, blocks[i].offset);
    } else {
      out.line("{0}* const {1} = at<{0}>(memory, {2});  // {3}", piece.element, piece.name, blocks[i].offset,
               piece.comment);
    }
  }
  if (model_.scratch_bytes > 0) {
    out.line("Context ctx(memory + {}, {});", planned, model_.scratch_bytes);
  } else {
    out.line("Context ctx;");
  }
  out.append(body_.text());
  if (!left_) out.line("return ctx.status();");
  out.close();
}

}  // namespace tsc::codegen::freestanding
