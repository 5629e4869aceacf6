#include "codegen/emit_freestanding.h"

#include <algorithm>
#include <cmath>

#include "codegen/emit_launch.h"
#include "codegen/emit_number.h"
#include "codegen/memory_plan.h"
#include "codegen/region_emitter.h"
#include "compiler/diagnostic.h"
#include "runtime/core/error_kind.h"

namespace tsc::codegen {

using namespace ir;

namespace {

using Kind = Type::Kind;

// What the header calls the errors that a method returns.
struct ErrorCode {
  ErrorKind kind;
  const char* name;
  const char* meaning;
};
constexpr ErrorCode kErrorCodes[] = {
    {ErrorKind::kOk, "OK", "the outputs are complete"},
    {ErrorKind::kInvalidArgument, "ERROR_ARENA", "the arena is null or not aligned"},
    {ErrorKind::kIndex, "ERROR_INDEX", "an index is out of range"},
    {ErrorKind::kRaised, "ERROR_RAISED", "the program's own raise or assert"},
    {ErrorKind::kInternal, "ERROR_INTERNAL", "a bug of tsc"},
};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// A region without run-time sizes: its buffers are parts of a block of memory that its function is given.
class PlannedRegion : public RegionEmitter {
 public:
  using RegionEmitter::RegionEmitter;

  int64_t memory_bytes() const { return memory_bytes_; }

 private:
  void emit(Writer& out) override {
    TSC_ASSERT(call_.symbols.empty());
    for (const NodeId id : groups_) group_functions_.push_back(emit_group(group_, id, false, out));
    const int64_t alignment = model_.options.target.alignment();
    std::vector<PlannedBlock> blocks;
    for (const Buffer& buffer : buffers_) {
      blocks.push_back({.bytes = *buffer.bytes.constant(), .first = buffer.first, .last = buffer.last});
    }
    memory_bytes_ = plan_memory(blocks, alignment);
    out.blank();
    out.comment(describe());
    out.open("static void {}([[maybe_unused]] Context& ctx{}{})", call_.function,
             memory_bytes_ > 0 ? ", char* memory" : "", parameters());
    for (size_t i = 0; i < buffers_.size(); ++i) {
      out.line("{0}* const {1} = at<{0}>(memory, {2});  // {3}", buffers_[i].element, buffers_[i].name,
               blocks[i].offset, shape_comment(graph_, graph_.value(buffers_[i].value).type));
    }
    for (const GroupFunction& function : group_functions_)
      out.line("{}(ctx{});", function.function, call_operands(function));
    for (size_t i = 0; i < copies_.size(); ++i) {
      emit_copy(group_, graph_.block(body_).results[copies_[i]], copy_names_[i], out);
    }
    out.close();
  }

  std::string describe() const {
    std::string text = summary();
    if (const size_t end = text.find(';'); end != std::string::npos) text.resize(end);
    if (memory_bytes_ == 0) return text + (text.ends_with(".") ? "" : ".");
    return fmt::format("{}; {} in {} bytes.", text,
                       buffers_.size() == 1 ? "1 buffer" : fmt::format("{} buffers", buffers_.size()), memory_bytes_);
  }

  int64_t memory_bytes_ = 0;
};

// What is known of a value when the program is written: an expression of it, or the items that it is made of.
struct Item {
  enum class What : uint8_t { kUnknown, kTensor, kNumber, kGroup, kNone } what = What::kUnknown;
  Expression text = {};          // of a tensor: the pointer to its elements
  std::set<size_t> pieces = {};  // of a tensor: the pieces of memory in which it may be
  bool is_single = false;        // of a float: its value is a float32's, and the text is of that type
  std::vector<Item> parts = {};  // of a tuple or a list
};

// A tensor's place in the arena, or a region's memory, from the first use to the last.
struct Piece {
  std::string element;  // "" for a region's memory
  std::string name;
  std::string comment;
  PlannedBlock block;
};

// One method.
class MethodEmitter {
 public:
  MethodEmitter(ModelContext& model, const Function& function, const std::string& model_name, Diagnostics& diagnostics,
                Writer& regions)
      : model_(model),
        graph_(model.graph),
        function_(function),
        diagnostics_(diagnostics),
        regions_(regions),
        name_(model_name + "_" + identifier(function.name)) {
    for (const char* taken : {"arena", "memory", "ctx", "at", "copy", "weights", "int64_t"}) locals_.unique(taken);
  }

