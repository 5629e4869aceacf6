// Host programs: C++ control flow over handles, an `ops::` call per node, a region call per region.
#include <algorithm>

#include "codegen/emit_constant.h"
#include "codegen/emit_number.h"
#include "codegen/emit_profile.h"
#include "codegen/region_sizes.h"
#include "compiler/ir/assert.h"
#include "compiler/ir/effects.h"
#include "passes/passes.h"
#include "passes/region.h"

namespace tsc::codegen {

using namespace ir;

namespace {

std::string header_of(OpClass op_class) {
  switch (op_class) {
    case OpClass::kPointwise:
      return "runtime/ops/pointwise.h";
    case OpClass::kSpecial:
      return "runtime/ops/special.h";
    case OpClass::kReduction:
      return "runtime/ops/reduction.h";
    case OpClass::kScan:
      return "runtime/ops/scan.h";
    case OpClass::kView:
      return "runtime/ops/view.h";
    case OpClass::kContraction:
      return "runtime/ops/contraction.h";
    case OpClass::kLinalg:
      return "runtime/ops/linalg.h";
    case OpClass::kWindow:
      return "runtime/ops/window.h";
    case OpClass::kNormalisation:
      return "runtime/ops/normalisation.h";
    case OpClass::kAttention:
      return "runtime/ops/attention.h";
    case OpClass::kRecurrent:
      return "runtime/ops/recurrent.h";
    case OpClass::kTransform:
      return "runtime/ops/fft.h";
    case OpClass::kMovement:
      return "runtime/ops/movement.h";
    case OpClass::kResampling:
      return "runtime/ops/resampling.h";
    case OpClass::kCreation:
      return "runtime/ops/creation.h";
    case OpClass::kRandom:
      return "runtime/ops/random.h";
    case OpClass::kSort:
      return "runtime/ops/sort.h";
    case OpClass::kQuery:
      return "runtime/ops/query.h";
    case OpClass::kScalar:
      return "runtime/ops/scalar.h";
    case OpClass::kContainer:
      return "runtime/ops/container.h";
    case OpClass::kEffect:
      return "runtime/ops/effect.h";
    case OpClass::kControl:
      break;
  }
  return "";
}

// Traces and the importer number what the user has not named.
bool is_user_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0;
}

class HostEmitter {
 public:
  HostEmitter(ModelContext& model, const Function& function, Writer& constants, Writer& regions, Writer& out)
      : model_(model),
        graph_(model.graph),
        function_(function),
        regions_(regions),
        out_(out),
        constants_(model, constants, out, locals_, [this](const Type& type) { return is_mutated(type); }) {}

  void run() {
    const Block& body = graph_.block(function_.body);
    find_single_uses(function_.body);
    model_.method = function_.name;
    out_.blank();
    out_.comment(fmt::format("{}({})", function_.name, join(function_.input_names)));
    out_.open("static {} {}", result_type(), signature());
    // Only functions of the program call with a context that may have failed.
    if (is_called()) leave_if_failed();
    for (size_t i = 0; i < body.params.size(); ++i) bind_sizes(body.params[i]);
    check_constraints();
    inputs_checked_ = true;
    emit_block(function_.body);
    if (!left_) out_.line("return {};", bare(body.results[0]));
    out_.close();
  }

  std::string result_type() const { return type_of(graph_.block(function_.body).results[0]); }

  std::string signature() {
    std::string text = fmt::format("{}(Context& ctx", model_.functions.at(function_.name));
    if (uses_state(graph_, function_)) text += ", State& self";
    for (const ValueId param : graph_.block(function_.body).params) {
      const Type::Kind kind = type(param).kind;
      const bool plain = kind == Type::Kind::kInt || kind == Type::Kind::kFloat || kind == Type::Kind::kBool;
      const std::string cpp = type_of(param);
      text += fmt::format(", {} {}", plain ? cpp : "const " + cpp + "&", declare(param));
    }
    return text + ")";
  }

 private:
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  std::string type_of(ValueId id) const { return cpp_type(graph_, type(id)); }

  // A new local's name: the user's, or one that tells what made it.
  std::string declare(ValueId id) {
    const Value& v = graph_.value(id);
    std::string wish = user_name(id);
    if (wish.empty() && v.def != kNoId) wish = made_by(id);
    if (const size_t dot = wish.find('.'); dot != std::string::npos) wish.resize(dot);  // "x.3" is x
    return names_[id] = locals_.unique(wish.empty() ? "value" : wish);
  }

  // The user's name for the value: its own, or that of a variable that it becomes, or that comes out of a branch as it.
  std::string user_name(ValueId id, int depth = 0) const {
    constexpr int kMaxDepth = 4;
    const Value& v = graph_.value(id);
    if (is_user_name(v.name)) return v.name;
    if (depth == kMaxDepth || v.constant) return "";
    if (v.def != kNoId && graph_.node(v.def).op == Op::if_) {
      const Node& node = graph_.node(v.def);
      const auto output = static_cast<size_t>(std::ranges::find(node.outputs, id) - node.outputs.begin());
      for (const BlockId block : node.blocks) {
        const ValueId result = graph_.block(block).results[output];
        const std::string& name = graph_.value(result).name;
        if (is_user_name(name)) return name;
      }
    }
    const auto use = single_uses_.find(id);
    if (use == single_uses_.end() || !use->second.result) return "";
    const Block& block = graph_.block(use->second.block);
    if (block.owner == kNoId) return "";
    const Node& owner = graph_.node(block.owner);
    if (owner.op == Op::if_) return user_name(owner.outputs[*use->second.result], depth + 1);
    if (owner.op != Op::loop) return "";
    return *use->second.result == 0 ? "go_on" : user_name(block.params[*use->second.result], depth + 1);
  }

  // A name for a value that the user did not name, by the op or the group of a region that makes it.
  std::string made_by(ValueId id) const {
    const Node& node = graph_.node(graph_.value(id).def);
    if (node.op == Op::symbolic) return type(id).is(Type::Kind::kInt) ? "size" : "sizes";
    if (node.op == Op::if_) return type(id).is(Type::Kind::kBool) ? "condition" : "value";
    if (node.op != Op::region) return std::string(op_info(node.op).name);
    const auto output = std::ranges::find(node.outputs, id) - node.outputs.begin();
    const ValueId result = graph_.block(node.blocks[0]).results[static_cast<size_t>(output)];
    if (graph_.value(result).def == kNoId) return "copy";
    const Node& maker = graph_.node(graph_.value(result).def);
    return maker.op == Op::group ? identifier(str_attribute(maker, "name")) + "_out"
                                 : std::string(op_info(maker.op).name);
  }

