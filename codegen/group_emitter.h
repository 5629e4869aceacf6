// What the emitters of groups have in common, for the host and for devices.
#pragma once

#include <algorithm>
#include <optional>

#include "codegen/emit_group.h"
#include "codegen/emit_pointwise.h"
#include "compiler/ir/assert.h"
#include "passes/cost.h"

namespace tsc::codegen {

using namespace ir;
using passes::Address;
using passes::EpilogueOperand;

// Designated initializers of a kernel's struct, without those that are its defaults.
struct Fields {
  std::string text;

  Fields& add(std::string_view name, const std::string& value) {
    text += fmt::format("{}.{} = {}", text.empty() ? "" : ", ", name, value);
    return *this;
  }
  Fields& add(std::string_view name, int64_t value) { return add(name, fmt::format("{}", value)); }
  Fields& add(std::string_view name, int64_t value, int64_t default_value) {
    return value == default_value ? *this : add(name, value);
  }
};

// A kernel's call on all of its work items, as KernelCall{"softmax", "<Share::kProbability>", "p, x, y, Identity()", ...}.
struct KernelCall {
  std::string function;
  std::string arguments;   // of the template, with brackets
  std::string operands;    // as far as the epilogue
  std::string work_items;  // how many there are
  int grain = 1;           // work items below which a second thread costs more than it saves
};

// Writes the function of one group. What a group computes is the same everywhere: its operands and where they lie, its
// functor, the struct of numbers that its kernel takes. How kernels are called, and which forms of weights they want, is what
// those who derive say.
class GroupEmitter {
 public:
  GroupEmitter(RegionContext& region, NodeId group, const std::string& sizes, Writer& out)
      : region_(region), model_(region.model), graph_(region.model.graph), group_(graph_.node(group)),
        body_(graph_.block(group_.blocks[0])), sized_(!sizes.empty()), sizes_type_(sizes), out_(out) {
    for (const NodeId id : body_.nodes) {
      const OpClass c = op_info(graph_.node(id).op).op_class;
      if (c != OpClass::kPointwise && c != OpClass::kCreation) anchor_ = id;
    }
    name_ = model_.names.unique(str_attribute(group_, "name"));
    function_.function = name_;
    function_.outputs = group_.outputs;
    output_ = region_.pointers.at(group_.outputs[0]);
  }

  virtual ~GroupEmitter() = default;

  GroupFunction run() {
    for (const NodeId id : body_.nodes) collect_inputs(graph_.node(id));
    if (anchor_ == kNoId) {
      emit_pointwise_group();
    } else {
      emit_anchor(graph_.node(anchor_));
    }
    report();
    return function_;
  }

 protected:
  // Calls that the group's kernels need.
  virtual void call_kernel(const KernelCall& call) = 0;
  // The operands are the output and then the inputs, the sizes those of the loop nest.
  struct Operand;
  virtual void emit_loops(const std::vector<Dim>& nest, const std::vector<Operand>& operands, const std::string& functor) = 0;
  virtual void emit_linear(const Node& node) = 0;
  virtual void emit_conv2d(const Node& node) = 0;
  virtual void emit_scan(const Node& node) = 0;
  virtual void emit_reorder(const Node& node) = 0;
  virtual void call_matmul(const Node& node, const std::string& operands) = 0;
  virtual void call_embedding(const std::string& table, const std::string& index, int64_t rows) = 0;
  virtual void call_attention(const std::string& operands, const std::optional<int64_t>& value_depth) = 0;
  // What includes a kernel: "softmax".
  virtual void use_kernel(std::string_view name) = 0;
  // The function's first parameter.
  virtual std::string_view context() const = 0;
  // The context, by way of it.
  virtual std::string_view failing() const = 0;
  // Its name as that of the kernel, for --report.
  virtual std::string kernel_name(const Node& node) const = 0;
  // What stands before the functions of a functor.
  virtual std::string_view functor_attribute() const = 0;
  virtual std::string weights(const std::string& element, size_t offset) const = 0;
  // Channels of a block, in the blocked layout.
  virtual int64_t channel_block() const = 0;
  // One number per channel, as epilogues read it.
  virtual size_t place_channels(const std::shared_ptr<const TensorConstant>& tensor, int64_t panel_vectors) = 0;

  DType dtype(ValueId id) const { return graph_.value(id).type.tensor.dtype; }
  // One of an epilogue's operands as a value.
  std::string load_value(ValueId id, const std::string& place) const {
    return passes::is_half(dtype(id)) ? fmt::format("static_cast<V>(*({}))", place) : fmt::format("load<V>({})", place);
  }
  const std::vector<Dim>& dims(ValueId id) const { return graph_.value(id).type.tensor.dims; }
  const Address& address(ValueId id) const { return region_.addresses.at(id); }
  bool is_inner(ValueId id) const {
    const NodeId def = graph_.value(id).def;
    return def != kNoId && std::ranges::find(body_.nodes, def) != body_.nodes.end();
  }
  std::string size(const Dim& dim) const { return region_.size(dim); }
  std::string sizes(const std::vector<Dim>& list) const {
    std::string text;
    for (const Dim& dim : list) text += (text.empty() ? "" : ", ") + size(dim);
    return text;
  }
  Dim product(const std::vector<Dim>& list) const {
    Dim result(1);
    for (const Dim& dim : list) result = result * dim;
    return result;
  }

