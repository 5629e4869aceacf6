#include "codegen/group_emitter.h"
#include "codegen/layout.h"
#include "codegen/pack.h"
#include "codegen/pack_recurrent.h"
#include "codegen/scratch.h"

namespace tsc::codegen {

namespace {

// Groups on the host's threads: kernels of runtime/kernels/, with packed weights.
class HostGroup : public GroupEmitter {
 public:
  using GroupEmitter::GroupEmitter;

 private:
  std::string_view context() const override { return "Context& ctx"; }
  std::string_view failing() const override { return "ctx"; }
  std::string_view functor_attribute() const override { return ""; }
  void use_kernel(std::string_view name) override { model_.headers.insert(fmt::format("runtime/kernels/{}.h", name)); }
  std::string kernel_name(const Node& node) const override {
    return node.attributes.contains("kernel") ? kernel_of(node).name() : "";
  }
  // Floats of the target's vectors.
  int64_t channel_block() const override { return kernel_target(model_.options.target).lanes(); }

  std::string weights(const std::string& element, size_t offset) const override {
    return element == "float" ? fmt::format("weights({})", offset) : fmt::format("weights<{}>({})", element, offset);
  }

  void call_kernel(const KernelCall& call) override {
    out_.open("ctx.parallel_for({}, {}[&](i64 begin, i64 end)", call.work_items, call.grain > 1 ? fmt::format("{}, ", call.grain) : "");
    out_.line("{}{}({}, begin, end);", call.function, call.arguments, call.operands);
    out_.close(");");
  }

  void call_matmul(const Node& node, const std::string& operands) override {
    emit_ranges("matmul", tile(kernel_of(node)), operands, true);
  }

  void call_embedding(const std::string& table, const std::string& index, int64_t rows) override {
    out_.line("const i64 bad = first_bad_index({}, p.count, {});", index, rows);
    out_.line("if (bad >= 0) ctx.fail(ErrorKind::kIndex, \"embedding(): index %lld at position %lld is out of range, the table has {} rows\",",
              rows);
    out_.line("                       static_cast<long long>({}[bad]), static_cast<long long>(bad));", index);
    out_.open("ctx.parallel_for(p.count, 64, [&](i64 begin, i64 end)");
    out_.line("embedding(p, {}, {}, {}, Identity(), begin, end);", table, index, output_);
    out_.close(");");
  }

  void call_attention(const std::string& operands, const std::optional<int64_t>& value_depth) override {
    out_.line("constexpr int kVectors = {};", value_depth ? fmt::format("tile_vectors({})", *value_depth) : "2");
    emit_ranges("attention", "<kTileRows<kVectors>, kVectors>", operands, true);
  }

  void emit_scan(const Node& node) override {
    model_.headers.insert("runtime/kernels/recurrent.h");
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const int64_t hidden = weight->sizes[1], gates = weight->sizes[0] / hidden, width = channel_block();
    const size_t packed = model_.weights.place(
        weight, fmt::format("recurrent {}", gates), packed_recurrent_size(gates, hidden, width),
        [=](std::span<const float> data) { return pack_recurrent_weight(data, gates, hidden, width); });
    const bool reverse = *graph_.as_bool(node.inputs.back()), is_lstm = node.op == Op::lstm_scan;
    const ValueId input = node.inputs[0], h0 = node.inputs[input_index(node.op, "h0")];
    const auto& strides = address(input).strides;
    const auto out = passes::dense_strides(dims(node.outputs[0]));
    const Dim &output_step = out[out.size() - 3], &output_row = out[out.size() - 2];
    const Dim last = dims(input)[0] - 1;  // a reversed direction begins there and goes back
    const auto step = [&](const Dim& stride) { return size(reverse ? stride * Dim(-1) : stride); };
    const auto begin = [&](const Dim& stride) { return reverse ? " + " + factor(last * stride) : std::string(); };
    open_function();
    out_.line("const Recurrence p{{.steps = {}, .rows = {}, .hidden = {},", size(dims(input)[0]), size(dims(input)[1]), hidden);
    out_.line("                   .gates_step = {}, .gates_row = {}, .output_step = {}, .output_row = {},", step(strides[0]),
              size(strides[1]), step(output_step), size(output_row));
    out_.line("                   .initial_row = {}}};", size(address(h0).strides[0]));
    std::string cell = "TanhCell", fields;
    if (is_lstm) {
      const ValueId c0 = node.inputs[input_index(node.op, "c0")];
      cell = "LstmCell";
      fields = fmt::format(".initial = {}, .initial_row = {}, .plane = {}, .output_step = {}", pointer(c0), size(address(c0).strides[0]),
                           size(out[0]), step(output_step));
    } else if (node.op == Op::gru_scan) {
      cell = "GruCell";
      fields = ".new_bias = " + bias_pointer(node.inputs[2], 1);
    }
    out_.open("recurrent(p, {}{{{}}}, {}{}, {}, {}, {}{}, [&](i64 blocks, const auto& step)", cell, fields, pointer(input),
              begin(strides[0]), weights("float", packed), pointer(h0), output_, begin(output_step));
    out_.line("ctx.parallel_for(blocks, recurrent_grain<{}>(p), step);", cell);
    out_.close(");");
    out_.close();
  }