  // An expression for the value, in parentheses where it needs them: `bare` is for places that are as good.
  std::string value(ValueId id) { return expression(id).within(Precedence::kPrimary); }
  std::string bare(ValueId id) { return expression(id).text; }
  Expression expression(ValueId id) {
    if (const auto found = expressions_.find(id); found != expressions_.end()) return found->second;
    return {name_or_constant(id)};
  }
  std::string name_or_constant(ValueId id) {
    if (const auto found = names_.find(id); found != names_.end()) return found->second;
    const Value& v = graph_.value(id);
    TSC_ASSERT(v.constant.has_value(), "value %{} is used before it is made", v.name);
    return constants_.constant(*v.constant, v.type);
  }

  // Constant lists of plain numbers are shared, never-written objects unless some op of the function writes a list of
  // that type.
  bool is_mutated(const Type& type) const {
    bool found = false;
    for_each_node(graph_, function_.body, [&](NodeId id) {
      const Node& node = graph_.node(id);
      if (op_info(node.op).op_class != OpClass::kContainer || node.inputs.empty()) return;
      if (writes_input(graph_, node, 0) && graph_.value(node.inputs[0]).type == type) found = true;
    });
    return found;
  }

  // Statements.

  bool is_called() const {
    return std::ranges::any_of(graph_.functions, [&](const Function& caller) {
      if (caller.name + std::string(passes::kGeneralVersion) == function_.name) return true;
      bool found = false;
      for_each_node(graph_, caller.body, [&](NodeId id) {
        const Node& node = graph_.node(id);
        found = found || (node.op == Op::call && str_attribute(node, "function") == function_.name);
      });
      return found;
    });
  }

  // What made the object can't have failed, which would have left none. Bodies of loops don't begin on a failed
  // context.
  bool is_defined_object(ValueId object) const {
    const NodeId def = graph_.value(object).def;
    if (def == kNoId) return true;
    const Op op = graph_.node(def).op;
    return op == Op::object_new || op == Op::attr_get || op == Op::state_get;
  }

  // What follows runs on a context that has not failed.
  void leave_if_failed() {
    constexpr std::string_view kTest = "if (!ctx.ok()) return {};\n";
    if (!out_.text().ends_with(kTest)) out_.put(kTest.substr(0, kTest.size() - 1));
  }

  void mark(const Node& node) {
    const int index = model_.source_index(node.source);
    if (index == at_ || index == 0) return;
    at_ = shown_ = index;
    out_.line("ctx.at({});  // {}", index, source_comment(graph_.source(node)));
  }

  void emit_block(BlockId block) {
    left_ = false;
    for (const NodeId id : graph_.block(block).nodes) {
      block_ = block;
      emit_node(id);
      if (left_) return;
    }
  }

  // Numbers.

  // Where a value is used once: as a result of a block, or by a node in it.
  struct Use {
    BlockId block = kNoId;
    std::optional<size_t> result;
    NodeId node = kNoId;
    size_t operand = 0;
  };
  void find_single_uses(BlockId id) {
    const Block& block = graph_.block(id);
    const auto add = [&](ValueId value, Use use) {
      if (uses_[value] == 1) single_uses_[value] = use;
    };
    for (const NodeId node : block.nodes) {
      const Node& user = graph_.node(node);
      for (size_t i = 0; i < user.inputs.size(); ++i)
        add(user.inputs[i], {.block = id, .result = {}, .node = node, .operand = i});
      for (const BlockId inner : user.blocks) find_single_uses(inner);
    }
    for (size_t i = 0; i < block.results.size(); ++i) add(block.results[i], {.block = id, .result = i});
  }

  std::optional<Expression> number_of(const Node& node) {
    if (node.outputs.size() != 1) return std::nullopt;
    model_.headers.insert("runtime/ops/scalar.h");  // of wrap_add
    return number_expression(graph_, node, [&](ValueId id) { return expression(id); });
  }
  // Whether the value stands where it is used instead of in a local: once, in its block, where nothing has changed.
  // What the user has named keeps its name, unless it is another's next value. A loop would compute its trips in each.
  bool stands_in_place(ValueId id, BlockId block) const {
    const auto use = single_uses_.find(id);
    if (use == single_uses_.end() || use->second.block != block) return false;
    if (use->second.result) return true;
    return !is_user_name(graph_.value(id).name) &&
           !(graph_.node(use->second.node).op == Op::loop && use->second.operand == 0);
  }
  // `a && b` and the like: a branch that computes nothing but one of two bools. What stands in place there does so also
  // when the branch turns out to be none.
  std::optional<Expression> choice_of(const Node& node) {
    if (node.op != Op::if_ || node.outputs.size() != 1) return std::nullopt;
    if (!type(node.outputs[0]).is(Type::Kind::kBool)) return std::nullopt;
    std::optional<bool> known[2];
    Expression parts[2];
    for (const size_t branch : {0, 1}) {
      const Block& block = graph_.block(node.blocks[branch]);
      for (const NodeId id : block.nodes) {
        const Node& inner = graph_.node(id);
        const auto number = op_info(inner.op).op_class == OpClass::kScalar ? number_of(inner) : std::nullopt;
        if (!number || !stands_in_place(inner.outputs[0], node.blocks[branch])) return std::nullopt;
        expressions_[inner.outputs[0]] = *number;
      }
      if (graph_.is_constant(block.results[0])) known[branch] = graph_.as_bool(block.results[0]);
      parts[branch] = expression(block.results[0]);
    }
    const Expression condition = expression(node.inputs[0]);
    if (known[0] && known[1]) return std::nullopt;
    if (known[1] == false) return both(condition, parts[0]);
    if (known[0] == true) return either(condition, parts[1]);
    if (known[0] == false) return both(negation(condition), parts[1]);
    if (known[1] == true) return either(negation(condition), parts[0]);
    return std::nullopt;
  }
  // The number is written in place, or in a local of its own.
  void emit_number(const Node& node, const Expression& number) {
    if (stands_in_place(node.outputs[0], block_)) {
      expressions_[node.outputs[0]] = number;
    } else {
      define(node.outputs[0], number.text, comment_of(node));
    }
  }
  // The line of the user's file, where it is another than the last that was told.
  std::string comment_of(const Node& node) {
    const int index = model_.source_index(node.source);
    if (index == shown_ || index == 0) return "";
    shown_ = index;
    return "  // " + source_comment(graph_.source(node));
  }