  void collect_inputs(const Node& node) {
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.value(input);
      if (value.type.is(Type::Kind::kList) && value.def != kNoId) {
        for (const ValueId element : graph_.node(value.def).inputs) add_input(element);
      } else {
        add_input(input);
      }
    }
  }
  void add_input(ValueId id) {
    if (!graph_.value(id).type.is_tensor() || is_inner(id)) return;
    const ValueId root = address(id).root;
    if (graph_.value(root).constant) return;
    if (std::ranges::find(function_.inputs, root) == function_.inputs.end()) function_.inputs.push_back(root);
  }

  // Where a tensor's element 0 is: "x", "x + 64 * d.x_1", or a place in the weights.
  std::string pointer(ValueId id) {
    const Address& a = address(id);
    std::string text;
    if (const auto tensor = graph_.as_tensor(a.root)) {
      text = weights(cpp_element(tensor->dtype), model_.weights.place(tensor));
    } else {
      text = region_.pointers.at(a.root);
    }
    return a.offset.is_constant(0) ? text : fmt::format("{} + {}", text, factor(a.offset));
  }
  std::string factor(const Dim& dim) const {
    const std::string text = size(dim);
    return text.find(' ') == std::string::npos || text.ends_with(")") ? text : "(" + text + ")";
  }

  // The group's function.

  std::string describe() const {
    std::string ops;
    for (const NodeId id : body_.nodes) ops += (ops.empty() ? "" : " + ") + std::string(op_info(graph_.node(id).op).name);
    return ops;
  }

  void open_function() {
    out_.blank();
    std::string text = fmt::format("{}: {}, {}", str_attribute(group_, "name"), describe(),
                                   shape_comment(graph_, graph_.value(group_.outputs[0]).type));
    for (const std::string& part : {cost(), source_comment(graph_.source(group_))}) text += part.empty() ? "" : "; " + part;
    out_.comment(text);
    if (sized_ && sizes_type_ == "D") out_.line("template <class D>");
    std::string parameters;
    for (const ValueId root : function_.inputs) {
      parameters += fmt::format(", const {}* {}", cpp_element(graph_.value(root).type.tensor.dtype), region_.pointers.at(root));
    }
    for (const ValueId root : function_.outputs) {
      parameters += fmt::format(", {}* {}", cpp_element(graph_.value(root).type.tensor.dtype), region_.pointers.at(root));
    }
    out_.open("static void {}({}{}{})", name_, context(), sized_ ? fmt::format(", [[maybe_unused]] const {}& d", sizes_type_) : "", parameters);
    // Kernels of anchors divide by the sizes of the result.
    const Dim count = product(dims(group_.outputs[0]));
    const bool checks = anchor_ != kNoId && op_info(graph_.node(anchor_).op).op_class != OpClass::kReduction;
    if (!checks || (count.constant() && *count.constant() > 0)) return;
    std::vector<Dim> open;
    for (const Dim& dim : dims(group_.outputs[0])) {
      if (!dim.constant() || dim.is_constant(0)) open.push_back(dim);
    }
    out_.line("if (is_empty({})) return;", sizes(open));
  }

  void report() {
    model_.report.push_back({.method = model_.method, .name = str_attribute(group_, "name"), .kind = str_attribute(group_, "kind"),
                             .ops = describe(), .kernel = anchor_ == kNoId ? "" : kernel_name(graph_.node(anchor_)),
                             .cost = cost(), .source = source_comment(graph_.source(group_)),
                             .reason = str_attribute(group_, "unfused")});
  }
  std::string cost() const { return passes::format_cost(graph_, passes::group_cost(graph_, group_)); }

  // Epilogues.