  // False when something was refused.
  bool run(Writer& out) {
    const Block& body = graph_.block(function_.body);
    model_.method = function_.name;
    model_.scratch_bytes = 0;
    if (!take_inputs()) return false;
    take_outputs(body.results[0]);
    emit_block(function_.body);
    if (!left_) give_outputs(body.results[0]);
    if (refused_) return false;
    write(out);
    return true;
  }

  // The method's part of the header.
  void declare(Writer& out) const {
    const std::string macro = upper(name_);
    out.blank();
    for (const auto* list : {&inputs_, &outputs_}) {
      for (const Port& port : *list) out.put(port_comment(port));
    }
    out.line("#define {}_INPUTS {}", macro, inputs_.size());
    out.line("#define {}_OUTPUTS {}", macro, outputs_.size());
    for (const auto* list : {&inputs_, &outputs_}) {
      for (const Port& port : *list) {
        if (!port.type.is_tensor()) continue;
        const std::string prefix = macro + "_" + upper(port.name);
        out.line("#define {}_COUNT {}", prefix, count_of(port.type));
        out.line("#define {}_RANK {}", prefix, port.type.tensor.dims.size());
        if (!port.type.tensor.dims.empty()) out.line("#define {}_DIMS {{{}}}", prefix, dims_text(port.type));
      }
    }
    out.line("#define {}_ARENA_BYTES {}", macro, arena_bytes_);
    out.line("#define {}_ARENA_ALIGN {}", macro, model_.options.target.alignment());
    out.line("int {};", signature());
  }

  int64_t arena_bytes() const { return arena_bytes_; }

 private:
  // An input or an output of the C function.
  struct Port {
    std::string name;
    Type type;
    bool is_output = false;
  };

  const Type& type(ValueId id) const { return graph_.value(id).type; }

  // What can't be.

  void refuse(const Node& node, const std::string& what, const std::string& reason, const std::string& advice) {
    refused_ = true;
    diagnostics_.add(make_diagnostic_at(graph_.source(node), std::string(op_info(node.op).name),
                                        Error::not_freestanding, what, reason, advice));
  }
  void refuse_op(const Node& node) {
    std::string reason = generic_reason(model_, node);
    if (op_info(node.op).op_class == OpClass::kContainer || op_info(node.op).op_class == OpClass::kScalar) {
      reason = "only tuples and lists of a fixed length, and numbers, are known when it is compiled";
    }
    refuse(node, fmt::format("op '{}'", op_info(node.op).name), reason,
           "write it in ops that docs/firmware.md lists, or leave it to the caller");
  }
  void refuse_input(const std::string& name, const std::string& reason, const std::string& advice) {
    refused_ = true;
    diagnostics_.add(make_diagnostic(Error::not_freestanding, fmt::format("input '{}' of {}", name, function_.name),
                                     reason, advice));
  }