  void emit_node(NodeId id) {
    const Node& node = graph_.node(id);
    switch (op_info(node.op).op_class) {
      case OpClass::kControl:
        return emit_control(id, node);
      case OpClass::kContainer:
        if (emit_container(node)) return;
        break;
      case OpClass::kEffect:
        if (emit_effect(node)) return;
        break;
      case OpClass::kQuery:
        if (node.op == Op::symbolic) return emit_symbolic(node);
        break;
      case OpClass::kScalar:
        if (node.op == Op::derive_index && names_.contains(node.outputs[0])) return;  // the index of its loop
        if (node.op == Op::range_length && is_range_of_loop(node)) return;
        if (const auto number = number_of(node)) return emit_number(node, *number);
        break;
      default:
        break;
    }
    emit_call(id, node);
  }

  // ops::<name>(ctx, operands...), the generic form of every op.
  void emit_call(NodeId id, const Node& node) {
    mark(node);
    const OpInfo& info = op_info(node.op);
    model_.headers.insert(header_of(info.op_class));
    // The runtime's name ends in "_" for the form that writes its operand, and where the row's own does.
    const bool underscore = node.form == Form::kInPlace || has_only_in_place_form(node.op) || node.op == Op::is_;
    std::string call = fmt::format("ops::{}{}", info.name, underscore ? "_" : "");
    if (node.op == Op::tolist) call += fmt::format("<{}>", type_of(node.outputs[0]));
    call += "(ctx";
    // A literal's C++ type must be the IR's where the function takes any: 3 is an i64.
    const bool typed = info.schema.empty();
    for (const ValueId input : node.inputs) {
      const bool literal = typed && graph_.is_constant(input) && type(input).is(Type::Kind::kInt);
      call += literal ? fmt::format(", i64{{{}}}", value(input)) : ", " + bare(input);
    }
    std::string watch;
    if (model_.options.profile && does_work(node)) {
      watch = locals_.unique(fmt::format("{}_watch", info.name));
      out_.line("Stopwatch {};", watch);
    }
    assign_results(node, call + ")");
    if (!watch.empty()) {
      out_.put(profile_lap(model_, watch, {.method = "", .name = name_of(node), .kind = "generic", .node = id}));
    }
    report_generic(node);
  }

  // The struct's field that attr_get and attr_set name.
  const std::string& field_of(const Node& node) {
    return model_.fields[type(node.inputs[0]).class_id].of(str_attribute(node, "field"));
  }

  const Type& field_type(const Node& node) const {
    const ClassType& type_info = graph_.classes[type(node.inputs[0]).class_id];
    const auto field = std::ranges::find(type_info.field_names, str_attribute(node, "field"));
    return type_info.field_types[static_cast<size_t>(field - type_info.field_names.begin())];
  }

  void assign_results(const Node& node, const std::string& expression) {
    if (node.outputs.empty()) return out_.line("{};", expression);
    if (node.outputs.size() == 1) return define(node.outputs[0], expression);
    const std::string results = locals_.unique(std::string(op_info(node.op).name) + "_results");
    out_.line("const auto {} = {};", results, expression);
    for (size_t i = 0; i < node.outputs.size(); ++i) define(node.outputs[i], fmt::format("{}.get<{}>()", results, i));
  }

  void define(ValueId id, const std::string& expression, const std::string& comment = "") {
    if (type(id).is(Type::Kind::kNone)) {
      out_.line("{};", expression);
      names_[id] = "None()";
      return;
    }
    // What append and the like return is their operand.
    if (type(id).is(Type::Kind::kList) && uses_[id] == 0) return out_.line("{};", expression);
    const std::string cpp = type_of(id);
    const std::string name = declare(id);
    // An op may be there for what it checks alone.
    const Type::Kind kind = type(id).kind;
    const bool plain = kind == Type::Kind::kInt || kind == Type::Kind::kFloat || kind == Type::Kind::kBool;
    const char* unused = plain && uses_[id] == 0 ? "[[maybe_unused]] " : "";
    // The type once is enough: `const auto list = List<Tensor>::of(...)`.
    const bool says_type = expression.starts_with(cpp + "::") || expression.starts_with(cpp + "(");
    out_.line("{}const {} {} = {};{}", unused, says_type ? "auto" : cpp, name, expression, comment);
    bind_sizes(id);
  }

  // Whether reports and profiles tell of it.
  static bool does_work(const Node& node) {
    const OpClass c = op_info(node.op).op_class;
    return c != OpClass::kScalar && c != OpClass::kContainer && c != OpClass::kQuery && c != OpClass::kEffect;
  }

  std::string name_of(const Node& node) const {
    const std::string& path = graph_.source(node).module_path;
    return path.empty() ? std::string(op_info(node.op).name) : path;
  }

  void report_generic(const Node& node) {
    if (!does_work(node)) return;
    model_.report.push_back({.method = function_.name,
                             .name = name_of(node),
                             .kind = "generic",
                             .ops = std::string(op_info(node.op).name),
                             .kernel = "",
                             .cost = "",
                             .source = source_comment(graph_.source(node)),
                             .reason = generic_reason(model_, node)});
  }