  // Writes the functor of the pointwise work after the anchor and returns how to make it: "Fc1Epilogue{residual}".
  std::string emit_epilogue(const Node& anchor) {
    if (body_.nodes.size() == 1) return "Identity()";
    if (const std::string clamp = clamp_epilogue(); !clamp.empty()) return clamp;
    use_kernel("math");
    Names locals;
    std::map<ValueId, std::string> expressions;
    std::vector<std::string> fields, initializers, lines;
    expressions[anchor.outputs[0]] = locals.unique("acc");
    bool uses_position = false;
    const auto tensor = [&](ValueId id) -> std::string {
      if (const auto found = expressions.find(id); found != expressions.end()) return found->second;
      // Named by their role, so that groups whose operands differ in name only share a functor.
      std::string field, load;
      switch (passes::classify_epilogue_operand(graph_, anchor, region_.addresses, id)) {
        case EpilogueOperand::kSame:
          field = locals.unique("other");
          load = load_value(id, field + " + at.offset");
          uses_position = true;
          break;
        case EpilogueOperand::kChannel:
          field = locals.unique("per_channel");
          load = load_value(id, field + " + at.channel");
          uses_position = true;
          break;
        case EpilogueOperand::kScalar:
          field = locals.unique("number");
          load = passes::is_half(dtype(id)) ? load_value(id, field) : fmt::format("splat<V>(*{})", field);
          break;
        case EpilogueOperand::kNone:
          TSC_ASSERT(false, "group {} reads an operand that its epilogue can't", name_);
      }
      fields.push_back(fmt::format("const {}* {};", cpp_element(dtype(id)), field));
      initializers.push_back(epilogue_pointer(id, anchor));
      return expressions[id] = load;
    };
    std::string result;
    for (const NodeId id : body_.nodes) {
      if (id == anchor_) continue;
      const Node& node = graph_.node(id);
      std::string expression = pointwise_expression(graph_, node, {tensor, "V"});
      if (id == body_.nodes.back()) {
        result = expression;
        break;
      }
      const std::string local = locals.unique(std::string(op_info(node.op).name));
      lines.push_back(fmt::format("const V {} = {};", local, expression));
      expressions[node.outputs[0]] = local;
    }
    Writer body;
    body.open("struct");
    for (const std::string& field : fields) body.put(field);
    if (!fields.empty()) body.blank();
    body.line("template <class V>");
    body.open("{}V operator()(V acc, Position{}) const", functor_attribute(), uses_position ? " at" : "");
    for (const std::string& line : lines) body.put(line);
    body.line("return {};", result);
    body.close();
    body.close(";");
    const std::string type = shared_functor(body.text(), "Epilogue");
    std::string list;
    for (const std::string& initializer : initializers) list += (list.empty() ? "" : ", ") + initializer;
    return fmt::format("{}{{{}}}", type, list);
  }

  // The type of a functor, whose text is "struct {...": the one that has been written before, or a new one, named after
  // what it computes.
  std::string shared_functor(std::string text, const std::string& suffix) {
    const auto [found, inserted] = model_.functors.try_emplace(text, "");
    if (inserted) {
      constexpr size_t kMostOps = 4;  // in a name
      std::string wish;
      for (const NodeId id : body_.nodes) {
        if (id != anchor_) wish += camel_case(op_info(graph_.node(id).op).name);
      }
      const size_t ops = body_.nodes.size() - (anchor_ == kNoId ? 0 : 1);
      found->second = model_.names.unique((ops > kMostOps ? camel_case(name_) : wish) + suffix);
      out_.blank();
      out_.append(text.insert(std::string_view("struct").size(), " " + found->second));
    }
    return found->second;
  }

  // Kernels clamp in registers: relu and its bounded kin alone need no functor of their own.
  std::string clamp_epilogue() const {
    if (body_.nodes.size() != 2) return "";
    const Node& node = graph_.node(body_.nodes[1]);
    if (node.op == Op::relu) return "Clamp{0.0f, kInfinity}";
    if (node.op == Op::relu6) return "Clamp{0.0f, 6.0f}";
    if (node.op != Op::hardtanh) return "";
    const auto low = graph_.as_double(node.inputs[1]), high = graph_.as_double(node.inputs[2]);
    if (!low || !high || *low > *high) return "";
    return fmt::format("Clamp{{{}, {}}}", float_literal(*low, false), float_literal(*high, false));
  }

  // A constant with one number per channel is padded, since kernels read whole vectors of it.
  std::string epilogue_pointer(ValueId id, const Node& anchor) {
    const auto tensor = graph_.as_tensor(id);
    const bool channel = passes::classify_epilogue_operand(graph_, anchor, region_.addresses, id) == EpilogueOperand::kChannel;
    if (!tensor || !channel) return pointer(id);
    return weights(cpp_element(tensor->dtype), place_channels(tensor, 4));
  }
  std::string bias_pointer(ValueId bias, int64_t panel_vectors) {
    if (graph_.is_none(bias)) return "nullptr";
    const auto tensor = graph_.as_tensor(bias);  // whose dtype is known where the value's type may not be
    return weights(cpp_element(tensor->dtype), place_channels(tensor, panel_vectors));
  }

  // Anchors.

  void emit_anchor(const Node& anchor) {
    switch (anchor.op) {
      case Op::linear:
        return emit_linear(anchor);
      case Op::matmul: case Op::bmm: case Op::mm:
        return emit_matmul(anchor);
      case Op::conv2d:
        return emit_conv2d(anchor);
      case Op::max_pool2d: case Op::avg_pool2d: case Op::adaptive_avg_pool2d:
        return emit_pool(anchor);
      case Op::reorder:
        return emit_reorder(anchor);
      case Op::softmax: case Op::log_softmax:
        return emit_softmax(anchor);
      case Op::layer_norm:
        return emit_layer_norm(anchor);
      case Op::scaled_dot_product_attention: case Op::softmax_attention:
        return emit_attention(anchor);
      case Op::lstm_scan: case Op::gru_scan: case Op::rnn_tanh_scan:
        return emit_scan(anchor);
      case Op::embedding:
        return emit_embedding(anchor);
      case Op::cat:
        return emit_cat(anchor);
      case Op::sum: case Op::mean: case Op::amax: case Op::amin:
        return emit_reduction(anchor);
      default:
        TSC_ASSERT(false, "anchor {} has no emitter", op_info(anchor.op).name);
    }
  }