  static bool has_fixed_size(const Type& t) {
    return t.is_ranked_tensor() &&
           std::ranges::all_of(t.tensor.dims, [](const Dim& dim) { return dim.constant() && *dim.constant() > 0; });
  }
  static int64_t count_of(const Type& t) {
    int64_t count = 1;
    for (const Dim& dim : t.tensor.dims) count *= *dim.constant();
    return count;
  }
  static std::string dims_text(const Type& t) {
    std::string text;
    for (const Dim& dim : t.tensor.dims) text += fmt::format("{}{}", text.empty() ? "" : ", ", *dim.constant());
    return text;
  }
  static bool is_number(const Type& t) { return t.is(Kind::kInt) || t.is(Kind::kFloat) || t.is(Kind::kBool); }
  static std::string number_type(const Type& t) {
    return t.is(Kind::kInt) ? "i64" : t.is(Kind::kFloat) ? "double" : "bool";
  }
  // As the C header writes it.
  static std::string c_type(const Type& t) {
    if (t.is(Kind::kInt)) return "int64_t";
    if (t.is(Kind::kFloat)) return "double";
    if (t.is(Kind::kBool)) return "bool";
    const std::string element = cpp_element(t.tensor.dtype);
    return element == "i64" ? "int64_t" : element;
  }
  static bool is_c_element(DType dtype) {
    return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kBool || is_integral(dtype);
  }

  // Inputs and outputs.

  bool take_inputs() {
    const auto& params = graph_.block(function_.body).params;
    for (size_t i = 0; i < params.size(); ++i) {
      const std::string wish = i < function_.input_names.size() ? function_.input_names[i] : "x";
      items_[params[i]] = take_input(type(params[i]), wish);
    }
    return !refused_;
  }
  Item take_input(const Type& t, const std::string& wish) {
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
    inputs_.push_back({.name = locals_.unique(wish), .type = t});
    return {.what = t.is_tensor() ? Item::What::kTensor : Item::What::kNumber, .text = {inputs_.back().name}};
  }