  bool emit_container(const Node& node) {
    switch (node.op) {
      case Op::list: {
        std::vector<std::string> elements;
        for (const ValueId id : node.inputs) elements.push_back(value_as(id, type(node.outputs[0]).elements[0]));
        const std::string items = join(elements);
        define(node.outputs[0],
               fmt::format("{}::of(ctx{})", type_of(node.outputs[0]), items.empty() ? "" : ", " + items));
        return true;
      }
      case Op::tuple: {
        std::vector<std::string> fields;
        for (size_t i = 0; i < node.inputs.size(); ++i)
          fields.push_back(value_as(node.inputs[i], type(node.outputs[0]).elements[i]));
        define(node.outputs[0], fmt::format("{}({})", type_of(node.outputs[0]), join(fields)));
        return true;
      }
      case Op::tuple_unpack:
        for (size_t i = 0; i < node.outputs.size(); ++i)
          define(node.outputs[i], tuple_item(node.inputs[0], i, node.outputs[i]));
        return true;
      case Op::tuple_index: {
        const auto index = graph_.as_int(node.inputs[1]);
        if (!index) return false;
        const auto count = static_cast<int64_t>(type(node.inputs[0]).elements.size());
        define(node.outputs[0],
               tuple_item(node.inputs[0], static_cast<size_t>(*index < 0 ? *index + count : *index), node.outputs[0]));
        return true;
      }
      case Op::tuple_slice: {
        std::string items;
        for (int64_t i = *int_attribute(node, "begin"); i < *int_attribute(node, "end"); ++i) {
          items += fmt::format("{}{}.get<{}>()", items.empty() ? "" : ", ", value(node.inputs[0]), i);
        }
        define(node.outputs[0], fmt::format("{}({})", type_of(node.outputs[0]), items));
        return true;
      }
      case Op::list_unpack: {
        mark(node);
        const std::string list = value(node.inputs[0]);
        out_.line(
            "if ({}.size() != {}) ctx.fail(ErrorKind::kRuntime, \"Expected {} elements in a list but found %lld\", "
            "static_cast<long long>({}.size()));",
            list, node.outputs.size(), node.outputs.size(), list);
        for (size_t i = 0; i < node.outputs.size(); ++i)
          define(node.outputs[i], fmt::format("{}.get(ctx, {})", list, i));
        return true;
      }
      case Op::dict: {
        const std::string cpp = type_of(node.outputs[0]);
        define(node.outputs[0], fmt::format("{}::make(ctx)", cpp));
        for (size_t i = 0; i + 1 < node.inputs.size(); i += 2) {
          out_.line("{}.set({}, {});", value(node.outputs[0]), value(node.inputs[i]),
                    value_as(node.inputs[i + 1], type(node.outputs[0]).elements[1]));
        }
        return true;
      }
      case Op::annotate:
        define(node.outputs[0], value(node.inputs[0]));
        return true;
      case Op::unchecked_cast:
      case Op::unwrap_optional: {
        const Type& from = type(node.inputs[0]);
        if (from.is(Type::Kind::kOptional) && !type(node.outputs[0]).is(Type::Kind::kOptional)) {
          if (node.op == Op::unwrap_optional) {
            mark(node);
            out_.line("if (!{}.has_value()) ctx.fail(ErrorKind::kRuntime, \"Unwrapping null optional\");",
                      value(node.inputs[0]));
          }
          define(node.outputs[0], "*" + value(node.inputs[0]));
        } else if ((from.is(Type::Kind::kAny) || from.is(Type::Kind::kUnion)) && type_of(node.outputs[0]) != "Any") {
          mark(node);
          define(node.outputs[0], fmt::format("{}.as<{}>(ctx)", value(node.inputs[0]), type_of(node.outputs[0])));
        } else if (from.is(Type::Kind::kNumber) && !type(node.outputs[0]).is(Type::Kind::kNumber)) {
          define(node.outputs[0], fmt::format("{}.{}()", value(node.inputs[0]), number_cast(type(node.outputs[0]))));
        } else if (can_never_be(from, type(node.outputs[0]))) {
          define(node.outputs[0], type_of(node.outputs[0]) + "{}");  // where an isinstance is never true
        } else {
          define(node.outputs[0], value_as(node.inputs[0], type(node.outputs[0])));
        }
        return true;
      }
      case Op::isinstance:
        define(node.outputs[0], type_test(node));
        return true;
      case Op::object_new:
        define(node.outputs[0], fmt::format("{}::make(ctx)", type_of(node.outputs[0])));
        leave_if_failed();
        return true;
      case Op::attr_get:
        if (!is_defined_object(node.inputs[0])) leave_if_failed();
        define(node.outputs[0], fmt::format("{}->{}", value(node.inputs[0]), field_of(node)));
        return true;
      case Op::attr_set:
        out_.line("if (ctx.ok()) {}->{} = {};", value(node.inputs[0]), field_of(node),
                  value_as(node.inputs[1], field_type(node)));
        return true;
      default:
        return false;
    }
  }

  // Whether a value's type rules out the one that a cast says: then an isinstance before it is false.
  bool can_never_be(const Type& from, const Type& to) const {
    if (to.is(Type::Kind::kAny) || to.is(Type::Kind::kUnion) || to.is(Type::Kind::kOptional)) return false;
    if (from.is(Type::Kind::kTuple) && to.is(Type::Kind::kTuple)) return from.elements.size() != to.elements.size();
    return cpp_type(graph_, from) != cpp_type(graph_, to);
  }

  static const char* number_cast(const Type& to) {
    if (to.is(Type::Kind::kInt)) return "to_int";
    if (to.is(Type::Kind::kBool)) return "to_bool";
    return to.is(Type::Kind::kComplex) ? "to_complex" : "to_double";
  }
  static const char* number_kind(const Type& type) {
    if (type.is(Type::Kind::kInt)) return "kInt";
    if (type.is(Type::Kind::kFloat)) return "kFloat";
    if (type.is(Type::Kind::kBool)) return "kBool";
    return type.is(Type::Kind::kComplex) ? "kComplex" : nullptr;
  }

  // Whether a value is of one of the types that the node names: told here, unless the value's type is told at run time.
  std::string type_test(const Node& node) {
    std::string test;
    for (const std::string& text : std::get<std::vector<std::string>>(node.attributes.at("types"))) {
      const std::string part = type_test(node.inputs[0], text);
      if (part == "true") return part;
      if (!part.empty()) test += (test.empty() ? "" : " || ") + part;
    }
    return test.empty() ? "false" : test;
  }
  std::string type_test(ValueId id, const std::string& text) {
    const Type& own = type(id);
    const std::string cpp = type_of(id), name = value(id);
    if (text == "list" || text == "tuple") {
      const Type::Kind kind = text == "list" ? Type::Kind::kList : Type::Kind::kTuple;
      if (cpp == "Any") return fmt::format("{}.is_{}()", name, text);
      if (own.is(Type::Kind::kOptional) && own.elements[0].is(kind)) return name + ".has_value()";
      return own.is(kind) ? "true" : "";
    }
    const std::optional<Type> asked = Type::parse(text);
    TSC_ASSERT(asked.has_value(), "isinstance asks for the type {}", text);
    const std::string wanted = cpp_type(graph_, *asked);
    if (cpp == wanted) return "true";
    if (cpp == "Any") return fmt::format("{}.is<{}>()", name, wanted);
    if (own.is(Type::Kind::kOptional)) {
      if (asked->is(Type::Kind::kNone)) return fmt::format("!{}.has_value()", name);
      return cpp_type(graph_, own.elements[0]) == wanted ? fmt::format("{}.has_value()", name) : "";
    }
    const char* kind = own.is(Type::Kind::kNumber) ? number_kind(*asked) : nullptr;
    return kind ? fmt::format("{}.kind() == Scalar::Kind::{}", name, kind) : "";
  }