  void emit_matmul(const Node& node) {
    use_kernel("gemm");
    const std::string epilogue = emit_epilogue(node);
    const auto& a = dims(node.inputs[0]);
    const auto& b = dims(node.inputs[1]);
    const auto& out = dims(node.outputs[0]);
    const auto& a_strides = address(node.inputs[0]).strides;
    const auto& b_strides = address(node.inputs[1]).strides;
    const auto out_strides = passes::dense_strides(out);
    const size_t rank = out.size();
    // Batch dims outer and inner, 1 where there is none; an operand without the dim or of size 1 there is broadcast.
    const auto batch_stride = [&](const std::vector<Dim>& shape, const std::vector<Dim>& strides, size_t from_end) -> std::string {
      if (shape.size() < from_end || shape[shape.size() - from_end].is_constant(1)) return "0";
      const Dim& own = shape[shape.size() - from_end];
      const std::string stride = size(strides[strides.size() - from_end]);
      return own == out[rank - from_end] ? stride : fmt::format("{} == 1 ? 0 : {}", size(own), stride);
    };
    const auto batch = [&](size_t from_end) { return rank >= from_end ? out[rank - from_end] : Dim(1); };
    open_function();
    out_.line("const Matmul p{{");
    out_.line("    .rows = {}, .columns = {}, .depth = {},", size(a[a.size() - 2]), size(b.back()), size(a.back()));
    out_.line("    .a_row = {}, .a_depth = {}, .b_depth = {}, .b_column = {}, .output_row = {},", size(a_strides[a.size() - 2]),
              size(a_strides.back()), size(b_strides[b.size() - 2]), size(b_strides.back()), size(out_strides[rank - 2]));
    out_.line("    .batch = {{{}, {}}},", size(batch(4)), size(batch(3)));
    out_.line("    .a_batch = {{{}, {}}},", batch_stride(a, a_strides, 4), batch_stride(a, a_strides, 3));
    out_.line("    .b_batch = {{{}, {}}},", batch_stride(b, b_strides, 4), batch_stride(b, b_strides, 3));
    out_.line("    .output_batch = {{{}, {}}}}};", batch_stride(out, out_strides, 4), batch_stride(out, out_strides, 3));
    call_matmul(node, fmt::format("p, {}, {}, {}, {}", pointer(node.inputs[0]), pointer(node.inputs[1]), output_, epilogue));
    out_.close();
  }

  // Rows.

  // The product of all dims but the last.
  Dim rows_of(ValueId id) const {
    Dim rows(1);
    for (size_t i = 0; i + 1 < dims(id).size(); ++i) rows = rows * dims(id)[i];
    return rows;
  }

  void emit_softmax(const Node& node) {
    use_kernel("softmax");
    const ValueId input = node.inputs[0];
    open_function();
    out_.line("const Reduction p = Reduction::dense({}, {}, 1);", size(rows_of(input)), size(dims(input).back()));
    call_kernel({.function = "softmax",
                 .arguments = node.op == Op::softmax ? "<Share::kProbability>" : "<Share::kLogProbability>",
                 .operands = fmt::format("p, {}, {}, Identity()", pointer(input), output_),
                 .work_items = "reduce_work_items(p)",
                 .grain = 16});
    out_.close();
  }

  void emit_layer_norm(const Node& node) {
    use_kernel("layer_norm");
    const std::string epilogue = emit_epilogue(node);
    const ValueId input = node.inputs[0];
    const auto scale = [&](const char* name) {
      const ValueId id = node.inputs[input_index(Op::layer_norm, name)];
      const std::string element = cpp_element(dtype(input));
      const std::string none = fmt::format("static_cast<const {}*>(nullptr)", element);
      return graph_.is_none(id) ? none : weights(element, model_.weights.place(graph_.as_tensor(id)));
    };
    open_function();
    const std::string columns = size(dims(input).back());
    out_.line("const RowNorm p{{.rows = {}, .columns = {}, .input_row = {}, .epsilon = {}}};", size(rows_of(input)), columns, columns,
              float_literal(*graph_.as_double(node.inputs[4]), true));
    call_kernel({.function = "layer_norm",
                 .arguments = "",
                 .operands = fmt::format("p, Identity(), {}, {}, {}, {}, {}", pointer(input), scale("weight"), scale("bias"),
                                         output_, epilogue),
                 .work_items = "p.rows",
                 .grain = 8});
    out_.close();
  }