  std::string tile(const KernelChoice& kernel) {
    model_.headers.insert(kernel.header);
    std::string text;
    for (const int64_t argument : kernel.template_arguments) text += fmt::format("{}{}", text.empty() ? "" : ", ", argument);
    return "<" + text + ">";
  }

  void emit_linear(const Node& node) override {
    const KernelChoice kernel = kernel_of(node);
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const int64_t columns = weight->sizes[0], depth = weight->sizes[1];
    const int64_t width = channel_block();
    const size_t panels = model_.weights.place(
        weight, fmt::format("panels {}", kernel.panel_vectors), packed_panels_size(depth, columns, width, kernel.panel_vectors),
        [=](std::span<const float> data) {
          return pack_panels({data.data(), depth, columns, 1, depth}, width, kernel.panel_vectors);
        });
    const std::string epilogue = emit_epilogue(node);
    const ValueId input = node.inputs[0];
    const Dim rows = rows_of(input);
    open_function();
    const std::string t = tile(kernel);
    out_.line("const Linear p{{.rows = {}, .columns = {}, .depth = {}, .input_row = {}, .output_row = {}}};", size(rows), columns, depth,
              size(*passes::row_stride(graph_, input, address(input))), columns);
    out_.open("ctx.parallel_for(linear_work_items{}(p), [&](i64 begin, i64 end)", t);
    out_.line("linear{}(p, {}, {}, {}, {}, {}, begin, end);", t, pointer(input), weights("float", panels),
              bias_pointer(node.inputs[2], kernel.panel_vectors), output_, epilogue);
    out_.close(");");
    out_.close();
  }

  void emit_conv2d(const Node& node) override {
    const KernelChoice kernel = kernel_of(node);
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const int64_t groups = *graph_.as_int(node.inputs[input_index(node.op, "groups")]);
    const int64_t channels = weight->sizes[1] * groups;
    const auto form = fmt::format("packing {} {}", static_cast<int>(kernel.packing), kernel.panel_vectors);
    const int64_t width = channel_block();
    const ConvWeight shape{.data = {}, .out_channels = weight->sizes[0], .in_channels = channels, .groups = groups,
                           .kernel_height = weight->sizes[2], .kernel_width = weight->sizes[3]};
    const size_t packed = model_.weights.place(weight, form, packed_conv2d_size(kernel.packing, shape, width, kernel.panel_vectors),
                                               [=](std::span<const float> data) {
                                                 ConvWeight filled = shape;
                                                 filled.data = data;
                                                 return pack_conv2d(kernel.packing, filled, width, kernel.panel_vectors);
                                               });
    const std::string bias = conv_bias(node, kernel, groups);
    const std::string epilogue = emit_epilogue(node);
    open_conv2d(node);
    const std::string t = tile(kernel);
    const std::string operands = fmt::format("p, {}, {}, {}, {}, {}", pointer(node.inputs[0]), weights("float", packed), bias, output_, epilogue);
    if (kernel.function == "conv2d_winograd_staged") {
      emit_stages(kernel.function, t, operands);
    } else {
      emit_ranges(kernel.function, t, operands, kernel.function.starts_with("conv2d_plain") || kernel.packing == Packing::kWinograd);
    }
    out_.close();
  }

  // Calls a kernel on ranges of its work items, with scratch memory where it needs some.
  void emit_ranges(const std::string& function, const std::string& t, const std::string& operands, bool scratch) {
    if (scratch) {
      plan_scratch();
      out_.open("ctx.parallel_for_scratch({0}_work_items{1}(p), 1, {0}_scratch_bytes{1}(p), [&](i64 begin, i64 end, void* scratch)", function, t);
      out_.line("{}{}({}, scratch, begin, end);", function, t, operands);
    } else {
      out_.open("ctx.parallel_for({}_work_items{}(p), [&](i64 begin, i64 end)", function, t);
      out_.line("{}{}({}, begin, end);", function, t, operands);
    }
    out_.close(");");
  }

  // Where all memory is planned.
  void plan_scratch() {
    const Target& target = model_.options.target;
    if (!target.is_freestanding) return;
    model_.scratch_bytes = std::max(model_.scratch_bytes, scratch_bytes(target, graph_, graph_.node(anchor_), region_.addresses));
  }