  bool emit_effect(const Node& node) {
    if (node.op == Op::state_get) {
      define(node.outputs[0], "self." + model_.state.of(str_attribute(node, "field")));
      return true;
    }
    if (node.op == Op::state_set) {
      const auto field = std::ranges::find(graph_.state, str_attribute(node, "field"), &StateField::name);
      out_.line("if (ctx.ok()) self.{} = {};", model_.state.of(field->name), value_as(node.inputs[0], field->type));
      return true;
    }
    return false;
  }

  // Sizes.

  // From here on the symbols that are sizes of this tensor can be read from it.
  void bind_sizes(ValueId id) {
    const Type& t = type(id);
    if (!t.is_tensor() || !t.tensor.rank_known || !names_.contains(id)) return;
    for (size_t i = 0; i < t.tensor.dims.size(); ++i) {
      if (const auto symbol = t.tensor.dims[i].symbol_name()) {
        symbols_.try_emplace(*symbol, fmt::format("{}.size({})", names_.at(id), i));
      }
    }
  }

  // A quotient and the like stands in the expression where there is one only; else each gets a name before it.
  std::string size(const Dim& dim) {
    int others = 0;
    for (const Dim::Term& term : dim.terms()) {
      for (const auto& atom : term.factors) others += atom->kind != Dim::AtomKind::kSymbol;
    }
    if (others > 1) name_sizes(dim);
    return cpp_dim(dim, [&](const Dim::Atom& atom) { return known_size(atom); });
  }
  // What an atom is called here, "" for what has no name. What is within it gets names, so that nothing is nested.
  std::string known_size(const Dim::Atom& atom) {
    const auto found = symbols_.find(atom.key);
    if (found != symbols_.end()) return found->second;
    TSC_ASSERT(atom.kind != Dim::AtomKind::kSymbol, "size {} is not known here", atom.name);
    for (const Dim& operand : atom.operands) name_sizes(operand);
    return "";
  }
  void name_sizes(const Dim& dim) {
    if (!inputs_checked_) return;
    for (const Dim::Term& term : dim.terms()) {
      for (const auto& atom : term.factors) {
        if (symbols_.contains(atom->key) || !is_total(*atom)) continue;
        for (const Dim& operand : atom->operands) name_sizes(operand);
        const std::string formula = cpp_atom(*atom, [&](const Dim::Atom& inner) { return known_size(inner); });
        const std::string name = locals_.unique(atom_name(*atom, model_.symbols));
        out_.line("const i64 {} = {};", name, formula);
        symbols_[atom->key] = name;
      }
    }
  }

  void emit_symbolic(const Node& node) {
    std::vector<std::string> sizes;
    for (const std::string& text : std::get<std::vector<std::string>>(node.attributes.at("dims"))) {
      sizes.push_back(size(*Dim::parse(text)));
    }
    if (type(node.outputs[0]).is(Type::Kind::kInt)) return define(node.outputs[0], sizes[0]);
    define(node.outputs[0], fmt::format("List<i64>::of(ctx, {})", join(sizes)));
  }

  // Facts about the inputs on which the compiled code rests. Checked before anything else happens.
  void check_constraints() {
    const auto& params = graph_.block(function_.body).params;
    if (model_.functions.contains(function_.name + std::string(passes::kGeneralVersion))) return pass_on_other_inputs();
    bool checked = false;
    for (size_t i = 0; i < params.size(); ++i) checked = check_input(params[i]) || checked;
    for (const Constraint& c : graph_.constraints) {
      if (c.kind != Constraint::Kind::kEqual || &graph_.functions[c.function] != &function_) continue;
      const int index = model_.source_index(c.source);
      if (index != 0) out_.line("ctx.at({});  // {}", index, source_comment(graph_.sources[c.source]));
      out_.line("if ({} != {}) ctx.fail(ErrorKind::kShape, {});", size(c.lhs), size(c.rhs),
                string_literal(escape_format(c.message)));
      checked = true;
      at_ = index;
    }
    if (checked) leave_if_failed();
  }

  // Inputs that are not as the example's types say go to the general version.
  void pass_on_other_inputs() {
    const auto& params = graph_.block(function_.body).params;
    model_.headers.insert("runtime/core/checks.h");
    std::string call = model_.functions.at(function_.name + std::string(passes::kGeneralVersion)) + "(ctx";
    if (uses_state(graph_, function_)) call += ", self";
    for (const ValueId param : params) call += ", " + names_.at(param);
    call += ")";
    const auto pass_on = [&](const std::string& test) { out_.line("if ({}) return {};", test, call); };
    std::vector<std::string> later;  // sizes that are expressions of others, and symbols that occur twice
    for (const ValueId param : params) {
      const TensorType& tensor = type(param).tensor;
      const bool has_dtype = tensor.dtype != DType::kUnknown;
      if (!tensor.rank_known) {
        if (has_dtype) pass_on(fmt::format("{}.dtype() != {}", names_.at(param), dtype_constant(tensor.dtype)));
        continue;
      }
      std::string sizes;
      for (size_t i = 0; i < tensor.dims.size(); ++i) {
        const auto constant = tensor.dims[i].constant();
        sizes += fmt::format("{}{}", i ? ", " : "", constant ? integer_literal(*constant) : "-1");
        const std::string actual = fmt::format("{}.size({})", names_.at(param), i);
        const auto symbol = tensor.dims[i].symbol_name();
        if (constant || (symbol && symbols_.at(*symbol) == actual)) continue;
        later.push_back(fmt::format("{} != {}", actual, size(tensor.dims[i])));
      }
      // A dtype that nobody knows is whichever the input has.
      pass_on(fmt::format("!has_form<{}>({}, {}{})", tensor.dims.size(), names_.at(param),
                          has_dtype ? dtype_constant(tensor.dtype) : names_.at(param) + ".dtype()",
                          tensor.dims.empty() ? "" : ", {" + sizes + "}"));
    }
    for (const std::string& test : later) pass_on(test);
    for (const Constraint& c : graph_.constraints) {
      if (c.kind != Constraint::Kind::kEqual || &graph_.functions[c.function] != &function_) continue;
      pass_on(fmt::format("{} != {}", size(c.lhs), size(c.rhs)));
    }
  }