  void emit_reduction(const Node& node) {
    use_kernel("reduce");
    const ValueId input = node.inputs[0];
    const auto rank = static_cast<int64_t>(dims(input).size());
    int64_t first = rank, last = 0;
    const std::vector<int64_t> reduced = *graph_.as_ints(node.inputs[input_index(node.op, "dim")]);
    for (const int64_t dim : reduced) {
      first = std::min(first, dim < 0 ? dim + rank : dim);
      last = std::max(last, dim < 0 ? dim + rank : dim);
    }
    Dim parts[3] = {Dim(1), Dim(1), Dim(1)};  // outer, reduced, inner
    for (int64_t i = 0; i < rank; ++i) {
      Dim& part = parts[i < first ? 0 : i <= last ? 1 : 2];
      part = part * dims(input)[i];
    }
    const char* kernel = node.op == Op::sum ? "Sum" : node.op == Op::mean ? "Mean" : node.op == Op::amax ? "Max" : "Min";
    open_function();
    out_.line("const Reduction p = Reduction::dense({}, {}, {});", size(parts[0]), size(parts[1]), size(parts[2]));
    if ((node.op == Op::amax || node.op == Op::amin) && !(parts[1].constant() && *parts[1].constant() > 0)) {
      out_.line("if (p.reduced == 0) {}.fail(ErrorKind::kIndex, \"{}(): Expected reduction dim to have non-zero size\");", failing(), op_info(node.op).name);
    }
    call_kernel({.function = "reduce",
                 .arguments = "",
                 .operands = fmt::format("p, {}{{}}, {}, {}, Identity()", kernel, pointer(input), output_),
                 .work_items = "reduce_work_items(p)",
                 .grain = 16});
    out_.close();
  }

  void emit_embedding(const Node& node) {
    use_kernel("embedding");
    const auto table = graph_.as_tensor(node.inputs[0]);
    const ValueId index = node.inputs[1];
    open_function();
    out_.line("const Embedding p{{.count = {}, .columns = {}, .table_row = {}}};", size(product(dims(index))), table->sizes[1], table->sizes[1]);
    call_embedding(pointer(node.inputs[0]), pointer(index), table->sizes[0]);
    out_.close();
  }

  // One copy per operand, into its part of the output.
  void emit_cat(const Node& node) {
    use_kernel("pointwise");
    const auto& parts = graph_.node(graph_.value(node.inputs[0]).def).inputs;
    const ValueId result = group_.outputs[0];
    const auto rank = static_cast<int64_t>(dims(result).size());
    const int64_t given = *graph_.as_int(node.inputs[1]);
    const int64_t axis = given < 0 ? given + rank : given;
    const std::vector<Dim> dense = passes::dense_strides(dims(result));
    Dim at(0);
    open_function();
    for (const ValueId part : parts) {
      const Dim offset = at * dense[axis];
      Operand to{cpp_element(graph_.value(result).type.tensor.dtype), offset.is_constant(0) ? output_ : fmt::format("{} + {}", output_, factor(offset)),
                 dense, std::vector<std::string>(dims(part).size())};
      Operand from = plain_operand(part, dims(part));
      std::vector<Dim> nest = dims(part);
      std::vector<Operand*> all{&to, &from};
      collapse(nest, all);
      emit_loops(nest, {to, from}, "Copy");
      at = at + dims(part)[axis];
    }
    out_.close();
  }