  // The same for a kernel in stages, each of which needs all of the one before; the scratch memory is theirs in common.
  void emit_stages(const std::string& function, const std::string& t, std::string operands) {
    operands.insert(1, ", stage");
    out_.line("const Scratch scratch(ctx, static_cast<size_t>({}_scratch_bytes{}(p)));", function, t);
    out_.open("for (int stage = 0; stage < kWinogradStages && ctx.ok(); ++stage)");
    out_.open("ctx.parallel_for({}_work_items{}(p, stage), [&](i64 begin, i64 end)", function, t);
    out_.line("{}{}({}, scratch.data(), begin, end);", function, t, operands);
    out_.close(");");
    out_.close();
  }

  std::string conv_bias(const Node& node, const KernelChoice& kernel, int64_t groups) {
    const auto bias = graph_.as_tensor(node.inputs[2]);
    if (!bias) return "nullptr";
    if (kernel.packing != Packing::kPlainConv2d) return bias_pointer(node.inputs[2], kernel.panel_vectors);
    const int64_t width = channel_block();
    return weights("float", model_.weights.place(bias, fmt::format("group channels {} {}", groups, kernel.panel_vectors),
                                                 packed_channels_size(bias->element_count(), groups, width, kernel.panel_vectors),
                                                 [=](std::span<const float> values) {
                                                   return pack_group_channels(values, groups, width, kernel.panel_vectors);
                                                 }));
  }

  void emit_reorder(const Node& node) override {
    const bool to_blocked = is_blocked(group_.outputs[0]);
    const ImageSizes image = image_sizes(to_blocked ? group_.outputs[0] : node.inputs[0]);
    model_.headers.insert("runtime/kernels/reorder.h");
    open_function();
    out_.line("const Reorder p{{.batch = {}, .channels = {}, .height = {}, .width = {}, .halo = {}}};", image.batch, image.channels,
              image.height, image.width, image.halo);
    out_.open("ctx.parallel_for(reorder_work_items(p), [&](i64 begin, i64 end)");
    out_.line("{}(p, {}, {}, begin, end);", to_blocked ? "plain_to_blocked" : "blocked_to_plain", pointer(node.inputs[0]), output_);
    out_.close(");");
    out_.close();
  }

  void emit_loops(const std::vector<Dim>& nest, const std::vector<Operand>& operands, const std::string& functor) override {
    model_.headers.insert("runtime/kernels/pointwise.h");
    constexpr int kGrain = 16384;  // elements below which a second thread costs more than it saves
    out_.open("ctx.parallel_for({}, {}, [&](i64 begin, i64 end)", size(product(nest)), kGrain);
    std::string call = fmt::format("pointwise({{{}}}, out({}, {}), {}(), begin, end", sizes(nest), operands[0].pointer,
                                   strides_of(operands[0]), functor);
    for (size_t i = 1; i < operands.size(); ++i) call += fmt::format(", in({}, {})", operands[i].pointer, strides_of(operands[i]));
    out_.line("{});", call);
    out_.close(");");
  }

  size_t place_channels(const std::shared_ptr<const TensorConstant>& tensor, int64_t panel_vectors) override {
    const int64_t width = channel_block();
    return model_.weights.place(tensor, fmt::format("channels {}", panel_vectors),
                                packed_channels_size(tensor->element_count(), 1, width, panel_vectors),
                                [=](std::span<const float> values) { return pack_channels(values, width, panel_vectors); });
  }
};

}  // namespace

GroupFunction emit_group(RegionContext& region, NodeId group, bool sized, Writer& out) {
  return HostGroup(region, group, sized ? "D" : "", out).run();
}

void emit_copy(RegionContext& region, ValueId value, const std::string& destination, Writer& out) {
  const Graph& graph = region.model.graph;
  const auto& dims = graph.value(value).type.tensor.dims;
  const Address& a = region.addresses.at(value);
  const auto text = [&](const Dim& dim) { return region.size(dim); };
  std::string sizes, from, to, count = "1";
  const auto dense = passes::dense_strides(dims);
  for (size_t i = 0; i < dims.size(); ++i) {
    const char* comma = i ? ", " : "";
    sizes += comma + text(dims[i]);
    from += comma + text(a.strides[i]);
    to += comma + text(dense[i]);
  }
  if (dims.empty()) sizes = from = to = "1";
  Dim product(1);
  for (const Dim& dim : dims) product = product * dim;
  std::string source = graph.value(a.root).constant
                           ? fmt::format("weights<{}>({})", cpp_element(graph.value(a.root).type.tensor.dtype),
                                         region.model.weights.place(graph.as_tensor(a.root)))
                           : region.pointers.at(a.root);
  if (!a.offset.is_constant(0)) source += " + (" + text(a.offset) + ")";
  region.model.headers.insert("runtime/kernels/pointwise.h");
  out.line("pointwise({{{}}}, out({}, {{{}}}), Copy(), 0, {}, in({}, {{{}}}));", sizes, destination, to, text(product), source, from);
}

}  // namespace tsc::codegen