  // The outputs are told by the type of the result. A tensor that a region of the body itself makes is made in its
  // place.
  void take_outputs(ValueId result) {
    std::vector<ValueId> leaves;
    collect_outputs(result, leaves);
    for (size_t i = 0; i < leaves.size(); ++i) {
      const Value& value = graph_.value(leaves[i]);
      const bool is_named = !value.name.empty() && std::isdigit(static_cast<unsigned char>(value.name[0])) == 0;
      const std::string wish = is_named             ? value.name.substr(0, value.name.find('.'))
                               : leaves.size() == 1 ? "y"
                                                    : fmt::format("y{}", i);
      outputs_.push_back({.name = locals_.unique(wish), .type = value.type, .is_output = true});
      if (!value.type.is_tensor() || value.def == kNoId || graph_.node(value.def).op != Op::region) continue;
      const auto& nodes = graph_.block(function_.body).nodes;
      if (std::ranges::find(nodes, value.def) != nodes.end()) made_in_place_.try_emplace(leaves[i], i);
    }
  }
  void collect_outputs(ValueId id, std::vector<ValueId>& leaves) {
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
  void give_outputs(ValueId result) {
    size_t next = 0;
    give_output(result, next);
  }
  void give_output(ValueId id, size_t& next) {
    const Value& value = graph_.value(id);
    if (value.def != kNoId && (graph_.node(value.def).op == Op::tuple || graph_.node(value.def).op == Op::list)) {
      for (const ValueId part : graph_.node(value.def).inputs) give_output(part, next);
      return;
    }
    if (value.type.is(Kind::kNone) || next >= outputs_.size()) return;
    const Port& port = outputs_[next++];
    const auto place = made_in_place_.find(id);
    if (place != made_in_place_.end() && place->second == next - 1) return;
    const Item item = item_of(id);
    touch(item);
    if (item.what == Item::What::kTensor)
      body_.line("copy({}, {}, {});", port.name, item.text.text, count_of(port.type));
    if (item.what == Item::What::kNumber) body_.line("*{} = {};", port.name, item.text.text);
  }

  // Memory.

  size_t add_piece(const Type& t, const std::string& name) {
    pieces_.push_back({.element = cpp_element(t.tensor.dtype),
                       .name = name,
                       .comment = shape_comment(graph_, t),
                       .block = {.bytes = count_of(t) * dtype_size(t.tensor.dtype), .first = time_, .last = time_}});
    return pieces_.size() - 1;
  }
  // The value is needed now.
  void touch(const Item& item) {
    for (const size_t piece : item.pieces) pieces_[piece].block.last = std::max(pieces_[piece].block.last, time_);
    for (const Item& part : item.parts) touch(part);
  }

  // Values.

  std::string local_name(ValueId id) {
    const Value& value = graph_.value(id);
    const bool is_named = !value.name.empty() && std::isdigit(static_cast<unsigned char>(value.name[0])) == 0;
    std::string wish = is_named             ? value.name
                       : value.def == kNoId ? "value"
                                            : std::string(op_info(graph_.node(value.def).op).name);
    if (!is_named && value.def != kNoId && graph_.node(value.def).op == Op::region) wish = "h";
    if (!is_named && value.def != kNoId && graph_.node(value.def).op == Op::if_) wish = "chosen";
    return locals_.unique(wish.substr(0, wish.find('.')));
  }

  Item item_of(ValueId id) {
    if (const auto found = items_.find(id); found != items_.end()) return found->second;
    const Value& value = graph_.value(id);
    TSC_ASSERT(value.constant.has_value(), "value %{} is used before it is made", value.name);
    return constant_item(*value.constant, value.type);
  }
  Item constant_item(const Constant& constant, const Type& t) {
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
  static Item number(Expression text, Kind kind) {
    text.kind = kind;
    return {.what = Item::What::kNumber, .text = std::move(text)};
  }

  bool are_known(const Node& node) {
    return std::ranges::all_of(node.inputs, [&](ValueId id) { return item_of(id).what != Item::What::kUnknown; });
  }

  // Statements.

  void emit_block(BlockId block) {
    left_ = false;
    for (const NodeId id : graph_.block(block).nodes) {
      ++time_;
      emit_node(graph_.node(id));
      if (left_) return;
    }
  }

  void emit_node(const Node& node) {
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
      if (item.what == Item::What::kUnknown) return;  // what it needs was refused
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
      case Op::state_set:
        return refuse(node, fmt::format("the attribute '{}'", str_attribute(node, "field")), "a method writes it",
                      "take its value as an input and return the new one");
      default:
        break;
    }
    if (op_info(node.op).op_class == OpClass::kScalar && emit_number(node)) return;
    if (node.op == Op::symbolic) {  // its sizes are constants by now, or something was refused
      if (!refused_) refuse_op(node);
      return;
    }
    refuse_op(node);
  }

  // Numbers.

  // The only element of a tensor.
  void emit_element(const Node& node) {
    const Type& from = type(node.inputs[0]);
    if (!has_fixed_size(from) || count_of(from) != 1 || !is_c_element(from.tensor.dtype)) return refuse_op(node);
    const Item tensor = item_of(node.inputs[0]);
    const Kind own = is_floating(from.tensor.dtype)      ? Kind::kFloat
                     : from.tensor.dtype == DType::kBool ? Kind::kBool
                                                         : Kind::kInt;
    const Kind wanted = node.op == Op::tensor_to_int     ? Kind::kInt
                        : node.op == Op::tensor_to_float ? Kind::kFloat
                        : node.op == Op::tensor_to_bool  ? Kind::kBool
                                                         : own;
    // Read now: the memory may be another's when the number is used.
    const std::string name = local_name(node.outputs[0]);
    body_.line("const {} {} = *{};", cpp_element(from.tensor.dtype), name, tensor.text.within(Precedence::kUnary));
    Item result = number({name}, wanted);
    if (own == Kind::kFloat && wanted == Kind::kInt) result.text = {fmt::format("truncate({})", name)};
    if (own == Kind::kInt && wanted == Kind::kInt && from.tensor.dtype != DType::kInt64)
      result.text = {fmt::format("i64{{{}}}", name)};
    if (own == Kind::kBool && wanted == Kind::kInt) result.text = {fmt::format("static_cast<i64>({})", name)};
    if (own != Kind::kFloat && wanted == Kind::kFloat) result.text = {fmt::format("static_cast<double>({})", name)};
    if (own != Kind::kBool && wanted == Kind::kBool)
      result.text = {fmt::format("{} != 0", name), Precedence::kEquality};
    result.text.kind = wanted;
    result.is_single = own == Kind::kFloat && wanted == Kind::kFloat && from.tensor.dtype == DType::kFloat32;
    items_[node.outputs[0]] = result;
  }

  // A float as a double, which a controller without doubles should not see where it can be helped.
  Expression as_number(ValueId id) {
    const Item item = item_of(id);
    if (!item.is_single) return item.text;
    Expression wide{fmt::format("static_cast<double>({})", item.text.text)};
    wide.kind = Kind::kFloat;
    return wide;
  }

  bool emit_number(const Node& node) {
    if (node.outputs.size() != 1) return false;
    Item result{.what = Item::What::kNumber};
    if (const auto single = single_comparison(node)) {
      result.text = *single;
      result.text.kind = Kind::kBool;
    } else if (const auto expression = number_form(node)) {
      result.text = *expression;
      if (!result.text.kind) result.text.kind = result_kind(node);
    } else {
      return false;
    }
    // A number that is used more than once, or that the user has named, is computed once.
    if (uses_[node.outputs[0]] > 1 && result.text.precedence != Precedence::kPrimary) {
      const std::string name = local_name(node.outputs[0]);
      const Kind kind = *result.text.kind;
      body_.line("const {} {} = {};", number_type(Type::make(kind)), name, result.text.text);
      result.text = {name};
      result.text.kind = kind;
    }
    items_[node.outputs[0]] = result;
    return true;
  }

  Kind result_kind(const Node& node) {
    const Type& t = type(node.outputs[0]);
    if (!t.is(Kind::kNumber)) return t.kind;
    const bool is_float = std::ranges::any_of(
        node.inputs, [&](ValueId id) { return as_number(id).kind == Kind::kFloat || type(id).is(Kind::kFloat); });
    return is_float ? Kind::kFloat : Kind::kInt;
  }

  std::optional<Expression> number_form(const Node& node) {
    const auto kind_of = [&](size_t i) {
      return type(node.inputs[i]).is(Kind::kNumber) ? as_number(node.inputs[i]).kind : type(node.inputs[i]).kind;
    };
    const auto divisor = node.inputs.size() > 1 ? graph_.as_int(node.inputs[1]) : std::nullopt;
    const auto call = [&](const char* name) {
      std::string operands;
      for (const ValueId input : node.inputs) operands += (operands.empty() ? "" : ", ") + as_number(input).text;
      return Expression{fmt::format("{}({})", name, operands)};
    };
    switch (node.op) {
      case Op::scalar_floordiv:
      case Op::scalar_remainder:
        if (kind_of(0) != Kind::kInt || !divisor || *divisor == 0 || *divisor == -1) return {};
        return call(node.op == Op::scalar_floordiv ? "floor_div" : "floor_mod");
      case Op::to_int:
        if (kind_of(0) == Kind::kInt) return as_number(node.inputs[0]);
        if (kind_of(0) == Kind::kFloat) return call("truncate");
        return call("static_cast<i64>");
      case Op::to_bool:
        if (kind_of(0) == Kind::kFloat)
          return Expression{as_number(node.inputs[0]).within(Precedence::kComparison) + " != 0", Precedence::kEquality};
        break;
      case Op::range_length:
        if (const auto step = graph_.as_int(node.inputs[2]); !step || *step == 0) return {};
        return call("range_length");
      case Op::derive_index: {
        if (graph_.as_int(node.inputs[1]) == 0 && graph_.as_int(node.inputs[2]) == 1) return as_number(node.inputs[0]);
        return Expression{fmt::format("wrap_add({}, wrap_mul({}, {}))", as_number(node.inputs[1]).text,
                                      as_number(node.inputs[0]).text, as_number(node.inputs[2]).text)};
      }
      default:
        break;
    }
    for (const ValueId input : node.inputs) {
      if (item_of(input).what != Item::What::kNumber) return {};
    }
    return number_expression(graph_, node, [&](ValueId id) { return as_number(id); });
  }

  // A comparison of a float32's value, in that type: with another, or with a constant, which is rounded to where the
  // answer is the same for all floats.
  std::optional<Expression> single_comparison(const Node& node) {
    struct Sign {
      Op op;
      const char* text;
      bool is_up;  // of x < c and x >= c, c is rounded up
    };
    constexpr Sign kSigns[] = {{Op::scalar_lt, "<", true},
                               {Op::scalar_ge, ">=", true},
                               {Op::scalar_le, "<=", false},
                               {Op::scalar_gt, ">", false}};
    for (const Sign& sign : kSigns) {
      if (sign.op != node.op) continue;
      const Item a = item_of(node.inputs[0]), b = item_of(node.inputs[1]);
      const auto limit = [](double c, bool is_up) {
        const auto rounded = static_cast<float>(c);
        const double back = rounded;
        if (is_up ? back >= c : back <= c) return rounded;
        return std::nextafterf(rounded, is_up ? INFINITY : -INFINITY);
      };
      if (a.is_single && b.is_single) {
        return Expression{
            fmt::format("{} {} {}", a.text.within(Precedence::kSum), sign.text, b.text.within(Precedence::kSum)),
            Precedence::kComparison};
      }
      const auto c = graph_.as_double(node.inputs[a.is_single ? 1 : 0]);
      if (!(a.is_single || b.is_single) || !c || std::isnan(*c)) return {};
      if (a.is_single) {
        return Expression{fmt::format("{} {} {}", a.text.within(Precedence::kSum), sign.text,
                                      float_literal(limit(*c, sign.is_up), false)),
                          Precedence::kComparison};
      }
      return Expression{fmt::format("{} {} {}", float_literal(limit(*c, !sign.is_up), false), sign.text,
                                    b.text.within(Precedence::kSum)),
                        Precedence::kComparison};
    }
    return {};
  }

  // Regions.

  bool has_open_sizes(const Node& region) const {
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

  void emit_region_call(const Node& node) {
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
    PlannedRegion emitter(model_, node, region_name(graph_, function_.body, node, name_of_method()));
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
        item.text = {outputs_[place->second].name};
      } else {
        item.text = {local_name(output)};
        item.pieces = {add_piece(type(output), item.text.text)};
      }
      operands += ", " + item.text.text;
      items_[output] = item;
    }
    body_.line("{}(ctx{});", call.function, operands);
  }