  void emit_attention(const Node& node) {
    use_kernel("attention");
    const auto input = [&](const char* name) { return node.inputs[input_index(node.op, name)]; };
    const bool plain_softmax = node.op == Op::softmax_attention;
    const ValueId q = input("query"), k = input("key"), v = input("value"), mask = input(plain_softmax ? "mask" : "attn_mask");
    const auto out = passes::dense_strides(dims(node.outputs[0]));
    open_function();
    const bool causal = !plain_softmax && *graph_.as_bool(input("is_causal"));
    const auto scale = graph_.as_double(input("scale"));
    const Dim depth = dims(q)[3];
    std::vector<Dim> scores = dims(node.outputs[0]);  // sizes of [batch, heads, queries, keys]
    scores[3] = dims(v)[2];
    out_.line("const Attention p{{");
    out_.line("    .batch = {}, .heads = {}, .queries = {}, .keys = {}, .depth = {}, .value_depth = {},", size(scores[0]),
              size(scores[1]), size(scores[2]), size(scores[3]), size(depth), size(dims(v)[3]));
    // A size of 1 is stretched to the one that is wanted; which is the case may be told at run time.
    const auto step = [&](ValueId id, size_t axis, const Dim& wanted) -> std::string {
      const Dim& from = dims(id)[axis];
      const std::string stride = size(address(id).strides[axis]);
      if (from.is_constant(1)) return "0";
      return from == wanted ? stride : fmt::format("({} == 1 ? 0 : {})", size(from), stride);
    };
    const auto place = [&](const char* name, ValueId id, const Dim& rows) {
      out_.line("    .{0}_batch = {1}, .{0}_head = {2}, .{0}_row = {3},", name, step(id, 0, scores[0]), step(id, 1, scores[1]), step(id, 2, rows));
    };
    place("query", q, scores[2]);
    place("key", k, scores[3]);
    place("value", v, scores[3]);
    out_.line("    .output_batch = {}, .output_head = {}, .output_row = {},", size(out[0]), size(out[1]), size(out[2]));
    std::string mask_pointer = "NoMask{}";
    if (!graph_.is_none(mask)) {
      mask_pointer = pointer(mask);
      std::vector<std::string> steps(4, "0");
      const size_t lead = 4 - dims(mask).size();
      for (size_t i = 0; i < dims(mask).size(); ++i) steps[lead + i] = step(mask, i, scores[lead + i]);
      out_.line("    .mask_batch = {}, .mask_head = {}, .mask_query = {}, .mask_key = {},", steps[0], steps[1], steps[2], steps[3]);
    }
    const std::string factor_text = scale ? float_literal(*scale, false) : fmt::format("1.0f / __builtin_sqrtf(static_cast<float>({}))", size(depth));
    out_.line("    .scale = {}, .visibility = Visibility::{}, .unseeing = Unseeing::{}}};", factor_text, causal ? "kCausal" : "kAllKeys",
              plain_softmax ? "kNaN" : "kZero");
    call_attention(fmt::format("p, {}, {}, {}, {}, {}, Identity()", pointer(q), pointer(k), pointer(v), mask_pointer, output_),
                   dims(v)[3].constant());
    out_.close();
  }

  // Pointwise groups.

  // One operand of the loop nest, as the C++ of its pointer and of its stride along each of the output's dims.
  struct Operand {
    std::string element;
    std::string pointer;
    std::vector<Dim> strides;
    std::vector<std::string> stretched;  // per dim: the size that may be 1 at run time and then broadcasts, or ""
  };