  static std::string escape_format(const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '%' ? "%%" : std::string(1, c);
    return result;
  }

  // A tensor input has the dtype, rank and constant sizes that its type says.
  bool check_input(ValueId id) {
    const Type& t = type(id);
    if (!t.is_tensor()) return false;
    const TensorType& tensor = t.tensor;
    if (tensor.dtype == DType::kUnknown && !tensor.rank_known) return false;
    model_.headers.insert("runtime/core/checks.h");
    const std::string shown = string_literal(graph_.value(id).name.empty() ? "input" : graph_.value(id).name);
    if (tensor.dtype != DType::kUnknown) {
      out_.line("check_dtype(ctx, {}, {}, {});", names_.at(id), shown, dtype_constant(tensor.dtype));
    }
    if (!tensor.rank_known) return true;
    std::string sizes;
    for (const Dim& dim : tensor.dims) {
      sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", dim.constant() ? integer_literal(*dim.constant()) : "-1");
    }
    out_.line("check_sizes<{}>(ctx, {}, {}{});", tensor.dims.size(), names_.at(id), shown,
              tensor.dims.empty() ? "" : ", {" + sizes + "}");
    leave_if_failed();
    // Sizes that are expressions of others, and symbols that occur twice.
    for (size_t i = 0; i < tensor.dims.size(); ++i) {
      const std::string actual = fmt::format("{}.size({})", names_.at(id), i);
      const auto symbol = tensor.dims[i].symbol_name();
      if (tensor.dims[i].constant() || (symbol && symbols_.at(*symbol) == actual)) continue;
      out_.line("check_size(ctx, {}, {}, {}, {});", actual, shown, i, size(tensor.dims[i]));
    }
    return true;
  }

  // Control flow.

  void emit_control(NodeId id, const Node& node) {
    switch (node.op) {
      case Op::if_:
        return emit_if(node);
      case Op::loop:
        return emit_loop(node);
      case Op::raise:
        return emit_raise(node);
      case Op::uninitialized:
        out_.line("{} {}{{}};", type_of(node.outputs[0]), declare(node.outputs[0]));
        return;
      case Op::call:
        return emit_function_call(node);
      case Op::region:
        return emit_region_call(node);
      default:
        TSC_ASSERT(false, "node {} of op {} has no C++ form", id, op_info(node.op).name);
    }
  }

  // A value for a variable of a wider type: boxes for Any and Union, tuples field by field.
  std::string value_as(ValueId id, const Type& wanted) { return widened(bare(id), type(id), wanted); }
  // An item of a tuple, whose own type may say more than that of the value which it becomes.
  std::string tuple_item(ValueId tuple, size_t index, ValueId item) {
    return widened(fmt::format("{}.get<{}>()", value(tuple), index), type(tuple).elements[index], type(item));
  }

  std::string widened(const std::string& expression, const Type& from, const Type& to) {
    const std::string cpp = cpp_type(graph_, to);
    if (cpp_type(graph_, from) == cpp) return expression;
    if (to.is(Type::Kind::kAny) || to.is(Type::Kind::kUnion)) return fmt::format("Any::make(ctx, {})", expression);
    if (to.is(Type::Kind::kOptional) && from.is(Type::Kind::kNone)) return cpp + "()";
    if (to.is(Type::Kind::kOptional) && !from.is(Type::Kind::kOptional)) {
      return fmt::format("{}({})", cpp, widened(expression, from, to.elements[0]));
    }
    if (!to.is(Type::Kind::kTuple) || !from.is(Type::Kind::kTuple)) return expression;
    std::string fields;
    for (size_t i = 0; i < to.elements.size(); ++i) {
      const std::string field = fmt::format("{}.get<{}>()", expression, i);
      fields += (i ? ", " : "") + widened(field, from.elements[i], to.elements[i]);
    }
    return fmt::format("{}({})", cpp, fields);
  }

  void emit_branch(BlockId block, const std::vector<ValueId>& outputs) {
    const auto symbols = symbols_;
    const int at = at_;
    emit_block(block);
    if (!left_) {
      for (size_t i = 0; i < outputs.size(); ++i) {
        out_.line("{} = {};", names_.at(outputs[i]), value_as(graph_.block(block).results[i], type(outputs[i])));
      }
    }
    symbols_ = symbols;
    at_ = at;
  }

  void emit_if(const Node& node) {
    if (const auto choice = choice_of(node)) return emit_number(node, *choice);
    const Expression condition = expression(node.inputs[0]);
    for (const ValueId output : node.outputs) {
      const std::string cpp = type_of(output);
      out_.line("{} {}{{}};", cpp, declare(output));
    }
    const bool has_else = !graph_.block(node.blocks[1]).nodes.empty() || !node.outputs.empty();
    const bool has_then = !graph_.block(node.blocks[0]).nodes.empty() || !node.outputs.empty();
    if (!has_then && !has_else) return;
    if (!has_then) {
      out_.open("if ({})", negation(condition).text);
      emit_branch(node.blocks[1], node.outputs);
    } else {
      out_.open("if ({})", condition.text);
      emit_branch(node.blocks[0], node.outputs);
      const bool then_left = left_;
      if (has_else) {
        out_.middle("} else {");
        emit_branch(node.blocks[1], node.outputs);
        if (then_left && left_) {
          out_.close();
          return;  // both branches have left the function
        }
      }
    }
    out_.close();
    left_ = false;
    at_ = shown_ = -1;
    for (const ValueId output : node.outputs) bind_sizes(output);
  }