  std::string name_of_method() const { return identifier(function_.name); }

  // Control flow.

  // A variable that branches or iterations set; tensors are pointers.
  Item declare_variable(const Type& t, const std::string& name) {
    Item item;
    if (t.is(Kind::kNone)) {
      item.what = Item::What::kNone;
    } else if (t.is(Kind::kTuple)) {
      item.what = Item::What::kGroup;
      for (size_t i = 0; i < t.elements.size(); ++i) {
        item.parts.push_back(declare_variable(t.elements[i], locals_.unique(fmt::format("{}_{}", name, i))));
      }
      if (std::ranges::any_of(item.parts, [](const Item& part) { return part.what == Item::What::kUnknown; }))
        return {};
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
  bool assign(Item& to, const Item& from) {
    if (to.what != from.what || to.parts.size() != from.parts.size()) return false;
    for (size_t i = 0; i < to.parts.size(); ++i) {
      if (!assign(to.parts[i], from.parts[i])) return false;
    }
    if (to.what != Item::What::kTensor && to.what != Item::What::kNumber) return true;
    to.pieces.insert(from.pieces.begin(), from.pieces.end());
    if (to.text.text != from.text.text) {
      const std::string value =
          from.is_single ? fmt::format("static_cast<double>({})", from.text.text) : from.text.text;
      body_.line("{} = {};", to.text.text, value);
    }
    return true;
  }

  void emit_if(const Node& node) {
    const Item condition = item_of(node.inputs[0]);
    if (condition.what != Item::What::kNumber) {  // refused before; what is inside is looked at all the same
      for (const BlockId block : node.blocks) emit_block(block);
      left_ = false;
      return;
    }
    std::vector<Item> outputs;
    for (const ValueId output : node.outputs) {
      outputs.push_back(declare_variable(type(output), local_name(output)));
      if (outputs.back().what == Item::What::kUnknown) refuse_op_result(node, output);
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
  void refuse_op_result(const Node& node, ValueId output) {
    refuse(node, fmt::format("a {} that '{}' gives", type(output).str(), op_info(node.op).name),
           "its type or its sizes are told at run time", "make tensors of one fixed size, numbers, or tuples of them");
  }

  // Tensors that a loop carries have a place of their own, into which each iteration's result is copied at its end.
  void emit_loop(const Node& node) {
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

  Item carry(const Type& t, const Item& initial, const std::string& name) {
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
  void carry_on(const Node& node, const Block& body, std::vector<Item>& carried, const std::string& go) {
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

  // The function.

  static std::string port_comment(const Port& port) {
    return fmt::format("/* {} {}: {} */", port.is_output ? "output" : "input", port.name,
                       port.type.is_tensor()
                           ? fmt::format("{}[{}]", dtype_torch_name(port.type.tensor.dtype), dims_text(port.type))
                           : port.type.str());
  }

  std::string signature() const {
    std::string text = name_ + "(";
    for (const Port& port : inputs_) {
      text += port.type.is_tensor() ? fmt::format("const {} *{}, ", c_type(port.type), port.name)
                                    : fmt::format("{} {}, ", c_type(port.type), port.name);
    }
    for (const Port& port : outputs_) text += fmt::format("{} *{}, ", c_type(port.type), port.name);
    return text + "void *arena)";
  }

  void write(Writer& out) {
    const int64_t alignment = model_.options.target.alignment();
    std::vector<PlannedBlock> blocks;
    for (const Piece& piece : pieces_) blocks.push_back(piece.block);
    const int64_t planned = plan_memory(blocks, alignment);
    arena_bytes_ = planned + (model_.scratch_bytes + alignment - 1) / alignment * alignment;
    out.blank();
    out.comment(fmt::format("{}({}): {} bytes of memory, of which {} are for kernels.", function_.name,
                            fmt::join(function_.input_names, ", "), arena_bytes_, arena_bytes_ - planned));
    out.line("extern \"C\" __attribute__((visibility(\"default\")))");
    out.open("int {}", signature());
    if (arena_bytes_ > 0) {
      out.line("char* const memory = static_cast<char*>(arena);");
      out.line(
          "if (memory == nullptr || reinterpret_cast<uintptr_t>(memory) % {} != 0) return "
          "static_cast<int>(ErrorKind::kInvalidArgument);",
          alignment);
    } else {
      out.line("static_cast<void>(arena);");
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

  ModelContext& model_;
  const Graph& graph_;
  const Function& function_;
  Diagnostics& diagnostics_;
  Writer& regions_;
  Names locals_;
  std::string name_;
  std::vector<Port> inputs_, outputs_;
  std::map<ValueId, size_t> made_in_place_;  // results that a region writes to the caller's memory
  std::map<ValueId, Item> items_;
  std::vector<Piece> pieces_;
  std::vector<uint32_t> uses_ = graph_.use_counts();
  Writer body_;
  size_t time_ = 0;
  int64_t arena_bytes_ = 0;
  bool refused_ = false;
  bool left_ = false;  // the code just written ends with a return
};

}  // namespace

EmittedModel emit_freestanding_model(const Graph& graph, const EmitOptions& options) {
  const std::string id = identifier(graph.name), macro = upper(id);
  ModelContext model(graph, options);
  model.weights_symbol = id + "_weights";
  model.weights.alignment = static_cast<size_t>(options.target.alignment());
  for (const char* taken : {"weights", "at", "copy", "memory", "ctx", "arena"}) model.names.unique(taken);
  Diagnostics diagnostics;
  Writer regions, methods, declarations;
  for (const Function& function : graph.functions) {
    if (!function.is_method) continue;
    MethodEmitter method(model, function, id, diagnostics, regions);
    if (!method.run(methods)) continue;
    method.declare(declarations);
    model.arena_bytes = std::max(model.arena_bytes, static_cast<size_t>(method.arena_bytes()));
  }
  diagnostics.throw_if_any();

  Writer out;
  out.comment(fmt::format("{}: made by tsc from TorchScript, for {}, freestanding.", graph.name, options.target.name));
  out.comment(
      "Each group of ops is one function that calls one kernel; a region is a run of groups with its memory; the "
      "methods at the "
      "end are what the header declares.");
  out.line("#include \"runtime/core/freestanding.h\"");
  for (const std::string& header : model.headers) out.line("#include \"{}\"", header);
  out.line("#include \"{}.h\"", id);
  out.blank();
  if (model.weights.size > 0) {
    out.line("extern \"C\" __attribute__((visibility(\"hidden\"))) const char {}[{}];", model.weights_symbol,
             model.weights.size);
    out.blank();
  }
  out.line("namespace tsc::kernels {{}}");
  out.line("namespace tsc::model_{} {{", id);
  out.line("namespace {{");
  out.blank();
  out.line("using namespace tsc::kernels;");
  if (model.weights.size > 0) {
    out.blank();
    out.comment("A constant in the data section.");
    out.line("template <class T = float>");
    out.open("[[maybe_unused]] const T* weights(size_t offset)");
    out.line("return reinterpret_cast<const T*>({} + offset);", model.weights_symbol);
    out.close();
  }
  out.blank();
  out.append(regions.text());
  out.blank();
  out.line("}}  // namespace");
  out.append(methods.text());
  out.blank();
  out.line("}}  // namespace tsc::model_{}", id);

  Writer header;
  header.line(
      "/* {}: made by tsc for {}. Outputs must not overlap inputs; calls may run side by side with arenas of their "
      "own. */",
      id, options.target.name);
  header.line("#ifndef TSC_MODEL_{0}_H_\n#define TSC_MODEL_{0}_H_\n\n#include <stdbool.h>\n#include <stdint.h>\n",
              macro);
  header.line("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n");
  header.put("/* What a call returns. */");
  for (const ErrorCode& code : kErrorCodes)
    header.line("#define {}_{} {} /* {} */", macro, code.name, static_cast<int>(code.kind), code.meaning);
  header.blank();
  header.line("#define {}_WEIGHTS_BYTES {}", macro, model.weights.size);
  header.append(declarations.text());
  header.line("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* TSC_MODEL_{}_H_ */", macro);

  EmittedModel result;
  result.name = graph.name;
  result.sources.push_back({id + ".cpp", out.text()});
  result.headers.push_back({id + ".h", header.text()});
  result.weights = std::move(model.weights.items);
  result.weights_size = model.weights.size;
  result.weights_symbol = model.weights_symbol;
  result.arena_bytes = model.arena_bytes;
  result.report = std::move(model.report);
  return result;
}

std::string weights_file_name(const EmittedModel& model) { return model.name + "_weights.bin"; }

EmittedFile weights_source(const EmittedModel& model) {
  Writer out;
  out.comment(fmt::format("The weights of {}.", model.name));
  out.line("extern \"C\" __attribute__((visibility(\"hidden\"), aligned(64))) extern const signed char {}[{}];",
           model.weights_symbol, model.weights_size);
  out.line("const signed char {}[{}] = {{", model.weights_symbol, model.weights_size);
  out.line("#embed \"{}\"", weights_file_name(model));
  out.line("}};");
  return {model.name + "_weights.cpp", out.text()};
}

}  // namespace tsc::codegen