  // A tensor in the plain layout, its dims aligned with the last of the output's.
  Operand plain_operand(ValueId id, const std::vector<Dim>& to) {
    const auto& from = dims(id);
    const Address& a = address(id);
    Operand operand{cpp_element(graph_.value(id).type.tensor.dtype), pointer(id), std::vector<Dim>(to.size(), Dim(0)),
                    std::vector<std::string>(to.size())};
    const size_t lead = to.size() - from.size();
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i].is_constant(1) && !to[lead + i].is_constant(1)) continue;
      operand.strides[lead + i] = a.strides[i];
      if (!(from[i] == to[lead + i])) operand.stretched[lead + i] = size(from[i]);
    }
    return operand;
  }

  // The loop nest of a blocked image, over [N][C / block][H][W][block]: the interior, without the halo.
  static std::vector<Dim> blocked_sizes(const TensorType& type) {
    const Dim block(type.layout.block);
    return {type.dims[0], floor_div(type.dims[1] + block - Dim(1), block), type.dims[2], type.dims[3], block};
  }
  Operand blocked_operand(ValueId id) {
    const TensorType& type = graph_.value(id).type.tensor;
    if (type.layout.kind == Layout::Kind::kPlain) return channel_operand(id, type);
    const Dim block(type.layout.block), halo(type.layout.halo);
    const Dim row = (type.dims[3] + halo * Dim(2)) * block;
    const Dim plane = (type.dims[2] + halo * Dim(2)) * row;
    const Dim image = floor_div(type.dims[1] + block - Dim(1), block) * plane;
    const Dim first = halo * row + halo * block;
    std::string text = region_.pointers.at(address(id).root);
    if (!first.is_constant(0)) text = fmt::format("{} + {}", text, factor(first));
    return {"float", text, {image, plane, row, block, Dim(1)}, std::vector<std::string>(5)};
  }
  // One number per channel, or one for all.
  Operand channel_operand(ValueId id, const TensorType& type) {
    Operand operand{"float", pointer(id), std::vector<Dim>(5, Dim(0)), std::vector<std::string>(5)};
    if (product(type.dims).is_constant(1)) return operand;
    const auto tensor = graph_.as_tensor(id);
    TSC_ASSERT(tensor != nullptr, "group {} reads a plain tensor beside blocked images", name_);
    operand.pointer = weights("float", place_channels(tensor, 1));
    operand.strides[1] = Dim(channel_block());
    operand.strides[4] = Dim(1);
    return operand;
  }

  // Merges dims that all operands walk as one, and drops those of size 1.
  static void collapse(std::vector<Dim>& sizes, std::vector<Operand*>& operands) {
    const auto erase = [&](size_t i) {
      sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(i));
      for (Operand* o : operands) {
        o->strides.erase(o->strides.begin() + static_cast<std::ptrdiff_t>(i));
        o->stretched.erase(o->stretched.begin() + static_cast<std::ptrdiff_t>(i));
      }
    };
    for (size_t i = sizes.size(); i-- > 0;) {
      if (sizes[i].is_constant(1) && sizes.size() > 1) erase(i);
    }
    for (size_t i = sizes.empty() ? 0 : sizes.size() - 1; i-- > 0;) {
      const bool merges = std::ranges::all_of(operands, [&](const Operand* o) {
        return o->stretched[i].empty() && o->stretched[i + 1].empty() && o->strides[i] == o->strides[i + 1] * sizes[i + 1];
      });
      if (!merges) continue;
      sizes[i] = sizes[i] * sizes[i + 1];
      for (Operand* o : operands) o->strides[i] = o->strides[i + 1];
      erase(i + 1);
    }
    if (!sizes.empty()) return;
    sizes.push_back(Dim(1));
    for (Operand* o : operands) {
      o->strides.push_back(Dim(1));
      o->stretched.emplace_back();
    }
  }

  std::string strides_of(const Operand& operand) const {
    std::string text;
    for (size_t i = 0; i < operand.strides.size(); ++i) {
      const std::string stride = size(operand.strides[i]);
      text += fmt::format("{}{}", text.empty() ? "" : ", ",
                          operand.stretched[i].empty() ? stride : fmt::format("{} == 1 ? 0 : {}", operand.stretched[i], stride));
    }
    return "{" + text + "}";
  }

  void emit_pointwise_group() {
    std::vector<ValueId> inputs;
    for (const NodeId id : body_.nodes) {
      for (const ValueId input : graph_.node(id).inputs) {
        if (!graph_.value(input).type.is_tensor() || is_inner(input)) continue;
        if (std::ranges::find(inputs, input) == inputs.end()) inputs.push_back(input);
      }
    }
    const ValueId result = group_.outputs[0];
    const std::string functor = emit_functor(inputs);
    const TensorType& type = graph_.value(result).type.tensor;
    const bool blocked = type.layout.kind == Layout::Kind::kBlocked;
    std::vector<Dim> nest = blocked ? blocked_sizes(type) : type.dims;
    std::vector<Operand> operands{blocked ? blocked_operand(result) : plain_operand(result, type.dims)};
    operands[0].pointer = operands[0].pointer.empty() ? output_ : operands[0].pointer;
    for (const ValueId input : inputs) operands.push_back(blocked ? blocked_operand(input) : plain_operand(input, type.dims));
    std::vector<Operand*> all;
    for (Operand& o : operands) all.push_back(&o);
    collapse(nest, all);
    open_function();
    emit_loops(nest, operands, functor);
    if (blocked) {
      const ImageSizes image = image_sizes(result);
      use_kernel("blocked");
      out_.line("zero_borders({}, {}, {}, {}, {}, {});", output_, image.batch, image.channels, image.height, image.width, image.halo);
    }
    out_.close();
  }

  // The functor of a pointwise group; one generic type when all values are float, explicit ones otherwise.
  std::string emit_functor(const std::vector<ValueId>& inputs) {
    bool uniform = !inputs.empty();
    const auto check = [&](ValueId id) { uniform = uniform && graph_.value(id).type.tensor.dtype == DType::kFloat32; };
    std::ranges::for_each(inputs, check);
    for (const NodeId id : body_.nodes) check(graph_.node(id).outputs[0]);
    const auto value_type = [&](ValueId id) {
      return uniform ? std::string("V") : fmt::format("Vec<{}, kLanes>", cpp_value(dtype(id)));
    };
    Names locals;
    std::map<ValueId, std::string> names;
    std::string parameters;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ValueId input = inputs[i];
      // Named by their place, so that groups whose operands differ in name only share a functor.
      names[input] = inputs.size() == 1 ? "x" : i < 3 ? std::string(1, static_cast<char>('a' + i)) : fmt::format("x{}", i);
      locals.unique(names[input]);
      parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ", value_type(input), names[input]);
    }
    const PointwiseOperands operands{[&](ValueId id) { return names.at(id); }, uniform ? "V" : "Vec<float, kLanes>"};
    Writer body;
    body.open("struct");
    if (uniform) body.line("template <class V>");
    body.open("{}{} operator()({}) const", functor_attribute(), value_type(group_.outputs[0]), parameters);
    for (const NodeId id : body_.nodes) {
      const Node& node = graph_.node(id);
      const std::string expression = node.op == Op::zeros || node.op == Op::ones
                                         ? fmt::format("splat<{}>({})", value_type(node.outputs[0]), node.op == Op::ones ? 1 : 0)
                                         : pointwise_expression(graph_, node, operands);
      if (id == body_.nodes.back()) {
        if (uniform && inputs.size() == 1 && expression == names[inputs[0]]) return "Copy";
        body.line("return {};", expression);
      } else {
        names[node.outputs[0]] = locals.unique(std::string(op_info(node.op).name));
        body.line("const {} {} = {};", value_type(node.outputs[0]), names[node.outputs[0]], expression);
      }
    }
    body.close();
    body.close(";");
    return shared_functor(body.text(), "Functor");
  }

  // Images.

  // "batch, channels, height, width" of an image.
  struct ImageSizes {
    std::string batch, channels, height, width;
    int64_t halo;
  };
  ImageSizes image_sizes(ValueId id) const {
    const TensorType& type = graph_.value(id).type.tensor;
    return {size(type.dims[0]), size(type.dims[1]), size(type.dims[2]), size(type.dims[3]),
            type.layout.kind == Layout::Kind::kBlocked ? type.layout.halo : 0};
  }
  bool is_blocked(ValueId id) const { return graph_.value(id).type.tensor.layout.kind == Layout::Kind::kBlocked; }

  std::vector<int64_t> pair_operand(const Node& node, std::string_view name) const {
    std::vector<int64_t> values = *graph_.as_ints(node.inputs[input_index(node.op, name)]);
    if (values.size() == 1) values.push_back(values[0]);
    return values;
  }

  // The function's head, and the numbers of a convolution as `p`.
  void open_conv2d(const Node& node) {
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const int64_t groups = *graph_.as_int(node.inputs[input_index(node.op, "groups")]);
    const int64_t channels = weight->sizes[1] * groups;
    const auto stride = pair_operand(node, "stride"), pad = pair_operand(node, "padding"), dilation = pair_operand(node, "dilation");
    const ImageSizes in = image_sizes(node.inputs[0]), out = image_sizes(group_.outputs[0]);
    open_function();
    Fields fields;
    fields.add("batch", in.batch);
    fields.add("in_channels", channels).add("in_height", in.height).add("in_width", in.width).add("in_halo", in.halo, 0);
    fields.add("out_channels", weight->sizes[0]).add("out_height", out.height).add("out_width", out.width).add("out_halo", out.halo, 0);
    fields.add("kernel_height", weight->sizes[2], 1).add("kernel_width", weight->sizes[3], 1);
    fields.add("stride_height", stride[0], 1).add("stride_width", stride[1], 1);
    fields.add("pad_height", pad[0], 0).add("pad_width", pad[1], 0);
    fields.add("dilation_height", dilation[0], 1).add("dilation_width", dilation[1], 1).add("groups", groups, 1);
    out_.line("const Conv2d p{{{}}};", fields.text);
  }

  void emit_pool(const Node& node) {
    const bool adaptive = node.op == Op::adaptive_avg_pool2d;
    const ImageSizes in = image_sizes(node.inputs[0]), out = image_sizes(group_.outputs[0]);
    use_kernel("pool");
    open_function();
    Fields fields;
    fields.add("batch", in.batch).add("channels", in.channels);
    fields.add("in_height", in.height).add("in_width", in.width).add("in_halo", in.halo, 0);
    fields.add("out_height", out.height).add("out_width", out.width).add("out_halo", out.halo, 0);
    if (!adaptive) {
      const auto kernel = pair_operand(node, "kernel_size"), pad = pair_operand(node, "padding");
      auto stride = *graph_.as_ints(node.inputs[input_index(node.op, "stride")]);
      if (stride.empty()) stride = kernel;
      if (stride.size() == 1) stride.push_back(stride[0]);
      fields.add("kernel_height", kernel[0], 1).add("kernel_width", kernel[1], 1);
      fields.add("stride_height", stride[0], 1).add("stride_width", stride[1], 1);
      fields.add("pad_height", pad[0], 0).add("pad_width", pad[1], 0);
      add_pool_details(node, fields);
    }
    out_.line("const Pool2d p{{{}}};", fields.text);
    const char* layout = is_blocked(node.inputs[0]) ? "blocked" : "plain";
    call_kernel({.function = fmt::format("{}_{}", op_info(node.op).name, layout),
                 .arguments = "",
                 .operands = fmt::format("p, {}, {}", pointer(node.inputs[0]), output_),
                 .work_items = fmt::format("pool2d_{}_work_items(p)", layout)});
    out_.close();
  }

  void add_pool_details(const Node& node, Fields& fields) const {
    if (node.op == Op::max_pool2d) {
      const auto dilation = pair_operand(node, "dilation");
      fields.add("dilation_height", dilation[0], 1).add("dilation_width", dilation[1], 1);
      return;
    }
    if (graph_.as_bool(node.inputs[input_index(node.op, "count_include_pad")]) == false) fields.add("pad_count", "PadCount::kExcluded");
    if (const auto divisor = graph_.as_int(node.inputs[input_index(node.op, "divisor_override")])) fields.add("divisor", *divisor);
  }

  RegionContext& region_;
  ModelContext& model_;
  const Graph& graph_;
  const Node& group_;
  const Block& body_;
  bool sized_;
  std::string sizes_type_;  // "D" for a parameter of a template
  Writer& out_;
  NodeId anchor_ = kNoId;
  std::string name_;
  std::string output_;
  GroupFunction function_;
};

}  // namespace tsc::codegen