  void emit_loop(const Node& node) {
    const Block& body = graph_.block(node.blocks[0]);
    std::vector<std::string> carried;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId param = body.params[i + 1];
      const std::string cpp = cpp_type(graph_, type(node.outputs[i]));
      carried.push_back(declare(param));
      out_.line("{} {} = {};", cpp, carried.back(), value_as(node.inputs[i + 2], type(node.outputs[i])));
    }
    const Node* range = range_of(node);
    const auto trips = graph_.as_int(node.inputs[0]);
    const bool counted = !(trips && *trips == INT64_MAX);
    const bool always = graph_.as_bool(node.inputs[1]) == true && graph_.as_bool(body.results[0]) == true;
    std::string test = "ctx.ok()";
    std::string go;
    if (!always) {
      go = locals_.unique("go_on");
      out_.line("bool {} = {};", go, bare(node.inputs[1]));
      test = go + " && " + test;
    }
    const auto symbols = symbols_;
    at_ = shown_ = -1;
    if (range != nullptr) {
      const std::string index = index_name(body);
      for (const NodeId id : body.nodes) {
        if (counts_from(graph_.node(id), body.params[0])) names_[graph_.node(id).outputs[0]] = index;
      }
      out_.open("for (i64 {0} = {1}; {0} < {2} && {3}; ++{0})", index, bare(range->inputs[0]), value(range->inputs[1]),
                test);
    } else if (counted || uses_[body.params[0]] > 0) {
      const std::string index = names_[body.params[0]] = index_name(body);
      if (counted) test = fmt::format("{} < {} && {}", index, value(node.inputs[0]), test);
      out_.open("for (i64 {} = 0; {}; ++{})", index, test, index);
    } else {
      out_.open("while ({})", test);
    }
    for (size_t i = 1; i < body.params.size(); ++i) bind_sizes(body.params[i]);
    emit_block(node.blocks[0]);
    if (!left_) emit_loop_tail(body, carried, go);
    out_.close();
    left_ = false;
    at_ = shown_ = -1;
    symbols_ = symbols;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      names_[node.outputs[i]] = carried[i];
      bind_sizes(node.outputs[i]);
    }
  }

  // `for i in range(a, b)`: the loop's trips are a range's length, and its index only serves to count from `a`. The
  // bounds are numbers that stand in a local or are constants, for a loop looks at them each time.
  const Node* range_of(const Node& loop) const {
    const Value& trips = graph_.value(loop.inputs[0]);
    if (trips.def == kNoId || uses_[loop.inputs[0]] != 1) return nullptr;
    const Node& range = graph_.node(trips.def);
    if (range.op != Op::range_length || graph_.as_int(range.inputs[2]) != 1) return nullptr;
    const Block& body = graph_.block(loop.blocks[0]);
    uint32_t counting = 0;
    for (const NodeId id : body.nodes) {
      const Node& node = graph_.node(id);
      const bool counts = counts_from(node, body.params[0]);
      if (counts && node.inputs[1] == range.inputs[0] && graph_.as_int(node.inputs[2]) == 1) ++counting;
    }
    const bool is_range = counting > 0 && counting == uses_[body.params[0]];
    return is_range && !expressions_.contains(range.inputs[1]) ? &range : nullptr;
  }
  bool is_range_of_loop(const Node& node) const {
    const auto use = single_uses_.find(node.outputs[0]);
    if (use == single_uses_.end() || use->second.result) return false;
    const Node& user = graph_.node(use->second.node);
    return user.op == Op::loop && range_of(user) == &node;
  }
  static bool counts_from(const Node& node, ValueId index) {
    return node.op == Op::derive_index && node.inputs[0] == index;
  }

  std::string index_name(const Block& body) {
    std::string name = user_name(body.params[0]);
    for (const NodeId id : body.nodes) {
      if (name.empty() && counts_from(graph_.node(id), body.params[0])) name = user_name(graph_.node(id).outputs[0]);
    }
    return locals_.unique(name.empty() ? "i" : name.substr(0, name.find('.')));
  }

  // All carried values change at once: one that another still needs goes through a local.
  void emit_loop_tail(const Block& body, const std::vector<std::string>& carried, const std::string& go) {
    if (!go.empty()) out_.line("{} = {};", go, bare(body.results[0]));
    std::vector<std::string> next;
    for (size_t i = 0; i < carried.size(); ++i) {
      std::string expression = value_as(body.results[i + 1], type(body.params[i + 1]));
      const bool earlier = std::ranges::any_of(std::span(carried).first(i), [&](const std::string& name) {
        return expression.find(name) != std::string::npos;
      });
      if (earlier) {
        const std::string local = locals_.unique("next_" + carried[i]);
        // Declared before any assignment: `next` holds assignments only.
        out_.line("const {} {} = {};", cpp_type(graph_, type(body.params[i + 1])), local, expression);
        expression = local;
      }
      if (expression != carried[i]) next.push_back(fmt::format("{} = {};", carried[i], expression));
    }
    for (const std::string& line : next) out_.put(line);
  }

  void emit_raise(const Node& node) {
    mark(node);
    const std::string message = value(node.inputs[0]);
    const bool named = node.inputs.size() > 1 && !graph_.is_none(node.inputs[1]);
    model_.headers.insert("runtime/ops/effect.h");
    out_.line("ops::raise(ctx, {}, {});", message, named ? value(node.inputs[1]) : "Str(\"RuntimeError\")");
    out_.line("return {{}};");
    left_ = true;
  }

  void emit_function_call(const Node& node) {
    mark(node);
    const std::string& name = str_attribute(node, "function");
    const auto callee = std::ranges::find(graph_.functions, name, &Function::name);
    std::string call = fmt::format("{}(ctx{}", model_.functions.at(name), uses_state(graph_, *callee) ? ", self" : "");
    for (const ValueId input : node.inputs) call += ", " + value(input);
    assign_results(node, call + ")");
    leave_if_failed();
    at_ = -1;
  }

  // Sizes that must broadcast in a region, checked before anything is written.
  void check_broadcasts(const Node& region) {
    std::set<std::string> seen;
    const std::function<void(const Dim&)> visit = [&](const Dim& dim) {
      for (const Dim::Term& term : dim.terms()) {
        for (const auto& factor : term.factors) {
          for (const Dim& operand : factor->operands) visit(operand);
          if (factor->kind != Dim::AtomKind::kBroadcast || !seen.insert(factor->key).second) continue;
          out_.line("check_broadcast(ctx, {}, {});", size(factor->operands[0]), size(factor->operands[1]));
        }
      }
    };
    for_each_node(graph_, region.blocks[0], [&](NodeId id) {
      const Node& node = graph_.node(id);
      for (const ValueId output : node.outputs) {
        for (const Dim& dim : type(output).tensor.dims) visit(dim);
      }
      if (node.op == Op::select) check_select(node);
      const OpInfo& row = op_info(node.op);
      if (row.op_class == OpClass::kPointwise && row.shape_rule == ShapeRule::kBroadcast) check_operands(node, 0, seen);
      if (node.op == Op::matmul || node.op == Op::bmm) check_operands(node, 2, seen);
      if (node.op == Op::softmax_attention) check_attention(node, seen);
      for (const passes::SizePair& pair : passes::region_requirements(graph_, node)) {
        if (pair.a == pair.b || !seen.insert(pair.a.str() + " = " + pair.b.str()).second) continue;
        out_.line("check_equal(ctx, \"{}\", {}, {});", op_info(node.op).name, size(pair.a), size(pair.b));
      }
    });
  }

  // Operands whose sizes must be those of the result or 1, but the last `others`.
  void check_operands(const Node& node, size_t others, std::set<std::string>& seen) {
    const auto& to = type(node.outputs[0]).tensor.dims;
    for (const ValueId input : node.inputs) {
      if (!type(input).is_tensor()) continue;
      const auto& from = type(input).tensor.dims;
      for (size_t i = 0; i + others < from.size(); ++i) {
        check_stretch(from[i], to[to.size() - from.size() + i], seen);
      }
    }
  }
  void check_stretch(const Dim& from, const Dim& to, std::set<std::string>& seen) {
    if (from == to || from.is_constant(1) || !seen.insert(from.str() + " " + to.str()).second) return;
    out_.line("check_broadcast(ctx, {}, {});", size(from), size(to));
  }

  // The scores that a mask is added to: [batch, heads, queries, keys], and there is a value for each key.
  void check_attention(const Node& node, std::set<std::string>& seen) {
    check_operands(node, 2, seen);
    const Dim &queries = type(node.outputs[0]).tensor.dims[2], &keys = type(node.inputs[2]).tensor.dims[2];
    check_stretch(type(node.inputs[0]).tensor.dims[2], queries, seen);
    check_stretch(type(node.inputs[1]).tensor.dims[2], keys, seen);
    if (!type(node.inputs[3]).is_tensor()) return;
    const auto& mask = type(node.inputs[3]).tensor.dims;
    if (mask.size() > 1) check_stretch(mask[mask.size() - 2], queries, seen);
    if (!mask.empty()) check_stretch(mask.back(), keys, seen);
  }

  // A select whose index may lie outside, since the size is told at run time.
  void check_select(const Node& node) {
    const auto axis = graph_.as_int(node.inputs[1]);
    const auto index = graph_.as_int(node.inputs[2]);
    const auto& dims = type(node.inputs[0]).tensor.dims;
    const Dim& dim = dims[*axis < 0 ? *axis + static_cast<int64_t>(dims.size()) : *axis];
    if (!index || dim.constant()) return;
    const int64_t needed = *index < 0 ? -*index : *index + 1;
    out_.line(
        "if ({} < {}) ctx.fail(ErrorKind::kIndex, \"select(): index {} out of range for a dimension of size %lld\", "
        "static_cast<long long>({}));",
        size(dim), needed, *index, size(dim));
  }

  void emit_region_call(const Node& node) {
    mark(node);
    const RegionCall call = emit_region(
        model_, node, region_name(graph_, function_.body, node, model_.functions.at(function_.name)), regions_);
    model_.headers.insert("runtime/core/checks.h");
    const bool on_device = model_.options.target.device.has_value();  // where elements are is the region's to know
    std::string operands;
    if (!call.sizes.empty()) {
      std::vector<std::string> sizes;
      for (const std::string& symbol : call.symbols) sizes.push_back(size(Dim::symbol(symbol)));
      const std::string name = locals_.unique("sizes");
      out_.line("const {} {}{{{}}};", call.sizes, name, join(sizes));
      operands += ", " + name;
    }
    check_broadcasts(node);
    for (const ValueId input : call.inputs) {
      const std::string dense = locals_.unique(value(input) + "_dense");
      out_.line("const Tensor {} = dense(ctx, {});", dense, value(input));
      operands += on_device ? ", " + dense : fmt::format(", {}.data<const {}>()", dense, cpp_element(type(input).tensor.dtype));
    }
    for (const ValueId output : call.outputs) {
      std::vector<std::string> dims;
      for (const Dim& dim : type(output).tensor.dims) dims.push_back(size(dim));
      const std::string name = declare(output);
      if (!dims.empty()) out_.line("const i64 {}_sizes[] = {{{}}};", name, join(dims));
      out_.line("const Tensor {} = Tensor::empty(ctx, {}, {});", name, dtype_constant(type(output).tensor.dtype),
                dims.empty() ? "Sizes()" : name + "_sizes");
      operands += on_device ? ", " + name : fmt::format(", {}.data<{}>()", name, cpp_element(type(output).tensor.dtype));
    }
    leave_if_failed();
    out_.line("{}(ctx{});", call.function, operands);
    for (const ValueId output : call.outputs) bind_sizes(output);
  }

  ModelContext& model_;
  const Graph& graph_;
  const Function& function_;
  Writer& regions_;
  Writer& out_;
  Names locals_{model_.names};
  ConstantEmitter constants_;
  std::map<ValueId, std::string> names_;
  std::map<std::string, std::string, std::less<>> symbols_;  // atom of sizes, by its key -> C++ expression
  bool inputs_checked_ = false;                              // before, no size is read but to check it
  std::vector<uint32_t> uses_ = graph_.use_counts();
  std::map<ValueId, Expression> expressions_;  // of values that stand where they are used
  std::map<ValueId, Use> single_uses_;
  BlockId block_ = kNoId;  // whose nodes are being written
  int at_ = -1;            // the source that ctx.at() said last
  int shown_ = -1;         // the source that a comment told last
  bool left_ = false;      // the code just written ends with a return
};

}  // namespace

void emit_host(ModelContext& model, Writer& out) {
  for (const Function& function : model.graph.functions)
    model.functions[function.name] = model.names.unique(function.name);
  if (model.options.profile) {
    model.profile_name = model.names.unique("profile");
    model.watch_name = model.names.unique("watch");
  }
  Writer constants, regions, program, declarations;
  for (const Function& function : model.graph.functions) {
    if (!function.is_method) {
      Writer unused;
      HostEmitter emitter(model, function, unused, unused, unused);
      const std::string signature = emitter.signature();
      declarations.line("static {} {};", emitter.result_type(), signature);
    }
  }
  for (const Function& function : model.graph.functions) {
    HostEmitter(model, function, constants, regions, program).run();
  }
  if (!model.graph.state.empty()) emit_initialise(model, constants, program);
  if (!constants.text().empty()) {
    out.blank();
    out.append(constants.text());
  }
  out.blank();
  out.append(regions.text());
  out.blank();
  out.append(declarations.text());
  out.append(program.text());
}

}  // namespace tsc::codegen
